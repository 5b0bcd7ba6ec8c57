//! From where a request comes that a proxy hands on.
//!
//! Anybody can write `Forwarded` and `X-Forwarded-For`. So they are looked at only on connections from a proxy that the
//! configuration trusts, and read from the end, where the nearest proxy wrote: the first address that is none of a trusted
//! proxy is the client's, and what stands before it is the client's own word, which counts for nothing.
//!
//! What cannot be read ends the way: the address is that of the proxy that sent it. Where the two headers name different
//! addresses one of them is the client's invention, and nobody knows which: then it is the connection's address, too.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, header};

use super::sign_in::Peer;
use crate::config::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Proxies in a row that are looked at.
const MOST_PROXIES: usize = 32;

/// Puts the client's address in the place of a trusted proxy's.
pub(super) async fn find(State(trusted): State<Arc<[Network]>>, mut request: Request, next: Next) -> Response {
    if let Some(Peer(connection)) = request.extensions().get().copied() {
        let address = client(connection, request.headers(), &trusted);
        request.extensions_mut().insert(Peer(address));
    }
    next.run(request).await
}

/// The address of the client behind a connection.
fn client(connection: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let walk = |name: &HeaderName, read: fn(&str) -> Option<IpAddr>| {
        if !headers.contains_key(name) {
            return None;
        }
        // Header lines of one name are one list.
        let lines: Vec<&str> = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("?")).collect();
        let list = lines.join(",");
        Some(nearest_stranger(connection, elements(&list), read, trusted))
    };
    match (walk(&header::FORWARDED, of_forwarded), walk(&X_FORWARDED_FOR, address)) {
        (None, None) => connection,
        (Some(said), None) | (None, Some(said)) => said,
        (Some(one), Some(other)) => {
            if one == other {
                one
            } else {
                connection
            }
        }
    }
}

/// The first address from the end that is none of a trusted proxy.
fn nearest_stranger<'h>(
    connection: IpAddr,
    elements: impl DoubleEndedIterator<Item = &'h str>,
    read: fn(&str) -> Option<IpAddr>,
    trusted: &[Network],
) -> IpAddr {
    let mut known = connection.to_canonical();
    for element in elements.rev().take(MOST_PROXIES) {
        if !trusted.iter().any(|network| network.holds(known)) {
            break;
        }
        match read(element) {
            Some(before) => known = before,
            None => break,
        }
    }
    known
}

/// The elements of a list; a comma between quotes is part of one.
fn elements(list: &str) -> impl DoubleEndedIterator<Item = &str> {
    split(list, ',').into_iter()
}

fn split(text: &str, at: char) -> Vec<&str> {
    let mut is_quoted = false;
    let parts = text.split(|sign| {
        is_quoted ^= sign == '"';
        sign == at && !is_quoted
    });
    parts.map(str::trim).collect()
}

/// An address as `X-Forwarded-For` has it: with a port or without, IPv6 with brackets or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

/// The `for` of an element of `Forwarded` (RFC 7239). `unknown` and names that hide one are no address.
fn of_forwarded(element: &str) -> Option<IpAddr> {
    let mut said = split(element, ';').into_iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    });
    let value = said.next()?;
    if said.next().is_some() {
        return None;
    }
    address(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client of a connection from 10.0.0.1, behind proxies in 10.0.0.0/8 and `2001:db8::/32`.
    fn found(headers: &[(&'static str, &str)]) -> String {
        from("10.0.0.1", headers)
    }

    fn from(connection: &str, headers: &[(&'static str, &str)]) -> String {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|network| Network::parse(network).unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        client(connection.parse().unwrap(), &map, &trusted).to_string()
    }

    #[test]
    fn the_last_address_that_is_no_trusted_proxys_is_the_clients() {
        for (value, expected) in [
            ("203.0.113.7", "203.0.113.7"),
            ("1.1.1.1, 203.0.113.7", "203.0.113.7"),
            ("203.0.113.7, 10.9.9.9", "203.0.113.7"),
            ("1.1.1.1, 203.0.113.7, 10.9.9.9,10.8.8.8", "203.0.113.7"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("2a00::7", "2a00::7"),
            ("[2a00::7]", "2a00::7"),
            ("[2a00::7]:4711, [2001:db8::5]:1", "2a00::7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            // All of them are ours: somebody within.
            ("10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ] {
            assert_eq!(found(&[("x-forwarded-for", value)]), expected, "{value}");
        }
        let lines =
            [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.7"), ("x-forwarded-for", "10.2.2.2")];
        assert_eq!(found(&lines), "203.0.113.7");
        assert_eq!(found(&[]), "10.0.0.1");
    }

    #[test]
    fn forwarded_is_read_as_its_standard_has_it() {
        for (value, expected) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=\"203.0.113.7:80\";proto=https;by=10.0.0.1", "203.0.113.7"),
            ("proto=https ; for = \"[2a00::7]:80\"", "2a00::7"),
            ("for=1.1.1.1, for=203.0.113.7;by=\"a,b;for=2.2.2.2\", for=10.2.2.2", "203.0.113.7"),
        ] {
            assert_eq!(found(&[("forwarded", value)]), expected, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_from_the_proxy_that_sent_it() {
        for value in ["", "unknown", "203.0.113.7 10.2.2.2", "203.0.113.256", "1.1.1.1, x", "1.1.1.1,", "caf\u{e9}"] {
            assert_eq!(found(&[("x-forwarded-for", value)]), "10.0.0.1", "{value}");
        }
        for value in
            ["", "for=", "for=unknown", "for=_hidden", "203.0.113.7", "for=1.1.1.1;for=2.2.2.2", "for=\"1.1.1.1"]
        {
            assert_eq!(found(&[("forwarded", value)]), "10.0.0.1", "{value}");
        }
        assert_eq!(found(&[("x-forwarded-for", "1.1.1.1, what, 10.2.2.2")]), "10.2.2.2");
        let many = vec!["10.2.2.2"; 1000].join(",");
        assert_eq!(found(&[("x-forwarded-for", &format!("1.1.1.1,{many}"))]), "10.2.2.2");
    }

    #[test]
    fn strangers_and_contradictions_are_not_believed() {
        for headers in
            [&[("x-forwarded-for", "1.1.1.1")][..], &[("forwarded", "for=1.1.1.1")], &[("x-forwarded-for", "10.0.0.1")]]
        {
            assert_eq!(from("203.0.113.9", headers), "203.0.113.9", "{headers:?}");
        }
        let both = |one: &str, other: &str| found(&[("forwarded", one), ("x-forwarded-for", other)]);
        assert_eq!(both("for=1.1.1.1", "203.0.113.7"), "10.0.0.1");
        assert_eq!(both("for=203.0.113.7", "1.1.1.1, 203.0.113.7"), "203.0.113.7");
    }
}
