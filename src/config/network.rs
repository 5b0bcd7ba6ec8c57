//! Networks, as people write them: `10.0.0.0/8`, or a single address.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Deserializer, de};

/// A network: an address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Without what lies behind the prefix.
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// From its text. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no network: write e.g. \"10.0.0.0/8\", \"10.1.2.3\" or \"2001:db8::/32\"");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), str::parse::<u32>).map_err(|_| wrong())?;
        if prefix > most {
            return Err(wrong());
        }
        if prefix == 0 {
            return Err(format!("`{text}` is every address there is: anybody could say to be anybody"));
        }
        Ok(Self { address: masked(address, prefix), prefix })
    }

    /// Whether an address is in it. An IPv4 address that is written as one of IPv6 is that IPv4 address.
    pub fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
    }
}

/// An address with its first `prefix` bits, of which there is at least one.
fn masked(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or_default();
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix)).unwrap_or_default();
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Network {
    fn schema_name() -> Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["10.0.0.0/8", "10.1.2.3", "2001:db8::/32"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_that_begin_as_it_does() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", &["10.0.0.0", "10.255.1.2", "::ffff:10.1.2.3"][..], &["11.0.0.0", "::10.0.0.1"][..]),
            ("10.9.9.9/8", &["10.1.2.3"], &["9.9.9.9"]),
            ("192.168.4.0/23", &["192.168.5.255"], &["192.168.6.0"]),
            ("10.1.2.3", &["10.1.2.3"], &["10.1.2.4"]),
            ("2001:db8::/32", &["2001:db8:ffff::1"], &["2001:db9::", "10.0.0.1"]),
            ("::1", &["::1"], &["::2", "127.0.0.1"]),
        ] {
            let parsed = Network::parse(network).unwrap();
            assert!(inside.iter().all(|address| parsed.holds(address.parse().unwrap())), "{network}");
            assert!(!outside.iter().any(|address| parsed.holds(address.parse().unwrap())), "{network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "proxy.example", "::/129", "::/x"] {
            assert!(Network::parse(text).unwrap_err().contains("is no network"), "{text}");
        }
        for text in ["0.0.0.0/0", "::/0"] {
            assert!(Network::parse(text).unwrap_err().contains("every address"), "{text}");
        }
    }
}
