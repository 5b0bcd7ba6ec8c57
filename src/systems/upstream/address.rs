//! Where a system may be. Its address is the configuration's to say; but there are addresses at which no system is, and which
//! give away a machine's own credentials to whoever asks from it: those of the metadata services of clouds, and the link-local
//! ones among which they are. They are refused when the configuration is read, and again when a name is looked up.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

/// Services of clouds that are at no link-local address: AWS by IPv6, Google by IPv6, Alibaba, Oracle, Azure's own agent.
const METADATA: [IpAddr; 5] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];

/// Why such an address is refused.
const REFUSED: &str = "is at an address that no system has: link-local, of a cloud's metadata, or of nobody";

/// Whether no system can be at an address.
fn is_nobodys(address: IpAddr) -> bool {
    let address = address.to_canonical();
    match address {
        _ if METADATA.contains(&address) => true,
        IpAddr::V4(address) => {
            address.is_link_local() || address.is_unspecified() || address.is_broadcast() || address.is_multicast()
        }
        IpAddr::V6(address) => {
            let is_own = address.is_unicast_link_local() || address.is_unspecified() || address.is_multicast();
            is_own || embedded(address).is_some_and(|inner| is_nobodys(inner.into()))
        }
    }
}

/// The IPv4 address that a network may make of one of IPv6: NAT64, 6to4, and the old compatible form.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] | [0, 0, 0, 0, 0, 0, high, low] => {
            let inner = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
            (address != Ipv6Addr::LOCALHOST).then_some(inner)
        }
        _ => None,
    }
}

/// Refuses the host of a configuration if it is such an address, however that is written. A name is looked up later.
pub fn check_host(host: &str) -> Result<(), String> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let written = bare.parse::<IpAddr>().ok().or_else(|| match Host::parse(host).ok()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    });
    if written.is_some_and(is_nobodys) { Err(format!("`{host}` {REFUSED}")) } else { Ok(()) }
}

/// Refuses the address of a system that is at no system's, or that would be asked in the clear over a network.
pub fn check_url(url: &Url, plain_http: bool) -> Result<(), String> {
    check_host(url.host_str().unwrap_or_default())?;
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !local && !plain_http {
        return Err("is asked by http: whoever is on the way could read the credential and change the answers. Write https, or \
                    `http = { plain_http = true }` if this network is trusted with both"
            .to_owned());
    }
    Ok(())
}

/// Looks up a name. Addresses at which no system is are left out; if there are no others that is an error.
pub async fn lookup(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    permitted(tokio::net::lookup_host((host, port)).await?)
}

/// The addresses of a name at which a system can be.
pub fn permitted(found: impl Iterator<Item = SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    let mut refused = false;
    let permitted = found.filter(|address| {
        let is_nobodys = is_nobodys(address.ip());
        refused |= is_nobodys;
        !is_nobodys
    });
    let permitted: Vec<SocketAddr> = permitted.collect();
    if permitted.is_empty() && refused {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("the name {REFUSED}")));
    }
    Ok(permitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_metadata_are_refused_however_they_are_written() {
        for host in [
            "169.254.169.254",
            "169.254.0.1",
            "2852039166",
            "0xA9FEA9FE",
            "0251.0376.0251.0376",
            "169.254.43518",
            "169.254.169.254.",
            "\u{ff11}69.254.169.254",
            "[::ffff:169.254.169.254]",
            "::ffff:a9fe:a9fe",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "[::169.254.169.254]",
            "[fe80::1]",
            "[febf::1]",
            "[fd00:ec2::254]",
            "fd20:ce::254",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "0.0.0.0",
            "0",
            "[::]",
            "224.0.0.1",
            "255.255.255.255",
            "[ff02::1]",
        ] {
            assert!(check_host(host).is_err(), "{host}");
        }
        // Where an ERP may well be.
        for host in
            ["10.0.0.5", "192.168.1.1", "172.16.0.1", "[fd12::1]", "127.0.0.1", "[::1]", "erp", "169.254.example"]
        {
            assert_eq!(check_host(host), Ok(()), "{host}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_or_said() {
        let check = |url: &str, plain: bool| check_url(&url.parse().unwrap(), plain);
        for url in
            ["http://127.0.0.1:1", "http://[::1]", "http://localhost:8069", "http://sap.localhost", "https://erp"]
        {
            assert_eq!(check(url, false), Ok(()), "{url}");
        }
        for url in ["http://erp.example", "http://10.0.0.5:8069", "http://localhost.example", "http://128.0.0.1"] {
            assert!(check(url, false).unwrap_err().contains("plain_http"), "{url}");
            assert_eq!(check(url, true), Ok(()), "{url}");
        }
        assert!(check("http://169.254.169.254/latest", true).is_err());
        assert!(check("https://0xa9fea9fe/", true).is_err());
    }

    #[test]
    fn of_a_name_only_the_addresses_are_asked_where_a_system_can_be() {
        let found = |addresses: &[&str]| {
            permitted(addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 443)))
        };
        assert_eq!(found(&["10.0.0.5", "fe80::1"]).unwrap().len(), 1);
        assert_eq!(found(&["169.254.169.254"]).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(found(&[]).unwrap().is_empty());
    }
}
