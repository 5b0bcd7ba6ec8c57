//! What a database adds up must be what adding up its rows gives.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use spine::demo::company::model::Company;
use spine::domain::{CostSum, InvoiceKind, InvoiceState, Money, ProjectId};
use spine::systems::Connection;

use crate::conformance::{RULE, call};

pub(crate) async fn are_what_adding_up_the_records_gives(connection: &Connection, company: &Company) {
    type Sums = BTreeMap<String, (Option<Decimal>, Option<Decimal>, usize)>;
    fn add(sums: &mut Sums, group: String, document: Option<Money>, company: Option<Money>, records: usize) {
        let amount = |money: Option<Money>| money.map(|money| money.amount);
        let sum = sums.entry(group).or_insert((Some(Decimal::ZERO), Some(Decimal::ZERO), 0));
        sum.0 = sum.0.zip(amount(document)).map(|(sum, amount)| sum + amount);
        sum.1 = sum.1.zip(amount(company)).map(|(sum, amount)| sum + amount);
        sum.2 += records;
    }
    let projects = company.ledger.projects.iter();
    let ids: Vec<ProjectId> = projects.filter_map(|(code, _)| RULE.parse(code).ok()).collect();
    assert!(ids.len() > 20);

    let rows = connection.receivables.as_ref().unwrap().invoices_by_project(&call(), &ids).await.unwrap();
    let sums = connection.invoice_sums.as_ref().unwrap().invoiced_by_project(&call(), &ids).await.unwrap();
    let mut all = 0;
    for id in &ids {
        let (mut added, mut told) = (Sums::new(), Sums::new());
        for part in &rows.found[id] {
            if matches!(part.invoice.state, InvoiceState::Draft | InvoiceState::Void) {
                continue;
            }
            let turned = part.invoice.kind == InvoiceKind::CreditNote;
            let net = if turned { part.net().negated() } else { part.net() };
            add(&mut added, net.document.unwrap().currency.code().to_owned(), net.document, net.company, 1);
        }
        for sum in &sums.found[id] {
            let currency = sum.amount.document.unwrap().currency.code().to_owned();
            add(&mut told, currency, sum.amount.document, sum.amount.company, sum.records);
        }
        assert_eq!(added, told, "what was invoiced for {id}");
        all += added.len();
    }
    assert!(all > 20, "{all} sums");

    let rows = connection.costs.as_ref().unwrap().costs_by_project(&call(), &ids).await.unwrap();
    let sums = connection.cost_sums.as_ref().unwrap().cost_sums_by_project(&call(), &ids).await.unwrap();
    let mut all = 0;
    for id in &ids {
        let (mut added, mut told) = (Sums::new(), Sums::new());
        for cost in &rows.found[id] {
            let group = format!("{:?} {:?} {}", cost.kind, cost.state, cost.amount.document.unwrap().currency.code());
            add(&mut added, group, cost.amount.document, cost.amount.company, 1);
        }
        for CostParts { group, document, company, records } in sums.found[id].iter().map(CostParts::of) {
            add(&mut told, group, document, company, records);
        }
        assert_eq!(added, told, "costs of {id}");
        all += added.len();
    }
    assert!(all > 20, "{all} sums");
}

struct CostParts {
    group: String,
    document: Option<Money>,
    company: Option<Money>,
    records: usize,
}

impl CostParts {
    fn of(sum: &CostSum) -> Self {
        let amount = sum.sum.amount;
        let group = format!("{:?} {:?} {}", sum.kind, sum.state, amount.document.unwrap().currency.code());
        Self { group, document: amount.document, company: amount.company, records: sum.sum.records }
    }
}
