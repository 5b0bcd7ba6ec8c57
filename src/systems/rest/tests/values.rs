//! Values: exact, in the declared form, or unknown with a flaw.

use rust_decimal::Decimal;
use thin_vec::thin_vec;

use super::*;
use crate::domain::{
    Booked, Cost, CostKind, CostState, Currency, Direction, Flaw, FlawKind, Invoice, InvoiceKind, InvoiceState, Money,
    ProjectInvoice, ProjectStatus,
};
use crate::systems::declared::documents::part;
use crate::systems::declared::fields::{Costs, Invoices, Projects};
use crate::systems::declared::map::Setting;
use crate::systems::declared::path::Path;
use crate::systems::declared::row::{Row, Wanted, read};

/// What a row of this JSON becomes.
fn rows<T>(json: &str, mut map: impl FnMut(&Row<'_>, Setting<'_>) -> T + Send) -> T
where
    T: Send,
{
    let (root, rule, zone) = (Path::default(), rule(), jiff::tz::TimeZone::get("Europe/Berlin").unwrap());
    let wanted = Wanted { rows: &root, single: true, next: None, total: None, more: None, error: None };
    let mut mapped = None;
    read(json.as_bytes(), wanted, &mut |row| {
        mapped = Some(map(row, Setting { zone: &zone, rule: &rule }));
        Ok(())
    })
    .unwrap();
    mapped.unwrap()
}

fn cost(fields: &str, json: &str) -> Cost {
    let table: Costs = toml::from_str(&format!(
        "by_project = {{ path = \"/x?p={{ids}}\" }}\ncurrency = \"cur\"\n[fields]\nid = \"id\"\nkind = {{ const = \"OTHER\" }}\n{fields}"
    ))
    .unwrap();
    rows(json, |row, setting| table.read(row, setting).unwrap().unwrap())
}

fn invoice(table: &str, json: &str) -> Invoice {
    let table: Invoices = toml::from_str(&format!(
        "by_project = {{ path = \"/x?p={{ids}}\" }}\ncurrency = {{ const = \"EUR\" }}\n{table}"
    ))
    .unwrap();
    rows(json, |row, setting| table.read(row, setting, Direction::Receivable, None).unwrap().unwrap())
}

fn eur(text: &str) -> Money {
    Money::new(text.parse().unwrap(), Currency::EUR)
}

