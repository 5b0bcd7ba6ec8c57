//! What a request says about who asks, as it says it; nothing of it is believed yet.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, StatusCode, header};
use secrecy::SecretString;

use super::Denied;
use crate::server::error::Refused;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The longest that is looked at. Tokens with many groups in them have some kilobytes.
const LONGEST: usize = 16 * 1024;

/// What is presented.
pub(super) enum Presented {
    Nothing,
    /// An API key: its name and its secret.
    Key(String, SecretString),
    /// A token of an issuer.
    Token(SecretString),
}

/// What the headers present. Who says it twice is not asked which one counts.
pub(super) fn presented(headers: &HeaderMap) -> Result<Presented, Denied> {
    let mut said = headers.get_all(header::AUTHORIZATION).iter().chain(headers.get_all(API_KEY));
    let Some(value) = said.next() else { return Ok(Presented::Nothing) };
    if said.next().is_some() {
        let message = "Say once who you are: one `Authorization`, or one `X-API-Key`.";
        return Err(Denied::Refused(Refused::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)));
    }
    let text = value.to_str().map_err(|_| Denied::Wrong("not plain text"))?;
    if headers.contains_key(API_KEY) { key(text) } else { authorization(text) }
}

/// What the value of an `Authorization` header presents.
pub(super) fn authorization(text: &str) -> Result<Presented, Denied> {
    if text.len() > LONGEST {
        return Err(Denied::Wrong("longer than any key or token"));
    }
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        // Names of keys have no dot, and neither have secrets; a token has two.
        return if rest.matches('.').count() == 2 { Ok(Presented::Token(rest.into())) } else { key(rest) };
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.ok_or(Denied::Wrong("user name and password cannot be read"))?;
        let (name, secret) = decoded.split_once(':').ok_or(Denied::Wrong("user name without password"))?;
        return Ok(Presented::Key(name.to_owned(), secret.into()));
    }
    Err(Denied::Wrong("neither Bearer nor Basic"))
}

fn key(text: &str) -> Result<Presented, Denied> {
    let (name, secret) = text.trim().split_once('.').ok_or(Denied::Wrong("neither a key nor a token"))?;
    Ok(Presented::Key(name.to_owned(), secret.into()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn said(headers: &[(&'static str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        match presented(&map) {
            Ok(Presented::Nothing) => "nothing".to_owned(),
            Ok(Presented::Key(name, secret)) => format!("key {name} {}", secret.expose_secret()),
            Ok(Presented::Token(token)) => format!("token {}", token.expose_secret()),
            Err(Denied::Wrong(reason)) => reason.to_owned(),
            Err(_) => "refused".to_owned(),
        }
    }

    #[test]
    fn a_key_comes_in_three_ways_and_a_token_in_one() {
        let basic = format!("Basic {}", STANDARD.encode("bi:s:e"));
        for (headers, expected) in [
            (&[][..], "nothing"),
            (&[("authorization", "Bearer bi.s")], "key bi s"),
            (&[("authorization", "bearer   bi.s ")], "key bi s"),
            (&[("x-api-key", "bi.s")], "key bi s"),
            (&[("authorization", &basic)], "key bi s:e"),
            (&[("authorization", "Bearer a.b.c")], "token a.b.c"),
            (&[("authorization", "Bearer")], "neither a key nor a token"),
            (&[("authorization", "Bearer abc")], "neither a key nor a token"),
            (&[("authorization", "Basic bi.s")], "user name and password cannot be read"),
            (&[("authorization", "Negotiate abc")], "neither Bearer nor Basic"),
            (&[("authorization", "Bearer bi.s"), ("x-api-key", "bi.s")], "refused"),
            (&[("authorization", "Bearer bi.s"), ("authorization", "Bearer bi.s")], "refused"),
            (&[("x-api-key", "bi.s"), ("x-api-key", "bi.s")], "refused"),
        ] {
            assert_eq!(said(headers), expected, "{headers:?}");
        }
        let long = format!("Bearer {}", "a".repeat(LONGEST));
        assert_eq!(said(&[("authorization", &long)]), "longer than any key or token");
    }
}
