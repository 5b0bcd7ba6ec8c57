//! The cases, as a table: what is injected into the answers of a system, and what a reader must get.

use super::acts;
use super::proxy::Act;

/// One fault, and what must come of it through the graph and through a report.
pub(super) struct Case {
    /// The row of the fault matrix that it belongs to.
    pub(super) id: &'static str,
    /// What is injected, in words.
    pub(super) injected: &'static str,
    pub(super) how: How,
    pub(super) expected: Expected,
    /// The kinds of system to which it does not apply, and why.
    pub(super) except: &'static [(&'static str, &'static str)],
}

/// How something is injected.
pub(super) enum How {
    /// Into the answers.
    Answers(Act),
    /// Into the answers, and the connection is left alone afterwards: a gateway of its own.
    Alone(Act),
    /// Into the answers, under short timeouts: a gateway of its own.
    Hasty(Act),
    /// There is something else where the system should be.
    Elsewhere(Place),
}

/// What there may be where a system should be.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// No such name.
    Nowhere,
    /// A port on which nobody listens.
    Closed,
    /// A host that drops what it gets.
    BlackHole,
    /// A server whose certificate nobody known has signed.
    SelfSigned,
    /// A server whose certificate is another host's.
    OtherHost,
}

/// What a reader gets.
pub(super) enum Expected {
    /// All of it, as ever.
    Right,
    /// Nothing of this system, and an error with one of these codes.
    Missing(&'static [&'static str]),
    /// Each thing either as ever, or missing with an error with one of these codes.
    RightOrMissing(&'static [&'static str]),
}

use Expected::{Missing, Right, RightOrMissing};
use How::{Alone, Answers, Elsewhere, Hasty};

const fn case(id: &'static str, injected: &'static str, how: How, expected: Expected) -> Case {
    Case { id, injected, how, expected, except: &[] }
}

impl Case {
    const fn except(self, except: &'static [(&'static str, &'static str)]) -> Self {
        Self { except, ..self }
    }
}

const AWAY: Expected = Missing(&["UPSTREAM_UNAVAILABLE"]);
const UNREADABLE: Expected = Missing(&["UPSTREAM_BAD_RESPONSE"]);
const TOO_LARGE: Expected = Missing(&["UPSTREAM_TOO_LARGE"]);
const TOO_LATE: Expected = Missing(&["UPSTREAM_TIMEOUT"]);
const TOO_MANY: Expected = Missing(&["UPSTREAM_RATE_LIMITED"]);

/// How long the system asks to be left alone, where it says so in a way that can be read.
pub(super) const PAUSES: [(&str, u64); 2] =
    [("429 with `Retry-After: 50`", 50_000), ("429 with `Retry-After` as a date, by the clock of the system", 50_000)];

/// For [`Case::except`].
const NO_SESSION: &str = "each call shows the credential itself, and nothing ends";

