//! What there is to know of a table beside its rows, in headers: how old, how complete, by which rates.
//!
//! The values are structured fields (RFC 9651).

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::Rates;
use crate::finance::Completeness;
use crate::reports::Table;
use crate::reports::format::moment;

const AS_OF: HeaderName = HeaderName::from_static("x-as-of");
const COMPLETENESS: HeaderName = HeaderName::from_static("x-completeness");
const RATES: HeaderName = HeaderName::from_static("x-currency-rates");

/// Puts it into the headers.
pub(super) fn tell(table: &Table, headers: &mut HeaderMap) {
    put(AS_OF, &moment(table.as_of), headers);
    put(COMPLETENESS, &completeness(&table.completeness), headers);
    if let Some(rates) = &table.rates {
        tell_rates(rates, headers);
    }
}

/// By which rates amounts were converted.
pub(in crate::server) fn tell_rates(told: &Rates, headers: &mut HeaderMap) {
    put(RATES, &rates(told), headers);
}

fn put(name: HeaderName, value: &str, headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// `included=398, excluded=2, reasons=(MISSING_AMOUNT)`, with the reasons by the names they have in the graph.
fn completeness(all: &Completeness) -> String {
    let reasons: Vec<&str> = all.reasons.iter().map(|reason| reason.as_str()).collect();
    format!("included={}, excluded={}, reasons=({})", all.included, all.excluded, reasons.join(" "))
}

/// `base=EUR, date="2026-10-31", source="ECB"`.
fn rates(rates: &Rates) -> String {
    format!("base={}, date=\"{}\", source={}", rates.base.code(), rates.date, quoted(&rates.source))
}

/// A text in quotes: as it is if it is plain ASCII, else percent-encoded.
fn quoted(text: &str) -> String {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let mut quoted = String::from("%\"");
    for byte in text.bytes() {
        if (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'%' {
            quoted.push(char::from(byte));
        } else {
            let written = write!(quoted, "%{byte:02x}");
            debug_assert!(written.is_ok(), "writing to memory failed");
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::Currency;
    use crate::finance::Exclusion;

    #[test]
    fn completeness_is_told_with_the_names_of_the_graph() {
        let reasons = vec![Exclusion::MissingAmount, Exclusion::MixedCurrencies];
        let all = Completeness { included: 398, excluded: 2, reasons };
        assert_eq!(completeness(&all), "included=398, excluded=2, reasons=(MISSING_AMOUNT MIXED_CURRENCIES)");
        assert_eq!(completeness(&Completeness::default()), "included=0, excluded=0, reasons=()");
    }

    #[test]
    fn rates_are_told_in_ascii_whatever_their_source_is_called() {
        let told = |source: &str| {
            let source = source.to_owned();
            rates(&Rates { base: Currency::EUR, date: date(2026, 10, 31), source, per_base: [].into() })
        };
        assert_eq!(told("ECB"), "base=EUR, date=\"2026-10-31\", source=\"ECB\"");
        assert_eq!(told("a \"b\" \\"), "base=EUR, date=\"2026-10-31\", source=\"a \\\"b\\\" \\\\\"");
        assert_eq!(told("Zürich 5%\r\n"), "base=EUR, date=\"2026-10-31\", source=%\"Z%c3%bcrich 5%25%0d%0a\"");
    }
}
