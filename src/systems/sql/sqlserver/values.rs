//! Which columns can be read exactly, and how their values are written.

use jiff::civil::Date as Day;
use jiff::{SignedDuration, Span};
use tiberius::numeric::Numeric;
use tiberius::time::{DateTime2, Time};
use tiberius::{Column, ColumnData, ColumnType, Row};

use super::Cursor;
use crate::systems::sql::rows::Writer;
use crate::systems::sql::session::misconfigured;
use crate::systems::upstream::Failed;

/// A column as the server describes it before the query is asked.
#[derive(Debug)]
pub(super) struct Described<'r> {
    pub(super) name: &'r str,
    /// E.g. `numeric(18,0)`.
    kind: &'r str,
    collation: &'r str,
}

impl<'r> Described<'r> {
    pub(super) fn of(row: &'r Row) -> Self {
        let text = |at: usize| row.try_get::<&str, _>(at).ok().flatten().unwrap_or_default();
        Self { name: text(0), kind: text(1), collation: text(2) }
    }

    /// Whether the texts of a column come in an encoding that the driver knows: it takes those of a UTF-8 collation for others,
    /// without a word.
    pub(super) fn readable(&self) -> Result<(), Failed> {
        let utf8 =
            self.collation.ends_with("_UTF8") && (self.kind.starts_with("varchar") || self.kind.starts_with("char"));
        if utf8 || self.kind == "json" {
            let why =
                format!("column `{}` is sent in UTF-8, which the driver cannot read: cast it to nvarchar", self.name);
            return Err(misconfigured(why));
        }
        Ok(())
    }

    /// What a list that goes on by this column is given.
    pub(super) fn cursor(&self) -> Cursor {
        let whole = ["tinyint", "smallint", "int", "bigint"].contains(&self.kind)
            || (self.kind.starts_with("numeric(") || self.kind.starts_with("decimal(")) && self.kind.ends_with(",0)");
        match self.kind {
            "uniqueidentifier" => Cursor::Guid,
            _ if whole => Cursor::Whole,
            _ => Cursor::Text,
        }
    }
}

/// Whether a column has a type whose values can be read exactly.
pub(super) fn readable(column: &Column) -> Result<(), Failed> {
    use ColumnType as T;
    let why = match column.column_type() {
        T::Bit
        | T::Bitn
        | T::Int1
        | T::Int2
        | T::Int4
        | T::Int8
        | T::Intn
        | T::Decimaln
        | T::Numericn
        | T::Datetime4
        | T::Datetime
        | T::Datetimen
        | T::Daten
        | T::Datetime2
        | T::DatetimeOffsetn
        | T::BigVarChar
        | T::BigChar
        | T::NVarchar
        | T::NChar
        | T::Guid => return Ok(()),
        T::Float4 | T::Float8 | T::Floatn => "is a float, which is not exact: cast it to decimal",
        T::Money | T::Money4 => "is money, which the driver makes a float: cast it to decimal(19, 4)",
        T::Timen => "is a time of day: cast it to nvarchar",
        T::BigVarBin | T::BigBinary | T::Image => "is binary: leave it out, or convert it to nvarchar",
        T::Text | T::NText => "is of a type that SQL Server has given up: cast it to nvarchar(max)",
        T::Xml => "is XML: cast it to nvarchar(max)",
        T::SSVariant => "has another type in each row (sql_variant): cast it",
        T::Null | T::Udt => "has a type of its own: cast it to nvarchar",
    };
    Err(misconfigured(format!("column `{}` {why}", column.name())))
}

pub(super) fn write(row: &Row, writer: &mut Writer) -> Result<(), Failed> {
    writer.row()?;
    for (column, value) in row.cells() {
        write_value(column.column_type(), value, writer)?;
    }
    writer.end_row();
    Ok(())
}

