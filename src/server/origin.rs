//! Which web pages may ask. Browsers send `Origin` with every POST; programs do not.
//!
//! A page's origin must be the very address it asks, and that address one that no stranger's name server can point
//! here: `localhost`, a bare IP address, or an origin that the configuration names. Nothing else is decided by `Host`.

use axum::http::uri::Authority;
use http::{HeaderMap, StatusCode, header};
use url::Host;

use super::error::Refused;
use crate::config::WebOrigin;

/// Whether the request may be answered, as far as web pages go.
pub(super) fn is_own(headers: &HeaderMap, public: &[WebOrigin]) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).into_iter();
    let Some(origin) = origins.next() else { return true };
    if origins.next().is_some() {
        return false;
    }
    let Some(origin) = origin.to_str().ok().and_then(WebOrigin::parse) else { return false };
    public.contains(&origin) || is_local(&origin) && is_asked(&origin, headers)
}

/// What a page that may not ask is told.
pub(super) const REFUSED: &str =
    "This page may not ask: its origin is not this server's. The setting is server.public_origins.";

/// The answer to it.
pub(super) fn refused() -> Refused {
    Refused::new(StatusCode::FORBIDDEN, "FORBIDDEN", REFUSED)
}

/// Whether the name cannot be made to point elsewhere.
fn is_local(origin: &WebOrigin) -> bool {
    match origin.parts() {
        Some((_, Host::Domain(name), _)) => name == "localhost" || name.ends_with(".localhost"),
        Some((_, Host::Ipv4(_) | Host::Ipv6(_), _)) => true,
        None => false,
    }
}

/// Whether it is the address that the request was sent to.
fn is_asked(origin: &WebOrigin, headers: &HeaderMap) -> bool {
    let Some((scheme, _, _)) = origin.parts() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    host.and_then(|host| WebOrigin::parse(&format!("{scheme}://{host}"))).as_ref() == Some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(origin: &str, host: &str) -> bool {
        let headers =
            HeaderMap::from_iter([(header::ORIGIN, origin.parse().unwrap()), (header::HOST, host.parse().unwrap())]);
        is_own(&headers, &[WebOrigin::parse("https://spine.example.com").unwrap()])
    }

    #[test]
    fn only_our_own_pages_may_ask() {
        assert!(is_own(&HeaderMap::new(), &[]));
        for (origin, host) in [
            ("http://localhost:4000", "localhost:4000"),
            ("http://127.0.0.1:4000", "127.0.0.1:4000"),
            ("http://[::1]:4000", "[::1]:4000"),
            ("http://10.1.2.3", "10.1.2.3:80"),
            ("https://localhost", "localhost"),
            ("https://spine.example.com", "spine.example.com"),
            ("https://spine.example.com", "10.1.2.3:4000"),
        ] {
            assert!(own(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("https://evil.example", "localhost:4000"),
            // A stranger's name that was made to point here.
            ("http://evil.example:4000", "evil.example:4000"),
            ("http://localhost.evil.example:4000", "localhost.evil.example:4000"),
            ("http://localhost:5173", "localhost:4000"),
            ("http://localhost:4000", "127.0.0.1:4000"),
            ("http://spine.example.com", "spine.example.com"),
            ("https://spine.example.com:8443", "spine.example.com"),
            ("http://localhost:4000", "user@localhost:4000"),
            ("null", "localhost:4000"),
            ("file://", "localhost:4000"),
            ("", "localhost:4000"),
        ] {
            assert!(!own(origin, host), "{origin} {host}");
        }
    }
}
