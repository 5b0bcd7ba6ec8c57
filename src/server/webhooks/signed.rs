//! Whether a delivery is from who may tell.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{StatusCode, header};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::Refused;
use crate::config::{SignatureEncoding, Webhook, WebhookForm};
use crate::server::headers::single;
use crate::server::hubspot_signature;

/// Intuit's header: HMAC-SHA256 of the body with the verifier token, in base64.
const INTUIT: &str = "intuit-signature";

/// The header of everybody else, unless the configuration names another.
const OWN: &str = "x-spine-signature";

/// Refuses what is not signed as it should be. What the signature should have been is told to nobody.
pub(super) fn verify(
    settings: &Webhook,
    secret: &SecretString,
    parts: &Parts,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Refused> {
    let secret = secret.expose_secret().as_bytes();
    let sent = |name: &str| single(&parts.headers, name);
    match settings.form {
        WebhookForm::Hubspot => {
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            let addresses = hubspot_signature::addresses(settings.public_url.as_deref().unwrap_or_default(), path);
            let (time, signature) = (sent(hubspot_signature::TIMESTAMP), sent(hubspot_signature::SIGNATURE));
            hubspot_signature::verify(secret, &parts.method, &addresses, body, time, signature, now)
                .map_err(|why| refused(&format!("This delivery is not accepted: {why}.")))
        }
        WebhookForm::Quickbooks => {
            check(secret, body, sent(INTUIT).and_then(|text| STANDARD.decode(text).ok()), INTUIT)
        }
        WebhookForm::Signed => {
            let name = settings.header.as_ref().map_or(OWN, |header| header.0.as_str());
            let signature = sent(name).map(|text| text.strip_prefix("sha256=").unwrap_or(text));
            let signature = signature.and_then(|text| match settings.encoding.unwrap_or_default() {
                SignatureEncoding::Hex => unhex(text),
                SignatureEncoding::Base64 => STANDARD.decode(text).ok(),
            });
            check(secret, body, signature, name)
        }
        WebhookForm::Token => {
            let bearer = sent(header::AUTHORIZATION.as_str()).and_then(|text| text.split_once(' '));
            let bearer =
                bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.to_owned());
            let query = parts.uri.query().unwrap_or_default();
            let in_query = || {
                let mut pairs = url::form_urlencoded::parse(query.as_bytes());
                pairs.find(|(name, _)| name == "token").map(|(_, token)| token.into_owned())
            };
            let token = bearer.or_else(in_query).unwrap_or_default();
            // Compared by their digests: as long as each other, whatever was sent.
            let digest = |text: &[u8]| digest::digest(&digest::SHA256, text);
            verify_slices_are_equal(digest(token.as_bytes()).as_ref(), digest(secret).as_ref())
                .map_err(|_| refused("This delivery is not accepted: its token is missing or wrong."))
        }
    }
}

fn check(secret: &[u8], body: &[u8], signature: Option<Vec<u8>>, header: &str) -> Result<(), Refused> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let genuine = signature.is_some_and(|signature| hmac::verify(&key, body, &signature).is_ok());
    if genuine {
        Ok(())
    } else {
        Err(refused(&format!(
            "This delivery is not accepted: the signature in `{header}` is missing or does not match."
        )))
    }
}

fn refused(message: &str) -> Refused {
    Refused::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
}

/// Hexadecimal digits as bytes.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn verified(settings: &str, secret: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> bool {
        let settings: Webhook = toml::from_str(&format!("{settings}\nsecret = {{ env = \"X\" }}")).unwrap();
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        verify(&settings, &SecretString::from(secret), &parts, body.as_bytes(), Timestamp::UNIX_EPOCH).is_ok()
    }

    #[test]
    fn a_signature_is_of_every_byte_of_the_body() {
        // As the libraries for QuickBooks test theirs.
        const GOOD: &str = "nfPLN16u3vMvv08ghDs+dOkLuirEVDy5wAeG/lmM2OA=";
        let intuit = |headers: &[(&str, &str)], body: &str| {
            verified("form = \"quickbooks\"", "verify_me", "/webhooks/books", headers, body)
        };
        let body = r#"{"stuff":"5"}"#;
        assert!(intuit(&[("Intuit-Signature", GOOD)], body));
        assert!(!intuit(&[("Intuit-Signature", GOOD)], r#"{"stuff": "5"}"#));
        assert!(!intuit(&[], body));
        assert!(
            !intuit(&[("Intuit-Signature", GOOD), ("Intuit-Signature", GOOD)], body),
            "one of two may be another's"
        );
        for wrong in
            ["", "=", "nfPLN16u3vMvv08ghDs+dOkLuirEVDy5wAeG/lmM2A==", &format!("{GOOD}{GOOD}"), &GOOD.to_lowercase()]
        {
            assert!(!intuit(&[("intuit-signature", wrong)], body), "{wrong:?}");
        }
    }

    #[test]
    fn others_sign_as_the_configuration_says() {
        // The same HMAC, in hexadecimal digits.
        const HEX: &str = "9df3cb375eaedef32fbf4f20843b3e74e90bba2ac4543cb9c00786fe598cd8e0";
        let body = r#"{"stuff":"5"}"#;
        let signed = |more: &str, header: &str, value: &str| {
            verified(&format!("form = \"signed\"\n{more}"), "verify_me", "/", &[(header, value)], body)
        };
        assert!(signed("", "X-Spine-Signature", HEX));
        assert!(signed("", "X-Spine-Signature", &HEX.to_uppercase()));
        assert!(signed("header = \"X-Redmine-Signature-256\"", "x-redmine-signature-256", &format!("sha256={HEX}")));
        assert!(signed("encoding = \"base64\"", "x-spine-signature", "nfPLN16u3vMvv08ghDs+dOkLuirEVDy5wAeG/lmM2OA="));
        for wrong in
            ["", "sha256=", HEX.get(1..).unwrap(), HEX.get(2..).unwrap(), &format!("{HEX}00"), &HEX.replace('9', "x")]
        {
            assert!(!signed("", "X-Spine-Signature", wrong), "{wrong:?}");
        }
        assert!(!signed("header = \"X-Other\"", "X-Spine-Signature", HEX));
    }

    #[test]
    fn a_token_comes_in_a_header_or_in_the_address() {
        let token =
            |uri: &str, headers: &[(&str, &str)]| verified("form = \"token\"", "0123456789abcdef", uri, headers, "");
        assert!(token("/", &[("Authorization", "Bearer 0123456789abcdef")]));
        assert!(token("/?a=1&token=0123456789abcdef", &[]));
        assert!(!token("/", &[]));
        assert!(!token("/?token=0123456789abcde", &[]));
        assert!(!token("/?token=0123456789abcdef", &[("Authorization", "Bearer wrong")]), "the header counts");
        assert!(!token("/", &[("Authorization", "Basic 0123456789abcdef")]));
    }
}
