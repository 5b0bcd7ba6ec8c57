//! `Accept` and `Accept-Encoding`: what the one who asks can read.

use std::str::FromStr;

use http::{HeaderMap, HeaderName, StatusCode, header};

/// The two media types of GraphQL over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`, where a document that is not executed is answered with 200.
    Json,
    /// `application/graphql-response+json`, where the status says what happened.
    GraphQl,
}

impl Media {
    /// The status of a document that is not GraphQL, not valid, or asked with unfit variables: a well-formed request all the
    /// same, which the older media type answers with 200.
    pub(super) fn not_executed(self) -> StatusCode {
        match self {
            Self::Json => StatusCode::OK,
            Self::GraphQl => StatusCode::BAD_REQUEST,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphQl => "application/graphql-response+json; charset=utf-8",
        }
    }

    /// What to answer with; None if neither is acceptable. Where both are equally welcome the newer type must have been
    /// named: `*/*`, or no header at all, gets `application/json`, as the GraphQL over HTTP specification says.
    pub(super) fn negotiate(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(header::ACCEPT) {
            return Some(Self::Json);
        }
        let json = acceptance(headers, "application/json");
        let graphql = acceptance(headers, "application/graphql-response+json");
        match (json, graphql) {
            (None, None) => None,
            (Some(json), Some(graphql)) if graphql.quality > json.quality => Some(Self::GraphQl),
            (Some(json), Some(graphql)) if graphql.quality == json.quality && graphql.named => Some(Self::GraphQl),
            (None, Some(_)) => Some(Self::GraphQl),
            (Some(_), _) => Some(Self::Json),
        }
    }
}

/// The most welcome of several media types; the earlier where two are equally welcome, but one that is named before one
/// that only a wildcard covers. None if all are refused.
pub(super) fn most_welcome<T>(headers: &HeaderMap, offers: impl IntoIterator<Item = (&'static str, T)>) -> Option<T> {
    let mut offers = offers.into_iter();
    if !headers.contains_key(header::ACCEPT) {
        return offers.next().map(|(_, offer)| offer);
    }
    let mut best: Option<(Acceptance, T)> = None;
    for (media, offer) in offers {
        if let Some(acceptance) = acceptance(headers, media)
            && best.as_ref().is_none_or(|(best, _)| acceptance > *best)
        {
            best = Some((acceptance, offer));
        }
    }
    best.map(|(_, offer)| offer)
}

/// Whether a media type is named and welcome.
pub(super) fn is_named(headers: &HeaderMap, media: &str) -> bool {
    acceptance(headers, media).is_some_and(|acceptance| acceptance.named)
}

/// Whether a page is asked for.
pub(super) fn wants_html(headers: &HeaderMap) -> bool {
    is_named(headers, "text/html")
}

/// Whether an encoding is named and welcome.
pub(super) fn accepts_encoding(headers: &HeaderMap, encoding: &str) -> bool {
    items(headers, header::ACCEPT_ENCODING).any(|item| item.name.eq_ignore_ascii_case(encoding) && item.quality > 0)
}

/// How welcome a media type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Acceptance {
    quality: u16,
    /// By its own name, not by a wildcard.
    named: bool,
}

/// How welcome a media type is, by the most specific range that covers it; None if it is not.
fn acceptance(headers: &HeaderMap, media: &str) -> Option<Acceptance> {
    let group = media.split('/').next().unwrap_or_default();
    items(headers, header::ACCEPT)
        .filter_map(|item| {
            let specificity = if item.name.eq_ignore_ascii_case(media) {
                3
            } else if item.name.strip_suffix("/*").is_some_and(|range| range.eq_ignore_ascii_case(group)) {
                2
            } else if item.name == "*/*" {
                1
            } else {
                return None;
            };
            Some((specificity, item.quality))
        })
        .max()
        .filter(|(_, quality)| *quality > 0)
        .map(|(specificity, quality)| Acceptance { quality, named: specificity == 3 })
}

/// One item of a header such as `Accept: a/b;q=0.5, c/d`.
struct Item<'a> {
    name: &'a str,
    /// In thousandths.
    quality: u16,
}

fn items(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = Item<'_>> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(
        |item| {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            Item { name, quality: quality.map_or(1000, thousandths) }
        },
    )
}

/// `0.25` as 250. What is no quality is taken for 0: nothing is sent that was perhaps refused.
fn thousandths(quality: &str) -> u16 {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let padded = format!("{fraction:0<3}");
    match (whole, padded.len(), u16::from_str(&padded)) {
        ("1", 3, Ok(0)) => 1000,
        ("0", 3, Ok(fraction)) if fraction < 1000 => fraction,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &str) -> Option<Media> {
        Media::negotiate(&HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]))
    }

    #[test]
    fn the_more_welcome_type_is_sent() {
        let json = Some(Media::Json);
        let graphql = Some(Media::GraphQl);
        assert_eq!(Media::negotiate(&HeaderMap::new()), json);
        for (accept, expected) in [
            ("application/json", json),
            ("application/graphql-response+json", graphql),
            ("application/graphql-response+json, application/json;q=0.9", graphql),
            ("application/graphql-response+json;q=0.5, application/json", json),
            ("application/json, application/graphql-response+json", graphql),
            ("APPLICATION/GraphQL-Response+JSON; charset=utf-8", graphql),
            ("application/json, */*", json),
            ("*/*", json),
            ("application/*", json),
            ("text/html, */*;q=0.1", json),
            ("application/json;q=0, */*", graphql),
            ("application/graphql-response+json;q=0, application/json;q=0.001", json),
            ("text/html, application/xhtml+xml", None),
            ("application/json;q=0", None),
            ("application/json;q=nonsense", None),
            ("", None),
        ] {
            assert_eq!(negotiated(accept), expected, "{accept}");
        }
    }

    #[test]
    fn the_first_of_the_most_welcome_is_sent() {
        let offers = [("application/json", 'j'), ("text/csv", 'c'), ("application/vnd.apache.parquet", 'p')];
        assert_eq!(most_welcome(&HeaderMap::new(), offers), Some('j'));
        for (accept, expected) in [
            ("*/*", Some('j')),
            ("text/csv", Some('c')),
            ("text/csv, */*", Some('c')),
            ("text/csv;q=0.5, */*", Some('j')),
            ("application/*;q=0.5, text/*", Some('c')),
            ("application/json;q=0, application/*", Some('p')),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some('j')),
            ("image/png", None),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(most_welcome(&headers, offers), expected, "{accept}");
        }
    }

    #[test]
    fn encodings_are_read_with_their_qualities() {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, "gzip;q=0.5, br;q=0, *".parse().unwrap())]);
        assert!(accepts_encoding(&headers, "gzip"));
        assert!(!accepts_encoding(&headers, "br"));
        assert!(!accepts_encoding(&HeaderMap::new(), "gzip"));
    }
}
