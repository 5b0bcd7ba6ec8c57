//! What the errors of the server and of its driver mean.

use tiberius::error::Error;

use crate::systems::ErrorKind;
use crate::systems::sql::session::{broken, misconfigured, not_reached, short};
use crate::systems::upstream::{Failed, Retry};

/// Why there is no session.
pub(super) fn not_let_in(error: &Error) -> Failed {
    match error {
        Error::Tls(why) => {
            // The driver goes on to say how not to verify it.
            let why = why.split(" To connect anyway").next().unwrap_or_default();
            Failed::new(ErrorKind::Connect, Retry::No, format!("TLS: {}", short(why)))
        }
        Error::Io { kind, message } if message.contains("certificate") || message.contains("alert") => {
            Failed::new(ErrorKind::Connect, Retry::No, format!("TLS: {kind}"))
        }
        Error::Io { kind, .. } => not_reached(&std::io::Error::from(*kind)),
        Error::Server(error) => judged(error.code(), error.class(), error.message()),
        Error::Protocol(why) if why.contains("encryption level") => {
            Failed::new(ErrorKind::Connect, Retry::No, "TLS: the server does not offer it")
        }
        Error::Routing { .. } => Failed::new(ErrorKind::Connect, Retry::No, "sent from server to server, and on"),
        _ => Failed::new(ErrorKind::Connect, Retry::No, "protocol: not what the server's protocol promises"),
    }
}

/// What went wrong, in our words.
pub(super) fn failed(error: &Error) -> Failed {
    match error {
        Error::Server(error) => judged(error.code(), error.class(), error.message()),
        Error::Io { kind, .. } => broken(&kind.to_string()),
        Error::Encoding(_) => {
            misconfigured("a column has a code page that the driver does not know: cast it to nvarchar")
        }
        // What the driver says may hold a value, so it is not repeated.
        Error::Utf8 | Error::Utf16 => Failed::new(ErrorKind::BadResponse, Retry::No, "a text that is none"),
        _ => broken("not what the server's protocol promises"),
    }
}

/// What an error of the server means, by its number; by its severity where nobody knows the number.
pub(super) fn judged(code: u32, severity: u8, message: &str) -> Failed {
    let (kind, retry) = match code {
        // No such user, a wrong password, one that must be changed, a user who is locked; no such database, or none for this
        // user. The server counts each of them as a sign-in that failed.
        4060 | 4064 | 18450 | 18452 | 18456 | 18470 | 18486..=18488 | 40532 => (ErrorKind::Unauthorized, Retry::No),
        229 | 230 | 262 | 297 | 300 | 371 | 916 | 40615 | 47073 => (ErrorKind::Forbidden, Retry::No),
        // A statement that writes, to what can only be read.
        3906 => (ErrorKind::NotAllowed, Retry::No),
        // Another one has held a lock for too long.
        1222 => (ErrorKind::Timeout, Retry::No),
        // Chosen as the victim of a deadlock; rows that moved while they were read, or were changed under a snapshot.
        1205 | 601 | 3960 | 3961 => (ErrorKind::Broken, Retry::Backoff),
        // Too many sessions, too little memory, or Azure has had enough of us for now.
        701 | 802 | 1204 | 8645 | 8651 | 10928 | 10929 | 17809 | 40501 | 49918..=49920 => {
            (ErrorKind::RateLimited, Retry::Backoff)
        }
        // Starting, failing over, being moved, or a secondary that is not to be read at the moment.
        921 | 922 | 927 | 952 | 976 | 978 | 979 | 982 | 983 | 4221 | 6005 | 18401 | 40143 | 40197 | 40540 | 40613 => {
            (ErrorKind::Broken, Retry::Backoff)
        }
        // Somebody ended the session.
        596 | 6104 => return broken(&format!("error {code}")),
        _ => match severity {
            14 => (ErrorKind::Forbidden, Retry::No),
            11 | 12 | 15 | 16 => (ErrorKind::BadRequest, Retry::No),
            17 => (ErrorKind::RateLimited, Retry::Backoff),
            20.. => return broken(&format!("error {code}")),
            _ => (ErrorKind::Broken, Retry::No),
        },
    };
    Failed::new(kind, retry, detail(code, severity, message))
}

/// What the server says of a query's own text names columns and tables; what it says of values may hold them.
fn detail(code: u32, severity: u8, message: &str) -> String {
    let of_the_text = severity == 15
        || matches!(code, 137 | 195 | 206 | 207..=209 | 468 | 4104 | 4121 | 8116 | 8117 | 8120 | 8144 | 10744);
    if code == 208 && message.contains("OPENJSON") {
        return format!("error {code}: no OPENJSON here: the database's compatibility level must be 130 or more");
    }
    if of_the_text { format!("error {code}: {}", short(message)) } else { format!("error {code}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_driver_says_is_told_in_our_words() {
        let said = |error: &Error| not_let_in(error).detail.unwrap().to_string();
        let advice = "certificate was rejected: unknown issuer. To connect anyway you can trust anybody";
        assert_eq!(said(&Error::Tls(advice.to_owned())), "TLS: certificate was rejected: unknown issuer.");
        assert_eq!(said(&Error::Protocol("Server does not allow the requested encryption level.".into())), {
            "TLS: the server does not offer it"
        });
        let closed = Error::Io { kind: std::io::ErrorKind::UnexpectedEof, message: "x".to_owned() };
        assert!(failed(&closed).stale);
        let value = Error::Conversion("cannot convert 'secret'".into());
        assert!(!failed(&value).detail.unwrap().contains("secret"));
    }

    #[test]
    fn each_error_means_one_thing() {
        for (code, severity, kind, retried) in [
            (18456, 14, ErrorKind::Unauthorized, false),
            (4060, 11, ErrorKind::Unauthorized, false),
            (229, 14, ErrorKind::Forbidden, false),
            (15247, 14, ErrorKind::Forbidden, false),
            (3906, 16, ErrorKind::NotAllowed, false),
            (1222, 16, ErrorKind::Timeout, false),
            (1205, 13, ErrorKind::Broken, true),
            (40613, 17, ErrorKind::Broken, true),
            (40501, 20, ErrorKind::RateLimited, true),
            (1105, 17, ErrorKind::RateLimited, true),
            (8134, 16, ErrorKind::BadRequest, false),
            (102, 15, ErrorKind::BadRequest, false),
            (824, 24, ErrorKind::Connect, true),
            (596, 21, ErrorKind::Connect, true),
            (9999, 18, ErrorKind::Broken, false),
        ] {
            let failed = judged(code, severity, "x");
            assert_eq!(failed.kind, kind, "{code}");
            assert_eq!(matches!(failed.retry, Retry::Backoff), retried, "{code}");
        }
    }

    #[test]
    fn an_error_is_repeated_where_it_speaks_of_the_query_and_not_of_values() {
        let said = |code, severity, message| judged(code, severity, message).detail.unwrap().to_string();
        assert_eq!(said(207, 16, "Invalid column name 'x'."), "error 207: Invalid column name 'x'.");
        assert_eq!(said(102, 15, "Incorrect syntax near 'x'."), "error 102: Incorrect syntax near 'x'.");
        assert_eq!(said(245, 16, "Conversion failed when converting the nvarchar value 'secret'"), "error 245");
        assert_eq!(said(18456, 14, "Login failed for user 'spine'."), "error 18456");
        assert!(said(208, 16, "Invalid object name 'OPENJSON'.").contains("compatibility level"));
    }
}
