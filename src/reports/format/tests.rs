use std::collections::HashMap;

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use jiff::civil::date;

use super::*;
use crate::finance::Completeness;
use crate::reports::{Cell, Column, ColumnKind};

const fn column(name: &'static str, kind: ColumnKind) -> Column {
    Column::new(name, name, kind, "")
}

const COLUMNS: &[Column] = &[
    column("client", ColumnKind::Text),
    column("deals", ColumnKind::Count),
    column("margin", ColumnKind::Amount),
    column("closed", ColumnKind::Date),
    column("read_at", ColumnKind::Moment),
    column("late", ColumnKind::Flag),
];

fn row(client: &str, margin: &str) -> Vec<Cell> {
    vec![
        Cell::Text(client.to_owned()),
        Cell::Count(3),
        Cell::Decimal(margin.parse().unwrap()),
        Cell::Date(date(2026, 1, 31)),
        Cell::Moment("2026-06-15T12:00:00.25Z".parse().unwrap()),
        Cell::Flag(true),
    ]
}

fn table(rows: Vec<Vec<Cell>>) -> Table {
    let as_of = "2026-06-15T12:00:00Z".parse().unwrap();
    Table { columns: COLUMNS.to_vec(), rows, as_of, completeness: Completeness::default(), rates: None }
}

fn text(format: Format, rows: Vec<Vec<Cell>>) -> String {
    String::from_utf8(format.write(&table(rows), Style::default()).unwrap()).unwrap()
}

/// The first cell of a CSV with this text in it.
fn csv_cell(client: &str) -> String {
    let csv = text(Format::Csv, vec![row(client, "1")]);
    let (_, rest) = csv.split_once("\r\n").unwrap();
    rest.strip_suffix(",3,1,2026-01-31,2026-06-15T12:00:00.250Z,true\r\n").unwrap().to_owned()
}

#[test]
fn csv_has_names_points_iso_dates_and_empty_cells() {
    assert_eq!(
        text(Format::Csv, vec![row("0042", "-1234.50"), vec![Cell::Empty; 6]]),
        "client,deals,margin,closed,read_at,late\r\n\
         0042,3,-1234.50,2026-01-31,2026-06-15T12:00:00.250Z,true\r\n,,,,,\r\n"
    );
    assert_eq!(text(Format::Csv, vec![]), "client,deals,margin,closed,read_at,late\r\n");
}

#[test]
fn csv_texts_are_quoted_where_they_must_be_and_never_formulas() {
    for (client, cell) in [
        ("Müller & Søn", "Müller & Søn"),
        ("a,b", "\"a,b\""),
        ("say \"yes\"", "\"say \"\"yes\"\"\""),
        ("two\r\nlines", "\"two\r\nlines\""),
        (" wide ", "\" wide \""),
        ("", "\"\""),
        ("=1+1", "'=1+1"),
        ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
        ("+49 30", "'+49 30"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "\"'\t=1\""),
        ("\r=1", "\"'\r=1\""),
        ("\n=1", "\"'\n=1\""),
        ("a=1", "a=1"),
    ] {
        assert_eq!(csv_cell(client), cell, "{client:?}");
    }
}

#[test]
fn only_csv_has_a_byte_order_mark_and_only_if_asked() {
    let written = |format: Format, bom| format.write(&table(vec![]), Style { bom }).unwrap();
    assert!(written(Format::Csv, true).starts_with("\u{feff}client".as_bytes()));
    assert!(written(Format::Csv, false).starts_with(b"client"));
    assert!(written(Format::Json, true).starts_with(b"["));
}

#[test]
fn json_numbers_have_the_digits_of_the_decimal() {
    let margin = "123456789012345.6789";
    let json = text(Format::Json, vec![row("=a\"b", margin), row("b", "-0.00"), vec![Cell::Empty; 6]]);
    let rest = r#""closed":"2026-01-31","read_at":"2026-06-15T12:00:00.250Z","late":true"#;
    let nothing = r#"{"client":null,"deals":null,"margin":null,"closed":null,"read_at":null,"late":null}"#;
    let first = format!(r#"{{"client":"=a\"b","deals":3,"margin":{margin},{rest}}}"#);
    let second = format!(r#"{{"client":"b","deals":3,"margin":0.00,{rest}}}"#);
    assert_eq!(json, format!("[\n{first},\n{second},\n{nothing}\n]\n"));
    let lines = text(Format::NdJson, vec![row("=a\"b", margin), row("b", "-0.00"), vec![Cell::Empty; 6]]);
    assert_eq!(lines, format!("{first}\n{second}\n{nothing}\n"));
    assert_eq!(serde_json::from_str::<Vec<HashMap<String, String>>>(&text(Format::Json, vec![])).unwrap(), []);
    assert_eq!(text(Format::NdJson, vec![]), "");
}

/// What a reader of Parquet finds, row by row.
fn read_back(rows: Vec<Vec<Cell>>) -> Vec<Vec<(String, Field)>> {
    let bytes = Format::Parquet.write(&table(rows), Style::default()).unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    reader.get_row_iter(None).unwrap().map(|row| row.unwrap().into_columns()).collect()
}

#[test]
fn parquet_keeps_types_and_digits() {
    let decimal = |units: i128| {
        let bytes = units.to_be_bytes()[7..].to_vec();
        Field::Decimal(::parquet::data_type::Decimal::from_bytes(bytes.into(), 19, 4))
    };
    for (margin, units) in [
        ("0", 0),
        ("0.0001", 1),
        ("-0.01", -100),
        ("1234.5000", 12_345_000),
        ("999999999999999.9999", 9_999_999_999_999_999_999),
        ("-999999999999999.9999", -9_999_999_999_999_999_999),
    ] {
        let rows = read_back(vec![row("0042", margin)]);
        let fields: Vec<Field> = rows[0].iter().map(|(_, field)| field.clone()).collect();
        let moment = "2026-06-15T12:00:00.25Z".parse::<Timestamp>().unwrap().as_millisecond();
        assert_eq!(
            fields,
            [
                Field::Str("0042".to_owned()),
                Field::Long(3),
                decimal(units),
                Field::Date(20484),
                Field::TimestampMillis(moment),
                Field::Bool(true),
            ],
            "{margin}"
        );
    }
    assert!(read_back(vec![vec![Cell::Empty; 6]])[0].iter().all(|(_, field)| *field == Field::Null));
    assert!(read_back(vec![]).is_empty());
}

#[test]
fn parquet_refuses_what_it_would_have_to_round_or_cut() {
    for margin in ["0.00001", "1000000000000000", "-1000000000000000"] {
        let error = Format::Parquet.write(&table(vec![row("a", margin)]), Style::default()).unwrap_err();
        assert!(error.to_string().contains("`margin`"), "{error}");
    }
}
