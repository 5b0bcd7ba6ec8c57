//! What filters mean, and that no text breaks their reader.

use http::StatusCode;
use proptest::prelude::*;

use super::expression::{Expression, Function, Operator};
use super::filter;
use crate::reports::entities::{Relation, Row};
use crate::reports::{Cell, Column, ColumnKind};

const fn column(name: &'static str, kind: ColumnKind) -> Column {
    Column::new(name, "", kind, "")
}

const COLUMNS: [Column; 6] = [
    column("name", ColumnKind::Text),
    column("amount", ColumnKind::Amount),
    column("closed", ColumnKind::Date),
    column("made", ColumnKind::Moment),
    column("won", ColumnKind::Flag),
    column("rank", ColumnKind::Count),
];

fn full() -> Row {
    vec![
        Cell::Text("O'Neil & Søn".to_owned()),
        Cell::Decimal("100.10".parse().unwrap()),
        Cell::Date("2026-06-15".parse().unwrap()),
        Cell::Moment("2026-06-15T10:00:00Z".parse().unwrap()),
        Cell::Flag(true),
        Cell::Count(3),
    ]
}

fn empty() -> Row {
    vec![Cell::Empty; COLUMNS.len()]
}

fn holds(filter: &str, row: &Row) -> bool {
    filter::parse(filter, &COLUMNS).unwrap_or_else(|problem| panic!("{filter}: {}", problem.message)).holds(row)
}

#[test]
fn values_are_compared_by_what_they_are() {
    for filter in [
        "name eq 'O''Neil & Søn'",
        "amount eq 100.1 and amount eq 100.100",
        "amount gt 100 and amount lt 1e3 and -1 lt amount",
        "closed eq 2026-06-15 and closed ge 2026-06-15 and not (closed lt 2026-06-15)",
        "made eq 2026-06-15T12:00:00+02:00 and made gt 2026-06-15 and closed lt 2026-06-15T00:00:01Z",
        "won and won eq true and won ne false and not not won",
        "rank in (1,2,3) and not (rank in (4)) and name in ('a', 'O''Neil & Søn')",
        "contains(name,'Neil') and startswith(name,'O') and endswith(name,'Søn') and not contains(name,'neil')",
        "contains(tolower(name),'neil') and toupper(name) ne name and trim(' a ') eq 'a' and length(name) eq 12",
        "year(closed) eq 2026 and month(made) eq 6 and day(closed) eq 15",
        "amount eq 1 or amount eq 2 or (amount ge 100.10 and rank le 3)",
        "false or true and not false",
        "(((name)) ne (null))",
    ] {
        assert!(holds(filter, &full()), "{filter}");
        assert!(!holds(&format!("not ({filter})"), &full()), "{filter}");
    }
}

#[test]
fn what_is_unknown_is_neither_more_nor_less_and_neither_true_nor_false() {
    let row = empty();
    for (filter, expected) in [
        ("amount eq null", true),
        ("amount ne null", false),
        ("null eq null", true),
        ("amount eq 1", false),
        ("amount ne 1", true),
        ("amount gt 1", false),
        ("amount le 1", false),
        ("amount ge null", false),
        ("amount in (1,null)", true),
        ("amount in (1)", false),
        // What is not known is not known to be false either.
        ("won", false),
        ("not won", false),
        ("won or true", true),
        ("won or false", false),
        ("not (won or false)", false),
        ("won and false", false),
        ("not (won and false)", true),
        ("not (won and true)", false),
        ("contains(name,'x')", false),
        ("not contains(name,'x')", false),
        ("not contains(name,'x') or amount eq null", true),
        ("tolower(name) eq null", true),
        ("year(closed) eq 2026", false),
        ("null", false),
        ("not null", false),
    ] {
        assert_eq!(holds(filter, &row), expected, "{filter}");
    }
}

#[test]
fn what_is_wrong_with_a_filter_is_said() {
    for (filter, said) in [
        ("nme eq 'x'", "there is no property `nme`: did you mean `name`?"),
        ("name eq 1", "`name` is compared with a text in single quotes, not with a number"),
        ("amount eq '1'", "`amount` is compared with a number, not with a text in single quotes"),
        ("closed eq 2026-02-30", "`2026-02-30` is no value"),
        ("closed eq 2026-06-15T10:00:00", "`2026-06-15T10:00:00` is no value"),
        ("name eq 'x", "a text has no quote at its end"),
        ("name eq", "a value is missing at its end"),
        ("", "a value is missing at its end"),
        ("name", "`name` is no condition"),
        ("name eq 'x' and amount", "`amount` is no condition"),
        ("(name eq 'x'", "`)` is expected before its end"),
        ("name eq 'x' amount", "`amount` is not expected there"),
        ("won gt true", "true and false are compared with `eq` or `ne`"),
        ("contains(name)", "`contains` takes a text in single quotes and a text in single quotes"),
        ("contains(amount,'x')", "`contains` takes"),
        ("nofunction(name)", "there is no function `nofunction`"),
        ("amount in ()", "is no value"),
        ("amount in (1,'2')", "`amount` is compared with a number"),
        ("amount eq NaN", "there is no property `NaN`"),
        ("amount eq 99999999999999999999999999999999", "is no value"),
    ] {
        let problem = filter::parse(filter, &COLUMNS).unwrap_err();
        assert!(problem.message.contains(said), "{filter}: {}", problem.message);
        assert_eq!(problem.status, StatusCode::BAD_REQUEST, "{filter}");
    }
    for filter in [
        "amount add 1 eq 2",
        "name has 'x'",
        "substring(name,1) eq 'x'",
        "Project/name eq 'x'",
        "Deals/any(d: d/amount gt 1)",
        "name eq @p",
    ] {
        assert_eq!(filter::parse(filter, &COLUMNS).unwrap_err().status, StatusCode::NOT_IMPLEMENTED, "{filter}");
    }
}

