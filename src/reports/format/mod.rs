//! A table in the formats that spreadsheets and BI tools read. No value passes through a float, and a moment has
//! milliseconds in every one of them.

mod csv;
mod json;
mod parquet;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::Table;

/// A format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180: UTF-8, commas, points, ISO dates, a first row of names. An empty cell is empty; an empty text is `""`.
    Csv,
    /// An array of flat objects. Decimals are numbers with exactly the digits they have; an empty cell is null.
    Json,
    /// The same objects, one a line.
    NdJson,
    /// Typed columns: decimals are Decimal(19, 4), dates Date, moments Timestamp (UTC, milliseconds), counts Int64.
    Parquet,
}

/// What only some formats know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether CSV begins with a byte order mark, without which Excel takes it for another encoding.
    pub bom: bool,
}

/// A table that a format has no place for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not to be written as {}: {reason}", format.name())]
pub struct Unwritable {
    /// The format.
    pub format: Format,
    /// Why, for the log.
    pub reason: String,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Json, Self::NdJson, Self::Parquet];

    /// Its name in addresses, and the extension of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::NdJson => "ndjson",
            Self::Parquet => "parquet",
        }
    }

    /// The format of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Its media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Json => "application/json",
            Self::NdJson => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Writes a table.
    pub fn write(self, table: &Table, style: Style) -> Result<Vec<u8>, Unwritable> {
        match self {
            Self::Csv => Ok(csv::write(table, style.bom)),
            Self::Json => Ok(json::array(table)),
            Self::NdJson => Ok(json::lines(table)),
            Self::Parquet => parquet::write(table),
        }
    }
}

/// A decimal as it is written everywhere: plain digits, its own places, no negative zero.
pub fn decimal(value: Decimal) -> String {
    if value.is_zero() { value.abs().to_string() } else { value.to_string() }
}

/// A moment as it is written everywhere.
pub fn moment(value: Timestamp) -> String {
    format!("{value:.3}")
}

#[cfg(test)]
mod tests;
