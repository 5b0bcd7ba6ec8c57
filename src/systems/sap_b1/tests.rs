//! The connector against the embedded Service Layer, over real HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::date;
use regex::Regex;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::config::Traffic;
use crate::demo::company::grow::Seed;
use crate::demo::company::model::{Cancelled, Company, Document, DocumentKind};
use crate::demo::sap::fixture::{self, PROJECTS, document};
use crate::demo::sap::{COMPANY_DB, PASSWORD, Sessions, USER, router_with_sessions};
use crate::demo::server::{Embedded, serve};
use crate::domain::{
    Booked, ConnectionName, Cost, CostKind, CostState, FlawKind, InvoiceId, InvoiceKind, InvoiceQuery, InvoiceState,
    InvoiceStatus, ManualClock, Money, ProjectInvoice, SharedIdRule,
};
use crate::systems::secret_file::SecretFile;
use crate::systems::{ErrorKind, Priority};

/// An embedded system, a connection to it, and a hand on both.
struct Bench {
    embedded: Embedded,
    sessions: Sessions,
    clock: Arc<ManualClock>,
    connection: Connection,
}

fn rule() -> SharedIdRule {
    SharedIdRule::new(Regex::new("^[A-Z0-9' &%-]+$").unwrap(), &["trim", "uppercase"])
}

fn call() -> Call {
    Call::new(Instant::now() + Duration::from_secs(20), Priority::Interactive)
}

fn id(text: &str) -> ProjectId {
    rule().parse(text).unwrap()
}

fn ids(texts: &[&str]) -> Vec<ProjectId> {
    texts.iter().map(|text| id(text)).collect()
}

impl Bench {
    async fn start(company: Company, extra: &str) -> Self {
        Self::with_password(company, extra, PASSWORD).await
    }

    async fn with_password(company: Company, extra: &str, password: &str) -> Self {
        let sessions = Sessions::default();
        let company = fixture::shared(company);
        let router = router_with_sessions(Arc::clone(&company), sessions.clone());
        let embedded = serve("sap", router, company, ([127, 0, 0, 1], 0).into()).await.unwrap();
        let secret = SecretFile::new(password);
        let config = format!(
            "url = \"{}\"\ncompany_db = \"{COMPANY_DB}\"\nuser = \"{USER}\"\npassword = {}\n{extra}",
            embedded.url,
            secret.reference()
        );
        let clock = Arc::new(ManualClock::default());
        let context = ConnectionContext {
            name: ConnectionName::new("sap"),
            shared_id: rule(),
            traffic: Traffic { retries: 0, ..Traffic::default() },
            clock: Arc::clone(&clock) as _,
        };
        let connection = connect(toml::from_str(&config).unwrap(), context).unwrap();
        Self { embedded, sessions, clock, connection }
    }

    fn receivables(&self) -> &dyn super::super::InvoiceSource {
        self.connection.receivables.as_deref().unwrap()
    }

    async fn invoices(&self, ids: &[ProjectId]) -> HashMap<ProjectId, Vec<ProjectInvoice>> {
        let batch = self.receivables().invoices_by_project(&call(), ids).await.unwrap();
        assert!(batch.failed.is_empty(), "{:?}", batch.failed);
        batch.found
    }

    async fn costs(&self, ids: &[ProjectId]) -> HashMap<ProjectId, Vec<Cost>> {
        let batch = self.connection.costs.as_deref().unwrap().costs_by_project(&call(), ids).await.unwrap();
        assert!(batch.failed.is_empty(), "{:?}", batch.failed);
        batch.found
    }

    async fn calls(&self) -> BTreeMap<String, u64> {
        let stats = reqwest::get(format!("{}/_demo/stats", self.embedded.url)).await.unwrap().text().await.unwrap();
        let stats: Value = serde_json::from_str(&stats).unwrap();
        serde_json::from_value(stats["calls"].clone()).unwrap()
    }