fn write_value(kind: ColumnType, value: &ColumnData<'_>, writer: &mut Writer) -> Result<(), Failed> {
    use ColumnData as D;
    let no_date = |writer: &Writer| writer.unreadable("holds no date");
    match value {
        D::Bit(Some(bit)) => writer.literal(if *bit { "true" } else { "false" }),
        D::U8(Some(number)) => writer.literal(&number.to_string()),
        D::I16(Some(number)) => writer.literal(&number.to_string()),
        D::I32(Some(number)) => writer.literal(&number.to_string()),
        D::I64(Some(number)) => writer.literal(&number.to_string()),
        D::Numeric(Some(number)) => writer.text(&decimal(*number))?,
        // Blanks that fill a text up to its length are no part of it.
        D::String(Some(text)) if matches!(kind, ColumnType::BigChar | ColumnType::NChar) => {
            writer.text(text.trim_end_matches(' '))?;
        }
        D::String(Some(text)) => writer.text(text)?,
        // As the server prints it.
        D::Guid(Some(guid)) => writer.text(&guid.as_hyphenated().to_string().to_uppercase())?,
        D::Date(Some(date)) => {
            let day = day(1, date.days().into()).ok_or_else(|| no_date(writer))?;
            writer.text(&day.to_string())?;
        }
        D::DateTime2(Some(moment)) => {
            let moment = datetime2(*moment).ok_or_else(|| no_date(writer))?;
            writer.text(&moment)?;
        }
        // The offset says how it is shown. What is sent is UTC.
        D::DateTimeOffset(Some(moment)) => {
            let moment = datetime2(moment.datetime2()).ok_or_else(|| no_date(writer))?;
            writer.text(&format!("{moment}Z"))?;
        }
        D::DateTime(Some(moment)) => {
            // Counted in 300ths of a second, and shown in milliseconds: .000, .003, .007.
            let millis = (u64::from(moment.seconds_fragments()) * 10 + 1) / 3;
            let moment = at(1900, moment.days().into(), millis * 1_000_000).ok_or_else(|| no_date(writer))?;
            writer.text(&moment)?;
        }
        D::SmallDateTime(Some(moment)) => {
            // Minutes, whatever the driver calls them.
            let nanos = u64::from(moment.seconds_fragments()) * 60_000_000_000;
            let moment = at(1900, moment.days().into(), nanos).ok_or_else(|| no_date(writer))?;
            writer.text(&moment)?;
        }
        D::F32(Some(_)) | D::F64(Some(_)) | D::Time(Some(_)) | D::Binary(Some(_)) | D::Xml(Some(_)) => {
            return Err(writer.unreadable("is not what its type says"));
        }
        D::Bit(None)
        | D::U8(None)
        | D::I16(None)
        | D::I32(None)
        | D::I64(None)
        | D::F32(None)
        | D::F64(None)
        | D::String(None)
        | D::Guid(None)
        | D::Binary(None)
        | D::Numeric(None)
        | D::Xml(None)
        | D::DateTime(None)
        | D::SmallDateTime(None)
        | D::Time(None)
        | D::Date(None)
        | D::DateTime2(None)
        | D::DateTimeOffset(None) => writer.null(),
    }
    Ok(())
}

