//! The language: what it answers, and what it refuses.

use super::{Value, answer};
use crate::demo::netsuite::tables::Tables;

fn tables() -> Tables {
    let mut tables = Tables::new();
    let text = |text: &str| Value::text(text);
    let number = |number: &str| Value::Number(number.parse().unwrap());
    for (id, name) in [(1, "P-1"), (2, "P-2"), (3, "O'Neil")] {
        tables.add("job", [("id", Value::Int(id)), ("entityid", text(name))]);
    }
    for (id, kind, entity) in
        [(10, "CustInvc", Value::Int(1)), (11, "CustInvc", Value::Null), (12, "VendBill", Value::Int(2))]
    {
        let date = Value::Date(jiff::civil::date(2026, 1, i8::try_from(id).unwrap()));
        tables
            .add("transaction", [("id", Value::Int(id)), ("type", text(kind)), ("entity", entity), ("trandate", date)]);
    }
    for (transaction, id, entity, amount, quantity) in [
        (10, 1, Value::Null, "-100.50", "2"),
        (10, 2, Value::Int(2), "-0.25", "0"),
        (11, 1, Value::Null, "-7", "1"),
        (12, 1, Value::Int(1), "3", "4"),
    ] {
        tables.add(
            "transactionline",
            [
                ("transaction", Value::Int(transaction)),
                ("id", Value::Int(id)),
                ("entity", entity),
                ("foreignamount", number(amount)),
                ("quantity", number(quantity)),
            ],
        );
    }
    tables
}

/// The rows as text, `-` for nothing.
fn rows(statement: &str) -> Vec<String> {
    let answer = answer(&tables(), statement).unwrap_or_else(|refused| panic!("{statement}: {}", refused.0));
    let shown = |value: &Value| value.shown().unwrap_or("-".to_owned());
    answer.rows.iter().map(|row| row.iter().map(shown).collect::<Vec<_>>().join(" ")).collect()
}

fn refused(statement: &str) -> String {
    match answer(&tables(), statement) {
        Ok(answer) => panic!("{statement} was answered: {answer:?}"),
        Err(refused) => refused.0,
    }
}

#[test]
fn columns_are_selected_under_their_names_in_lower_case() {
    let answer = answer(&tables(), "SELECT ID, T.Type AS Kind, 1 + 2 FROM Transaction T ORDER BY id DESC").unwrap();
    assert_eq!(answer.columns, ["id", "kind", "expr3"]);
    assert_eq!(answer.about, "transaction");
    assert_eq!(rows("SELECT ID, T.Type AS Kind, 1 + 2 FROM Transaction T ORDER BY id DESC")[0], "12 VendBill 3");
    assert_eq!(rows("SELECT j.* FROM job j WHERE j.id = 1")[0].split(' ').next(), Some("1"));
}

#[test]
fn joins_find_partners_and_left_joins_keep_those_without() {
    let inner = "SELECT tl.transaction, tl.id, j.entityid FROM transactionline tl
        INNER JOIN transaction t ON t.id = tl.transaction
        INNER JOIN job j ON j.id = COALESCE(tl.entity, t.entity) ORDER BY tl.transaction, tl.id";
    assert_eq!(rows(inner), ["10 1 P-1", "10 2 P-2", "12 1 P-1"]);
    assert_eq!(rows(&inner.replace("INNER JOIN job", "LEFT JOIN job")), ["10 1 P-1", "10 2 P-2", "11 1 -", "12 1 P-1"]);
    let anti = "SELECT t.id FROM transaction t LEFT JOIN job j ON j.id = t.entity WHERE j.id IS NULL";
    assert_eq!(rows(anti), ["11"]);
    let within = "SELECT t.id, tl.id AS line FROM transaction t
        LEFT JOIN transactionline tl ON tl.transaction = t.id AND tl.id = 2 ORDER BY t.id";
    assert_eq!(rows(within), ["10 2", "11 -", "12 -"]);
}