    fn fault(&self, fault: Value) {
        self.embedded.set_fault(serde_json::from_value(fault).unwrap());
    }
}

fn both(booked: Booked) -> (String, String) {
    let show = |money: Option<Money>| {
        money.map_or("?".to_owned(), |money| format!("{} {}", money.amount, money.currency.code()))
    };
    (show(booked.document), show(booked.company))
}

fn company_amount(booked: Booked) -> String {
    both(booked).1
}

fn names(invoices: &[ProjectInvoice]) -> String {
    invoices.iter().map(|part| part.invoice.id.as_str()).collect::<Vec<_>>().join(" ")
}

/// Books with one invoice of 1.00 net for each of so many projects.
fn many(projects: usize) -> (Company, Vec<ProjectId>) {
    let mut company = fixture::company();
    let codes: Vec<String> = (0..projects).map(|at| format!("PRJ-{at:04}")).collect();
    company.ledger.documents = codes
        .iter()
        .zip(1..)
        .map(|(code, entry)| document(DocumentKind::Invoice, entry, Some(code), &[(Some(code), 100)]))
        .collect();
    company.ledger.projects = codes.iter().map(|code| (code.clone(), code.clone())).collect();
    let ids = codes.iter().map(|code| id(code)).collect();
    (company, ids)
}

#[tokio::test]
async fn a_document_belongs_to_the_project_of_its_header() {
    for version in ["v1", "v2"] {
        let bench = Bench::start(fixture::company(), &format!("version = \"{version}\"")).await;
        let found = bench.invoices(&ids(&["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-009"])).await;
        let one = &found[&id("PRJ-2025-001")];
        assert_eq!(names(one), "13-1 13-2 13-4 13-5 14-1");
        assert!(found[&id("PRJ-2025-002")].is_empty(), "known, and without documents");
        assert!(!found.contains_key(&id("PRJ-2025-009")), "not known");
        let dollars = &one[1];
        assert!(!dollars.allocated());
        assert_eq!(both(dollars.net()), ("100.00 USD".to_owned(), "90.00 EUR".to_owned()));
        assert_eq!(both(dollars.total()), ("119.00 USD".to_owned(), "107.10 EUR".to_owned()));
        assert_eq!(both(dollars.paid()), ("50.00 USD".to_owned(), "45.00 EUR".to_owned()));
        assert_eq!(both(dollars.balance()), ("69.00 USD".to_owned(), "62.10 EUR".to_owned()));
        assert_eq!(both(one[0].total()), ("1190.00 EUR".to_owned(), "1190.00 EUR".to_owned()));
        assert_eq!(one[0].invoice.due_date, Some(date(2026, 2, 10)));
        assert_eq!(one[1].invoice.status(date(2026, 2, 1)), InvoiceStatus::PartiallyPaid);
        assert_eq!(one[2].invoice.state, InvoiceState::Void);
        assert_eq!(one[3].invoice.state, InvoiceState::Void, "the document that cancels is void too");
        assert_eq!(one[4].invoice.kind, InvoiceKind::CreditNote);
        assert_eq!(company_amount(one[4].total()), "119.00 EUR", "credit notes are positive");
    }
}

