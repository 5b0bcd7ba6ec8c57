//! Whether a message is another replica's, of now, and new.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use moka::sync::Cache;

use crate::server::headers::single;

/// The header with the signature: HMAC-SHA256 in base64, of [`PURPOSE`], the time and the body.
const SIGNATURE: HeaderName = HeaderName::from_static("x-spine-signature");
/// The header with the time of signing, in milliseconds.
const TIMESTAMP: HeaderName = HeaderName::from_static("x-spine-timestamp");

/// What is signed begins with this: a signature made for anything else is none of a message.
const PURPOSE: &[u8] = b"spine replicas 1\n";

/// For how long a signature holds, and by how much the clocks of replicas may differ.
const WINDOW: Duration = Duration::from_mins(1);

/// Signatures that are remembered. Only right ones are, and each replica sends one message after the other.
const MOST_REMEMBERED: u64 = 100_000;

/// Why a message is not believed. None of it tells what the signature should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unbelieved {
    /// A header is not there, or there twice, or the time is no number.
    #[error("the headers X-Spine-Signature and X-Spine-Timestamp must be there once")]
    Missing,
    /// It was signed too long ago, or at a time to come.
    #[error("it was signed more than a minute ago or ahead: the clocks of the replicas differ")]
    NotNow,
    /// It was signed with another secret, or is another message than the one signed.
    #[error("its signature does not match: `replicas.secret` must be the same in each")]
    Forged,
    /// It was heard before.
    #[error("it was heard before")]
    Replayed,
}

/// Signs a message; the headers that say so.
pub(super) fn sign(key: &hmac::Key, body: &[u8], now: Timestamp) -> HeaderMap {
    let time = now.as_millisecond().to_string();
    let signature = STANDARD.encode(digest(key, &time, body).as_ref());
    // Digits and base64 fit a header.
    let values = [(TIMESTAMP, HeaderValue::from_str(&time)), (SIGNATURE, HeaderValue::from_str(&signature))];
    values.into_iter().filter_map(|(name, value)| Some((name, value.ok()?))).collect()
}

/// The signatures that were used. It outlives configurations: what was used stays so.
pub(super) struct Used(Cache<Vec<u8>, ()>);

impl Default for Used {
    fn default() -> Self {
        // As long as one could hold at all, by clocks that differ as much as they may.
        Self(Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(WINDOW * 3).build())
    }
}

impl Used {
    /// Believes a message that is signed with the key, now, and for the first time.
    pub(super) fn believe(
        &self,
        key: &hmac::Key,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Unbelieved> {
        let (Some(time), Some(signature)) = (single(headers, &TIMESTAMP), single(headers, &SIGNATURE)) else {
            return Err(Unbelieved::Missing);
        };
        let signed: i64 = time.parse().map_err(|_| Unbelieved::Missing)?;
        let apart = i128::from(now.as_millisecond()) - i128::from(signed);
        if apart.unsigned_abs() > WINDOW.as_millis() {
            return Err(Unbelieved::NotNow);
        }
        let signature = STANDARD.decode(signature).map_err(|_| Unbelieved::Forged)?;
        verify_slices_are_equal(digest(key, time, body).as_ref(), &signature).map_err(|_| Unbelieved::Forged)?;
        if self.0.entry(signature).or_insert(()).is_fresh() { Ok(()) } else { Err(Unbelieved::Replayed) }
    }
}

impl fmt::Debug for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Used").field("signatures", &self.0.entry_count()).finish()
    }
}

fn digest(key: &hmac::Key, time: &str, body: &[u8]) -> hmac::Tag {
    let mut message = hmac::Context::with_key(key);
    for part in [PURPOSE, time.as_bytes(), b"\n", body] {
        message.update(part);
    }
    message.sign()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    fn key(secret: &str) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
    }

    #[test]
    fn a_message_is_believed_once_within_a_minute_and_as_it_was_signed() {
        let headers = sign(&key("one"), b"{}", at(NOW));
        let heard = |secret: &str, headers: &HeaderMap, body: &[u8], now: i64| {
            Used::default().believe(&key(secret), headers, body, at(now))
        };
        for now in [NOW, NOW + 60_000, NOW - 60_000] {
            assert_eq!(heard("one", &headers, b"{}", now), Ok(()));
        }
        for now in [NOW + 60_001, NOW - 60_001, 0] {
            assert_eq!(heard("one", &headers, b"{}", now), Err(Unbelieved::NotNow));
        }
        assert_eq!(heard("two", &headers, b"{}", NOW), Err(Unbelieved::Forged));
        assert_eq!(heard("one", &headers, b"{ }", NOW), Err(Unbelieved::Forged));
        let mut later = headers.clone();
        later.insert(TIMESTAMP, HeaderValue::from(NOW + 1));
        assert_eq!(heard("one", &later, b"{}", NOW), Err(Unbelieved::Forged), "the time is signed, too");
        let mut twice = headers.clone();
        twice.append(SIGNATURE, headers[SIGNATURE].clone());
        assert_eq!(heard("one", &twice, b"{}", NOW), Err(Unbelieved::Missing));
        assert_eq!(heard("one", &HeaderMap::new(), b"{}", NOW), Err(Unbelieved::Missing));
        let mut cut = headers.clone();
        cut.insert(SIGNATURE, HeaderValue::from_static("AAAA"));
        assert_eq!(heard("one", &cut, b"{}", NOW), Err(Unbelieved::Forged));

        let used = Used::default();
        assert_eq!(used.believe(&key("one"), &headers, b"{}", at(NOW)), Ok(()));
        assert_eq!(used.believe(&key("one"), &headers, b"{}", at(NOW + 1)), Err(Unbelieved::Replayed));
        assert_eq!(used.believe(&key("one"), &sign(&key("one"), b"{}", at(NOW + 1)), b"{}", at(NOW)), Ok(()));
    }
}
