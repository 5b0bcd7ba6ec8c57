//! How old an answer may be, is, and how long it may be shown again: the headers of HTTP caching.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use foldhash::quality::FixedState;
use http::header::{AGE, CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue};

use super::answers::Age;

/// How old values may be, as the request's `Cache-Control` says: `no-cache`, `no-store` and `max-age=0` ask for values
/// read for this request.
pub(super) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let ages = directives.flat_map(|value| value.split(',')).filter_map(|directive| {
        let directive = directive.trim().to_ascii_lowercase();
        match directive.split_once('=') {
            None if directive == "no-cache" || directive == "no-store" => Some(Duration::ZERO),
            Some(("max-age", seconds)) => seconds.trim_matches('"').parse().ok().map(Duration::from_secs),
            _ => None,
        }
    });
    ages.min()
}

/// `Age` of the oldest value in an answer, and for how long the answer may be shown again.
pub(super) fn tell(age: Age, headers: &mut HeaderMap) {
    headers.insert(AGE, HeaderValue::from(age.age.as_secs()));
    let control = match age.left {
        // The lifetime counts from now; `max-age` counts from when the oldest part was read.
        Some(left) => format!("private, max-age={}", (age.age + left).as_secs()),
        None => "no-store".to_owned(),
    };
    if let Ok(control) = HeaderValue::from_str(&control) {
        headers.insert(CACHE_CONTROL, control);
    }
}

/// The name of a body: another body has another.
pub(super) fn etag(body: &[u8]) -> Arc<str> {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(body);
    format!("\"{:x}-{:016x}\"", body.len(), hasher.finish()).into()
}

/// Tells the name of the body, and whether who asks has it already.
pub(super) fn is_known(etag: &str, request: &HeaderMap, headers: &mut HeaderMap) -> bool {
    if let Ok(value) = HeaderValue::from_str(etag) {
        headers.insert(ETAG, value);
    }
    let named = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|name| name.trim().trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_control_of_a_request_bounds_the_age_of_values() {
        let age = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(text));
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(age("no-cache"), Some(0));
        assert_eq!(age("No-Store"), Some(0));
        assert_eq!(age("max-age=15"), Some(15));
        assert_eq!(age("max-age=15, no-cache"), Some(0));
        assert_eq!(age("max-age=soon"), None);
        assert_eq!(age("only-if-cached"), None);
        assert_eq!(max_age(&HeaderMap::new()), None);
    }

    #[test]
    fn an_etag_names_one_body() {
        let tag = etag(b"a");
        assert_eq!(tag, etag(b"a"));
        assert_ne!(tag, etag(b"b"));
        let known = |text: &str| {
            let request = HeaderMap::from_iter([(IF_NONE_MATCH, text.parse().unwrap())]);
            is_known(&tag, &request, &mut HeaderMap::new())
        };
        assert!(known(&tag) && known(&format!("\"x\", W/{tag}")));
        assert!(!known("\"x\"") && !known("*"));
    }
}