#[tokio::test]
async fn a_document_split_over_lines_is_shared_out_to_the_last_cent() {
    let bench = Bench::start(fixture::company(), "project_on = \"lines\"").await;
    let found = bench.invoices(&ids(&["PRJ-2025-001", "PRJ-2025-002"])).await;
    assert_eq!(names(&found[&id("PRJ-2025-001")]), "13-1 13-2 13-3 13-4 13-5 14-1");
    let part = |code: &str| found[&id(code)].iter().find(|part| part.invoice.id.as_str() == "13-3").unwrap();
    let (one, two) = (part("PRJ-2025-001"), part("PRJ-2025-002"));
    assert!(one.allocated() && two.allocated());
    // 100 + 200 + 33.33 for nobody; 396.66 with tax, 100.00 paid.
    assert_eq!(
        (company_amount(one.net()), company_amount(two.net())),
        ("100.00 EUR".to_owned(), "200.00 EUR".to_owned())
    );
    assert_eq!(company_amount(one.total()), "119.00 EUR");
    assert_eq!(company_amount(two.total()), "238.00 EUR");
    assert_eq!(
        (company_amount(one.paid()), company_amount(two.paid())),
        ("30.00 EUR".to_owned(), "60.00 EUR".to_owned())
    );
    assert_eq!(company_amount(two.balance()), "178.00 EUR");
    assert_eq!(one.invoice.project_ids.as_slice(), ids(&["PRJ-2025-001", "PRJ-2025-002"]));
    // The same shares, whoever asks.
    let alone = bench.invoices(&ids(&["PRJ-2025-002"])).await;
    assert_eq!(alone[&id("PRJ-2025-002")][0].total(), two.total());
    assert!(!found[&id("PRJ-2025-001")][0].allocated());
}

#[tokio::test]
async fn costs_are_lines_of_bills_less_credit_open_orders_and_the_journal() {
    use CostKind::{Expense, Labour, Vendor};
    use CostState::{Actual, Committed};
    let bench = Bench::start(fixture::company(), "").await;
    let found = bench.costs(&ids(&["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-003"])).await;
    let show = |code: &str| -> Vec<(String, String, CostKind, CostState)> {
        found[&id(code)]
            .iter()
            .map(|cost| (cost.id.to_string(), company_amount(cost.amount), cost.kind.clone(), cost.state))
            .collect()
    };
    let cost = |id: &str, amount: &str, kind, state| (id.to_owned(), format!("{amount} EUR"), kind, state);
    assert_eq!(
        show("PRJ-2025-001"),
        [
            cost("18-1-0", "400.00", Vendor, Actual),
            cost("19-1-0", "-40.00", Vendor, Actual),
            cost("22-1-0", "120.00", Vendor, Committed),
            cost("30-1-0", "800.00", Labour, Actual),
            cost("30-4-0", "-50.00", Labour, Actual),
        ]
    );
    assert_eq!(
        show("PRJ-2025-002"),
        [
            cost("18-1-1", "100.00", Vendor, Actual),
            // The line has no project: the document's counts.
            cost("18-2-0", "50.00", Vendor, Actual),
            cost("22-1-2", "70.00", Vendor, Committed),
            cost("30-2-0", "30.00", Expense, Actual),
        ]
    );
    assert!(found[&id("PRJ-2025-003")].is_empty());
    let without = Bench::start(fixture::company(), "journal_costs = false").await;
    assert_eq!(without.costs(&ids(&["PRJ-2025-001"])).await[&id("PRJ-2025-001")].len(), 3);
    assert!(!without.calls().await.contains_key("SQLQueries.list"));
}

#[tokio::test]
async fn costs_by_header_take_whole_documents() {
    let bench = Bench::start(fixture::company(), "costs_on = \"header\"\njournal_costs = false").await;
    let found = bench.costs(&ids(&["PRJ-2025-001", "PRJ-2025-002"])).await;
    let show = |code: &str| found[&id(code)].iter().map(|cost| cost.id.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(show("PRJ-2025-001"), "19-1-0 22-1-0 22-1-2");
    assert_eq!(show("PRJ-2025-002"), "18-2-0");
}

#[tokio::test]
async fn a_stored_query_that_is_not_installed_is_an_error_and_not_a_smaller_cost() {
    let bench = Bench::start(fixture::company(), "journal_query = \"not_there\"").await;
    let error = bench.connection.costs.as_deref().unwrap().costs_by_project(&call(), &ids(&["PRJ-2025-001"])).await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::BadRequest);
}