fn amount(options: &str, value: &str) -> Result<Option<Decimal>, FlawKind> {
    let cost = cost(&format!("amount = {options}"), &format!(r#"{{"id":1,"cur":"EUR","a":{value}}}"#));
    match cost.flaws.first() {
        Some(flaw) => Err(flaw.kind),
        None => Ok(cost.amount.document.map(|money| money.amount)),
    }
}

fn exact(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn amounts_are_read_to_the_last_digit_from_numbers_and_texts() {
    for (value, expected) in [
        ("1190.50", "1190.50"),
        ("99999999999999.99", "99999999999999.99"),
        ("0.1", "0.1"),
        (r#""1190.50""#, "1190.50"),
        (r#"" -7 ""#, "-7"),
        ("1.5e3", "1500"),
    ] {
        assert_eq!(amount("\"a\"", value), Ok(Some(exact(expected))), "{value}");
        assert_eq!(amount("\"a\"", value).unwrap().unwrap().to_string(), expected, "{value}");
    }
    for nothing in ["null", r#""""#, r#""  ""#] {
        assert_eq!(amount("\"a\"", nothing), Ok(None), "{nothing}");
    }
    for wrong in [r#""abc""#, "true", "{}", "[1]", r#""1,5""#, r#""1.234,56""#, "99999999999999999999999999999.99"] {
        assert_eq!(amount("\"a\"", wrong), Err(FlawKind::BadNumber), "{wrong}");
    }
    assert_eq!(amount(r#"{ path = "a", default = "0" }"#, "null"), Ok(Some(exact("0"))));
}

#[test]
fn other_spellings_of_numbers_are_read_only_where_they_are_declared() {
    let german = r#"{ path = "a", decimal = ",", group = "." }"#;
    for (value, expected) in [
        (r#""1.234,56""#, "1234.56"),
        (r#""-1.234.567,8""#, "-1234567.8"),
        (r#""1234,5""#, "1234.5"),
        (r#""12""#, "12"),
        // A JSON number is always JSON's.
        ("1.5", "1.5"),
    ] {
        assert_eq!(amount(german, value), Ok(Some(exact(expected))), "{value}");
    }
    for wrong in
        [r#""1.5""#, r#""12.34,5""#, r#""1,234.56""#, r#""1.2345,6""#, r#"",5""#, r#""1,""#, r#""--1""#, r#""1..234""#]
    {
        assert_eq!(amount(german, wrong), Err(FlawKind::BadNumber), "{wrong}");
    }
    assert_eq!(amount(r#"{ path = "a", group = "'" }"#, r#""1'234.50""#), Ok(Some(exact("1234.50"))));
    assert_eq!(amount(r#"{ path = "a", divide = 100 }"#, "123456"), Ok(Some(exact("1234.56"))));
    assert_eq!(amount(r#"{ path = "a", negate = true }"#, "5"), Ok(Some(exact("-5"))));
}

#[test]
fn a_sign_can_hang_on_another_field() {
    let fields = r#"amount = { path = "a", negate = { path = "type", values = ["credit", "storno"] } }"#;
    for (kind, expected) in [("credit", "-5"), ("storno", "-5"), ("bill", "5")] {
        let cost = cost(fields, &format!(r#"{{"id":1,"cur":"EUR","a":5,"type":"{kind}"}}"#));
        assert_eq!(cost.amount.document, Some(eur(expected)));
    }
}

#[test]
fn an_amount_without_a_currency_is_none_with_a_flaw() {
    for (currency, kind) in [
        ("null", FlawKind::MissingCurrency),
        (r#""""#, FlawKind::MissingCurrency),
        (r#""EURO""#, FlawKind::UnknownCurrency),
    ] {
        let cost = cost("amount = \"a\"", &format!(r#"{{"id":1,"cur":{currency},"a":5}}"#));
        assert_eq!((cost.amount, cost.flaws), (Booked::default(), thin_vec![Flaw { field: "amount", kind }]));
    }
    // Nothing to be wrong where there is no amount.
    assert!(cost("amount = \"a\"", r#"{"id":1}"#).flaws.is_empty());
    let own = cost("amount = { path = \"a\", currency = { const = \"CHF\" } }", r#"{"id":1,"cur":"EUR","a":5}"#);
    assert_eq!(own.amount.document.unwrap().currency, Currency::CHF);
}

#[test]
fn texts_are_joined_mapped_and_defaulted() {
    let fields = r#"
amount = "a"
description = { join = ["doc", "pos.no"], with = "/" }
document = { path = "st", map = { "10" = "Sent" }, default = "none" }
party = "names.1.n"
party_id = ["a.b", "c"]
"#;
    let json = r#"{"id":7,"doc":"R1","pos":{"no":2},"st":10,"names":[{"n":"x"},{"n":"Bö\"b"}],"a.b":{"c":"P1"}}"#;
    let cost = cost(fields, json);
    assert_eq!(&*cost.id, "7");
    assert_eq!(cost.description.as_deref(), Some("R1/2"));
    assert_eq!(cost.document.as_deref(), Some("Sent"));
    let party = cost.party.unwrap();
    assert_eq!((party.id.as_deref(), party.name.as_deref()), (Some("P1"), Some("Bö\"b")));
    let bare = self::cost(fields, r#"{"id":"7","doc":null}"#);
    assert_eq!((bare.description, bare.document.as_deref()), (None, Some("none")));
}

#[test]
fn days_and_moments_are_read_in_their_format_and_zone() {
    let day = |format: &str, value: &str| {
        let fields = format!("amount = \"a\"\ndate = {{ path = \"d\", format = \"{format}\" }}");
        let cost = cost(&fields, &format!(r#"{{"id":1,"d":{value}}}"#));
        cost.date.map(|date| date.to_string()).ok_or_else(|| cost.flaws.first().map(|flaw| flaw.kind))
    };
    for (format, value, expected) in [
        ("iso", r#""2026-01-31""#, "2026-01-31"),
        ("iso", r#""2026-01-31T10:00:00""#, "2026-01-31"),
        // Half an hour before midnight in UTC is the next day in Berlin.
        ("iso", r#""2026-01-30T23:30:00Z""#, "2026-01-31"),
        ("dd.mm.yyyy", r#""31.01.2026""#, "2026-01-31"),
        ("mm/dd/yyyy", r#""01/31/2026""#, "2026-01-31"),
        ("yyyymmdd", r#""20260131""#, "2026-01-31"),
        ("epoch_s", "1769815800", "2026-01-31"),
        ("epoch_ms", "1769815800000", "2026-01-31"),
        ("epoch_ms", r#""/Date(1769815800000+0000)/""#, "2026-01-31"),
        ("%d %b %Y", r#""31 Jan 2026""#, "2026-01-31"),
    ] {
        assert_eq!(day(format, value).as_deref(), Ok(expected), "{format} {value}");
    }
    for (format, value) in [
        ("iso", r#""31.01.2026""#),
        ("dd.mm.yyyy", r#""2026-01-31""#),
        ("iso", r#""2026-02-30""#),
        ("epoch_s", r#""x""#),
    ] {
        assert_eq!(day(format, value), Err(Some(FlawKind::BadDate)), "{format} {value}");
    }
    assert_eq!(day("iso", r#""""#), Err(None));
}

#[test]
fn words_are_mapped_and_an_unmapped_one_is_unknown() {
    let status = |fields: &str, value: &str| {
        let table: Projects =
            toml::from_str(&format!("by_id = {{ path = \"/x?p={{ids}}\" }}\n[fields]\nid = \"id\"\n{fields}")).unwrap();
        rows(&format!(r#"{{"id":"prj-2025-001","s":{value}}}"#), |row, setting| {
            table.read(row, setting, None).map(|project| project.unwrap().status).map_err(|reject| reject.why)
        })
    };
    let mapped = r#"status = { path = "s", map = { on = "ACTIVE", "3" = "ON_HOLD" }, default = "PLANNED" }"#;
    assert_eq!(status(mapped, r#""on""#), Ok(ProjectStatus::Active));
    assert_eq!(status(mapped, "3"), Ok(ProjectStatus::OnHold));
    assert_eq!(status(mapped, r#""ACTIVE""#), Ok(ProjectStatus::Unknown("ACTIVE".into())));
    assert_eq!(status(mapped, "null"), Ok(ProjectStatus::Planned));
    let ours = r#"status = "s""#;
    assert_eq!(status(ours, r#""on_hold""#), Ok(ProjectStatus::OnHold));
    assert_eq!(status(ours, "null").unwrap_err(), "a row without `status`");
}

#[test]
fn a_word_that_decides_about_a_sign_is_never_guessed() {
    let table: Costs = toml::from_str(
        "by_project = { path = \"/x?p={ids}\" }\n[fields]\nid = \"id\"\nkind = { const = \"OTHER\" }\namount = \"a\"\nstate = { path = \"s\", map = { o = \"COMMITTED\" } }",
    )
    .unwrap();
    let state = |json: &str| {
        rows(json, |row, setting| table.read(row, setting).map(|cost| cost.unwrap().state).map_err(|reject| reject.why))
    };
    assert_eq!(state(r#"{"id":1,"s":"o"}"#), Ok(CostState::Committed));
    assert_eq!(state(r#"{"id":1}"#), Ok(CostState::Actual));
    assert_eq!(state(r#"{"id":1,"s":"x"}"#).unwrap_err(), "a row whose `state` is a word that is not mapped");
    assert_eq!(cost("amount = \"a\"", r#"{"id":1}"#).kind, CostKind::Other);
}

const DOCUMENT: &str = r#"
credit_notes = "MODE"
[fields]
id = "id"
state = { path = "st", map = { p = "PAID", o = "OVERDUE", d = "DRAFT" } }
kind = { path = "k", map = { i = "INVOICE", c = "CREDIT_NOTE" }, default = "INVOICE" }
project_id = "project"
net = "net"
tax = "tax"
paid = "paid"
[lines]
rows = "pos"
net = "net"
project_id = "project"
"#;

#[test]
fn what_is_not_mapped_of_an_amount_is_worked_out_from_the_others() {
    let invoice =
        invoice(&DOCUMENT.replace("MODE", "positive"), r#"{"id":1,"st":"o","net":100,"tax":"19.00","paid":20.5}"#);
    assert_eq!((invoice.total().document, invoice.balance().document), (Some(eur("119.00")), Some(eur("98.50"))));
    assert_eq!(invoice.state, InvoiceState::Open);
    // A field that is mapped and empty stays unknown.
    let silent = self::invoice(&DOCUMENT.replace("MODE", "positive"), r#"{"id":1,"st":"zz","net":100}"#);
    assert!(silent.tax().is_unknown() && silent.total().is_unknown() && silent.paid().is_unknown());
    assert_eq!(silent.state, InvoiceState::Unknown("zz".into()));
}

#[test]
fn credit_notes_are_positive_however_the_owner_writes_them() {
    let read = |mode: &str, json: &str| invoice(&DOCUMENT.replace("MODE", mode), json);
    let plus = r#"{"id":1,"st":"p","k":"c","net":100,"tax":19,"paid":0}"#;
    let minus = r#"{"id":1,"st":"p","k":"c","net":-100,"tax":-19,"paid":0,"pos":[{"net":-100}]}"#;
    for (mode, json) in [("positive", plus), ("negative", minus), ("by_sign", minus)] {
        let note = read(mode, json);
        assert_eq!((note.kind, note.total().document), (InvoiceKind::CreditNote, Some(eur("119"))), "{mode}");
        assert!(note.flaws.is_empty() && note.lines.iter().all(|line| line.net.document == Some(eur("100"))));
    }
    let by_sign = read("by_sign", r#"{"id":1,"st":"p","net":-100,"tax":-19}"#);
    assert_eq!((by_sign.kind, by_sign.net().document), (InvoiceKind::CreditNote, Some(eur("100"))));
    for (mode, json) in [("positive", minus), ("negative", plus)] {
        let note = read(mode, json);
        assert!(note.net().is_unknown() && note.total().is_unknown(), "{mode}");
        assert_eq!(note.flaws.len(), 1, "{mode}");
    }
}

fn parts(json: &str) -> [ProjectInvoice; 2] {
    let invoice = Arc::new(invoice(&DOCUMENT.replace("MODE", "positive"), json));
    [prj(1), prj(2)].map(|project| part(Arc::clone(&invoice), &project))
}

#[test]
fn a_shared_document_is_split_by_its_lines() {
    let [first, second] = parts(
        r#"{"id":1,"st":"o","net":300,"tax":57,"paid":100,"pos":[{"net":200,"project":"PRJ-2025-001"},{"net":100,"project":"prj-2025-002"}]}"#,
    );
    assert_eq!((first.net().document, first.total().document), (Some(eur("200")), Some(eur("238"))));
    assert_eq!((second.net().document, second.paid().document), (Some(eur("100")), Some(eur("33.33"))));
    assert!(first.allocated() && second.allocated());
    assert_eq!(first.invoice.project_ids.as_slice(), [prj(1), prj(2)]);
}

#[test]
fn what_is_open_of_a_shared_document_is_what_its_owner_says() {
    let table = DOCUMENT.replace("MODE", "positive").replace("paid = \"paid\"", "paid = \"paid\"\nbalance = \"open\"");
    let balances = |paid: &str, open: &str| {
        let json = format!(
            r#"{{"id":1,"st":"o","net":300,"tax":57,"paid":{paid},"open":{open},"pos":[{{"net":200,"project":"PRJ-2025-001"}},{{"net":100,"project":"PRJ-2025-002"}}]}}"#
        );
        let invoice = Arc::new(invoice(&table, &json));
        [prj(1), prj(2)].map(|project| part(Arc::clone(&invoice), &project).balance().document)
    };
    assert_eq!(balances("100", "257"), [Some(eur("171.33")), Some(eur("85.67"))]);
    // A credit note that is no payment, a part that is written off, and payments that are not told.
    assert_eq!(balances("0", "0"), [Some(eur("0")), Some(eur("0"))]);
    assert_eq!(balances("0", "57"), [Some(eur("38")), Some(eur("19"))]);
    assert_eq!(balances("null", "57"), [Some(eur("38")), Some(eur("19"))]);
}

#[test]
fn lines_in_another_currency_say_nothing_of_the_shares() {
    let table = DOCUMENT
        .replace("MODE", "positive")
        .replace("rows = \"pos\"\nnet = \"net\"", "rows = \"pos\"\nnet = { path = \"net\", currency = \"cur\" }");
    let json = r#"{"id":1,"st":"o","net":200,"tax":38,"pos":[{"net":100,"cur":"USD","project":"PRJ-2025-001"},{"net":100,"cur":"EUR","project":"PRJ-2025-002"}]}"#;
    let invoice = Arc::new(invoice(&table, json));
    for project in [prj(1), prj(2)] {
        let part = part(Arc::clone(&invoice), &project);
        assert!(part.net().is_unknown() && part.total().is_unknown(), "{project}");
    }
}

#[test]
fn a_line_without_a_project_is_for_the_documents_and_one_of_nobody_is_nobodys() {
    let [whole, _] = parts(r#"{"id":1,"st":"o","project":"PRJ-2025-001","net":300,"tax":57,"pos":[{"net":300}]}"#);
    assert!(!whole.allocated() && whole.net().document == Some(eur("300")));
    let [first, _] =
        parts(r#"{"id":1,"st":"o","net":300,"tax":57,"pos":[{"net":200,"project":"PRJ-2025-001"},{"net":100}]}"#);
    assert_eq!((first.net().document, first.allocated()), (Some(eur("200")), true));
}

#[test]
fn parts_that_the_lines_do_not_tell_are_unknown_and_never_the_whole() {
    let [first, second] = parts(r#"{"id":1,"st":"o","project":["PRJ-2025-001","PRJ-2025-002"],"net":300,"tax":57}"#);
    assert!(first.net().is_unknown() && second.total().is_unknown() && first.allocated());
    let [unknown, _] = parts(
        r#"{"id":1,"st":"o","net":300,"tax":57,"pos":[{"net":200,"project":"PRJ-2025-001"},{"net":"x","project":"PRJ-2025-002"}]}"#,
    );
    assert!(unknown.net().is_unknown() && !unknown.invoice.flaws.is_empty());
}

#[tokio::test]
async fn a_document_is_found_for_every_project_on_its_lines() {
    let stub = stub(|_| {
        json(r#"[{"id":1,"st":"o","net":300,"tax":57,"pos":[{"net":200,"project":"PRJ-2025-001"},{"net":100,"project":"PRJ-2025-002"}]}]"#)
    })
    .await;
    let document = DOCUMENT
        .replace("MODE", "positive")
        .replace("project_id = \"project\"\nnet", "net")
        .replace("[lines]", "[invoices.lines]")
        .replace("[fields]", "[invoices.fields]");
    let text =
        format!("[invoices]\nby_project = {{ path = \"/x?p={{ids}}\" }}\ncurrency = {{ const = \"EUR\" }}\n{document}");
    let port = connection(&stub.url, &text).receivables.unwrap();
    let batch = port.invoices_by_project(&call(), &[prj(1), prj(2), prj(3)]).await.unwrap();
    assert_eq!(batch.found[&prj(1)][0].net().document, Some(eur("200")));
    assert_eq!(batch.found[&prj(2)][0].net().document, Some(eur("100")));
    assert!(batch.found[&prj(3)].is_empty());
}

#[tokio::test]
async fn hours_are_added_up_by_project_and_person() {
    let answer = r#"[{"p":"PRJ-2025-001","min":90,"who":"Ana"},{"p":"PRJ-2025-001","min":30,"who":"Ben"},{"p":"PRJ-2025-001","min":60,"who":"Ana"}]"#;
    let text = r#"
[projects]
by_id = { path = "/p?ids={ids}" }
fields = { id = "id", status = { const = "ACTIVE" } }
[effort]
by_project = { path = "/t?ids={ids}" }
fields = { project_id = "p", hours = { path = "min", divide = 60 }, person = "who" }
"#;
    let stub = stub(move |_| json(answer)).await;
    let batch = connection(&stub.url, text).projects.unwrap().effort(&call(), &[prj(1), prj(2)]).await.unwrap();
    let effort = &batch.found[&prj(1)];
    assert_eq!(effort.hours_spent, Decimal::from(3));
    let people: Vec<(&str, Decimal)> =
        effort.resources.iter().map(|part| (part.person.name.as_str(), part.hours_spent)).collect();
    assert_eq!(people, [("Ana", Decimal::new(25, 1)), ("Ben", Decimal::new(5, 1))]);
    assert_eq!(batch.found[&prj(2)].hours_spent, Decimal::ZERO);
}

#[test]
fn rows_can_be_left_out() {
    let table: Costs = toml::from_str(
        "by_project = { path = \"/x?p={ids}\" }\nskip = { path = \"st\", values = [\"void\"] }\n[fields]\nid = \"id\"\nkind = { const = \"OTHER\" }\namount = \"a\"",
    )
    .unwrap();
    let is_kept = |json: &str| rows(json, |row, setting| table.read(row, setting).unwrap().is_some());
    assert!(is_kept(r#"{"id":1,"st":"ok"}"#) && is_kept(r#"{"id":1}"#) && !is_kept(r#"{"id":1,"st":"void"}"#));
}

#[test]
fn only_web_addresses_are_links() {
    let link = |url: &str| cost("amount = \"a\"\nurl = \"u\"", &format!(r#"{{"id":1,"u":"{url}"}}"#)).url;
    assert_eq!(link("https://erp.example.com/1").as_deref(), Some("https://erp.example.com/1"));
    assert_eq!(link("javascript:alert(1)"), None);
}
