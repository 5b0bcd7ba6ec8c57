//! Answers as a server sends them: columns with their types, and rows. Types and values are those of MS-TDS 7.4 (2.2.5.4, 2.2.5.5).

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

/// Types of columns that the server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bit,
    TinyInt,
    Int,
    BigInt,
    /// Digits in all, and behind the point.
    Decimal(u8, u8),
    Float,
    Money,
    SmallMoney,
    Date,
    DateTime,
    SmallDateTime,
    /// Places of the second.
    DateTime2(u8),
    /// Places of the second, and minutes before UTC in which it is shown.
    DateTimeOffset(u8, i16),
    Guid,
    Varchar(u16),
    /// A varchar with a UTF-8 collation.
    Utf8(u16),
    Nchar(u16),
    Nvarchar(u16),
    NvarcharMax,
    Varbinary(u16),
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Whole(i64),
    Decimal(Decimal),
    /// A decimal by its digits, as many as there can be.
    Digits(i128),
    Text(String),
    Date(Date),
    /// A time in UTC, or in no zone.
    Time(DateTime),
    Guid(u128),
}

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Columns that cannot be NULL have types of their own, which are sent without lengths.
    pub(crate) nullable: bool,
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// `SQL_Latin1_General_CP1_CI_AS`: the language US English, case does not matter, code page 1252.
const COLLATION: [u8; 5] = [0x09, 0x04, 0xd0, 0x00, 0x34];

impl Table {
    /// An empty table. A column whose name ends with `!` cannot be NULL.
    pub(crate) fn new(columns: &[(&str, Kind)]) -> Self {
        let column = |(name, kind): &(&str, Kind)| Column {
            name: name.trim_end_matches('!').to_owned(),
            kind: *kind,
            nullable: !name.ends_with('!'),
        };
        Self { columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }

    pub(crate) fn with(mut self, rows: impl IntoIterator<Item = Vec<Value>>) -> Self {
        self.rows.extend(rows);
        assert!(self.rows.iter().all(|row| row.len() == self.columns.len()));
        self
    }

    /// COLMETADATA, a ROW or NBCROW for each row.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(0x81);
        out.extend(u16::try_from(self.columns.len()).unwrap().to_le_bytes());
        for column in &self.columns {
            out.extend(0_u32.to_le_bytes()); // no type of a user's own
            out.extend([u8::from(column.nullable), 0]);
            column.type_info(out);
            let name: Vec<u16> = column.name.encode_utf16().collect();
            out.push(u8::try_from(name.len()).unwrap());
            out.extend(name.iter().flat_map(|unit| unit.to_le_bytes()));
        }
        for row in &self.rows {
            let nulls = row.contains(&Value::Null);
            out.push(if nulls { 0xd2 } else { 0xd1 });
            if nulls {
                let mut bitmap = vec![0_u8; row.len().div_ceil(8)];
                for (at, _) in row.iter().enumerate().filter(|(_, value)| **value == Value::Null) {
                    bitmap[at / 8] |= 1 << (at % 8);
                }
                out.extend(bitmap);
            }
            for (column, value) in self.columns.iter().zip(row).filter(|(_, value)| **value != Value::Null) {
                column.value(value, out);
            }
        }
    }
}

impl Column {
    /// `TYPE_INFO`.
    fn type_info(&self, out: &mut Vec<u8>) {
        let text = |out: &mut Vec<u8>, token, bytes: u16| {
            out.push(token);
            out.extend(bytes.to_le_bytes());
            out.extend(COLLATION);
        };
        match (self.kind, self.nullable) {
            (Kind::Bit, false) => out.push(0x32),
            (Kind::Bit, true) => out.extend([0x68, 1]),
            (Kind::TinyInt, false) => out.push(0x30),
            (Kind::TinyInt, true) => out.extend([0x26, 1]),
            (Kind::Int, false) => out.push(0x38),
            (Kind::Int, true) => out.extend([0x26, 4]),
            (Kind::BigInt, false) => out.push(0x7f),
            (Kind::BigInt, true) => out.extend([0x26, 8]),
            (Kind::Float, false) => out.push(0x3e),
            (Kind::Float, true) => out.extend([0x6d, 8]),
            (Kind::Money, false) => out.push(0x3c),
            (Kind::Money, true) => out.extend([0x6e, 8]),
            (Kind::SmallMoney, false) => out.push(0x7a),
            (Kind::SmallMoney, true) => out.extend([0x6e, 4]),
            (Kind::DateTime, false) => out.push(0x3d),
            (Kind::DateTime, true) => out.extend([0x6f, 8]),
            (Kind::SmallDateTime, false) => out.push(0x3a),
            (Kind::SmallDateTime, true) => out.extend([0x6f, 4]),
            (Kind::Decimal(digits, places), _) => out.extend([0x6c, 1 + magnitude(digits), digits, places]),
            (Kind::Date, _) => out.push(0x28),
            (Kind::DateTime2(places), _) => out.extend([0x2a, places]),
            (Kind::DateTimeOffset(places, _), _) => out.extend([0x2b, places]),
            (Kind::Guid, _) => out.extend([0x24, 16]),
            (Kind::Varchar(length) | Kind::Utf8(length), _) => text(out, 0xa7, length),
            (Kind::Nchar(length), _) => text(out, 0xef, length * 2),
            (Kind::Nvarchar(length), _) => text(out, 0xe7, length * 2),
            (Kind::NvarcharMax, _) => text(out, 0xe7, 0xffff),
            (Kind::Varbinary(length), _) => {
                out.push(0xa5);
                out.extend(length.to_le_bytes());
            }
        }
    }