#[tokio::test]
async fn ids_cannot_change_the_question() {
    for extra in ["", "project_on = \"lines\""] {
        let bench = Bench::start(fixture::company(), extra).await;
        let quoted = id(PROJECTS[3]);
        let found = bench.invoices(&[quoted.clone(), id("X' OR '1' EQ '1"), id("%27 OR 1 EQ 1"), id("A' & B")]).await;
        assert_eq!(found.keys().collect::<Vec<_>>(), [&quoted]);
        assert_eq!(names(&found[&quoted]), "13-6");
        bench.costs(&[quoted, id("X' OR '1' EQ '1"), id("A' & B")]).await;
    }
}

#[tokio::test]
async fn a_batch_costs_one_call_per_entity_set_for_each_forty_projects() {
    let (company, ids) = many(95);
    let bench = Bench::start(company, "").await;
    let found = bench.invoices(&ids).await;
    assert_eq!(found.len(), 95);
    assert!(found.values().all(|invoices| invoices.len() == 1 && company_amount(invoices[0].net()) == "1.00 EUR"));
    let expected = [("CompanyService_GetAdminInfo", 1), ("CreditNotes", 3), ("Invoices", 3), ("Login", 1)];
    assert_eq!(bench.calls().await, expected.map(|(name, calls)| (name.to_owned(), calls)).into());
}

#[tokio::test]
async fn lists_are_read_to_their_last_page_in_either_way_of_reading() {
    let (mut company, ids) = many(1);
    let code = ids[0].as_str().to_owned();
    company.ledger.documents =
        (1..=53).map(|entry| document(DocumentKind::Invoice, entry, Some(&code), &[(Some(&code), 100)])).collect();
    for extra in ["page_size = 7", "page_size = 7\nproject_on = \"lines\"", "page_size = 7\nversion = \"v1\""] {
        let bench = Bench::start(company.clone(), extra).await;
        assert_eq!(bench.invoices(&ids).await[&ids[0]].len(), 53, "{extra}");
        assert!(bench.calls().await["Invoices"] >= 8);
    }
}

#[tokio::test]
async fn fifty_calls_at_once_sign_in_once_and_once_more_when_the_session_ends() {
    let bench = Bench::start(fixture::company(), "").await;
    let all = || async {
        let project = [id("PRJ-2025-001")];
        let reads = (0..50).map(|_| bench.invoices(&project));
        for found in futures_util::future::join_all(reads).await {
            assert_eq!(found[&project[0]].len(), 5);
        }
    };
    all().await;
    assert_eq!(bench.calls().await["Login"], 1);
    bench.sessions.expire_all();
    all().await;
    assert_eq!(bench.calls().await["Login"], 2);
}

#[tokio::test]
async fn a_refused_sign_in_is_not_tried_again_for_a_while() {
    let bench = Bench::with_password(fixture::company(), "", "wrong").await;
    let read =
        || async { bench.receivables().invoices_by_project(&call(), &ids(&["PRJ-2025-001"])).await.unwrap_err() };
    for _ in 0..5 {
        let error = read().await;
        assert_eq!(error.kind, ErrorKind::Unauthorized);
        assert!(!error.to_string().contains("wrong"));
    }
    assert_eq!(bench.calls().await["Login"], 1);
    bench.clock.advance(Duration::from_secs(29));
    assert!(read().await.retry_after.unwrap() <= Duration::from_secs(1));
    bench.clock.advance(Duration::from_secs(1));
    read().await;
    assert_eq!(bench.calls().await["Login"], 2);
}

