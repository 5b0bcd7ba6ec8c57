//! How an answer is written: what `Accept` and `$format` ask for.

use http::{HeaderMap, header};

use super::problem::Problem;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) metadata: Metadata,
    /// Decimals and 64-bit numbers as texts, for readers that have nothing but floats.
    pub(super) ieee754: bool,
}

/// How much an answer says beside its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metadata {
    None,
    Minimal,
    Full,
}

impl Format {
    const DEFAULT: Self = Self { metadata: Metadata::Minimal, ieee754: false };

    /// What `$format` says, else `Accept`.
    pub(super) fn of(option: Option<&str>, headers: &HeaderMap) -> Result<Self, Problem> {
        match option {
            Some("json") => {
                Ok(Self { ieee754: Self::accepted(headers).is_some_and(|one| one.ieee754), ..Self::DEFAULT })
            }
            Some(media) => read(media).map(|(format, _)| format).ok_or_else(|| {
                Problem::not_acceptable("`$format` is `json` or `application/json` with its parameters")
            }),
            None => Self::accepted(headers)
                .ok_or_else(|| Problem::not_acceptable("this feed is JSON: accept `application/json`")),
        }
    }

    /// The most welcome of the media types that are JSON.
    fn accepted(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(header::ACCEPT) {
            return Some(Self::DEFAULT);
        }
        let values = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        let formats = values.flat_map(|value| value.split(',')).filter_map(read).filter(|(_, quality)| *quality > 0.0);
        // Of those that are equally welcome the first.
        formats.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(format, _)| format)
    }

    pub(super) fn content_type(self) -> String {
        let metadata = match self.metadata {
            Metadata::None => "none",
            Metadata::Minimal => "minimal",
            Metadata::Full => "full",
        };
        let ieee754 = if self.ieee754 { ";IEEE754Compatible=true" } else { "" };
        format!("application/json;odata.metadata={metadata}{ieee754};charset=utf-8")
    }
}

/// A media type and how welcome it is; none if JSON is none of it.
fn read(media: &str) -> Option<(Format, f32)> {
    let mut parts = media.split(';').map(str::trim);
    let name = parts.next()?.to_ascii_lowercase();
    if !matches!(name.as_str(), "application/json" | "application/*" | "*/*") {
        return None;
    }
    let (mut format, mut quality) = (Format::DEFAULT, 1.0);
    for part in parts {
        let (key, value) = part.split_once('=')?;
        match (key.trim().to_ascii_lowercase().as_str(), value.trim().trim_matches('"')) {
            ("odata.metadata" | "metadata", "none") => format.metadata = Metadata::None,
            ("odata.metadata" | "metadata", "minimal") => format.metadata = Metadata::Minimal,
            ("odata.metadata" | "metadata", "full") => format.metadata = Metadata::Full,
            ("odata.metadata" | "metadata", _) => return None,
            ("ieee754compatible", value) => format.ieee754 = value.eq_ignore_ascii_case("true"),
            ("q", value) => quality = value.parse().unwrap_or(0.0),
            // Streaming, charset, and what versions before 4 had: they change nothing here.
            _ => {}
        }
    }
    Some((format, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(accept: &str) -> Option<Format> {
        Format::accepted(&HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]))
    }

    #[test]
    fn the_most_welcome_json_is_written() {
        let of = |metadata, ieee754| Some(Format { metadata, ieee754 });
        for (accept, expected) in [
            ("application/json", of(Metadata::Minimal, false)),
            ("*/*", of(Metadata::Minimal, false)),
            ("application/json;odata.metadata=full", of(Metadata::Full, false)),
            ("application/json; odata.metadata=none; IEEE754Compatible=true", of(Metadata::None, true)),
            // As Power Query writes it.
            (
                "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,\
                 application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7",
                of(Metadata::Minimal, false),
            ),
            ("application/json;q=0.1,application/json;odata.metadata=full;q=0.2", of(Metadata::Full, false)),
            ("application/atom+xml", None),
            ("application/json;q=0", None),
        ] {
            assert_eq!(accepted(accept), expected, "{accept}");
        }
    }

    #[test]
    fn the_option_goes_before_the_header() {
        let atom = HeaderMap::from_iter([(header::ACCEPT, "application/atom+xml".parse().unwrap())]);
        assert!(Format::of(Some("json"), &atom).is_ok());
        assert_eq!(Format::of(Some("application/json;odata.metadata=full"), &atom).unwrap().metadata, Metadata::Full);
        assert!(Format::of(Some("atom"), &HeaderMap::new()).is_err());
        assert!(Format::of(None, &atom).is_err());
    }
}
