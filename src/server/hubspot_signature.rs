//! Whether HubSpot sent a request: signature version 3, for webhooks and for what a card fetches.
//!
//! HubSpot signs the method, the whole public address, the body and the time with the app's client secret. Its documentation
//! wants some escapes of the address decoded and its own libraries leave them, so that both forms are tried.

use std::borrow::Cow;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use jiff::Timestamp;

/// What HubSpot adds to the address on behalf of a card: who looks, at which account, by which app. It is part of what
/// HubSpot signs, and no part of the question.
pub(super) const PARAMETERS: [&str; 4] = ["portalId", "userId", "userEmail", "appId"];

/// The header with the signature: HMAC-SHA256 in base64.
pub(super) const SIGNATURE: &str = "x-hubspot-signature-v3";
/// The header with the time of signing, in milliseconds.
pub(super) const TIMESTAMP: &str = "x-hubspot-request-timestamp";

/// For how long a signature holds, as HubSpot says it.
pub(super) const WINDOW: Duration = Duration::from_mins(5);
/// By how much HubSpot's clock may be ahead of ours.
const AHEAD: Duration = Duration::from_mins(1);

/// The escapes that HubSpot's documentation wants decoded. All others stay.
const DECODED: [(&str, char); 12] = [
    ("3A", ':'),
    ("2F", '/'),
    ("3F", '?'),
    ("40", '@'),
    ("21", '!'),
    ("24", '$'),
    ("27", '\''),
    ("28", '('),
    ("29", ')'),
    ("2A", '*'),
    ("2C", ','),
    ("3B", ';'),
];

/// Why a request is not known to be HubSpot's. None of it tells what the signature should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsigned {
    /// A header is not there.
    #[error("the headers X-HubSpot-Signature-v3 and X-HubSpot-Request-Timestamp are missing")]
    Missing,
    /// The time is not 13 digits.
    #[error("X-HubSpot-Request-Timestamp is not a time in milliseconds")]
    NoTime,
    /// It was signed more than [`WINDOW`] ago.
    #[error("it was signed more than 5 minutes ago")]
    Old,
    /// It was signed at a time to come.
    #[error("it was signed at a time to come")]
    Future,
    /// It was signed with another secret, or is another request than the one signed.
    #[error("its signature does not match")]
    Forged,
}

/// The addresses that HubSpot may have signed: `base`, the public address of this server without a slash at its end, with
/// path and query as they were received. Never from `Host` or `X-Forwarded-*`: whoever asks writes those.
pub(super) fn addresses(base: &str, path_and_query: &str) -> [String; 2] {
    let raw = format!("{base}{path_and_query}");
    let decoded = decoded(&raw).into_owned();
    [raw, decoded]
}

/// Whether one of the `addresses` was signed together with the rest, not long before `now`.
pub(super) fn verify(
    secret: &[u8],
    method: &Method,
    addresses: &[String],
    body: &[u8],
    timestamp: Option<&str>,
    signature: Option<&str>,
    now: Timestamp,
) -> Result<(), Unsigned> {
    let (Some(timestamp), Some(signature)) = (timestamp, signature) else { return Err(Unsigned::Missing) };
    check_time(timestamp, now)?;
    let signature = STANDARD.decode(signature).map_err(|_| Unsigned::Forged)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signed = |address: &String| {
        let digest = digest(&key, method, address, body, timestamp);
        verify_slices_are_equal(digest.as_ref(), &signature).is_ok()
    };
    if addresses.iter().any(signed) { Ok(()) } else { Err(Unsigned::Forged) }
}

/// Whether it was signed within the time in which a signature holds. Whatever is not exactly 13 digits is no time: a
/// lenient reading of it would be a way around the window.
fn check_time(timestamp: &str, now: Timestamp) -> Result<(), Unsigned> {
    if timestamp.len() != 13 || !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unsigned::NoTime);
    }
    let signed: i64 = timestamp.parse().map_err(|_| Unsigned::NoTime)?;
    let age = i128::from(now.as_millisecond()) - i128::from(signed);
    if age > i128::try_from(WINDOW.as_millis()).unwrap_or(i128::MAX) {
        Err(Unsigned::Old)
    } else if -age > i128::try_from(AHEAD.as_millis()).unwrap_or(i128::MAX) {
        Err(Unsigned::Future)
    } else {
        Ok(())
    }
}

fn digest(key: &hmac::Key, method: &Method, address: &str, body: &[u8], timestamp: &str) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in [method.as_str().as_bytes(), address.as_bytes(), body, timestamp.as_bytes()] {
        context.update(part);
    }
    context.sign()
}