#[tokio::test]
async fn a_refusal_that_is_no_end_of_a_session_starts_no_new_one() {
    let bench = Bench::start(fixture::company(), "").await;
    bench.invoices(&ids(&["PRJ-2025-001"])).await;
    bench.fault(json!({ "mode": "401" }));
    let error = bench.receivables().invoices_by_project(&call(), &ids(&["PRJ-2025-001"])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert_eq!(bench.calls().await["Login"], 1);
}

#[tokio::test]
async fn failures_are_told_apart_and_none_makes_a_shorter_list() {
    for (fault, kind) in [
        (json!({ "mode": "403" }), ErrorKind::Forbidden),
        (json!({ "mode": "429" }), ErrorKind::RateLimited),
        (json!({ "mode": "500" }), ErrorKind::Broken),
        (json!({ "mode": "html" }), ErrorKind::BadResponse),
        (json!({ "mode": "truncated" }), ErrorKind::BadResponse),
        (json!({ "mode": "empty" }), ErrorKind::BadResponse),
        (json!({ "mode": "huge" }), ErrorKind::TooLarge),
        (json!({ "mode": "down" }), ErrorKind::Connect),
    ] {
        let bench = Bench::start(fixture::company(), "").await;
        bench.invoices(&ids(&["PRJ-2025-001"])).await;
        bench.fault(fault.clone());
        let error = bench.receivables().invoices_by_project(&call(), &ids(&["PRJ-2025-001"])).await.unwrap_err();
        assert_eq!(error.kind, kind, "{fault}");
    }
}

#[tokio::test]
async fn numbers_may_come_as_strings() {
    let bench = Bench::start(fixture::company(), "journal_costs = true").await;
    let projects = ids(&["PRJ-2025-001"]);
    let before = bench.invoices(&projects).await;
    let costs = bench.costs(&projects).await;
    bench.fault(json!({ "mode": "strings" }));
    let after = bench.invoices(&projects).await;
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert_eq!(format!("{costs:?}"), format!("{:?}", bench.costs(&projects).await));
}

#[tokio::test]
async fn a_document_comes_with_what_was_paid_on_it() {
    let bench =
        Bench::start(fixture::company(), "document_url = \"https://b1.example/{type}/{entry}?no={number}\"").await;
    let wanted: Vec<InvoiceId> =
        ["13-1", "13-2", "14-1", "13-99", "18-1", "13-01", "nonsense"].map(InvoiceId::new).to_vec();
    let batch = bench.receivables().invoices(&call(), &wanted).await.unwrap();
    let mut found: Vec<&str> = batch.found.keys().map(InvoiceId::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, ["13-1", "13-2", "14-1"]);
    let invoice = &batch.found[&wanted[1]];
    let payments = invoice.payments.as_deref().unwrap();
    assert_eq!(payments.len(), 1);
    assert_eq!(both(payments[0].amount), ("50.00 USD".to_owned(), "45.00 EUR".to_owned()));
    assert_eq!(invoice.url.as_deref(), Some("https://b1.example/13/2?no=1002"));
    assert_eq!(batch.found[&wanted[0]].payments.as_deref().unwrap().len(), 0, "a cancelled payment is none");
    let payables = bench.connection.payables.as_deref().unwrap();
    assert!(payables.invoices(&call(), &wanted[4..5]).await.unwrap().found[&wanted[4]].payments.is_none());
}

#[tokio::test]
async fn pages_run_through_both_entity_sets_in_the_order_of_keys() {
    let bench = Bench::start(fixture::company(), "page_size = 2").await;
    let read = |query: InvoiceQuery, limit: usize| {
        let bench = &bench;
        async move {
            let (mut pages, mut after) = (Vec::new(), None::<String>);
            loop {
                let page = bench.receivables().invoice_page(&call(), &query, after.as_deref(), limit).await.unwrap();
                pages.push(page.items.iter().map(|invoice| invoice.id.to_string()).collect::<Vec<_>>().join(" "));
                match page.next {
                    Some(next) => after = Some(next),
                    None => return pages.join(" | "),
                }
            }
        }
    };
    assert_eq!(read(InvoiceQuery::default(), 3).await, "13-1 13-2 13-3 | 13-4 13-5 13-6 | 14-1");
    assert_eq!(read(InvoiceQuery::default(), 7).await, "13-1 13-2 13-3 13-4 13-5 13-6 14-1");
    let query = InvoiceQuery { open: Some(true), due_before: Some(date(2026, 3, 1)), ..InvoiceQuery::default() };
    assert_eq!(read(query, 2).await, "13-1 13-3 | 13-6");
    let query = InvoiceQuery { kind: Some(InvoiceKind::CreditNote), open: Some(false), ..InvoiceQuery::default() };
    assert_eq!(read(query, 2).await, "14-1");
    let query = InvoiceQuery { project_ids: Some(ids(&["PRJ-2025-001"])), ..InvoiceQuery::default() };
    assert_eq!(read(query, 3).await, "13-1 13-2 13-4 | 13-5 14-1");
    let query = InvoiceQuery { issued_from: Some(date(2026, 1, 11)), ..InvoiceQuery::default() };
    assert_eq!(read(query, 3).await, "");
    let error = bench.receivables().invoice_page(&call(), &InvoiceQuery::default(), Some("18-1"), 3).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest);
}

