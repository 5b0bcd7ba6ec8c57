//! `Retry-After` and `Date` of an answer: a pause is what the header says, or a hint and no more.

use std::time::Duration;

use super::super::{choose, take};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use spine::systems::http::{Response, Retry, classify};

/// Looks at one input.
pub fn run(data: &[u8]) {
    let ([status], rest) = take(data);
    let status = choose(&[429, 503, 502, 504, 520, 529], status);
    let (pause, told) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let Ok(value) = HeaderValue::from_bytes(pause) else { return };
    // A header is ASCII: what looks like a blank and is none makes it no number.
    let seconds = value.to_str().ok().and_then(|text| text.trim().parse::<u64>().ok());
    let mut headers = HeaderMap::from_iter([(header::RETRY_AFTER, value)]);
    if let Some(told) = told.and_then(|told| HeaderValue::from_bytes(told).ok()) {
        headers.insert(header::DATE, told);
    }
    let response = Response { status: StatusCode::from_u16(status).expect("a status"), headers, body: "{}".into() };
    let failure = classify(&response).expect_err("none of these is fine");
    match (failure.retry, seconds) {
        (Retry::After(pause), Some(seconds)) => assert_eq!(pause, Duration::from_secs(seconds)),
        (Retry::After(pause), None) => {
            assert!(!pause.is_zero() && told.is_some(), "a date is read by the system's own clock");
        }
        (Retry::Backoff, seconds) => assert!(seconds.is_none_or(|seconds| seconds == 0), "{seconds:?} is a pause"),
        (retry, _) => panic!("{status} is asked again: {retry:?}"),
    }
}
