//! What a line for people says: each field as it comes, and all of it on one line. There is a line for each request, and an answer
//! from memory costs so little beside it that the line has to be cheap.

use std::error::Error;
use std::fmt::{self, Debug, Write};

use jiff::Timestamp;
use jiff::tz::Offset;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::domain::{Clock, SystemClock};

/// When a line was written: `2026-03-31T09:30:00.123456Z`.
#[derive(Debug, Default)]
pub(super) struct Now(SystemClock);

impl FormatTime for Now {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        written(self.0.now(), writer)
    }
}

fn written(at: Timestamp, writer: &mut impl Write) -> fmt::Result {
    let at = Offset::UTC.to_datetime(at);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let parts = [
        (0..4, i32::from(at.year())),
        (5..7, i32::from(at.month())),
        (8..10, i32::from(at.day())),
        (11..13, i32::from(at.hour())),
        (14..16, i32::from(at.minute())),
        (17..19, i32::from(at.second())),
        (20..26, at.subsec_nanosecond() / 1000),
    ];
    for (place, mut number) in parts {
        for digit in text.get_mut(place).unwrap_or_default().iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
    }
    writer.write_str(std::str::from_utf8(&text).unwrap_or_default())
}

/// A line: time, level, target, message and fields. The library makes those in colours, those within spans, and those of crates that
/// know `log` alone.
#[derive(Debug)]
pub(super) struct Plain {
    time: Now,
    library: Format<Full, Now>,
}

impl Default for Plain {
    fn default() -> Self {
        Self { time: Now::default(), library: tracing_subscriber::fmt::format().with_timer(Now::default()) }
    }
}

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let is_foreign = event.metadata().target() == "log";
        if is_foreign || writer.has_ansi_escapes() || ctx.event_scope().is_some() {
            return self.library.format_event(ctx, writer, event);
        }
        self.time.format_time(&mut writer)?;
        let about = event.metadata();
        writer.write_str(match *about.level() {
            Level::ERROR => " ERROR ",
            Level::WARN => "  WARN ",
            Level::INFO => "  INFO ",
            Level::DEBUG => " DEBUG ",
            Level::TRACE => " TRACE ",
        })?;
        writer.write_str(about.target())?;
        writer.write_str(": ")?;
        ctx.format_fields(writer.by_ref(), event)?;
        writer.write_str("\n")
    }
}

/// The message and the fields of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields;

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line { text: Clean(writer), is_begun: false, so_far: Ok(()) };
        fields.record(&mut line);
        line.so_far
    }
}

struct Line<W> {
    text: Clean<W>,
    is_begun: bool,
    so_far: fmt::Result,
}

impl<W: Write> Line<W> {
    fn add(&mut self, field: &Field, value: impl FnOnce(&mut Clean<W>) -> fmt::Result) {
        // Where a line of `log` comes from was written before.
        if self.so_far.is_ok() && !field.name().starts_with("log.") {
            self.so_far = self.named(field.name()).and_then(|()| value(&mut self.text));
        }
    }

    fn named(&mut self, name: &str) -> fmt::Result {
        if self.is_begun {
            self.text.0.write_str(" ")?;
        }
        self.is_begun = true;
        if name == "message" {
            return Ok(());
        }
        self.text.0.write_str(name.strip_prefix("r#").unwrap_or(name))?;
        self.text.0.write_str("=")
    }
}

impl<W: Write> Visit for Line<W> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, |text| text.0.write_str(itoa::Buffer::new().format(value)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, |text| text.0.write_str(if value { "true" } else { "false" }));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        if field.name() == "message" {
            self.add(field, |text| text.write_str(value));
        } else if value.bytes().all(is_plain) {
            self.add(field, |text| {
                text.0.write_str("\"")?;
                text.0.write_str(value)?;
                text.0.write_str("\"")
            });
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.add(field, |text| {
            write!(text, "{value}")?;
            let mut cause = value.source();
            while let Some(error) = cause {
                write!(text, ": {error}")?;
                cause = error.source();
            }
            Ok(())
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, |text| write!(text, "{value:?}"));
    }
}

/// Text on one line: what would end the line, or tell a terminal what to do, is escaped.
struct Clean<W>(W);

impl<W: Write> Write for Clean<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !text.bytes().any(|byte| byte.is_ascii_control() || byte == 0xc2) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|sign| {
            if sign.is_control() { write!(self.0, "{}", sign.escape_default()) } else { self.0.write_char(sign) }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::kept::Kept;
    use super::*;

    /// What is written of an event.
    fn logged(event: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).event_format(Plain::default()).fmt_fields(Fields);
        tracing::subscriber::with_default(log.with_writer(move || writer.clone()).finish(), event);
        let line = kept.text();
        let (time, rest) = line.split_at(27);
        assert!(time.parse::<Timestamp>().is_ok(), "{line}");
        rest.to_owned()
    }

    #[test]
    fn a_line_has_its_message_and_then_its_fields() {
        let line = logged(|| {
            tracing::info!(
                request.id = %"abc",
                graphql.operation = "DealCard",
                graphql.kept = true,
                http.status = 200_u16,
                missing = None::<u64>,
                share = -3_i64,
                r#type = "x",
                list = ?["a"],
                "request"
            );
        });
        let fields = "request.id=abc graphql.operation=\"DealCard\" graphql.kept=true http.status=200 share=-3 type=\"x\" \
                      list=[\"a\"]";
        assert_eq!(line, format!("  INFO spine::telemetry::text::tests: request {fields}\n"));
    }

    #[test]
    fn a_line_within_a_span_says_so_and_looks_the_same() {
        let line = logged(|| {
            let _within = tracing::info_span!("graphql", request.id = "abc").entered();
            tracing::error!(count = 1_u64, "a resolver panicked");
        });
        let span = "graphql{request.id=\"abc\"}";
        assert_eq!(line, format!(" ERROR {span}: spine::telemetry::text::tests: a resolver panicked count=1\n"));
        let line = logged(|| tracing::error!(count = 1_u64, "a resolver panicked"));
        assert_eq!(line, " ERROR spine::telemetry::text::tests: a resolver panicked count=1\n");
    }

    #[test]
    fn what_somebody_else_says_stays_on_its_line() {
        let said = "one\ntwo \u{1b}[31mred \u{9b}31m \"quoted\" \\ ä";
        let line = logged(|| tracing::warn!(debug = said, display = %said, "{said}"));
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(!line.contains(['\u{1b}', '\u{9b}']), "{line}");
        assert!(line.contains("one\\ntwo") && line.contains("ä"), "{line}");
    }

    #[test]
    fn an_error_says_what_it_came_of() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::num::ParseIntError);
        let error = Outer("x".parse::<u8>().unwrap_err());
        let line = logged(|| tracing::warn!(error = &error as &dyn Error, "failed"));
        assert!(line.ends_with("failed error=outer: invalid digit found in string\n"), "{line}");
    }

    proptest! {
        #[test]
        fn a_moment_is_written_as_it_prints(second in 0_i64..253_402_300_799, micro in 0_i32..1_000_000) {
            let at = Timestamp::new(second, micro * 1000).unwrap();
            let mut text = String::new();
            written(at, &mut text).unwrap();
            prop_assert_eq!(text, format!("{at:.6}"));
        }
    }
}