#[tokio::test]
async fn odd_records_keep_their_good_fields_and_name_the_bad_ones() {
    let mut company = fixture::company();
    company.ledger.documents.truncate(1);
    company.ledger.documents[0].currency = "BTC".to_owned();
    let bench = Bench::start(company, "currencies = { \"$\" = \"USD\" }").await;
    let invoice = &bench.invoices(&ids(&["PRJ-2025-001"])).await[&id("PRJ-2025-001")][0];
    assert_eq!(both(invoice.total()), ("?".to_owned(), "1190.00 EUR".to_owned()));
    assert!(invoice.invoice.flaws.iter().any(|flaw| flaw.field == "total" && flaw.kind == FlawKind::UnknownCurrency));

    let mut company = fixture::company();
    company.currency = "$".to_owned();
    company.ledger.documents.truncate(1);
    company.ledger.documents[0].currency = "$".to_owned();
    let bench = Bench::start(company, "currencies = { \"$\" = \"USD\" }").await;
    let invoice = &bench.invoices(&ids(&["PRJ-2025-001"])).await[&id("PRJ-2025-001")][0];
    assert_eq!(both(invoice.total()), ("1190.00 USD".to_owned(), "1190.00 USD".to_owned()));
}

#[tokio::test]
async fn the_seeded_books_come_out_to_the_last_cent() {
    let mut company = Company::grow(&Seed { seed: 42, deals: 300, today: date(2026, 11, 21) });
    let whole = |document: &Document| document.project.is_some();
    let receivable = |document: &Document| matches!(document.kind, DocumentKind::Invoice | DocumentKind::CreditNote);
    assert!(company.ledger.documents.iter().filter(|document| receivable(document)).all(whole));
    assert!(company.ledger.documents.iter().any(|document| !whole(document)), "purchases are split");
    compare(company.clone(), "project_on = \"header\"").await;
    // The same invoices, but every third one for two projects.
    let other = company.ledger.projects[0].0.clone();
    let split = company.ledger.documents.iter_mut().filter(|document| receivable(document) && document.lines.len() > 1);
    for document in split.step_by(3) {
        document.project = None;
        document.lines[1].project = Some(other.clone());
    }
    company.revision += 1;
    compare(company, "project_on = \"lines\"").await;
}

