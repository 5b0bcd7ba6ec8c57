//! Invoices, bills, costs, and their sums.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;
use rust_decimal::Decimal;
use spine::demo::company::model::{Cancelled, Company, Document, DocumentKind, DocumentLine};

use super::{AMOUNT, Kind, SUM, TEXT, Table, Value, canonical, for_json, row};

/// Documents are numbered through, each kind in its millions.
pub(crate) fn document_id(code: u32, entry: u32) -> u32 {
    code * 1_000_000 + entry
}

fn code(document: &Document) -> u32 {
    match document.kind {
        DocumentKind::Invoice => 13,
        DocumentKind::CreditNote => 14,
        DocumentKind::PurchaseInvoice => 18,
        DocumentKind::PurchaseCreditNote => 19,
        DocumentKind::PurchaseOrder => 22,
    }
}

fn id(document: &Document) -> u32 {
    document_id(code(document), document.entry)
}

/// An amount in the document's currency.
fn own(company: &Company, document: &Document, local: Decimal, foreign: Decimal) -> Decimal {
    if document.currency == company.currency { local } else { foreign }
}

fn project<'d>(document: &'d Document, line: &'d DocumentLine) -> Option<&'d String> {
    line.project.as_ref().or(document.project.as_ref())
}

/// Which documents have a line of one of these projects.
pub(super) fn documents_of(company: &Company, keys: &[String]) -> HashSet<u32> {
    let of = |document: &Document| {
        let mut projects = document.lines.iter().filter_map(|line| project(document, line));
        projects.any(|project| keys.contains(&canonical(project)))
    };
    company.ledger.documents.iter().filter(|document| of(document)).map(id).collect()
}

const DOCUMENT: [(&str, Kind); 18] = [
    ("id!", Kind::Int),
    ("project_id", Kind::Varchar(80)),
    ("number!", Kind::Int),
    ("kind!", Kind::Varchar(6)),
    ("state!", Kind::Varchar(20)),
    ("party_id", Kind::Varchar(80)),
    ("party", TEXT),
    ("issue_date", Kind::Date),
    ("due_date", Kind::DateTime),
    ("currency", Kind::Nchar(3)),
    ("tax", AMOUNT),
    ("total", AMOUNT),
    ("paid", AMOUNT),
    ("company_currency!", Kind::Varchar(3)),
    ("company_tax", AMOUNT),
    ("company_total", AMOUNT),
    ("company_paid", AMOUNT),
    ("lines", Kind::NvarcharMax),
];

fn document(company: &Company, d: &Document) -> Vec<Value> {
    let state = match (d.cancelled, d.open) {
        (Cancelled::No, true) => "open",
        (Cancelled::No, false) => "settled",
        _ => "void",
    };
    let kind = if matches!(code(d), 13 | 18) { "bill" } else { "credit" };
    let own = |local, foreign| own(company, d, local, foreign);
    let lines = d.lines.iter().map(|line| {
        vec![
            ("description", Value::from(&line.description)),
            ("net", own(line.net, line.net_fc).into()),
            ("company_net", line.net.into()),
            ("project_id", project(d, line).into()),
        ]
    });
    let head = row![id(d), d.project.as_ref(), d.number, kind, state, &d.card_code, &d.card_name, d.date];
    let due = row![d.due.at(0, 0, 0, 0), &d.currency];
    let amounts = row![own(d.tax, d.tax_fc), own(d.total, d.total_fc), own(d.paid, d.paid_fc), &company.currency];
    [head, due, amounts, row![d.tax, d.total, d.paid, for_json(&lines.collect::<Vec<_>>())]].concat()
}

pub(super) fn invoices(company: &Company) -> Table {
    let mut payments: HashMap<u32, Vec<Vec<(&str, Value)>>> = HashMap::new();
    for payment in company.ledger.payments.iter().filter(|payment| !payment.cancelled) {
        let mut of: BTreeMap<u32, (Decimal, Decimal)> = BTreeMap::new();
        for applied in &payment.applied {
            let sum = of.entry(applied.entry).or_default();
            *sum = (sum.0 + applied.amount, sum.1 + applied.amount_fc);
        }
        for (entry, (local, foreign)) in of {
            let invoices = &company.ledger.documents;
            let paid = invoices.iter().find(|d| d.kind == DocumentKind::Invoice && d.entry == entry).unwrap();
            payments.entry(id(paid)).or_default().push(vec![
                ("id", Value::from(format!("24-{}", payment.entry))),
                ("date", payment.date.into()),
                ("amount", own(company, paid, local, foreign).into()),
                ("company_amount", local.into()),
            ]);
        }
    }
    let columns = [DOCUMENT.as_slice(), &[("payments!", Kind::NvarcharMax)]].concat();
    let invoices = company.ledger.documents.iter().filter(|d| matches!(code(d), 13 | 14));
    Table::new(&columns).with(invoices.map(|d| {
        let paid = payments.get(&id(d)).and_then(|paid| for_json(paid));
        [document(company, d), row![paid.unwrap_or_else(|| "[]".to_owned())]].concat()
    }))
}

pub(super) fn payables(company: &Company) -> Table {
    let payables = company.ledger.documents.iter().filter(|d| matches!(code(d), 18 | 19));
    Table::new(&DOCUMENT).with(payables.map(|d| document(company, d)))
}

