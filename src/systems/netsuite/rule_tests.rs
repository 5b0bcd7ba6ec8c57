//! What counts and what does not, against the embedded account with books in it that no other ledger would have: retainers,
//! overpayments, drafts, documents that move, and what the role does not see.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::tests::{Bench, added, both, call, id, ids, names, shown};
use super::*;
use crate::demo::company::model::DocumentKind;
use crate::demo::sap::fixture;
use crate::domain::{Booked, Cost, CostKind, CostSum, FlawKind, Invoice, InvoiceId, InvoiceState, Sum};

// What the account calls them: the projects PRJ-2025-001 and PRJ-2025-002, a client, a vendor, two currencies, accounts.
const PROJECT: &str = "3000001";
const OTHER_PROJECT: &str = "3000002";
const CLIENT: &str = "1000001";
const VENDOR: &str = "2000001";
const EURO: i64 = 1;
const DOLLAR: i64 = 2;
const RECEIVABLE: &str = "100";
const PAYABLE: &str = "101";
const BANK: &str = "102";
const INCOME: &str = "104";
const SUBCONTRACTING: &str = "105";
const STOCK: &str = "107";
const TRAVEL: i64 = 108;

type Columns<'a> = &'a [(&'static str, &'a str)];

/// A line of a document: account, entity, amount in both currencies, and what else there is.
type Line<'a> = (&'a str, &'a str, &'a str, Columns<'a>);

const LEDGER: [&str; 4] = ["amountpaid", "amountunpaid", "paymentamountused", "paymentamountunused"];

/// Posts a document in euros. Its first line is the control line.
fn post(bench: &Bench, document: &str, kind: &str, head: Columns<'_>, lines: &[Line<'_>]) {
    let mut columns = vec![
        ("id", document),
        ("tranid", document),
        ("type", kind),
        ("status", "A"),
        ("trandate", "2026-01-12"),
        ("duedate", "2026-02-12"),
        ("entity", CLIENT),
        ("currency", "1"),
        ("exchangerate", "1"),
        ("posting", "T"),
        ("voided", "F"),
    ];
    columns.extend(head);
    bench.additions.add("transaction", &columns);
    let posting = columns.iter().rev().find(|(name, _)| *name == "posting").unwrap().1;
    for ((account, entity, amount, more), at) in lines.iter().zip(0..) {
        let number = at.to_string();
        let mut columns = vec![
            ("transaction", document),
            ("id", number.as_str()),
            ("mainline", if at == 0 { "T" } else { "F" }),
            ("taxline", "F"),
            ("iscogs", "F"),
            ("transactiondiscount", "F"),
            ("subsidiary", "1"),
            ("isclosed", "F"),
            ("entity", *entity),
            ("foreignamount", *amount),
            ("netamount", *amount),
        ];
        columns.extend(more.iter().filter(|(name, _)| !LEDGER.contains(name)));
        bench.additions.add("transactionline", &columns);
        let mut columns = vec![
            ("transaction", document),
            ("transactionline", number.as_str()),
            ("accountingbook", "1"),
            ("account", *account),
            ("amount", *amount),
            ("posting", posting),
        ];
        columns.extend(more.iter().filter(|(name, _)| LEDGER.contains(name)));
        bench.additions.add("transactionaccountingline", &columns);
    }
}

/// Says that so much of a payment or an applied deposit is for an invoice.
fn apply(bench: &Bench, payment: &str, invoice: &str, amount: &str) {
    let ends = [("previousdoc", invoice), ("nextdoc", payment), ("linktype", "Payment")];
    let with = |more: Columns<'static>| [ends.as_slice(), more].concat();
    let mut columns = with(&[]);
    columns.push(("foreignamount", amount));
    bench.additions.add("nexttransactionlinelink", &columns);
    let mut columns = with(&[("accountingbook", "1")]);
    columns.push(("amount", amount));
    bench.additions.add("nexttransactionaccountinglinelink", &columns);
}

async fn invoice(bench: &Bench, id: &str) -> Invoice {
    let id = InvoiceId::new(id);
    bench.receivables().invoices(&call(), std::slice::from_ref(&id)).await.unwrap().found.remove(&id).unwrap()
}

async fn invoice_sums(bench: &Bench, ids: &[ProjectId]) -> HashMap<ProjectId, Vec<Sum>> {
    let batch = bench.connection.invoice_sums.as_deref().unwrap().invoiced_by_project(&call(), ids).await.unwrap();
    assert!(batch.failed.is_empty(), "{:?}", batch.failed);
    batch.found
}

