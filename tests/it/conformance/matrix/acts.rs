//! What is injected.

use super::alter;
use super::proxy::{Act, Answer, Deed, Moment};
use super::stack::CAP;

fn raw(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn whole(answer: &Answer) -> Deed {
    Deed::Send(answer.bytes())
}

/// The first half of an answer's bytes, its head whole.
fn half(answer: &Answer) -> Vec<u8> {
    let mut bytes = answer.bytes();
    bytes.truncate(bytes.len() - answer.body.len().div_ceil(2));
    bytes
}

/// In chunks, without the last one.
fn chunks(answer: &Answer) -> Vec<u8> {
    let head = format!("{}transfer-encoding: chunked\r\n\r\n{:x}\r\n", answer.head, answer.body.len());
    [head.as_bytes(), answer.body.as_slice(), b"\r\n"].concat()
}

/// Only the first request that asks for something, and the others are answered well.
fn once(moment: &Moment<'_>, answer: &Answer, deed: impl FnOnce(&Answer) -> Deed) -> Deed {
    if moment.nth == 0 && !moment.request.signs_in() { deed(answer) } else { whole(answer) }
}

/// Only requests that ask for something: one that signs in is let in.
fn inside(moment: &Moment<'_>, answer: &Answer, deed: impl FnOnce(&Answer) -> Deed) -> Deed {
    if moment.request.signs_in() { whole(answer) } else { deed(answer) }
}

/// The real answer with another body.
fn body(moment: &Moment<'_>, answer: Answer, alter: impl FnOnce(&[u8]) -> Vec<u8>) -> Deed {
    if moment.request.signs_in() {
        return whole(&answer);
    }
    let altered = alter(&answer.body);
    whole(&answer.with(altered))
}

macro_rules! act {
    ($name:ident, |$moment:ident, $answer:ident| $deed:expr) => {
        pub(super) const $name: Act = Act::With(|$moment, $answer| $deed);
    };
    ($name:ident, |$moment:ident| $deed:expr) => {
        pub(super) const $name: Act = Act::Instead(|$moment| $deed);
    };
}

/// An answer that has nothing to do with the question. Who signs in is let in.
macro_rules! says {
    ($name:ident, $status:expr, $headers:expr, $body:expr) => {
        act!($name, |moment| asks(moment, || Deed::Send(raw($status, $headers, $body))));
    };
}

/// Only requests that ask for something.
fn asks(moment: &Moment<'_>, deed: impl FnOnce() -> Deed) -> Option<Deed> {
    (!moment.request.signs_in()).then(deed)
}

/// Only the first of them.
fn first(moment: &Moment<'_>, deed: impl FnOnce() -> Deed) -> Option<Deed> {
    (moment.nth == 0 && !moment.request.signs_in()).then(deed)
}

const JSON: &str = "content-type: application/json\r\n";

act!(CLOSES, |_moment| Some(Deed::Close(vec![])));
act!(RESETS_ONCE, |moment| first(moment, || Deed::Reset(vec![])));
act!(RESETS_HALFWAY_ONCE, |moment, answer| once(moment, &answer, |answer| Deed::Reset(half(answer))));
act!(RESETS_HALFWAY, |moment, answer| inside(moment, &answer, |answer| Deed::Reset(half(answer))));
act!(DRIPS, |moment, answer| inside(moment, &answer, |answer| Deed::Drip(
    Answer { head: answer.head.clone(), body: vec![b' '] }.announced(1_000_000)
)));
act!(FALLS_SILENT, |moment, answer| inside(moment, &answer, |answer| Deed::Silence(half(answer))));
act!(SAYS_NOTHING, |moment| asks(moment, || Deed::Silence(vec![])));
act!(OVERSIZE, |moment, answer| body(moment, answer, |body| [&[b' '; 2 * CAP][..], body].concat()));
act!(FLOODS, |moment, answer| inside(moment, &answer, |answer| {
    // Without a length, the answer ends with the connection.
    let head = format!("{}connection: close\r\n\r\n", answer.head);
    Deed::Flood(head.into_bytes())
}));
act!(GZIP_BOMB, |moment, answer| inside(moment, &answer, |answer| {
    let body = alter::gzipped(&[&[b' '; 3 * CAP][..], &answer.body].concat());
    assert!(body.len() < CAP / 4);
    let head = format!("{}content-encoding: gzip\r\n", answer.head);
    Deed::Send(Answer { head, body }.bytes())
}));
act!(BROKEN_GZIP, |moment, answer| inside(moment, &answer, |answer| {
    let mut body = alter::gzipped(&answer.body);
    body.truncate(body.len() / 2);
    let head = format!("{}content-encoding: gzip\r\n", answer.head);
    Deed::Send(Answer { head, body }.bytes())
}));
act!(TOO_LONG_A_LENGTH, |moment, answer| inside(moment, &answer, |answer| Deed::Close(
    answer.announced(answer.body.len() + 9)
)));
act!(TOO_SHORT_A_LENGTH, |moment, answer| inside(moment, &answer, |answer| Deed::Send(
    answer.announced(answer.body.len() / 2)
)));
act!(NO_LAST_CHUNK, |moment, answer| inside(moment, &answer, |answer| Deed::Close(chunks(answer))));
act!(CHUNKED, |_moment, answer| Deed::Send([chunks(&answer).as_slice(), b"0\r\n\r\n"].concat()));
act!(CLOSES_AFTER, |_moment, answer| Deed::Close(answer.bytes()));
act!(FLAPS, |moment| {
    (moment.nth % 2 == 0 && !moment.request.signs_in()).then(|| Deed::Send(raw("503 Busy", JSON, b"{}")))
});

fn redirect(moment: &Moment<'_>, status: &str) -> Deed {
    let headers = format!("location: {}{}\r\n", moment.trap, moment.request.target());
    Deed::Send(raw(status, &headers, b"{}"))
}
act!(REDIRECT_302, |moment| Some(redirect(moment, "302 Found")));
act!(REDIRECT_308, |moment| Some(redirect(moment, "308 Permanent Redirect")));

says!(SAYS_500, "500 Oops", JSON, b"{}");
says!(SAYS_503, "503 Busy", JSON, b"{}");
act!(SAYS_503_ONCE, |moment| first(moment, || Deed::Send(raw("503 Busy", JSON, b"{}"))));

says!(SAYS_429, "429 Slow Down", JSON, b"{}");
says!(SAYS_429_SECONDS, "429 Slow Down", "retry-after: 50\r\n", b"{}");
says!(
    SAYS_429_DATE,
    "429 Slow Down",
    "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:50:27 GMT\r\n",
    b"{}"
);
act!(SAYS_429_NONSENSE, |moment| asks(moment, || {
    let pauses = ["-1", "soon", "1.5", "", "99999999999999999999999", "Sun, 06 Nov 1994 08:49:37 GMT", "0"];
    let headers = format!("retry-after: {}\r\n", pauses[moment.nth % pauses.len()]);
    Deed::Send(raw("429 Slow Down", &headers, b"{}"))
}));

says!(MAINTENANCE, "200 OK", JSON, b"<html>maintenance</html>");
act!(LABELLED_TEXT, |_moment, answer| whole(&Answer {
    head: answer.head.replace("application/json", "text/plain"),
    ..answer
}));
says!(ERROR_ENVELOPE, "200 OK", JSON, br#"{"error": {"code": -1, "message": {"lang": "en", "value": "canary"}}}"#);
/// The end of a session or a token, in the words of those systems that have such.
const ENDED: &[u8] = br#"{"error": {"code": 301, "message": {"lang": "en-us", "value": "Invalid session."}},
    "Fault": {"Error": [{"Message": "message=AuthenticationFailed", "code": "3200"}], "type": "AUTHENTICATION"}}"#;
act!(SIGNED_OUT, |moment| {
    (moment.signed_in == 0 && !moment.request.signs_in()).then(|| Deed::Send(raw("401 Who", JSON, ENDED)))
});
says!(SAYS_401, "401 Who", JSON, b"{}");
says!(SAYS_403, "403 No", JSON, b"{}");
says!(SAYS_404, "404 What", "content-type: text/html\r\n", b"<html>no such page</html>");
says!(SAYS_204, "204 No Content", "", b"");
says!(EMPTY, "200 OK", JSON, b"");
says!(NULL, "200 OK", JSON, b"null");
says!(EMPTY_LIST, "200 OK", JSON, b"[]");
says!(EMPTY_OBJECT, "200 OK", JSON, b"{}");
act!(SAYS_206, |moment, answer| inside(moment, &answer, |answer| Deed::Send(raw(
    "206 Partial Content",
    "content-type: application/json\r\ncontent-range: bytes 0-9/1000\r\n",
    &answer.body
))));
says!(SAYS_101, "101 Switching Protocols", "upgrade: x\r\nconnection: upgrade\r\n", b"");
act!(INTERIM, |_moment, answer| Deed::Send(
    [&b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"[..], &answer.bytes()].concat()
));

act!(NOT_UTF8, |moment, answer| body(moment, answer, |body| alter::every_text_begins_with(body, b"\xff")));
act!(NUL, |moment, answer| body(moment, answer, |body| alter::every_text_begins_with(body, b"\0")));
act!(LONE_SURROGATE, |moment, answer| body(moment, answer, |body| alter::every_text_begins_with(body, br"\ud800")));
act!(BYTE_ORDER_MARK, |_moment, answer| {
    let marked = [b"\xef\xbb\xbf", answer.body.as_slice()].concat();
    whole(&answer.with(marked))
});
act!(TWICE, |moment, answer| body(moment, answer, alter::every_member_twice));
act!(TWICE_INSIDE, |moment, answer| body(moment, answer, alter::every_inner_member_twice));
act!(DEEP, |moment, answer| body(moment, answer, alter::with_something_deep));
act!(ENDLESS, |moment, answer| body(moment, answer, |body| {
    alter::says_that_there_is_more(body, moment.request.target())
}));
act!(LEADS_ELSEWHERE, |moment, answer| body(moment, answer, |body| {
    let foreign = format!("{}{}", moment.trap, moment.request.target());
    alter::says_that_there_is_more(body, &foreign)
}));
