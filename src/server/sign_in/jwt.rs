//! A signed token (RFC 7515, 7519) and the keys that sign it (RFC 7517).
//!
//! Of a JWT library only the signature check would be left over: time is injected here, the keys are an issuer's and change,
//! and every claim is judged more strictly than a library's defaults do. That check is aws-lc-rs's; what is around it, three
//! parts in base64 and a header of four members, is here.
//!
//! A token never chooses how it is checked: its `alg` must be one that the configuration names, and fit the key. Keys that it
//! brings along or points to (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.

use std::fmt;

use aws_lc_rs::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::config::Algorithm;

/// The most keys of an issuer that are looked at. They have a handful.
const MOST_KEYS: usize = 100;

/// The parts of a token, read and not yet believed.
pub(super) struct Token<'a> {
    pub(super) algorithm: Algorithm,
    /// Which key signed it, by its own word.
    pub(super) kid: Option<String>,
    pub(super) claims: Map<String, Value>,
    /// What is signed.
    message: &'a str,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    /// Extensions that whoever checks must understand; there are none here.
    crit: Option<IgnoredAny>,
}

impl<'a> Token<'a> {
    /// Reads a token. The error says for the log what is wrong with it, and nothing of what is in it.
    pub(super) fn read(text: &'a str) -> Result<Self, &'static str> {
        let (message, signature) = text.rsplit_once('.').ok_or("not a signed token")?;
        let (header, claims) = message.split_once('.').ok_or("not a signed token")?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "not base64url");
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| "a header that cannot be read")?;
        if header.crit.is_some() {
            return Err("a critical extension");
        }
        // Other kinds of token (of log-out, of proof) may be signed with the same key.
        let kind = header.typ.as_deref().map(|kind| kind.trim_start_matches("application/").to_ascii_lowercase());
        if kind.is_some_and(|kind| kind != "jwt" && kind != "at+jwt") {
            return Err("another kind of token");
        }
        let algorithm = algorithm(&header.alg).ok_or("an algorithm that is never accepted")?;
        let claims = serde_json::from_slice(&decode(claims)?).map_err(|_| "claims that cannot be read")?;
        Ok(Self { algorithm, kid: header.kid, claims, message, signature: decode(signature)? })
    }

    /// A claim that is a text.
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }

    /// Whether a key signed it.
    pub(super) fn is_signed_by(&self, key: &Key) -> bool {
        key.fits(self.algorithm) && key.verify(self.algorithm, self.message.as_bytes(), &self.signature)
    }
}

fn algorithm(name: &str) -> Option<Algorithm> {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};
    let name: StrDeserializer<'_, Error> = name.into_deserializer();
    Algorithm::deserialize(name).ok()
}

/// The public keys of an issuer.
#[derive(Debug, Default)]
pub(super) struct KeySet(Vec<Key>);

/// A public key.
pub(super) struct Key {
    kid: Option<String>,
    /// The only algorithm that it is for, if the issuer says so.
    algorithm: Option<Algorithm>,
    material: Material,
}

enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
}

impl KeySet {
    /// Reads a JWK set. Keys that nothing here can use are left out; None if it is no set at all.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(text).ok()?;
        Some(Self(set.keys.into_iter().take(MOST_KEYS).filter_map(Key::read).collect()))
    }

    /// The key that a token names; where it names none, the only one that it can be.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let mut fitting =
            self.0.iter().filter(|key| key.fits(algorithm) && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid)));
        let first = fitting.next()?;
        (kid.is_some() || fitting.next().is_none()).then_some(first)
    }
}