#[test]
fn sums_are_by_group_and_exact() {
    let sums =
        "SELECT t.type, COUNT(*) AS n, SUM(tl.foreignamount) AS s, COUNT(DISTINCT t.id), MIN(tl.id), COUNT(t.entity)
        FROM transactionline tl JOIN transaction t ON t.id = tl.transaction GROUP BY t.type";
    assert_eq!(rows(&format!("{sums} ORDER BY t.type")), ["CustInvc 3 -107.75 2 1 2", "VendBill 1 3 1 1 1"]);
    assert_eq!(rows(&format!("{sums} HAVING SUM(tl.foreignamount) < 0 ORDER BY s")), ["CustInvc 3 -107.75 2 1 2"]);
    assert_eq!(rows("SELECT SUM(id), COUNT(*) FROM transaction WHERE id > 99"), ["- 0"], "a sum of nothing is nothing");
    assert_eq!(rows("SELECT -SUM(foreignamount) * 2 FROM transactionline WHERE transaction = 10"), ["201.5"]);
    assert!(rows("SELECT t.type FROM transaction t WHERE t.id > 99 GROUP BY t.type").is_empty());
}

#[test]
fn conditions_know_a_third_answer() {
    let ids = |condition: &str| rows(&format!("SELECT id FROM transaction WHERE {condition} ORDER BY id")).join(" ");
    assert_eq!(ids("entity = 1"), "10");
    assert_eq!(ids("entity <> 1"), "12", "nothing is not different from something");
    assert_eq!(ids("NOT entity = 1"), "12");
    assert_eq!(ids("entity IS NULL"), "11");
    assert_eq!(ids("entity IS NOT NULL"), "10 12");
    assert_eq!(ids("entity IN (1, 2, 99)"), "10 12");
    assert_eq!(ids("entity NOT IN (1, 99)"), "12");
    assert_eq!(ids("entity NOT IN (1, NULL)"), "", "that it is not the unknown cannot be said");
    assert_eq!(ids("entity = 1 OR id = 11"), "10 11");
    assert_eq!(ids("(entity = 1 OR id = 11) AND NOT (id = 10)"), "11");
    assert_eq!(ids("NVL(entity, 0) = 0"), "11");
    assert_eq!(ids("id = '10'"), "10", "a number in quotes is compared as a number");
    assert_eq!(ids("id IN ('10', '11')"), "10 11");
    assert_eq!(ids("type LIKE 'Cust%'"), "10 11");
    assert_eq!(ids("type NOT LIKE '_end%'"), "10 11");
    assert_eq!(ids("id BETWEEN 11 AND 12"), "11 12");
    assert_eq!(ids("trandate >= TO_DATE('2026-01-11', 'YYYY-MM-DD')"), "11 12");
    assert_eq!(ids("type = ''"), "", "the empty text is nothing");
}

#[test]
fn a_quote_in_a_text_is_doubled_and_stays_in_it() {
    assert_eq!(rows("SELECT id FROM job WHERE entityid = 'O''Neil'"), ["3"]);
    assert_eq!(rows("SELECT id FROM job WHERE entityid IN ('x'' OR 1 = 1 OR ''a')"), Vec::<String>::new());
    assert!(refused("SELECT id FROM job WHERE entityid = 'O'Neil").contains("Unexpected token"));
    assert!(refused("SELECT id FROM job WHERE entityid = 'open").contains("no end"));
}

