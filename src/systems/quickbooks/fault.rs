//! Faults. They come as JSON, with names in either case, and from the gateways before QuickBooks as XML, whatever was asked
//! for: `<Fault type="SERVICE"><Error code="3001"><Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</...`.
//! Codes: Intuit's list of error codes, and the ranges of `python-quickbooks`.

use serde::Deserialize;

use crate::systems::ErrorKind;
use crate::systems::http::{self as shared, Failure, Response, Retry};

/// The token has ended, or is none.
const AUTHENTICATION_FAILED: u32 = 3200;
/// Asked too often.
const THROTTLED: u32 = 3001;

#[derive(Deserialize)]
struct Body {
    #[serde(alias = "fault", rename = "Fault")]
    fault: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(alias = "error", rename = "Error", default)]
    errors: Vec<Error>,
}

#[derive(Deserialize)]
struct Error {
    #[serde(alias = "Code")]
    code: Option<String>,
}

/// The code of the fault in a body; none if there is no fault in it, 0 if it has no code.
fn code(body: &[u8]) -> Option<u32> {
    let body = body.trim_ascii_start();
    if body.starts_with(b"<") {
        return xml_code(std::str::from_utf8(body).ok()?);
    }
    // Rows of an answer come in large bodies: whether it is a fault is seen by its first bytes.
    let start = body.get(..body.len().min(400))?;
    let said = |word: &[u8]| start.windows(word.len()).any(|found| found.eq_ignore_ascii_case(word));
    if !said(b"\"fault\"") {
        return None;
    }
    let body: Body = serde_json::from_slice(body).ok()?;
    let first = body.fault?.errors.into_iter().next();
    Some(first.and_then(|error| error.code?.trim().parse().ok()).unwrap_or_default())
}

fn xml_code(text: &str) -> Option<u32> {
    let (_, fault) = text.split_once("<Fault").or_else(|| text.split_once("<fault"))?;
    let (_, error) = fault.split_once("<Error").or_else(|| fault.split_once("<error")).unwrap_or(("", ""));
    let attribute = error.split_once("code=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(code, _)| code);
    let in_text = || {
        let (_, rest) = fault.split_once("errorCode=")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()
    };
    Some(attribute.or_else(in_text).and_then(|code| code.trim().parse().ok()).unwrap_or_default())
}

/// Whether the answer says that the token has ended.
pub(super) fn token_ended(response: &Response) -> bool {
    response.status.as_u16() == 401 && code(&response.body) == Some(AUTHENTICATION_FAILED)
}

/// The usual table, but: the end of a token is no failure of the system; a fault is one whatever its status; and its code
/// says more than the status does.
pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    if token_ended(response) {
        return Ok(());
    }
    let judged = shared::classify(response);
    let Some(code) = code(&response.body) else { return judged };
    let status = response.status.as_u16();
    let mut failure = judged.err().unwrap_or(Failure { kind: ErrorKind::BadRequest, retry: Retry::No, detail: None });
    match code {
        THROTTLED if failure.kind != ErrorKind::RateLimited => {
            (failure.kind, failure.retry) = (ErrorKind::RateLimited, Retry::Backoff);
        }
        AUTHENTICATION_FAILED => failure.kind = ErrorKind::Unauthorized,
        // Not this company's token, or not its scope; the subscription has ended.
        3100 | 3202 | 6190 => failure.kind = ErrorKind::Forbidden,
        // What the status says stands; in an answer that says nothing, the ranges do.
        500..=9999 if status < 300 => failure.kind = ErrorKind::BadRequest,
        10_000.. if status < 300 => failure.kind = ErrorKind::Broken,
        _ if status < 300 => failure.kind = ErrorKind::BadResponse,
        _ => {}
    }
    failure.detail = Some(format!("fault {code}{}", support_id(response)));
    Err(failure)
}

