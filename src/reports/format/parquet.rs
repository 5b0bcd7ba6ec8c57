//! Apache Parquet: one row group, every column optional, nothing compressed.

use std::sync::Arc;

use ::parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArrayType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::types::Type;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::{Format, Unwritable};
use crate::reports::{Cell, Column, ColumnKind, Table};

/// Decimals have 19 digits, 4 of them after the point: what BI tools call a fixed decimal.
const PRECISION: i32 = 19;
const SCALE: u32 = 4;
const MOST: i128 = 10_i128.pow(19) - 1;

/// Bytes that such a decimal takes.
const WIDTH: i32 = 9;

const EPOCH: Date = date(1970, 1, 1);

pub(super) fn write(table: &Table) -> Result<Vec<u8>, Unwritable> {
    let columns =
        table.columns.iter().map(|column| Ok(Arc::new(schema(column)?))).collect::<Result<_, ParquetError>>()?;
    let root = Type::group_type_builder("report").with_fields(columns).build()?;
    let properties = WriterProperties::builder().set_created_by("spine".to_owned()).build();
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(root), Arc::new(properties))?;
    if !table.rows.is_empty() {
        let mut group = file.next_row_group()?;
        for (at, column) in table.columns.iter().enumerate() {
            let cells: Vec<&Cell> = table.rows.iter().map(|row| row.get(at).unwrap_or(&Cell::Empty)).collect();
            values(&mut group, column, &cells)?;
        }
        group.close()?;
    }
    Ok(file.into_inner()?)
}

fn schema(column: &Column) -> Result<Type, ParquetError> {
    let (physical, logical) = match column.kind {
        ColumnKind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnKind::Count => (Physical::INT64, Some(LogicalType::integer(64, true))),
        ColumnKind::Amount | ColumnKind::Percent | ColumnKind::Number | ColumnKind::Rate => {
            (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(SCALE.cast_signed(), PRECISION)))
        }
        ColumnKind::Date => (Physical::INT32, Some(LogicalType::Date)),
        ColumnKind::Moment => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        ColumnKind::Flag => (Physical::BOOLEAN, None),
    };
    let mut builder = Type::primitive_type_builder(column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical);
    if physical == Physical::FIXED_LEN_BYTE_ARRAY {
        builder = builder.with_length(WIDTH).with_precision(PRECISION).with_scale(SCALE.cast_signed());
    }
    builder.build()
}

fn values(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    column: &Column,
    cells: &[&Cell],
) -> Result<(), Unwritable> {
    match column.kind {
        ColumnKind::Text => put::<ByteArrayType>(group, column, cells, |cell| match cell {
            Cell::Text(text) => Some(ByteArray::from(text.as_str())),
            _ => None,
        }),
        ColumnKind::Count => put::<Int64Type>(group, column, cells, |cell| match cell {
            Cell::Count(count) => i64::try_from(*count).ok(),
            _ => None,
        }),
        ColumnKind::Amount | ColumnKind::Percent | ColumnKind::Number | ColumnKind::Rate => {
            put::<FixedLenByteArrayType>(group, column, cells, |cell| match cell {
                Cell::Decimal(value) => Some(fixed(*value)?.into()),
                _ => None,
            })
        }
        ColumnKind::Date => put::<Int32Type>(group, column, cells, |cell| match cell {
            Cell::Date(date) => Some(date.since(EPOCH).ok()?.get_days()),
            _ => None,
        }),
        ColumnKind::Moment => put::<Int64Type>(group, column, cells, |cell| match cell {
            Cell::Moment(moment) => Some(moment.as_millisecond()),
            _ => None,
        }),
        ColumnKind::Flag => put::<BoolType>(group, column, cells, |cell| match cell {
            Cell::Flag(flag) => Some(*flag),
            _ => None,
        }),
    }
}

/// Writes one column. Only [`Cell::Empty`] may be without a value.
fn put<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    column: &Column,
    cells: &[&Cell],
    read: impl Fn(&Cell) -> Option<T::T>,
) -> Result<(), Unwritable> {
    let (mut values, mut levels) = (Vec::with_capacity(cells.len()), Vec::with_capacity(cells.len()));
    for cell in cells {
        match (cell, read(cell)) {
            (Cell::Empty, _) => levels.push(0),
            (_, Some(value)) => {
                values.push(value);
                levels.push(1);
            }
            (cell, None) => {
                let reason = format!("column `{}` cannot hold {cell:?}", column.name);
                return Err(Unwritable { format: Format::Parquet, reason });
            }
        }
    }
    let Some(mut writer) = group.next_column()? else {
        return Err(Unwritable { format: Format::Parquet, reason: "a column is missing".to_owned() });
    };
    writer.typed::<T>().write_batch(&values, Some(&levels), None)?;
    Ok(writer.close()?)
}

/// A decimal as bytes, the highest first; none if it does not fit exactly.
fn fixed(value: Decimal) -> Option<Vec<u8>> {
    let value = value.normalize();
    let units = value.mantissa().checked_mul(10_i128.pow(SCALE.checked_sub(value.scale())?))?;
    // The highest 7 of its 16 bytes say nothing but the sign.
    (units.abs() <= MOST).then(|| units.to_be_bytes().into_iter().skip(7).collect())
}

impl From<ParquetError> for Unwritable {
    fn from(error: ParquetError) -> Self {
        Self { format: Format::Parquet, reason: error.to_string() }
    }
}
