//! What an answer's status and first bytes mean.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::{ErrorKind, Failure, Quota, Response, Retry};

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
            .zip(told_time(headers))
            .and_then(|(until, now)| Duration::try_from(until.duration_since(now)).ok()),
    };
    pause.filter(|pause| !pause.is_zero()).map_or(Retry::Backoff, Retry::After)
}

/// What time the system says it is: its answer's `Date`.
pub(super) fn told_time(headers: &HeaderMap) -> Option<Timestamp> {
    headers.get(header::DATE).and_then(text).and_then(date)
}

/// The headers that tell a quota and what is left of it. HubSpot's of the day, before those of ten seconds, which tell nothing for
/// longer; then those that many servers have.
const QUOTAS: [[&str; 2]; 3] = [
    ["x-hubspot-ratelimit-daily", "x-hubspot-ratelimit-daily-remaining"],
    ["x-ratelimit-limit", "x-ratelimit-remaining"],
    ["ratelimit-limit", "ratelimit-remaining"],
];

/// What is left of the system's quota, where its answer tells. A number may be followed by what it is counted by.
pub(super) fn told_quota(headers: &HeaderMap) -> Option<Quota> {
    let number = |name: &str| text(headers.get(name)?)?.split([',', ';']).next()?.trim().parse().ok();
    QUOTAS.iter().find_map(|[limit, remaining]| {
        let (limit, remaining) = (number(limit)?, number(remaining)?);
        (remaining <= limit).then_some(Quota { limit, remaining })
    })
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim)
}

fn date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn judge(
        status: u16,
        headers: &[(header::HeaderName, &str)],
        body: &'static str,
    ) -> Result<(), (ErrorKind, Retry)> {
        let status = StatusCode::from_u16(status).unwrap();
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        classify(&Response { status, headers, body: body.into() }).map_err(|failure| (failure.kind, failure.retry))
    }

    #[test]
    fn json_is_known_by_its_first_byte() {
        for body in ["{}", "[1]", " \r\n\t{}", "\u{feff}[]", "\u{feff}\n{}"] {
            assert_eq!(judge(200, &[(header::CONTENT_TYPE, "text/plain")], body), Ok(()), "{body:?}");
        }
        for body in ["", " ", "<!doctype html>", "null", "\"text\"", "1", "\u{feff}", "OK {}"] {
            let json = [(header::CONTENT_TYPE, "application/json")];
            assert_eq!(judge(200, &json, body), Err((ErrorKind::BadResponse, Retry::No)), "{body:?}");
        }
    }

    #[test]
    fn a_quota_is_read_where_it_is_told_whole() {
        for (told, quota) in [
            (
                &[("x-hubspot-ratelimit-daily", "650000"), ("x-hubspot-ratelimit-daily-remaining", "64999")][..],
                Some(64_999),
            ),
            (&[("x-ratelimit-limit", "650000;w=60"), ("x-ratelimit-remaining", "0")], Some(0)),
            (&[("ratelimit-limit", "650000, 650000;w=60"), ("ratelimit-remaining", " 650000 ")], Some(650_000)),
            (&[("x-hubspot-ratelimit-max", "190"), ("x-hubspot-ratelimit-remaining", "1")], None),
            (&[("x-ratelimit-limit", "650000")], None),
            (&[("x-ratelimit-limit", "many"), ("x-ratelimit-remaining", "1")], None),
            (&[("x-ratelimit-limit", "1"), ("x-ratelimit-remaining", "2")], None),
            (&[("x-ratelimit-limit", "650000"), ("x-ratelimit-remaining", "-1")], None),
        ] {
            let headers: HeaderMap = told
                .iter()
                .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            let expected = quota.map(|remaining| Quota { limit: 650_000, remaining });
            assert_eq!(told_quota(&headers), expected, "{told:?}");
            assert_eq!(expected.is_some_and(Quota::is_low), quota.is_some_and(|left| left < 65_000));
        }
    }

    #[test]
    fn each_status_means_one_thing() {
        use ErrorKind::{BadRequest, BadResponse, Broken, Forbidden, RateLimited, Timeout, Unauthorized};
        for (statuses, kind, retry) in [
            (&[401][..], Unauthorized, Retry::No),
            (&[403], Forbidden, Retry::No),
            (&[400, 404, 405, 409, 414, 422, 451], BadRequest, Retry::No),
            (&[408], Timeout, Retry::Backoff),
            (&[429], RateLimited, Retry::Backoff),
            (&[500, 501, 505, 599], Broken, Retry::No),
            (&[502, 503, 504, 520, 522, 524, 525], Broken, Retry::Backoff),
            (&[101, 204, 205, 206, 301, 302, 304, 307, 600, 999], BadResponse, Retry::No),
        ] {
            for status in statuses {
                assert_eq!(judge(*status, &[], "{}"), Err((kind, retry)), "{status}");
            }
        }
        for status in [200, 201, 202, 207] {
            assert_eq!(judge(status, &[], "{}"), Ok(()), "{status}");
        }
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let after = |seconds| Retry::After(Duration::from_secs(seconds));
        for (value, expected) in [
            ("2", after(2)),
            (" 2 ", after(2)),
            ("86400", after(86400)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", after(10)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", Retry::Backoff),
            ("0", Retry::Backoff),
            ("-1", Retry::Backoff),
            ("1.5", Retry::Backoff),
            ("soon", Retry::Backoff),
            ("", Retry::Backoff),
            ("99999999999999999999999", Retry::Backoff),
        ] {
            for (status, kind) in [(429, ErrorKind::RateLimited), (503, ErrorKind::Broken)] {
                let headers = [(header::RETRY_AFTER, value), (header::DATE, date)];
                assert_eq!(judge(status, &headers, ""), Err((kind, expected)), "{status} {value:?}");
            }
        }
        let without_date = [(header::RETRY_AFTER, "Sun, 06 Nov 1994 08:49:47 GMT")];
        assert_eq!(judge(429, &without_date, ""), Err((ErrorKind::RateLimited, Retry::Backoff)));
    }
}