/// What Intuit's support asks for. It is theirs alone, and says nothing of what was asked.
fn support_id(response: &Response) -> String {
    let id = response.headers.get("intuit_tid").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let id: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(80).collect();
    if id.is_empty() { id } else { format!(", intuit_tid {id}") }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn judge(status: u16, body: &str) -> Result<(), (ErrorKind, Retry, Option<String>)> {
        let mut headers = http::HeaderMap::new();
        headers.insert("intuit_tid", "1-5f-a".parse().unwrap());
        let response =
            Response { status: StatusCode::from_u16(status).unwrap(), headers, body: body.to_owned().into() };
        classify(&response).map_err(|failure| (failure.kind, failure.retry, failure.detail))
    }

    #[test]
    fn a_fault_is_read_in_json_of_either_case_and_in_xml() {
        use ErrorKind::{BadRequest, BadResponse, Broken, Forbidden, RateLimited};
        let json = |code: &str| {
            format!(
                "{{\"Fault\":{{\"Error\":[{{\"Message\":\"m\",\"code\":\"{code}\"}}],\"type\":\"T\"}},\"time\":\"t\"}}"
            )
        };
        let lower = |code: &str| {
            format!("{{\"warnings\":null,\"fault\":{{\"error\":[{{\"message\":\"m\",\"code\":\"{code}\"}}]}}}}")
        };
        let throttled = "<?xml version=\"1.0\"?>\n<IntuitResponse><Fault type=\"SERVICE\"><Error code=\"3001\"><Message>\
                         message=ThrottleExceeded; errorCode=003001; statusCode=429</Message></Error></Fault></IntuitResponse>";
        let no_attribute =
            "<Fault><Error><Message>message=ThrottleExceeded; errorCode=003001</Message></Error></Fault>";
        for (status, body, kind, retry, code) in [
            (400, json("4001"), BadRequest, Retry::No, 4001),
            (400, json("610"), BadRequest, Retry::No, 610),
            (200, json("4000"), BadRequest, Retry::No, 4000),
            (200, json("10000"), Broken, Retry::No, 10_000),
            (200, json("none"), BadResponse, Retry::No, 0),
            (403, lower("3100"), Forbidden, Retry::No, 3100),
            (401, lower("3100"), Forbidden, Retry::No, 3100),
            (429, json("3001"), RateLimited, Retry::Backoff, 3001),
            (429, throttled.to_owned(), RateLimited, Retry::Backoff, 3001),
            (200, throttled.to_owned(), RateLimited, Retry::Backoff, 3001),
            (403, no_attribute.to_owned(), RateLimited, Retry::Backoff, 3001),
            (503, throttled.replace("3001", "9999"), Broken, Retry::Backoff, 9999),
        ] {
            let detail = format!("fault {code}, intuit_tid 1-5f-a");
            assert_eq!(judge(status, &body), Err((kind, retry, Some(detail))), "{status} {body}");
        }
    }

    #[test]
    fn the_end_of_a_token_is_told_from_a_refusal() {
        let ended = "{\"fault\":{\"error\":[{\"message\":\"message=AuthenticationFailed\",\"code\":\"3200\"}]}}";
        assert_eq!(judge(401, ended), Ok(()));
        assert_eq!(judge(401, "{\"error\":\"no\"}"), Err((ErrorKind::Unauthorized, Retry::No, None)));
        assert_eq!(judge(401, ""), Err((ErrorKind::Unauthorized, Retry::No, None)));
    }

    #[test]
    fn rows_are_no_fault_whatever_stands_in_them() {
        assert_eq!(judge(200, "{\"QueryResponse\":{},\"time\":\"t\"}"), Ok(()));
        let body = format!(
            "{{\"QueryResponse\":{{\"Invoice\":[{{\"Id\":\"1\",\"PrivateNote\":\"{}\\\"fault\\\"\"}}]}}}}",
            "x".repeat(500)
        );
        assert_eq!(judge(200, &body), Ok(()));
        assert_eq!(judge(200, "<html></html>"), Err((ErrorKind::BadResponse, Retry::No, Some("not JSON".to_owned()))));
    }
}
