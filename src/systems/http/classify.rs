//! What an answer's status and first bytes mean.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::{ErrorKind, Failure, Response, Retry};

/// The usual judgement of an answer.
///
/// | answer | means |
/// |---|---|
/// | 2xx with JSON (by its first byte: many label it `text/plain`) | fine |
/// | 2xx with anything else or nothing, 204, 205, 206; 1xx, 3xx | `BadResponse` |
/// | 401; 403 | `Unauthorized`; `Forbidden` |
/// | 408 | `Timeout`, asked again |
/// | 429 | `RateLimited`, asked again after `Retry-After` |
/// | other 4xx, 404 too | `BadRequest`; a connector that reads single records lets 404 pass in its own table |
/// | 502, 503, 504, 52x | `Broken`, asked again, after `Retry-After` if there is one |
/// | other 5xx | `Broken` |
pub fn classify(response: &Response) -> Result<(), Failure> {
    let status = response.status;
    let (kind, retry) = match status.as_u16() {
        204..=206 => (ErrorKind::BadResponse, Retry::No),
        200..=299 if is_json(&response.body) => return Ok(()),
        200..=299 => {
            let what = if response.body.is_empty() { "an empty body" } else { "not JSON" };
            return Err(Failure { kind: ErrorKind::BadResponse, retry: Retry::No, detail: Some(what.to_owned()) });
        }
        401 => (ErrorKind::Unauthorized, Retry::No),
        403 => (ErrorKind::Forbidden, Retry::No),
        408 => (ErrorKind::Timeout, Retry::Backoff),
        429 => (ErrorKind::RateLimited, pause(&response.headers)),
        400..=499 => (ErrorKind::BadRequest, Retry::No),
        502..=504 | 520..=529 => (ErrorKind::Broken, pause(&response.headers)),
        500..=599 => (ErrorKind::Broken, Retry::No),
        _ => (ErrorKind::BadResponse, Retry::No),
    };
    Err(Failure { kind, retry, detail: None })
}

/// An answer without the byte order mark that some servers put before JSON.
pub(super) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

fn is_json(body: &[u8]) -> bool {
    matches!(without_bom(body).trim_ascii_start(), [b'{' | b'[', ..])
}

/// `Retry-After`, in seconds or as a date. A date is taken against the server's own `Date`, since the two clocks need
/// not agree. What cannot be read, or lies in the past, is no more than a hint to wait.
fn pause(headers: &HeaderMap) -> Retry {
    let Some(text) = headers.get(header::RETRY_AFTER).and_then(text) else { return Retry::Backoff };
    let pause = match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => date(text)
            .zip(headers.get(header::DATE).and_then(self::text).and_then(date))
            .and_then(|(until, now)| Duration::try_from(until.duration_since(now)).ok()),
    };
    pause.filter(|pause| !pause.is_zero()).map_or(Retry::Backoff, Retry::After)
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim)
}

fn date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