/// An address with the escapes of [`DECODED`] decoded, in one pass.
fn decoded(address: &str) -> Cow<'_, str> {
    let mut parts = address.split('%');
    let first = parts.next().unwrap_or_default();
    if first.len() == address.len() {
        return Cow::Borrowed(address);
    }
    let mut decoded = String::with_capacity(address.len());
    decoded.push_str(first);
    for part in parts {
        let known = part.split_at_checked(2).and_then(|(code, rest)| {
            let (_, plain) = DECODED.iter().find(|(known, _)| known.eq_ignore_ascii_case(code))?;
            Some((*plain, rest))
        });
        let (plain, rest) = known.unwrap_or(('%', part));
        decoded.push(plain);
        decoded.push_str(rest);
    }
    Cow::Owned(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Example inputs that HubSpot publishes, with the signatures they must have: secret, method, address, body, time.
    const PUBLISHED: [(&str, &str, &str, &str, &str, &str); 6] = [
        (
            "f6e94c08-85d0-4608-bcc6-e1850176e7b8",
            "POST",
            "https://www.hubspot.com/webhook",
            "REQUEST_BODY",
            "1632188626483",
            "jf872r5vscVcxCiDRHA4rGrqe/8BPLNVkdJSHdMnGTU=",
        ),
        (
            "f6e94c08-85d0-4608-bcc6-e1850176e7b8",
            "POST",
            "https://www.hubspot.com/webhook",
            "",
            "1632188626483",
            "csXgk7UbrE9F8ZmMvbpuKBxqIvTSqU1EX9pI/SJtxSE=",
        ),
        (
            "12345678-aaaa-bbbb-cccc-ddddeeeeffff",
            "GET",
            "https://hubspot.com/?appId=1&portalId=2&userId=3",
            "",
            "1111111111",
            "zTfXjo07jfzGouo4wvyAj3qEMUTVJ0PPYPACrluQtQI=",
        ),
        (
            "12345678-aaaa-bbbb-cccc-ddddeeeeffff",
            "GET",
            "https://hubspot.com/?appId=1&portalId=2&userId=3",
            r#"{"a":1,"b":2}"#,
            "1111111111",
            "aaknaCGCYJ4yqzuf1UKGqAWUfdcilJtm5nc/ZCudR9k=",
        ),
        (
            "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
            "POST",
            "https://www.example.com/webhook_uri",
            "{'example_field':'example_value'}",
            "1693657560000",
            "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
        ),
        (
            "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
            "POST",
            "https://www.example.com/webhook_uri",
            "{'example_field':'example_value'}",
            "1700000300000",
            "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=",
        ),
    ];

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    /// A request that is signed well, read at `now`, with its parts changed as told.
    fn signed(now: i64, timestamp: Option<&str>, signature: Option<&str>) -> Result<(), Unsigned> {
        let (secret, _, address, body, ..) = PUBLISHED[0];
        let addresses = addresses(address, "");
        verify(secret.as_bytes(), &Method::POST, &addresses, body.as_bytes(), timestamp, signature, at(now))
    }

    const TIME: i64 = 1_632_188_626_483;
    const GOOD: &str = "jf872r5vscVcxCiDRHA4rGrqe/8BPLNVkdJSHdMnGTU=";

    #[test]
    fn digests_are_those_that_hubspot_publishes() {
        for (secret, method, address, body, timestamp, expected) in PUBLISHED {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let digest = digest(&key, &method.parse().unwrap(), address, body.as_bytes(), timestamp);
            assert_eq!(STANDARD.encode(digest.as_ref()), expected, "{method} {address} {timestamp}");
        }
    }

    #[test]
    fn a_signature_holds_for_five_minutes_to_the_millisecond() {
        let read_at = |now| signed(now, Some("1632188626483"), Some(GOOD));
        assert_eq!(read_at(TIME), Ok(()));
        assert_eq!(read_at(TIME + 300_000), Ok(()));
        assert_eq!(read_at(TIME + 300_001), Err(Unsigned::Old));
        assert_eq!(read_at(TIME - 60_000), Ok(()));
        assert_eq!(read_at(TIME - 60_001), Err(Unsigned::Future));
    }

    #[test]
    fn a_time_is_thirteen_digits_and_nothing_else() {
        for time in
            ["", "NaN", "1632188626", "+163218862648", "163218862648 ", "01632188626483", "1632188626483.0", "-1"]
        {
            assert_eq!(signed(TIME, Some(time), Some(GOOD)), Err(Unsigned::NoTime), "{time:?}");
        }
        assert_eq!(signed(TIME, None, Some(GOOD)), Err(Unsigned::Missing));
        assert_eq!(signed(TIME, Some("1632188626483"), None), Err(Unsigned::Missing));
    }

    #[test]
    fn another_signature_is_forged_whatever_its_length() {
        let cut = GOOD.get(..40).unwrap();
        for signature in
            ["", "x", "====", cut, "csXgk7UbrE9F8ZmMvbpuKBxqIvTSqU1EX9pI/SJtxSE=", &format!("{GOOD}{GOOD}")]
        {
            assert_eq!(signed(TIME, Some("1632188626483"), Some(signature)), Err(Unsigned::Forged), "{signature:?}");
        }
        assert_eq!(signed(TIME + 1, Some("1632188626484"), Some(GOOD)), Err(Unsigned::Forged), "another time");
    }

    #[test]
    fn the_address_may_be_signed_as_it_came_or_decoded() {
        let path = "/card?dealId=42&appId=1&portalId=2&userId=3&userEmail=a%40b.io";
        let addresses = addresses("https://gw.example.com", path);
        for signature in
            ["tTjRYPNiw3Vs3et/L4uirksLjj/dE4iGtwpnv2oz+C4=", "BTbbV2Z2qjjniuw5vw1sgwHg4sNhn8CzAelK2f92/vc="]
        {
            let (time, now) = (Some("1790000000000"), at(1_790_000_000_000));
            assert_eq!(
                verify(b"test-secret", &Method::GET, &addresses, b"", time, Some(signature), now),
                Ok(()),
                "{signature}"
            );
            let other = [String::from("https://gw.example.com/card?dealId=43")];
            assert_eq!(
                verify(b"test-secret", &Method::GET, &other, b"", time, Some(signature), now),
                Err(Unsigned::Forged)
            );
        }
    }

    #[test]
    fn only_the_escapes_that_hubspot_names_are_decoded() {
        assert_eq!(decoded("/a%2fb%252F%2F?x=%3a%20%26%3D%25%"), "/a/b%252F/?x=:%20%26%3D%25%");
        assert_eq!(decoded("/%e2%82%ac%4"), "/%e2%82%ac%4");
        assert_eq!(decoded("/plain?a=b"), "/plain?a=b");
        assert_eq!(decoded("%40%21%24%27%28%29%2A%2C%3B%3F"), "@!$'()*,;?");
    }
}