async fn cost_sums(bench: &Bench, ids: &[ProjectId]) -> Batch<ProjectId, Vec<CostSum>> {
    bench.connection.cost_sums.as_deref().unwrap().cost_sums_by_project(&call(), ids).await.unwrap()
}

fn spent<'c>(amounts: impl IntoIterator<Item = (&'c CostKind, Booked)>) -> BTreeMap<String, Decimal> {
    let mut spent = BTreeMap::new();
    for (kind, amount) in amounts {
        *spent.entry(format!("{kind:?}")).or_default() += amount.company.unwrap().amount;
    }
    spent
}

fn same(text: &str) -> (String, String) {
    (format!("{text} EUR"), format!("{text} EUR"))
}

#[tokio::test]
async fn what_is_sold_on_an_account_of_cost_takes_off_what_was_invoiced_and_is_no_cost_as_well() {
    let bench = Bench::start(fixture::company(), "").await;
    let one = ids(&["PRJ-2025-001"]);
    let costs = |costs: &[Cost]| spent(costs.iter().map(|cost| (&cost.kind, cost.amount)));
    let summed = |sums: &[CostSum]| spent(sums.iter().map(|sum| (&sum.kind, sum.sum.amount)));
    let before = costs(&bench.costs(&one).await[&one[0]]);
    let invoiced = |sums: &[Sum]| sums.iter().map(|sum| sum.amount.company.unwrap().amount).sum::<Decimal>();
    let invoiced_before = invoiced(&invoice_sums(&bench, &one).await[&one[0]]);
    let cogs: Columns<'_> = &[("iscogs", "T")];
    let unpaid: Columns<'_> = &[("foreignamountpaid", "0"), ("foreignamountunpaid", "80")];
    // 100 less a discount of 20 that stands on an account of cost; the goods had cost 30.
    let lines = [
        (RECEIVABLE, CLIENT, "80", unpaid),
        (INCOME, PROJECT, "-100", &[]),
        (SUBCONTRACTING, PROJECT, "20", &[]),
        (SUBCONTRACTING, PROJECT, "30", cogs),
        (STOCK, PROJECT, "-30", cogs),
    ];
    post(&bench, "90000001", "CustInvc", &[], &lines);
    let after = costs(&bench.costs(&one).await[&one[0]]);
    assert_eq!(after.get("Other"), Some(&Decimal::from(30)), "the cost of the goods");
    assert!(before.iter().all(|(kind, amount)| after[kind] == *amount), "{before:?} {after:?}");
    assert_eq!(summed(&cost_sums(&bench, &one).await.found[&one[0]]), after, "and so do sums");
    let parts = bench.invoices(&one).await;
    let part = parts[&one[0]].iter().find(|part| part.invoice.id.as_str() == "90000001").unwrap();
    assert_eq!(both(part.net()), same("80.00"));
    assert_eq!(invoiced(&invoice_sums(&bench, &one).await[&one[0]]), invoiced_before + Decimal::from(80));
}

#[tokio::test]
async fn a_currency_that_the_role_does_not_see_makes_amounts_unknown_and_leaves_nothing_out() {
    let bench = Bench::start(fixture::company(), "").await;
    let one = ids(&["PRJ-2025-001"]);
    bench.additions.hide("currency", DOLLAR);
    let found = bench.invoices(&one).await;
    assert_eq!(names(&found[&one[0]]), "10000001 10000002 10000003 10000004 10000005 20000001");
    let dollars = &found[&one[0]][1];
    assert_eq!(both(dollars.net()), ("?".to_owned(), "90.00 EUR".to_owned()), "the books know theirs");
    assert!(dollars.invoice.flaws.iter().any(|flaw| flaw.kind == FlawKind::MissingCurrency));
    let sums = invoice_sums(&bench, &one).await;
    let shown: Vec<_> = sums[&one[0]].iter().map(|sum| (both(sum.amount), sum.records)).collect();
    assert!(shown.contains(&(("?".to_owned(), "90.00 EUR".to_owned()), 1)), "{shown:?}");
    bench.additions.hide("currency", EURO);
    let costs = bench.costs(&one).await;
    assert_eq!(costs[&one[0]].len(), 5);
    assert!(costs[&one[0]].iter().all(|cost| cost.amount.is_unknown()));
    assert!(cost_sums(&bench, &one).await.found[&one[0]].iter().all(|sum| sum.sum.amount.is_unknown()));
}