/// A cost.
struct Cost<'c> {
    id: String,
    project: Option<&'c String>,
    kind: &'static str,
    state: &'static str,
    date: Date,
    amount: Decimal,
    currency: &'c String,
    company_amount: Decimal,
    description: &'c String,
    party: Option<&'c String>,
    document: u32,
}

fn all_costs(company: &Company) -> Vec<Cost<'_>> {
    let mut costs = Vec::new();
    for d in company.ledger.documents.iter().filter(|d| d.cancelled == Cancelled::No) {
        for line in &d.lines {
            let (state, local, foreign) = match code(d) {
                18 => ("spent", line.net, line.net_fc),
                19 => ("spent", -line.net, -line.net_fc),
                22 if line.open => ("ordered", line.open_net, line.open_net_fc),
                _ => continue,
            };
            costs.push(Cost {
                id: format!("{}-{}-{}", code(d), d.entry, line.number),
                project: project(d, line),
                kind: "bill",
                state,
                date: d.date,
                amount: own(company, d, local, foreign),
                currency: &d.currency,
                company_amount: local,
                description: &line.description,
                party: Some(&d.card_name),
                document: d.number,
            });
        }
    }
    for entry in company.ledger.journal.iter().filter(|entry| entry.manual) {
        for line in entry.lines.iter().filter(|line| line.account.starts_with(['5', '6']) && line.project.is_some()) {
            costs.push(Cost {
                id: format!("30-{}-{}", entry.number, line.number),
                project: line.project.as_ref(),
                kind: if line.account.starts_with('5') { "labour" } else { "expense" },
                state: "spent",
                date: entry.date,
                amount: line.debit - line.credit,
                currency: &company.currency,
                company_amount: line.debit - line.credit,
                description: &entry.memo,
                party: None,
                document: entry.number,
            });
        }
    }
    costs
}

pub(super) fn costs(company: &Company) -> Table {
    let columns = [
        ("id!", Kind::Varchar(40)),
        ("project_id", Kind::Varchar(80)),
        ("kind!", Kind::Varchar(7)),
        ("state!", Kind::Varchar(7)),
        ("date", Kind::Date),
        ("amount", AMOUNT),
        ("currency", Kind::Nchar(3)),
        ("company_amount", AMOUNT),
        ("company_currency!", Kind::Varchar(3)),
        ("description", TEXT),
        ("party", TEXT),
        ("document", Kind::Int),
    ];
    Table::new(&columns).with(all_costs(company).into_iter().map(|c| {
        let head = row![c.id, c.project, c.kind, c.state, c.date, c.amount, c.currency, c.company_amount];
        [head, row![&company.currency, c.description, c.party, c.document]].concat()
    }))
}

/// `SUM(...)` by project, and by what else there is.
pub(super) fn sums(company: &Company, table: &str, keys: &[String]) -> Table {
    type Sums<'c> = BTreeMap<(String, &'c str, &'c str, &'c str), (Decimal, Decimal, HashSet<String>)>;
    fn add<'c>(
        sums: &mut Sums<'c>,
        group: (String, &'c str, &'c str, &'c str),
        amounts: (Decimal, Decimal),
        id: String,
    ) {
        let sum = sums.entry(group).or_default();
        *sum = (sum.0 + amounts.0, sum.1 + amounts.1, std::mem::take(&mut sum.2));
        sum.2.insert(id);
    }
    let wanted =
        |project: Option<&String>| project.map(|project| canonical(project)).filter(|code| keys.contains(code));
    let (project, currency) = (("project_id", Kind::Nvarchar(80)), ("currency", Kind::Nchar(3)));
    let (local, records) = (("company_currency!", Kind::Varchar(3)), ("records", Kind::Int));
    // The company knows every amount.
    let (missing, company_missing) = (("missing", Kind::Int), ("company_missing", Kind::Int));
    let mut sums = Sums::new();
    if table == "costs" {
        for cost in all_costs(company) {
            let Some(code) = wanted(cost.project) else { continue };
            let group = (code, cost.kind, cost.state, cost.currency.as_str());
            add(&mut sums, group, (cost.amount, cost.company_amount), cost.id);
        }
        let (kind, state) = (("kind!", Kind::Varchar(7)), ("state!", Kind::Varchar(7)));
        let (amount, company_amount) = (("amount", SUM), ("company_amount", SUM));
        let head = [project, kind, state, currency, local, amount, company_amount, records];
        let columns = [&head[..], &[missing, company_missing]].concat();
        return Table::new(&columns).with(sums.into_iter().map(|((project, kind, state, currency), sum)| {
            row![project, kind, state, currency, &company.currency, sum.0, sum.1, sum.2.len(), 0_usize, 0_usize]
        }));
    }
    let documents = company.ledger.documents.iter();
    for d in documents.filter(|d| matches!(code(d), 13 | 14) && d.cancelled == Cancelled::No) {
        for line in &d.lines {
            let Some(code) = wanted(self::project(d, line)) else { continue };
            let sign = if d.kind == DocumentKind::Invoice { Decimal::ONE } else { -Decimal::ONE };
            let amounts = (sign * own(company, d, line.net, line.net_fc), sign * line.net);
            add(&mut sums, (code, "", "", d.currency.as_str()), amounts, id(d).to_string());
        }
    }
    let columns = [project, currency, local, ("net", SUM), ("company_net", SUM), records, missing, company_missing];
    Table::new(&columns).with(sums.into_iter().map(|((project, _, _, currency), sum)| {
        row![project, currency, &company.currency, sum.0, sum.1, sum.2.len(), 0_usize, 0_usize]
    }))
}