/// A decimal with all its places, as the server prints it.
fn decimal(number: Numeric) -> String {
    let scale = usize::from(number.scale());
    let digits = format!("{:0>width$}", number.value().unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if number.value() < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A day, counted from the first one of a year.
fn day(year: i16, days: i64) -> Option<Day> {
    jiff::civil::date(year, 1, 1).checked_add(Span::new().try_days(days).ok()?).ok()
}

fn datetime2(moment: DateTime2) -> Option<String> {
    at(1, moment.date().days().into(), nanos(moment.time())?)
}

fn nanos(time: Time) -> Option<u64> {
    time.increments().checked_mul(10_u64.checked_pow(9_u32.checked_sub(time.scale().into())?)?)
}

/// A date and a time of day as ISO 8601.
fn at(year: i16, days: i64, nanos: u64) -> Option<String> {
    let nanos = i64::try_from(nanos).ok().filter(|nanos| *nanos < 86_400_000_000_000)?;
    let midnight = day(year, days)?.at(0, 0, 0, 0);
    Some(midnight.checked_add(SignedDuration::from_nanos(nanos)).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use tiberius::Uuid;
    use tiberius::time::{Date, DateTime, DateTimeOffset, SmallDateTime};

    use super::*;
    use crate::systems::ErrorKind;

    /// How a value of a type is written.
    fn written(kind: ColumnType, value: &ColumnData<'_>) -> String {
        let mut writer = Writer::new(["x".to_owned()].into(), 1000);
        writer.row().unwrap();
        write_value(kind, value, &mut writer).unwrap();
        writer.end_row();
        let body = String::from_utf8(writer.answer().unwrap().body).unwrap();
        body.trim_start_matches(r#"[{"x":"#).trim_end_matches("}]").to_owned()
    }

    #[test]
    fn decimals_are_written_to_the_last_digit() {
        for (value, scale, expected) in [
            (123_456_789_012_345_678_i128, 2, "1234567890123456.78"),
            (-1, 4, "-0.0001"),
            (10, 2, "0.10"),
            (0, 0, "0"),
            (0, 2, "0.00"),
            (10_i128.pow(38) - 1, 0, "99999999999999999999999999999999999999"),
            (10_i128.pow(38) - 1, 38, "0.99999999999999999999999999999999999999"),
        ] {
            assert_eq!(decimal(Numeric::new_with_scale(value, scale)), expected);
        }
    }

    #[test]
    fn values_are_written_as_their_columns_mean_them() {
        use ColumnData as D;
        use ColumnType as T;
        // 31 January 2026 is this many days after the first of the year 1, and of 1900.
        let (days, since_1900) = (739_646, 46_051);
        let moment = |scale, increments| DateTime2::new(Date::new(days), Time::new(increments, scale));
        for (kind, value, expected) in [
            (T::Bitn, D::Bit(Some(true)), "true"),
            (T::Int1, D::U8(Some(255)), "255"),
            (T::Int8, D::I64(Some(i64::MIN)), "-9223372036854775808"),
            (T::Numericn, D::Numeric(Some(Numeric::new_with_scale(1050, 3))), r#""1.050""#),
            (T::NVarchar, D::String(Some("a ".into())), r#""a ""#),
            (T::NChar, D::String(Some("EUR  ".into())), r#""EUR""#),
            (
                T::Guid,
                D::Guid(Some(Uuid::from_u128(0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11))),
                r#""A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11""#,
            ),
            (T::Daten, D::Date(Some(Date::new(days))), r#""2026-01-31""#),
            (T::Datetime2, D::DateTime2(Some(moment(0, 29_100))), r#""2026-01-31T08:05:00""#),
            (T::Datetime2, D::DateTime2(Some(moment(7, 291_000_000_001))), r#""2026-01-31T08:05:00.0000001""#),
            (
                T::DatetimeOffsetn,
                D::DateTimeOffset(Some(DateTimeOffset::new(moment(3, 29_100_250), 60))),
                r#""2026-01-31T08:05:00.25Z""#,
            ),
            (
                T::Datetimen,
                D::DateTime(Some(DateTime::new(since_1900, 29_100 * 300 + 1))),
                r#""2026-01-31T08:05:00.003""#,
            ),
            (T::Datetimen, D::DateTime(Some(DateTime::new(since_1900, 25_919_999))), r#""2026-01-31T23:59:59.997""#),
            (T::Datetimen, D::SmallDateTime(Some(SmallDateTime::new(46_051, 485))), r#""2026-01-31T08:05:00""#),
        ] {
            assert_eq!(written(kind, &value), expected);
        }
        assert_eq!(written(T::Datetimen, &D::DateTime(None)), "[{");
    }

    #[test]
    fn what_cannot_be_read_exactly_is_refused_by_name() {
        for (kind, fix) in [
            (ColumnType::Float8, "cast it to decimal"),
            (ColumnType::Floatn, "cast it to decimal"),
            (ColumnType::Money, "cast it to decimal(19, 4)"),
            (ColumnType::Money4, "cast it to decimal(19, 4)"),
            (ColumnType::SSVariant, "cast it"),
            (ColumnType::BigVarBin, "leave it out"),
        ] {
            let failed = readable(&Column::new("net".to_owned(), kind)).unwrap_err();
            assert_eq!(failed.kind, ErrorKind::BadRequest);
            let detail = failed.detail.unwrap();
            assert!(detail.starts_with("column `net`") && detail.contains(fix), "{detail}");
        }
        assert!(readable(&Column::new("net".to_owned(), ColumnType::Numericn)).is_ok());
    }

    #[test]
    fn a_description_says_how_a_list_goes_on_and_what_the_driver_cannot_read() {
        let described = |kind, collation| Described { name: "id", kind, collation };
        for (kind, cursor) in [
            ("int", Cursor::Whole),
            ("numeric(18,0)", Cursor::Whole),
            ("numeric(18,2)", Cursor::Text),
            ("uniqueidentifier", Cursor::Guid),
            ("nvarchar(20)", Cursor::Text),
        ] {
            assert_eq!(described(kind, "").cursor(), cursor, "{kind}");
        }
        let utf8 = "Latin1_General_100_CI_AS_SC_UTF8";
        assert!(described("varchar(20)", utf8).readable().unwrap_err().detail.unwrap().contains("nvarchar"));
        assert!(described("json", "").readable().is_err());
        assert!(described("nvarchar(20)", utf8).readable().is_ok());
        assert!(described("varchar(20)", "SQL_Latin1_General_CP1_CI_AS").readable().is_ok());
    }
}