#[test]
fn functions_compute_as_the_database_does() {
    let one = |expression: &str| rows(&format!("SELECT {expression} FROM job WHERE id = 1")).remove(0);
    assert_eq!(one("ROUND(2.345, 2)"), "2.35");
    assert_eq!(one("ROUND(-2.345, 2)"), "-2.35", "halves go away from zero");
    assert_eq!(one("ROUND(2.5)"), "3");
    assert_eq!(one("10 / 4 - 1 * 2"), "0.5");
    assert_eq!(one("-(1 - 3)"), "2");
    assert_eq!(one("ABS(-1.50)"), "1.5");
    assert_eq!(one("'a' || NULL || 'b'"), "ab");
    assert_eq!(one("UPPER(TRIM('  ab '))"), "AB");
    assert_eq!(one("1 + NULL"), "-");
    assert_eq!(one("TO_CHAR(TO_DATE('2026-02-03', 'YYYY-MM-DD'), 'YYYY-MM-DD')"), "2026-02-03");
    assert_eq!(one("TO_DATE('2026-02-03', 'YYYY-MM-DD')"), "2/3/2026", "a bare date comes in the account's own format");
    assert!(refused("SELECT 1 / 0 FROM job").contains("zero"));
}

#[test]
fn distinct_rows_come_once() {
    assert_eq!(rows("SELECT DISTINCT type FROM transaction ORDER BY type"), ["CustInvc", "VendBill"]);
}

#[test]
fn what_the_language_does_not_know_is_refused() {
    let many = |count: usize| {
        let list = vec!["1"; count].join(",");
        format!("SELECT id FROM job WHERE id IN ({list})")
    };
    assert_eq!(rows(&many(1000)), ["1"]);
    for (statement, why) in [
        (many(1001).as_str(), "1000"),
        ("", "Only SELECT"),
        ("DELETE FROM job", "Only SELECT"),
        ("UPDATE job SET entityid = 'x'", "Only SELECT"),
        ("SELECT id FROM job; DELETE FROM job", "Unexpected character ';'"),
        ("WITH x AS (SELECT 1 FROM job) SELECT * FROM x", "WITH"),
        ("SELECT id FROM job WHERE id = ?", "Bind parameters"),
        ("SELECT [id] FROM job", "brackets"),
        ("SELECT id FROM job LIMIT 5", "Unexpected token"),
        ("SELECT id FROM nothing", "Record 'nothing' was not found"),
        ("SELECT nothing FROM job", "Field 'nothing' was not found"),
        ("SELECT j.nothing FROM job j", "Field 'nothing' for record 'job'"),
        ("SELECT x.id FROM job j", "'id' for record 'x'"),
        ("SELECT total FROM transaction", "Field 'total'"),
        ("SELECT id FROM job j JOIN transaction t ON t.entity = j.id", "ambiguously"),
        ("SELECT entityid FROM job GROUP BY id", "Not a GROUP BY expression: 'entityid'"),
        ("SELECT id, COUNT(*) FROM job", "Not a GROUP BY expression: 'id'"),
        ("SELECT id FROM job WHERE COUNT(*) > 1", "Group function"),
        ("SELECT id FROM transaction WHERE trandate > DATE '2026-01-01'", "TO_DATE"),
        ("SELECT id FROM transaction WHERE trandate > '2026-01-01'", "Inconsistent datatypes"),
        ("SELECT MEDIAN(id) FROM job", "'MEDIAN' is not supported"),
        ("SELECT ROUND(1, 2, 3) FROM job", "arguments"),
        ("SELECT id FROM job WHERE entityid = 1", "Invalid number"),
        ("SELECT id FROM job WHERE id", "not a condition"),
        ("SELECT id = 1 FROM job", "not a value"),
        ("SELECT id FROM job, transaction", "comma"),
        ("SELECT id FROM (SELECT id FROM job)", "Subqueries"),
        ("SELECT id FROM job WHERE id IN (SELECT id FROM job)", "not supported"),
        ("SELECT id FROM job WHERE (id = 1", "ends where )"),
        ("SELECT id FROM job ORDER", "BY"),
        ("SELECT BUILTIN.DF(id) FROM job", "BUILTIN.DF"),
        ("SELECT id FROM job WHERE id = 1x", "Invalid number"),
    ] {
        let said = refused(statement);
        assert!(said.contains(why), "{statement}: {said}");
    }
    let deep = format!("SELECT id FROM job WHERE {}id = 1{}", "(".repeat(2000), ")".repeat(2000));
    assert!(refused(&deep).contains("nested"));
}