/// Compares what is read with what the books say, in a few plain lines of their own.
async fn compare(company: Company, extra: &str) {
    let ids: Vec<ProjectId> = company.ledger.projects.iter().map(|(code, _)| id(code)).collect();
    assert!(ids.len() > 40, "more than one batch");
    let mut expected: HashMap<ProjectId, [Decimal; 4]> = HashMap::new();
    let mut total = Decimal::ZERO;
    for document in company.ledger.documents.iter().filter(|document| document.cancelled == Cancelled::No) {
        let sign = match document.kind {
            DocumentKind::CreditNote | DocumentKind::PurchaseCreditNote => Decimal::NEGATIVE_ONE,
            _ => Decimal::ONE,
        };
        if matches!(document.kind, DocumentKind::Invoice | DocumentKind::CreditNote) {
            total += sign * document.total;
        }
        for line in &document.lines {
            let Some(project) = line.project.as_ref().or(document.project.as_ref()) else { continue };
            let figures = expected.entry(id(project)).or_default();
            match document.kind {
                DocumentKind::Invoice | DocumentKind::CreditNote => figures[0] += sign * line.net,
                DocumentKind::PurchaseInvoice | DocumentKind::PurchaseCreditNote => figures[1] += sign * line.net,
                DocumentKind::PurchaseOrder if line.open => figures[2] += line.open_net,
                DocumentKind::PurchaseOrder => {}
            }
        }
    }
    for entry in company.ledger.journal.iter().filter(|entry| entry.manual) {
        for line in entry.lines.iter().filter(|line| line.account.starts_with(['5', '6'])) {
            if let Some(project) = &line.project {
                expected.entry(id(project)).or_default()[3] += line.debit - line.credit;
            }
        }
    }

    let bench = Bench::start(company, extra).await;
    let (invoices, costs) = (bench.invoices(&ids).await, bench.costs(&ids).await);
    let amount = |booked: Booked| booked.company.unwrap().amount;
    let mut read_total = Decimal::ZERO;
    for id in &ids {
        let mut read = [Decimal::ZERO; 4];
        for part in
            invoices[id].iter().filter(|part| matches!(part.invoice.state, InvoiceState::Open | InvoiceState::Closed))
        {
            let sign = if part.invoice.kind == InvoiceKind::Invoice { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
            read[0] += sign * amount(part.net());
            read_total += sign * amount(part.total());
            assert_eq!(amount(part.total()) - amount(part.paid()), amount(part.balance()));
            assert!(part.invoice.flaws.is_empty(), "{:?}", part.invoice.flaws);
        }
        for cost in &costs[id] {
            let at = match (&cost.kind, cost.state) {
                (CostKind::Vendor, CostState::Actual) => 1,
                (_, CostState::Committed) => 2,
                _ => 3,
            };
            read[at] += amount(cost.amount);
        }
        assert_eq!(read, expected.get(id).copied().unwrap_or_default(), "{id}");
    }
    assert_eq!(read_total, total, "the shares of all projects are the whole of all documents");
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_its_key() {
    let clock = Arc::new(ManualClock::default());
    let secret = SecretFile::new("secret");
    let problem = |change: &str| {
        let mut table: toml::Table = toml::from_str(&format!(
            "url = \"https://sap.example:50000\"\ncompany_db = \"DB\"\nuser = \"u\"\npassword = {}",
            secret.reference()
        ))
        .unwrap();
        table.extend(toml::from_str::<toml::Table>(change).unwrap());
        let context = ConnectionContext {
            name: ConnectionName::new("sap"),
            shared_id: rule(),
            traffic: Traffic::default(),
            clock: Arc::clone(&clock) as _,
        };
        connect(table.try_into().unwrap(), context).err().map(|problem| problem.key)
    };
    assert_eq!(problem(""), None);
    for (change, key) in [
        ("url = \"sap.example\"", "url"),
        ("url = \"https://sap.example:50000/b1s/v2\"", "url"),
        ("url = \"https://user:pass@sap.example:50000\"", "url"),
        ("company_db = \" \"", "company_db"),
        ("user = \"\"", "user"),
        ("password = { file = \"/nowhere/at/all\" }", "password"),
        ("page_size = 0", "page_size"),
        ("page_size = 1001", "page_size"),
        ("local_currency = \"EURO\"", "local_currency"),
        ("currencies = { \"$\" = \"DOLLAR\" }", "currencies.$"),
        ("journal_query = \"a/b\"", "journal_query"),
        ("labour_accounts = [\"\"]", "labour_accounts"),
        ("document_url = \"https://x/{what}\"", "document_url"),
    ] {
        assert_eq!(problem(change).as_deref(), Some(key), "{change}");
    }
}