#[test]
fn a_filter_has_bounds() {
    let nested = |depth: usize| format!("{}won{}", "(".repeat(depth), ")".repeat(depth));
    assert!(filter::parse(&nested(32), &COLUMNS).is_ok());
    assert!(filter::parse(&nested(33), &COLUMNS).unwrap_err().message.contains("nested deeper than 32"));
    assert!(filter::parse(&"not ".repeat(4000), &COLUMNS).unwrap_err().message.contains("nested deeper"));
    let long = format!("name eq '{}'", "x".repeat(20_000));
    assert!(filter::parse(&long, &COLUMNS).unwrap_err().message.contains("longer than"));
    let wide = vec!["won"; 2000].join(" or ");
    assert!(holds(&wide, &full()));
}

#[test]
fn only_what_must_hold_is_a_condition_for_an_owner() {
    let conditions = |filter: &str| filter::parse(filter, &COLUMNS).unwrap().conditions();
    let found =
        conditions("name eq 'a' and (2 lt amount and closed le 2026-01-01) and (won or name eq 'b') and rank ne 1");
    let found: Vec<_> = found.iter().map(|condition| (condition.column, condition.relation)).collect();
    assert_eq!(found, [("name", Relation::Is), ("amount", Relation::AtLeast), ("closed", Relation::AtMost)]);
    for none in
        ["name eq 'a' or won", "not (name eq 'a')", "name eq null", "tolower(name) eq 'a'", "made gt 2026-01-01"]
    {
        assert_eq!(conditions(none), [], "{none}");
    }
}

fn cells() -> impl Strategy<Value = Cell> {
    prop_oneof![
        Just(Cell::Empty),
        ".{0,8}".prop_map(Cell::Text),
        (any::<i64>(), 0_u32..5).prop_map(|(units, scale)| Cell::Decimal(rust_decimal::Decimal::new(units, scale))),
        (1000_i16..9999, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| Cell::Date(jiff::civil::date(y, m, d))),
        (0_i64..4_000_000_000).prop_map(|second| Cell::Moment(jiff::Timestamp::from_second(second).unwrap())),
        any::<bool>().prop_map(Cell::Flag),
    ]
}

fn conditions() -> impl Strategy<Value = Expression> {
    let column = |at: usize| Expression::Column(at, COLUMNS[at]);
    let value = |cell: Cell| Box::new(Expression::Value(cell));
    let leaf = prop_oneof![
        Just(column(4)),
        (0_usize..6, ".{0,6}").prop_map(move |(operator, text)| Expression::Compare(
            Operator::ALL[operator].0,
            Box::new(column(0)),
            value(Cell::Text(text))
        )),
        (0_usize..6, any::<i32>()).prop_map(move |(operator, number)| Expression::Compare(
            Operator::ALL[operator].0,
            Box::new(column(1)),
            value(Cell::Decimal(number.into()))
        )),
        proptest::collection::vec(".{0,4}".prop_map(Cell::Text), 1..4)
            .prop_map(move |list| Expression::In(Box::new(column(0)), list)),
        ".{0,4}".prop_map(move |text| Expression::Call(Function::Contains, vec![column(0), *value(Cell::Text(text))])),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Expression::Not(Box::new(inner))),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Expression::All),
            proptest::collection::vec(inner, 2..4).prop_map(Expression::Any),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_the_reader(text in ".{0,60}", likely in "[()',a-z0-9 .:T_-]{0,60}") {
        prop_assert!(filter::parse(&text, &COLUMNS).map_or_else(|problem| !problem.message.is_empty(), |_| true));
        if let Ok(read) = filter::parse(&likely, &COLUMNS) {
            prop_assert_eq!(filter::parse(&read.to_string(), &COLUMNS).map(|again| again.to_string()), Ok(read.to_string()));
        }
    }

    #[test]
    fn a_condition_survives_its_text(condition in conditions()) {
        let read = filter::parse(&condition.to_string(), &COLUMNS).unwrap();
        prop_assert_eq!(&read, &condition);
    }

    #[test]
    fn a_literal_survives_its_text(cell in cells()) {
        prop_assert_eq!(filter::literal(&super::expression::Literal(&cell).to_string()), Ok(cell));
    }

    #[test]
    fn and_or_and_not_are_those_of_three_values(condition in conditions(), full in any::<bool>()) {
        let row = if full { self::full() } else { empty() };
        let either = |parts: Vec<Expression>| Expression::Any(parts).holds(&row);
        let negated = Expression::Not(Box::new(condition.clone()));
        // Never both, and both only where nothing is unknown.
        prop_assert!(!(condition.holds(&row) && negated.holds(&row)));
        prop_assert_eq!(either(vec![condition.clone(), negated.clone()]), condition.holds(&row) || negated.holds(&row));
        prop_assert!(!full || condition.holds(&row) || negated.holds(&row));
    }
}