    /// A value that is not NULL, with its length where its type has one.
    fn value(&self, value: &Value, out: &mut Vec<u8>) {
        let sized = |out: &mut Vec<u8>, bytes: &[u8], always: bool| {
            if always || self.nullable {
                out.push(u8::try_from(bytes.len()).unwrap());
            }
            out.extend(bytes);
        };
        let long = |out: &mut Vec<u8>, bytes: &[u8]| {
            out.extend(u16::try_from(bytes.len()).unwrap().to_le_bytes());
            out.extend(bytes);
        };
        match (self.kind, value) {
            (Kind::Bit | Kind::TinyInt, Value::Whole(number)) => {
                sized(out, &u8::try_from(*number).unwrap().to_le_bytes(), false);
            }
            (Kind::Int, Value::Whole(number)) => sized(out, &i32::try_from(*number).unwrap().to_le_bytes(), false),
            (Kind::BigInt, Value::Whole(number)) => sized(out, &number.to_le_bytes(), false),
            (Kind::Float, Value::Whole(number)) => {
                sized(out, &f64::from(i32::try_from(*number).unwrap()).to_le_bytes(), false);
            }
            (Kind::Money, Value::Whole(number)) => {
                // The upper half comes first.
                let scaled = (number * 10_000).to_le_bytes();
                sized(out, &[&scaled[4..], &scaled[..4]].concat(), false);
            }
            (Kind::SmallMoney, Value::Whole(number)) => {
                sized(out, &i32::try_from(number * 10_000).unwrap().to_le_bytes(), false);
            }
            (Kind::Decimal(digits, places), value) => {
                let number = match value {
                    Value::Digits(number) => *number,
                    Value::Whole(number) => i128::from(*number) * 10_i128.pow(places.into()),
                    Value::Decimal(number) => {
                        let missing = u32::from(places).checked_sub(number.scale()).expect("a place is lost");
                        number.mantissa() * 10_i128.pow(missing)
                    }
                    other => panic!("{other:?} is no decimal"),
                };
                let magnitude = usize::from(magnitude(digits));
                let sign = u8::from(number >= 0);
                sized(out, &[&[sign], &number.unsigned_abs().to_le_bytes()[..magnitude]].concat(), true);
            }
            (Kind::Date, Value::Date(day)) => sized(out, &days(*day, 1).to_le_bytes()[..3], true),
            (Kind::DateTime, Value::Time(time)) => {
                let ticks = u32::try_from((nanos(*time) * 3 + 5_000_000) / 10_000_000).unwrap();
                sized(out, &[days(time.date(), 1900).to_le_bytes(), ticks.to_le_bytes()].concat(), false);
            }
            (Kind::SmallDateTime, Value::Time(time)) => {
                let (days, minutes) = (days(time.date(), 1900), nanos(*time) / 60_000_000_000);
                let parts = [days, u32::try_from(minutes).unwrap()];
                let parts = parts.map(|part| u16::try_from(part).unwrap().to_le_bytes());
                sized(out, &parts.concat(), false);
            }
            (Kind::DateTime2(places), Value::Time(time)) => sized(out, &datetime2(*time, places), true),
            (Kind::DateTimeOffset(places, minutes), Value::Time(time)) => {
                sized(out, &[datetime2(*time, places), minutes.to_le_bytes().to_vec()].concat(), true);
            }
            (Kind::Guid, Value::Guid(guid)) => {
                let mut bytes = guid.to_be_bytes();
                bytes[..4].reverse();
                bytes[4..6].reverse();
                bytes[6..8].reverse();
                sized(out, &bytes, true);
            }
            (Kind::Varchar(_), Value::Text(text)) => {
                // Code page 1252 is Latin-1 for what the tests hold.
                let bytes: Vec<u8> = text.chars().map(|sign| u8::try_from(u32::from(sign)).unwrap()).collect();
                long(out, &bytes);
            }
            (Kind::Nchar(length), Value::Text(text)) => long(out, &utf16(&format!("{text:<0$}", usize::from(length)))),
            (Kind::Nvarchar(length), Value::Text(text)) => {
                let bytes = utf16(text);
                assert!(bytes.len() <= usize::from(length) * 2, "{text} is longer than its column");
                long(out, &bytes);
            }
            (Kind::NvarcharMax, Value::Text(text)) => {
                // Partially length-prefixed: the length, chunks of at most so much, and an empty one.
                let bytes = utf16(text);
                out.extend((bytes.len() as u64).to_le_bytes());
                for chunk in bytes.chunks(4000) {
                    out.extend(u32::try_from(chunk.len()).unwrap().to_le_bytes());
                    out.extend(chunk);
                }
                out.extend(0_u32.to_le_bytes());
            }
            (Kind::Varbinary(_) | Kind::Utf8(_), Value::Text(text)) => long(out, text.as_bytes()),
            (kind, value) => panic!("{}: {value:?} is no {kind:?}", self.name),
        }
    }

