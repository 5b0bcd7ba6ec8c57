//! Days and moments: how a field of a row becomes one.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};

use super::json::Raw;
use super::path::{FromPath, Path};
use super::row::Row;
use crate::domain::FlawKind;

/// A date without a time of day.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Day {
    /// Where it stands in the row.
    pub path: Path,
    /// How it is written.
    pub format: Format,
}

/// A moment.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Moment {
    /// Where it stands in the row.
    pub path: Path,
    /// How it is written. A moment without an offset is one of the connection's `time_zone`.
    pub format: Format,
}

/// How dates are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Format {
    /// ISO 8601: `2026-01-31`, `2026-01-31T08:00:00Z`.
    #[default]
    Iso,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970, or `/Date(1700000000000)/`.
    EpochMilliseconds,
    /// A pattern of `strptime`.
    Pattern(String),
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.as_str() {
            "iso" => Self::Iso,
            "epoch_s" => Self::EpochSeconds,
            "epoch_ms" => Self::EpochMilliseconds,
            pattern if pattern.contains('%') => Self::Pattern(text),
            letters if ["dd", "mm", "yyyy"].iter().all(|part| letters.matches(part).count() == 1) => {
                Self::Pattern(letters.replace("dd", "%d").replace("mm", "%m").replace("yyyy", "%Y"))
            }
            _ => {
                return Err(serde::de::Error::custom(format!(
                    "`{text}` is no format of dates: write \"iso\", \"epoch_s\", \"epoch_ms\", a form such as \"dd.mm.yyyy\", or a \
                     strptime pattern such as \"%d.%m.%Y %H:%M\""
                )));
            }
        })
    }
}

impl schemars::JsonSchema for Format {
    fn schema_name() -> Cow<'static, str> {
        "DateFormat".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How dates are written.",
            "type": "string",
            "examples": ["iso", "epoch_s", "epoch_ms", "dd.mm.yyyy", "%d.%m.%Y %H:%M"]
        })
    }
}

impl FromPath for Day {
    fn from_path(path: Path) -> Self {
        Self { path, ..Self::default() }
    }

    fn check(&self) -> Result<(), String> {
        if self.path.is_empty() { Err("needs a `path`".to_owned()) } else { Ok(()) }
    }
}

impl FromPath for Moment {
    fn from_path(path: Path) -> Self {
        Self { path, ..Self::default() }
    }

    fn check(&self) -> Result<(), String> {
        if self.path.is_empty() { Err("needs a `path`".to_owned()) } else { Ok(()) }
    }
}

impl Day {
    pub(in crate::systems) fn read(&self, row: &Row<'_>, zone: &TimeZone) -> Result<Option<Date>, FlawKind> {
        let Some(text) = row.get(&self.path).and_then(Raw::scalar) else { return Ok(None) };
        let day_of = |moment: Timestamp| moment.to_zoned_datetime(zone.clone()).date();
        let day = match &self.format {
            Format::Iso => iso_day(&text)
                .or_else(|| text.parse::<Date>().ok())
                .or_else(|| text.parse::<Timestamp>().ok().map(day_of)),
            Format::EpochSeconds | Format::EpochMilliseconds => epoch(&text, &self.format).map(day_of),
            Format::Pattern(pattern) => Date::strptime(pattern, &*text).ok(),
        };
        day.map(Some).ok_or(FlawKind::BadDate)
    }
}

impl Moment {
    pub(in crate::systems) fn read(&self, row: &Row<'_>, zone: &TimeZone) -> Result<Option<Timestamp>, FlawKind> {
        let Some(text) = row.get(&self.path).and_then(Raw::scalar) else { return Ok(None) };
        let local = |moment: DateTime| moment.to_zoned_datetime(zone.clone()).ok().map(|zoned| zoned.timestamp());
        let moment = match &self.format {
            Format::Iso => iso_moment(&text)
                .or_else(|| iso_day(&text).map(|day| day.to_datetime(Time::midnight())).and_then(local))
                .or_else(|| text.parse::<Timestamp>().ok())
                .or_else(|| text.parse::<DateTime>().ok().and_then(local)),
            Format::EpochSeconds | Format::EpochMilliseconds => epoch(&text, &self.format),
            Format::Pattern(pattern) => {
                Timestamp::strptime(pattern, &*text).ok().or_else(|| pattern_local(pattern, &text).and_then(local))
            }
        };
        moment.map(Some).ok_or(FlawKind::BadDate)
    }
}