pub(super) static CASES: &[Case] = &[
    case("T1", "the host's name does not exist", Elsewhere(Place::Nowhere), AWAY),
    case("T2", "the connection is refused", Elsewhere(Place::Closed), AWAY),
    case("T3", "the host drops what it gets", Elsewhere(Place::BlackHole), AWAY),
    case("T4", "one connection is reset before the answer", Answers(acts::RESETS_ONCE), Right),
    case("T4", "one connection is reset in mid-answer", Answers(acts::RESETS_HALFWAY_ONCE), Right),
    case("T4", "every connection is closed before the answer", Answers(acts::CLOSES), AWAY),
    case("T4", "every connection is reset in mid-answer", Answers(acts::RESETS_HALFWAY), UNREADABLE),
    case("T5", "a certificate that nobody known has signed", Elsewhere(Place::SelfSigned), AWAY),
    case("T5", "a certificate of another host", Elsewhere(Place::OtherHost), AWAY),
    case("T7", "the body drips, a byte at a time, for ever", Hasty(acts::DRIPS), TOO_LATE),
    case("T8", "half of the answer, then silence", Hasty(acts::FALLS_SILENT), TOO_LATE),
    case("T8", "no answer at all", Hasty(acts::SAYS_NOTHING), TOO_LATE),
    case("T9", "a body larger than the cap", Answers(acts::OVERSIZE), TOO_LARGE),
    case("T9", "a body without an end", Answers(acts::FLOODS), TOO_LARGE),
    case("T10", "a small body that inflates to more than the cap", Answers(acts::GZIP_BOMB), TOO_LARGE),
    case("T11", "a `Content-Length` that is too large", Answers(acts::TOO_LONG_A_LENGTH), UNREADABLE),
    case("T11", "a `Content-Length` that is too small", Answers(acts::TOO_SHORT_A_LENGTH), UNREADABLE),
    case("T11", "chunks without the last one", Answers(acts::NO_LAST_CHUNK), UNREADABLE),
    case("T11", "a compressed body that ends too early", Answers(acts::BROKEN_GZIP), UNREADABLE),
    case("T11", "the answer in chunks, whole", Answers(acts::CHUNKED), Right),
    case("T12", "each connection is closed after its answer, without a word", Answers(acts::CLOSES_AFTER), Right),
    case("T14", "every second answer is 503", Answers(acts::FLAPS), RightOrMissing(&["UPSTREAM_UNAVAILABLE"])),
    case("T16", "302 to another host", Answers(acts::REDIRECT_302), UNREADABLE),
    case("T16", "308 to another host", Answers(acts::REDIRECT_308), UNREADABLE),
    case("H1", "one answer is 503", Answers(acts::SAYS_503_ONCE), Right),
    case("H1", "500", Answers(acts::SAYS_500), AWAY),
    case("H1", "503", Answers(acts::SAYS_503), AWAY),
    case("H2", PAUSES[0].0, Alone(acts::SAYS_429_SECONDS), TOO_MANY),
    case("H3", PAUSES[1].0, Alone(acts::SAYS_429_DATE), TOO_MANY),
    case("H3", "429 without `Retry-After`", Answers(acts::SAYS_429), TOO_MANY),
    case(
        "H3",
        "429 with a `Retry-After` that is nonsense, past or negative",
        Answers(acts::SAYS_429_NONSENSE),
        TOO_MANY,
    ),
    case("H4", "200 with a page that is labelled as JSON", Answers(acts::MAINTENANCE), UNREADABLE),
    case("H5", "JSON that is labelled as text", Answers(acts::LABELLED_TEXT), Right),
    case(
        "H5",
        "200 with an error in it",
        Answers(acts::ERROR_ENVELOPE),
        Missing(&["UPSTREAM_BAD_RESPONSE", "UPSTREAM_BAD_REQUEST", "UPSTREAM_UNAVAILABLE"]),
    ),
    case("H6", "401 for all calls until somebody signs in again", Answers(acts::SIGNED_OUT), Right).except(&[
        ("hubspot", NO_SESSION),
        ("netsuite", NO_SESSION),
        ("odata", NO_SESSION),
        ("odoo", NO_SESSION),
        ("odoo by JSON-RPC", NO_SESSION),
        ("redmine", NO_SESSION),
        ("rest", NO_SESSION),
    ]),
    case(
        "H7",
        "who signs in is let in, and every call is 401 all the same",
        Alone(acts::SAYS_401),
        Missing(&["UPSTREAM_AUTH"]),
    ),
    case("H8", "403", Answers(acts::SAYS_403), Missing(&["UPSTREAM_FORBIDDEN"])),
    case(
        "H9",
        "404 with a page, for everything",
        Answers(acts::SAYS_404),
        Missing(&["UPSTREAM_BAD_REQUEST", "UPSTREAM_BAD_RESPONSE"]),
    ),
    case("H12", "204", Answers(acts::SAYS_204), UNREADABLE),
    case("H12", "200 without a body", Answers(acts::EMPTY), UNREADABLE),
    case("H12", "200 with `null`", Answers(acts::NULL), UNREADABLE),
    case("H12", "200 with `[]`", Answers(acts::EMPTY_LIST), UNREADABLE)
        .except(&[("odoo", "by JSON-2 this is how Odoo says that there are no records")]),
    case("H12", "200 with `{}`", Answers(acts::EMPTY_OBJECT), UNREADABLE),
    case("H13", "206", Answers(acts::SAYS_206), UNREADABLE),
    case("H13", "101", Answers(acts::SAYS_101), UNREADABLE),
    case("H13", "103 before the answer", Answers(acts::INTERIM), Right),
    case("D11", "texts that are not UTF-8", Answers(acts::NOT_UTF8), UNREADABLE),
    case("D11", "NUL in texts", Answers(acts::NUL), UNREADABLE),
    case("D11", "half of a surrogate pair in texts", Answers(acts::LONE_SURROGATE), UNREADABLE),
    case("D11", "a byte order mark", Answers(acts::BYTE_ORDER_MARK), Right),
    case("D11", "members twice, with two values", Answers(acts::TWICE), UNREADABLE),
    case("D11", "members of the innermost objects twice, with two values", Answers(acts::TWICE_INSIDE), UNREADABLE),
    case(
        "D11",
        "something nested 10,000 times that nobody asked for",
        Answers(acts::DEEP),
        RightOrMissing(&["UPSTREAM_BAD_RESPONSE"]),
    ),
    case(
        "D12",
        "each list says for ever that there is more",
        Answers(acts::ENDLESS),
        RightOrMissing(&["RESULT_TRUNCATED", "UPSTREAM_BAD_RESPONSE"]),
    ),
    case(
        "D13",
        "each list says that there is more at another host",
        Answers(acts::LEADS_ELSEWHERE),
        RightOrMissing(&["RESULT_TRUNCATED", "UPSTREAM_BAD_RESPONSE"]),
    ),
];