    /// The type, as the server's own catalogue writes it.
    pub(crate) fn type_name(&self) -> String {
        match self.kind {
            Kind::Bit => "bit".to_owned(),
            Kind::TinyInt => "tinyint".to_owned(),
            Kind::Int => "int".to_owned(),
            Kind::BigInt => "bigint".to_owned(),
            Kind::Decimal(digits, places) => format!("decimal({digits},{places})"),
            Kind::Float => "float".to_owned(),
            Kind::Money => "money".to_owned(),
            Kind::SmallMoney => "smallmoney".to_owned(),
            Kind::Date => "date".to_owned(),
            Kind::DateTime => "datetime".to_owned(),
            Kind::SmallDateTime => "smalldatetime".to_owned(),
            Kind::DateTime2(places) => format!("datetime2({places})"),
            Kind::DateTimeOffset(places, _) => format!("datetimeoffset({places})"),
            Kind::Guid => "uniqueidentifier".to_owned(),
            Kind::Varchar(length) | Kind::Utf8(length) => format!("varchar({length})"),
            Kind::Nchar(length) => format!("nchar({length})"),
            Kind::Nvarchar(length) => format!("nvarchar({length})"),
            Kind::NvarcharMax => "nvarchar(max)".to_owned(),
            Kind::Varbinary(length) => format!("varbinary({length})"),
        }
    }
}

impl Column {
    /// The collation of a text.
    pub(crate) fn collation(&self) -> Option<String> {
        let collation = match self.kind {
            Kind::Utf8(_) => "Latin1_General_100_CI_AS_SC_UTF8",
            Kind::Varchar(_) | Kind::Nchar(_) | Kind::Nvarchar(_) | Kind::NvarcharMax => "SQL_Latin1_General_CP1_CI_AS",
            _ => return None,
        };
        Some(collation.to_owned())
    }
}

/// Bytes of a decimal's digits.
fn magnitude(digits: u8) -> u8 {
    match digits {
        0..=9 => 4,
        10..=19 => 8,
        20..=28 => 12,
        _ => 16,
    }
}

pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Days since the first of a year.
fn days(day: Date, year: i16) -> u32 {
    let since = day.duration_since(date(year, 1, 1));
    u32::try_from(since.as_hours() / 24).unwrap()
}

/// Nanoseconds since midnight.
fn nanos(time: DateTime) -> u64 {
    u64::try_from(time.duration_since(time.date().at(0, 0, 0, 0)).as_nanos()).unwrap()
}

fn datetime2(time: DateTime, places: u8) -> Vec<u8> {
    let bytes = match places {
        0..=2 => 3,
        3 | 4 => 4,
        _ => 5,
    };
    let increments = nanos(time) / 10_u64.pow(9 - u32::from(places));
    [&increments.to_le_bytes()[..bytes], &days(time.date(), 1).to_le_bytes()[..3]].concat()
}

macro_rules! whole {
    ($($type:ty),+) => {$(
        impl From<$type> for Value {
            fn from(number: $type) -> Self {
                Self::Whole(i64::try_from(number).unwrap())
            }
        }
    )+};
}

whole!(u8, i32, u32, u64, i64, usize);

impl From<bool> for Value {
    fn from(bit: bool) -> Self {
        Self::Whole(bit.into())
    }
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Self::Decimal(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Date> for Value {
    fn from(day: Date) -> Self {
        Self::Date(day)
    }
}

impl From<DateTime> for Value {
    fn from(time: DateTime) -> Self {
        Self::Time(time)
    }
}

impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Self::Time(moment.to_zoned_datetime(TimeZone::UTC).datetime())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
