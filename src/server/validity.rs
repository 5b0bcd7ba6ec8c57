//! Until when a certificate is good. That it is good now is for TLS to say, when a connection is opened; but a connection can
//! outlive what it was opened with.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The tags of a certificate's version and of the two forms of time.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of a certificate's validity (X.509 in DER, RFC 5280). None if it has none: a date beyond the calendar.
pub(super) fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut rest, _) = element(certificate)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    // Serial number, algorithm of the signature, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, validity, _) = element(rest)?;
    let (_, _, after_its_begin) = element(validity)?;
    let (tag, text, _) = element(after_its_begin)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// One element of DER: its tag, what is in it, and what comes after it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (inside, after) = rest.split_at_checked(length)?;
    Some((*tag, inside, after))
}

/// A moment, to the second and in UTC. The older form has two digits for the year.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let text = match tag {
        UTC_TIME => {
            let year: u8 = text.get(..2)?.parse().ok()?;
            Cow::from(format!("{}{text}", if year < 50 { "20" } else { "19" }))
        }
        GENERALIZED_TIME => Cow::from(text),
        _ => return None,
    };
    let moment = DateTime::strptime("%Y%m%d%H%M%SZ", text.as_ref()).ok()?;
    TimeZone::UTC.to_timestamp(moment).ok()
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    fn of(file: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(format!("{}/tests/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn the_end_is_what_stands_in_the_certificate() {
        for (file, end) in [
            ("it/sign_in/certificates/billing.pem", "2126-11-02T17:44:32Z"),
            ("sql/sqlserver/demo-server.pem", "2126-11-02T09:58:33Z"),
        ] {
            assert_eq!(not_after(&of(file)), Some(end.parse().unwrap()), "{file}");
        }
        let time = |tag, text| time(tag, text).map(|time| time.to_string());
        assert_eq!(time(UTC_TIME, "260615120001Z").as_deref(), Some("2026-06-15T12:00:01Z"));
        assert_eq!(time(UTC_TIME, "991231235959Z").as_deref(), Some("1999-12-31T23:59:59Z"));
        assert_eq!(time(GENERALIZED_TIME, "99991231235959Z"), None, "it never ends");
        assert_eq!(time(0x16, "260615120001Z"), None);
    }

    #[test]
    fn what_is_cut_or_made_up_is_no_certificate_and_no_panic() {
        let whole = of("it/sign_in/certificates/billing.pem");
        for length in 0..whole.len() {
            assert_eq!(not_after(whole.get(..length).unwrap()), None, "{length}");
        }
        for strange in
            [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &[0x30, 0x80], &[0x30, 0xff], &[0x30, 0x02, 0x30, 0x09]]
        {
            assert_eq!(not_after(strange), None, "{strange:?}");
        }
    }
}