impl Key {
    fn read(key: Value) -> Option<Self> {
        #[derive(Deserialize)]
        struct Jwk {
            kty: String,
            kid: Option<String>,
            #[serde(rename = "use")]
            usage: Option<String>,
            alg: Option<String>,
            crv: Option<String>,
            n: Option<String>,
            e: Option<String>,
            x: Option<String>,
            y: Option<String>,
        }
        let key: Jwk = serde_json::from_value(key).ok()?;
        if key.usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let decode = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_deref()?).ok();
        let point = |length: usize| {
            let (x, y) = (decode(&key.x)?, decode(&key.y)?);
            (x.len() == length && y.len() == length).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
        };
        let material = match (key.kty.as_str(), key.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { n: without_zeros(decode(&key.n)?), e: without_zeros(decode(&key.e)?) },
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            _ => return None,
        };
        // A key for an algorithm that is never accepted is of no use.
        let algorithm = key.alg.map(|name| algorithm(&name).ok_or(())).transpose().ok()?;
        Some(Self { kid: key.kid, algorithm, material })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, PS256, PS384, PS512, RS256, RS384, RS512};
        let kind = match self.material {
            Material::Rsa { .. } => matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512),
            Material::P256(_) => algorithm == ES256,
            Material::P384(_) => algorithm == ES384,
        };
        kind && self.algorithm.is_none_or(|only| only == algorithm)
    }

    fn verify(&self, algorithm: Algorithm, message: &[u8], signed: &[u8]) -> bool {
        // Each of the RSA rules refuses keys of less than 2048 bits.
        let rsa = match algorithm {
            Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
            Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
            Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
            Algorithm::ES256 | Algorithm::ES384 => {
                let (rule, point) = match &self.material {
                    Material::P256(point) => (&signature::ECDSA_P256_SHA256_FIXED, point),
                    Material::P384(point) => (&signature::ECDSA_P384_SHA384_FIXED, point),
                    Material::Rsa { .. } => return false,
                };
                return UnparsedPublicKey::new(rule, point).verify(message, signed).is_ok();
            }
        };
        let Material::Rsa { n, e } = &self.material else { return false };
        RsaPublicKeyComponents { n, e }.verify(rsa, message, signed).is_ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Some issuers write a zero before a number whose first bit is set.
fn without_zeros(number: Vec<u8>) -> Vec<u8> {
    number.into_iter().skip_while(|byte| *byte == 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.3: the key and the token.
    const KEY: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc\
        19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    #[test]
    fn the_token_of_the_standard_is_good_and_no_other() {
        let keys = KeySet::read(KEY.as_bytes()).unwrap();
        let token = Token::read(TOKEN).unwrap();
        assert_eq!((token.algorithm, token.kid.as_deref(), token.text("iss")), (Algorithm::ES256, None, Some("joe")));
        let key = keys.find(None, token.algorithm).unwrap();
        assert!(token.is_signed_by(key));
        for (from, to) in [("eyJpc3MiOiJqb2Ui", "eyJpc3MiOiJqb2Yi"), ("DtEh", "EtEh"), ("NU1Q", "NU1A")] {
            assert!(Token::read(&TOKEN.replace(from, to)).is_ok_and(|token| !token.is_signed_by(key)), "{to}");
        }
        // A signature in DER, as other formats have it, is none.
        let (message, _) = TOKEN.rsplit_once('.').unwrap();
        assert!(!Token::read(&format!("{message}.MEUCIQ")).unwrap().is_signed_by(key));
        assert!(!Token::read(&format!("{message}.")).unwrap().is_signed_by(key));
    }

    #[test]
    fn a_header_that_is_not_plain_is_refused_before_any_key_is_looked_for() {
        let read = |header: &str| {
            let text = format!("{}.e30.", URL_SAFE_NO_PAD.encode(header));
            Token::read(&text).map(|_| ()).err().unwrap_or_default().to_owned()
        };
        for (header, why) in [
            (r#"{"alg":"ES256","typ":"JWT"}"#, ""),
            (r#"{"alg":"RS256","typ":"application/at+jwt","kid":"1","jku":"https://evil.example"}"#, ""),
            (r#"{"alg":"none"}"#, "an algorithm that is never accepted"),
            (r#"{"alg":"None"}"#, "an algorithm that is never accepted"),
            (r#"{"alg":"HS256"}"#, "an algorithm that is never accepted"),
            (r#"{"alg":"es256"}"#, "an algorithm that is never accepted"),
            (r#"{"alg":"ES256","alg":"RS256"}"#, "a header that cannot be read"),
            (r#"{"alg":["ES256"]}"#, "a header that cannot be read"),
            (r#"{"typ":"JWT"}"#, "a header that cannot be read"),
            (r#"{"alg":"ES256","crit":["b64"]}"#, "a critical extension"),
            (r#"{"alg":"ES256","typ":"logout+jwt"}"#, "another kind of token"),
        ] {
            assert_eq!(read(header), why, "{header}");
        }
        for text in ["", "a", "a.b", "e30.e30", "..", "eyJhbGciOiJFUzI1NiJ9.W10.", "eyJhbGciOiJFUzI1NiJ9=.e30."] {
            assert!(Token::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_that_cannot_be_used_are_left_out_and_others_found_by_name_and_kind() {
        let set = |keys: &str| KeySet::read(format!("{{\"keys\":[{keys}]}}").as_bytes()).unwrap();
        let rsa = |more: &str| format!(r#"{{"kty":"RSA","n":"AQAB","e":"AQAB"{more}}}"#);
        for useless in [
            "1".to_owned(),
            rsa(r#","use":"enc""#),
            rsa(r#","alg":"RSA-OAEP""#),
            r#"{"kty":"oct","k":"AQAB","alg":"HS256"}"#.to_owned(),
            r#"{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}"#.to_owned(),
            r#"{"kty":"EC","crv":"secp256k1","x":"AQ","y":"AQ"}"#.to_owned(),
        ] {
            assert_eq!(set(&useless).0.len(), 0, "{useless}");
        }
        let two = set(&[rsa(r#","kid":"1""#), rsa(r#","kid":"2","alg":"PS256""#)].join(","));
        let found = |kid: Option<&str>, algorithm| two.find(kid, algorithm).and_then(|key| key.kid.clone());
        assert_eq!(found(Some("1"), Algorithm::RS256).as_deref(), Some("1"));
        assert_eq!(found(Some("2"), Algorithm::RS256), None, "it is for another algorithm");
        assert_eq!(found(Some("1"), Algorithm::ES256), None, "it is a key of another kind");
        assert_eq!(found(Some("3"), Algorithm::RS256), None);
        assert_eq!(found(None, Algorithm::RS256).as_deref(), Some("1"), "it is the only one that fits");
        assert_eq!(found(None, Algorithm::PS256), None, "it could be either");
        assert!(KeySet::read(b"[]").is_none() && KeySet::read(b"{}").is_none() && KeySet::read(b"<html>").is_none());
    }
}