/// `2026-01-31`, by far the most common form of a day. Any other is left to the general parser.
fn iso_day(text: &str) -> Option<Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let [century, year, month, day] = two_digits([*y1, *y2, *y3, *y4, *m1, *m2, *d1, *d2])?;
    Date::new(i16::from(century) * 100 + i16::from(year), month, day).ok()
}

/// `2026-01-31T08:00:00Z`, by far the most common form of a moment. Any other is left to the general parser.
fn iso_moment(text: &str) -> Option<Timestamp> {
    let (day, time) = text.split_at_checked(10)?;
    let [b'T', h1, h2, b':', m1, m2, b':', s1, s2, b'Z'] = time.as_bytes() else { return None };
    let [hour, minute, second, _] = two_digits([*h1, *h2, *m1, *m2, *s1, *s2, b'0', b'0'])?;
    let time = Time::new(hour, minute, second, 0).ok()?;
    TimeZone::UTC.to_timestamp(iso_day(day)?.to_datetime(time)).ok()
}

/// Four numbers of two digits each, all at once.
fn two_digits(digits: [u8; 8]) -> Option<[i8; 4]> {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    let values = u64::from_le_bytes(digits) ^ (EACH * u64::from(b'0'));
    // With 6 added, what is more than 9 reaches the upper half of its byte, or stood there before.
    if (values | values.wrapping_add(EACH * 6)) & (EACH * 0xf0) != 0 {
        return None;
    }
    // Each byte is 9 at most, so that ten times as much stays in it; the one behind it is added.
    let [first, _, second, _, third, _, fourth, _] = (values * 10 + (values >> 8)).to_le_bytes();
    Some([first, second, third, fourth].map(u8::cast_signed))
}

fn pattern_local(pattern: &str, text: &str) -> Option<DateTime> {
    DateTime::strptime(pattern, text)
        .ok()
        .or_else(|| Date::strptime(pattern, text).ok().map(|date| date.to_datetime(Time::midnight())))
}

fn epoch(text: &str, format: &Format) -> Option<Timestamp> {
    if *format == Format::EpochSeconds {
        return Timestamp::from_second(text.split('.').next()?.parse().ok()?).ok();
    }
    let inner = text.strip_prefix("/Date(").and_then(|text| text.strip_suffix(")/")).unwrap_or(text);
    // An offset after the milliseconds only says how the server would have shown them.
    let end = inner
        .char_indices()
        .find(|(i, sign)| *i > 0 && matches!(sign, '+' | '-' | '.'))
        .map_or(inner.len(), |(i, _)| i);
    Timestamp::from_millisecond(inner.get(..end)?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_and_moments_in_other_forms_are_left_alone() {
        for text in ["2026-02-30", "2026-13-01", "2026-1-31", "02026-01-31", "2026-01-31T", "2026/01/31", "-026-01-31"]
        {
            assert_eq!(iso_day(text), None, "{text}");
        }
        for text in ["2026-01-31T08:00:60Z", "2026-01-31T24:00:00Z", "2026-01-31 08:00:00Z", "2026-01-31T08:00:00+01"] {
            assert_eq!(iso_moment(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_day_is_what_the_general_parser_makes_of_it(text in "[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]") {
            prop_assert_eq!(iso_day(&text), text.parse::<Date>().ok());
        }

        #[test]
        fn a_moment_is_what_the_general_parser_makes_of_it(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-5][0-9]Z"
        ) {
            prop_assert_eq!(iso_moment(&text), text.parse::<Timestamp>().ok());
        }

        #[test]
        fn what_is_read_by_hand_is_what_the_general_parser_reads(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-5][0-9]Z",
            at in any::<prop::sample::Index>(),
            sign in "[0-9TZ:+ .-]",
        ) {
            let mut text = text;
            let at = at.index(text.len());
            text.replace_range(at..=at, &sign);
            if let Some(moment) = iso_moment(&text) {
                prop_assert_eq!(Some(moment), text.parse::<Timestamp>().ok());
            }
            let day = text.get(..10).unwrap();
            if let Some(read) = iso_day(day) {
                prop_assert_eq!(Some(read), day.parse::<Date>().ok());
            }
        }
    }
}