#[tokio::test]
async fn an_account_that_the_role_does_not_see_fails_the_projects_with_lines_on_it() {
    let bench = Bench::start(fixture::company(), "").await;
    bench.additions.hide("account", TRAVEL);
    let asked = ids(&["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-003"]);
    let costs = bench.connection.costs.as_deref().unwrap().costs_by_project(&call(), &asked).await.unwrap();
    let sums = cost_sums(&bench, &asked).await;
    for (found, failed) in [(costs.found.len(), &costs.failed), (sums.found.len(), &sums.failed)] {
        assert_eq!((found, failed.len()), (2, 1), "nobody can say whether a line there is a cost");
        assert_eq!(failed[&asked[1]].kind, ErrorKind::Forbidden);
        assert!(failed[&asked[1]].to_string().contains("account"), "{}", failed[&asked[1]]);
    }
}

#[tokio::test]
async fn a_line_without_any_amount_is_text_in_records_and_in_sums() {
    let bench = Bench::start(fixture::company(), "").await;
    let both_projects = ids(&["PRJ-2025-001", "PRJ-2025-002"]);
    let before = bench.invoices(&both_projects).await;
    for (document, entity) in [("10000001", PROJECT), ("10000001", OTHER_PROJECT), ("10000003", PROJECT)] {
        let flags = [("mainline", "F"), ("taxline", "F"), ("iscogs", "F"), ("transactiondiscount", "F")];
        let line = [("transaction", document), ("id", entity), ("entity", entity), ("memo", "As agreed")];
        bench.additions.add("transactionline", &[flags, line].concat());
    }
    let order = [("transaction", "50000001"), ("id", "9"), ("entity", PROJECT), ("isclosed", "F")];
    bench.additions.add("transactionline", &[order.as_slice(), &[("mainline", "F"), ("taxline", "F")]].concat());
    let (after, sums) = (bench.invoices(&both_projects).await, invoice_sums(&bench, &both_projects).await);
    for id in &both_projects {
        assert_eq!(added(&after[id]), added(&before[id]));
        assert_eq!(sums[id].iter().map(shown).collect::<BTreeMap<_, _>>(), added(&before[id]));
    }
    assert!(bench.costs(&both_projects).await[&both_projects[0]].iter().all(|cost| !cost.amount.is_unknown()));
}

#[tokio::test]
async fn a_retainer_is_nothing_until_it_is_applied_and_then_pays_its_invoice() {
    let bench = Bench::start(fixture::company(), "").await;
    let one = ids(&["PRJ-2025-001"]);
    let (before, costs) = (bench.invoices(&one).await[&one[0]].len(), bench.costs(&one).await[&one[0]].len());
    // 50 come in before anything is invoiced.
    let project: Columns<'_> = &[("entity", PROJECT)];
    post(&bench, "90000010", "CustDep", project, &[(BANK, PROJECT, "50", &[]), (RECEIVABLE, PROJECT, "-50", &[])]);
    assert_eq!(bench.invoices(&one).await[&one[0]].len(), before, "a deposit is no invoice");
    // 100 and 19 of tax are invoiced, and the deposit is applied.
    let open: Columns<'_> =
        &[("foreignamountpaid", "50"), ("foreignamountunpaid", "69"), ("amountpaid", "50"), ("amountunpaid", "69")];
    let tax: Columns<'_> = &[("taxline", "T")];
    let lines = [(RECEIVABLE, CLIENT, "119", open), (INCOME, PROJECT, "-100", &[]), ("103", CLIENT, "-19", tax)];
    post(&bench, "90000011", "CustInvc", &[], &lines);
    let lines = [(RECEIVABLE, PROJECT, "50", &[][..]), (RECEIVABLE, PROJECT, "-50", &[])];
    post(&bench, "90000012", "DepAppl", project, &lines);
    apply(&bench, "90000012", "90000011", "50");
    let read = invoice(&bench, "90000011").await;
    assert_eq!([read.net(), read.paid(), read.balance()].map(both), [same("100.00"), same("50.00"), same("69.00")]);
    let payments = read.payments.unwrap();
    assert_eq!((payments.len(), &*payments[0].id, both(payments[0].amount)), (1, "90000012", same("50.00")));
    assert_eq!(bench.invoices(&one).await[&one[0]].len(), before + 1);
    assert_eq!(bench.costs(&one).await[&one[0]].len(), costs, "neither is a cost");
}

