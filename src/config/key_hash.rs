//! The hash of an API key's secret: what the configuration knows of a key.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use serde::{Deserialize, Deserializer, de};

const PREFIX: &str = "sha256:";

/// SHA-256 of an API key's secret, written `sha256:` and 64 hexadecimal digits.
///
/// A fast hash is the right one: a secret is 256 random bits, and nobody guesses those at any speed. The slow hashes are for
/// passwords that people think of. Here they would only give whoever sends wrong keys a way to keep the processor busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; SHA256_OUTPUT_LEN]);

impl KeyHash {
    /// The hash of no secret.
    pub const NONE: Self = Self([0; SHA256_OUTPUT_LEN]);

    /// The hash of a secret.
    pub fn of(secret: &str) -> Self {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        for (byte, hashed) in bytes.iter_mut().zip(digest(&SHA256, secret.as_bytes()).as_ref()) {
            *byte = *hashed;
        }
        Self(bytes)
    }

    /// Whether it is the hash of this secret, in a time that does not tell how much of it is right.
    pub fn is_of(&self, secret: &str) -> bool {
        verify_slices_are_equal(&self.0, &Self::of(secret).0).is_ok()
    }

    fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix(PREFIX).filter(|hex| hex.len() == 2 * SHA256_OUTPUT_LEN)?;
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
        for (byte, pair) in bytes.iter_mut().zip(digits?.chunks(2)) {
            *byte = pair.iter().try_fold(0_u8, |byte, digit| Some((byte << 4) | u8::try_from(*digit).ok()?))?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Somebody who writes the secret itself in place of its hash is told so without being quoted.
impl<'de> Deserialize<'de> for KeyHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom("is no hash of a secret: write what `spine keys create` printed, \"sha256:...\"")
        })
    }
}

impl schemars::JsonSchema for KeyHash {
    fn schema_name() -> Cow<'static, str> {
        "KeyHash".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^sha256:[0-9a-fA-F]{64}$", "examples": ["sha256:..."] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written_and_knows_its_secret() {
        // FIPS 180-2, appendix B.1.
        let hash = KeyHash::of("abc");
        let written = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_string(), written);
        assert_eq!(KeyHash::parse(written), Some(hash));
        assert_eq!(KeyHash::parse(&written.to_uppercase().replace("SHA", "sha")), Some(hash));
        assert!(hash.is_of("abc") && !hash.is_of("abd") && !hash.is_of(""));
    }

    #[test]
    fn what_is_no_hash_is_not_read_and_not_quoted() {
        for text in ["", "abc", "sha256:", "sha256:00", &format!("sha256:{}", "g".repeat(64)), &"a".repeat(64)] {
            assert_eq!(KeyHash::parse(text), None, "{text}");
        }
        let error = serde_json::from_str::<KeyHash>("\"canary\"").unwrap_err().to_string();
        assert!(error.contains("spine keys create") && !error.contains("canary"), "{error}");
    }
}