#[tokio::test]
async fn what_is_paid_beyond_an_invoice_is_on_no_invoice() {
    let bench = Bench::start(fixture::company(), "").await;
    let paid: Columns<'_> =
        &[("foreignamountpaid", "119"), ("foreignamountunpaid", "0"), ("amountpaid", "119"), ("amountunpaid", "0")];
    let tax: Columns<'_> = &[("taxline", "T")];
    let lines = [(RECEIVABLE, CLIENT, "119", paid), (INCOME, PROJECT, "-100", &[]), ("103", CLIENT, "-19", tax)];
    post(&bench, "90000020", "CustInvc", &[], &lines);
    // 150 came in, of which 119 are applied.
    let rest: Columns<'_> = &[("foreignpaymentamountused", "119"), ("foreignpaymentamountunused", "31")];
    post(&bench, "90000021", "CustPymt", &[], &[(BANK, CLIENT, "150", rest), (RECEIVABLE, CLIENT, "-150", &[])]);
    apply(&bench, "90000021", "90000020", "119");
    let read = invoice(&bench, "90000020").await;
    assert_eq!(read.state, InvoiceState::Closed);
    assert_eq!([read.total(), read.paid(), read.balance()].map(both), [same("119.00"), same("119.00"), same("0.00")]);
    let payments = read.payments.unwrap();
    assert_eq!((payments.len(), both(payments[0].amount)), (1, same("119.00")));
}

#[tokio::test]
async fn a_bill_that_waits_for_approval_is_no_bill_and_no_cost() {
    let bench = Bench::start(fixture::company(), "").await;
    let one = ids(&["PRJ-2025-001"]);
    let payables = bench.connection.payables.as_deref().unwrap();
    let bills = async || names(&payables.invoices_by_project(&call(), &one).await.unwrap().found[&one[0]]);
    let (before, costs) = (bills().await, bench.costs(&one).await[&one[0]].len());
    let sums = cost_sums(&bench, &one).await.found.remove(&one[0]).unwrap();
    let bill = |document: &str, posting: &'static str| {
        let head = [("entity", VENDOR), ("posting", posting), ("approvalstatus", "1"), ("status", "D")];
        let lines = [(PAYABLE, VENDOR, "-70", &[][..]), (SUBCONTRACTING, PROJECT, "70", &[])];
        post(&bench, document, "VendBill", &head, &lines);
    };
    bill("90000030", "F");
    assert_eq!(bills().await, before);
    assert_eq!(bench.costs(&one).await[&one[0]].len(), costs);
    assert_eq!(cost_sums(&bench, &one).await.found[&one[0]], sums);
    bill("90000031", "T");
    assert_eq!(bills().await, format!("{before} 90000031"), "once it is approved, it is both");
    assert_eq!(bench.costs(&one).await[&one[0]].len(), costs + 1);
}

#[tokio::test]
async fn an_invoice_that_moves_after_it_was_read_is_gone_from_where_it_was() {
    let bench = Bench::start(fixture::company(), "").await;
    let both_projects = ids(&["PRJ-2025-001", "PRJ-2025-003"]);
    let before = bench.invoices(&both_projects).await;
    assert!(names(&before[&both_projects[0]]).contains("10000001") && before[&both_projects[1]].is_empty());
    let summed = invoice_sums(&bench, &both_projects).await;
    bench.change(|ledger| {
        let documents = ledger.documents.iter_mut();
        let invoice = |document: &&mut crate::demo::company::model::Document| {
            document.kind == DocumentKind::Invoice && document.entry == 1
        };
        for document in documents.filter(invoice) {
            document.project = Some("PRJ-2025-003".to_owned());
            document.lines[0].project = Some("PRJ-2025-003".to_owned());
        }
    });
    let after = bench.invoices(&both_projects).await;
    assert!(!names(&after[&both_projects[0]]).contains("10000001"));
    assert_eq!(names(&after[&both_projects[1]]), "10000001");
    let moved = invoice_sums(&bench, &both_projects).await;
    let total = |sums: &HashMap<ProjectId, Vec<Sum>>, id: &ProjectId| {
        let local =
            sums[id].iter().filter(|sum| sum.amount.document.unwrap().currency == sum.amount.company.unwrap().currency);
        local.map(|sum| sum.amount.company.unwrap().amount).sum::<Decimal>()
    };
    assert_eq!(total(&moved, &both_projects[0]), total(&summed, &both_projects[0]) - Decimal::from(1000));
    assert_eq!(both(moved[&both_projects[1]][0].amount).0, "1000.00 EUR");
    assert_eq!(moved[&id("PRJ-2025-003")][0].records, 1);
}
