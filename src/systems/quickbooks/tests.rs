//! The connector against the embedded QuickBooks Online, over real HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::date;
use regex::Regex;
use serde_json::Value;
use tokio::time::Instant;

use super::*;
use crate::config::Traffic;
use crate::demo::company::grow::Seed;
use crate::demo::company::model::{self, Cancelled, Document, DocumentKind};
use crate::demo::quickbooks::{Additions, CLIENT_ID, CLIENT_SECRET, CONSENT, Grants, REALM_ID, router_with_additions};
use crate::demo::sap::fixture::{self, document};
use crate::demo::server::{Embedded, serve};
use crate::domain::{
    Booked, ConnectionName, Cost, CostKind, CostState, InvoiceId, InvoiceQuery, InvoiceState, ManualClock, Money,
    ProjectInvoice, SharedIdRule,
};
use crate::systems::{InvoiceSource, Priority};

pub(super) struct Bench {
    embedded: Embedded,
    /// What is in the books beside the company's.
    pub(super) additions: Additions,
    company: model::Shared,
    pub(super) clock: Arc<ManualClock>,
    pub(super) connection: Connection,
}

fn rule() -> SharedIdRule {
    SharedIdRule::new(Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap(), &["trim", "uppercase"])
}

pub(super) fn call() -> Call {
    Call::new(Instant::now() + Duration::from_secs(20), Priority::Interactive)
}

pub(super) fn id(text: &str) -> ProjectId {
    rule().parse(text).unwrap()
}

pub(super) fn ids(texts: &[&str]) -> Vec<ProjectId> {
    texts.iter().map(|text| id(text)).collect()
}

fn connected(config: &str, clock: &Arc<ManualClock>) -> Result<Connection, ConnectionProblem> {
    connected_with(config, clock, Traffic { retries: 0, ..Traffic::default() })
}

fn connected_with(config: &str, clock: &Arc<ManualClock>, traffic: Traffic) -> Result<Connection, ConnectionProblem> {
    let context = ConnectionContext {
        name: ConnectionName::new("quickbooks"),
        shared_id: rule(),
        traffic,
        clock: Arc::clone(clock) as _,
    };
    connect(toml::from_str(config).unwrap(), context)
}

impl Bench {
    pub(super) async fn start(company: model::Company, extra: &str) -> Self {
        Self::with_pages(company, extra, Traffic::default().max_pages).await
    }

    /// Lists are given up after so many pages.
    pub(super) async fn with_pages(company: model::Company, extra: &str, max_pages: usize) -> Self {
        let company = fixture::shared(company);
        let free = ([127, 0, 0, 1], 0).into();
        let additions = Additions::default();
        let router = router_with_additions(Arc::clone(&company), Grants::default(), additions.clone());
        let embedded = serve("quickbooks", router, Arc::clone(&company), free).await.unwrap();
        let config = format!(
            "url = \"{0}\"\ntoken_url = \"{0}\"\nrealm_id = \"{REALM_ID}\"\nclient_id = \"{CLIENT_ID}\"\n\
             client_secret = {{ demo = \"{CLIENT_SECRET}\" }}\ntokens = {{ demo = \"{CONSENT}\" }}\n{extra}",
            embedded.url
        );
        let clock = Arc::new(ManualClock::default());
        let traffic = Traffic { retries: 0, max_pages, ..Traffic::default() };
        let connection = connected_with(&config, &clock, traffic).unwrap();
        Self { embedded, additions, company, clock, connection }
    }

    fn change(&self, change: impl FnOnce(&mut model::Ledger)) {
        let mut company = self.company.write().unwrap();
        change(&mut company.ledger);
        company.revision += 1;
    }

    pub(super) fn receivables(&self) -> &dyn InvoiceSource {
        self.connection.receivables.as_deref().unwrap()
    }

    pub(super) async fn invoices(&self, ids: &[ProjectId]) -> HashMap<ProjectId, Vec<ProjectInvoice>> {
        let batch = self.receivables().invoices_by_project(&call(), ids).await.unwrap();
        assert!(batch.failed.is_empty(), "{:?}", batch.failed);
        batch.found
    }

    pub(super) async fn costs(&self, ids: &[ProjectId]) -> HashMap<ProjectId, Vec<Cost>> {
        let batch = self.connection.costs.as_deref().unwrap().costs_by_project(&call(), ids).await.unwrap();
        assert!(batch.failed.is_empty(), "{:?}", batch.failed);
        batch.found
    }

    pub(super) async fn calls(&self) -> BTreeMap<String, u64> {
        let stats = reqwest::get(format!("{}/_demo/stats", self.embedded.url)).await.unwrap().text().await.unwrap();
        let stats: Value = serde_json::from_str(&stats).unwrap();
        serde_json::from_value(stats["calls"].clone()).unwrap()
    }
}

pub(super) fn show(booked: Booked) -> String {
    let one = |money: Option<Money>| {
        money.map_or("?".to_owned(), |money| format!("{} {}", money.amount, money.currency.code()))
    };
    format!("{} = {}", one(booked.document), one(booked.company))
}

fn names(invoices: &[ProjectInvoice]) -> String {
    invoices.iter().map(|part| part.invoice.id.as_str()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_sale_belongs_to_the_project_that_its_customer_is() {
    let bench = Bench::start(fixture::company(), "").await;
    let found = bench.invoices(&ids(&["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-009"])).await;
    let one = &found[&id("PRJ-2025-001")];
    // 5 cancelled 4: here 4 is voided, and nothing else happened.
    assert_eq!(names(one), "Invoice-1 Invoice-2 Invoice-4 CreditMemo-1");
    assert!(found[&id("PRJ-2025-002")].is_empty(), "known, and without documents");
    assert!(!found.contains_key(&id("PRJ-2025-009")), "not known");
    assert_eq!(show(one[1].total()), "119.00 USD = 107.10 EUR");
    assert_eq!(show(one[1].paid()), "50.00 USD = 45.00 EUR");
    assert_eq!(one[2].invoice.state, InvoiceState::Void);
    assert_eq!(show(one[3].total()), "119.00 EUR = 119.00 EUR", "credit memos are positive");
    assert!(one.iter().all(|part| part.invoice.party.as_ref().unwrap().name.as_deref() == Some("Acme GmbH")));
}

#[tokio::test]
async fn costs_are_the_same_as_in_any_other_books() {
    use CostKind::{Expense, Labour, Vendor};
    use CostState::{Actual, Committed};
    let bench = Bench::start(fixture::company(), "").await;
    let found = bench.costs(&ids(&["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-003"])).await;
    let shown = |code: &str| -> Vec<(String, String, CostKind, CostState)> {
        let show = |cost: &Cost| (cost.id.to_string(), show(cost.amount), cost.kind.clone(), cost.state);
        found[&id(code)].iter().map(show).collect()
    };
    let cost =
        |id: &str, amount: &str, kind, state| (id.to_owned(), format!("{amount} EUR = {amount} EUR"), kind, state);
    assert_eq!(
        shown("PRJ-2025-001"),
        [
            cost("Bill-1-1", "400.00", Vendor, Actual),
            cost("PurchaseOrder-1-1", "120.00", Vendor, Committed),
            cost("VendorCredit-1-1", "-40.00", Vendor, Actual),
            cost("JournalEntry-1-0", "800.00", Labour, Actual),
            cost("JournalEntry-4-0", "-50.00", Labour, Actual),
        ]
    );
    assert_eq!(
        shown("PRJ-2025-002"),
        [
            cost("Bill-1-2", "100.00", Vendor, Actual),
            cost("Bill-2-1", "50.00", Vendor, Actual),
            cost("PurchaseOrder-1-3", "70.00", Vendor, Committed),
            cost("JournalEntry-2-0", "30.00", Expense, Actual),
        ]
    );
    assert!(shown("PRJ-2025-003").is_empty(), "known, and without costs");
}

#[tokio::test]
async fn corrections_reach_the_next_read() {
    let bench = Bench::start(fixture::company(), "").await;
    let both = ids(&["PRJ-2025-001", "PRJ-2025-002"]);
    assert_eq!(names(&bench.invoices(&both).await[&both[1]]), "");
    bench.change(|ledger| {
        let moved = Some("PRJ-2025-002".to_owned());
        let of = |document: &&mut Document| document.entry == 1;
        for document in ledger.documents.iter_mut().filter(of) {
            if matches!(document.kind, DocumentKind::Invoice | DocumentKind::PurchaseCreditNote) {
                document.project.clone_from(&moved);
                document.lines[0].project.clone_from(&moved);
            }
        }
        let invoice = ledger.documents.iter_mut().find(|document| document.entry == 6).unwrap();
        (invoice.project, invoice.paid) = (moved, fixture::cents(59_500));
    });
    let found = bench.invoices(&both).await;
    assert_eq!(names(&found[&both[0]]), "Invoice-2 Invoice-4 CreditMemo-1", "what moved is gone from here");
    assert_eq!(names(&found[&both[1]]), "Invoice-1 Invoice-6");
    let overpaid = &found[&both[1]][1];
    assert_eq!(
        (overpaid.invoice.state.clone(), show(overpaid.balance())),
        (InvoiceState::Closed, "0.00 EUR = 0.00 EUR".to_owned())
    );
    let costs = bench.costs(&both).await;
    assert!(costs[&both[1]].iter().any(|cost| &*cost.id == "VendorCredit-1-1"));
    bench.change(|ledger| {
        let invoice = ledger.documents.iter_mut().find(|document| document.entry == 1).unwrap();
        invoice.cancelled = Cancelled::Yes;
    });
    let invoice = &bench.invoices(&both).await[&both[1]][0];
    assert_eq!(
        (invoice.invoice.state.clone(), show(invoice.total())),
        (InvoiceState::Void, "0 EUR = 0 EUR".to_owned())
    );
}

#[tokio::test]
async fn drafts_are_estimates_and_those_are_never_read() {
    let bench = Bench::start(fixture::company(), "").await;
    bench.invoices(&ids(&["PRJ-2025-001"])).await;
    bench.receivables().invoice_page(&call(), &InvoiceQuery::default(), None, 100).await.unwrap();
    assert!(!bench.calls().await.keys().any(|name| name.starts_with("Estimate")));
}

#[tokio::test]
async fn a_custom_field_can_say_whose_a_document_is() {
    let field = "{ custom_field = \"Project ID\" }";
    let bench = Bench::start(fixture::company(), &format!("project_on = {field}\ncosts_on = {field}")).await;
    let both = ids(&["PRJ-2025-001", "PRJ-2025-002"]);
    let found = bench.invoices(&both).await;
    assert_eq!(names(&found[&both[0]]), "Invoice-1 Invoice-2 Invoice-4 CreditMemo-1");
    // The bill over two projects has none as a whole; that of the other is known by its head.
    let costs = bench.costs(&both).await;
    let of = |at: usize| costs[&both[at]].iter().map(|cost| cost.id.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(of(0), "PurchaseOrder-1-1 PurchaseOrder-1-3 VendorCredit-1-1 JournalEntry-1-0 JournalEntry-4-0");
    assert_eq!(of(1), "Bill-2-1 JournalEntry-2-0");
}

#[tokio::test]
async fn hours_take_the_place_of_labour_in_the_journal() {
    let company = model::Company::grow(&Seed { seed: 42, deals: 40, today: date(2026, 11, 21) });
    let ids: Vec<ProjectId> = company.ledger.projects.iter().map(|(code, _)| id(code)).collect();
    let bench = Bench::start(company, "labour = \"time_activities\"").await;
    let costs = bench.costs(&ids).await;
    let labour: Vec<&Cost> = costs.values().flatten().filter(|cost| cost.kind == CostKind::Labour).collect();
    assert!(labour.len() > 20 && labour.iter().all(|cost| cost.id.starts_with("TimeActivity-")));
    assert!(labour.iter().all(|cost| cost.amount.company.is_some() && cost.party.is_some()));
    let expenses = costs.values().flatten().filter(|cost| cost.kind == CostKind::Expense).count();
    assert!(expenses > 0, "what is no labour stays");
}

#[tokio::test]
async fn the_list_of_customers_is_kept_and_read_anew_for_who_is_not_in_it() {
    let bench = Bench::start(fixture::company(), "customers_ttl = \"60s\"").await;
    let reads = || async { bench.calls().await["Customer.query"] };
    let one = ids(&["PRJ-2025-001"]);
    for _ in 0..3 {
        bench.invoices(&one).await;
    }
    assert_eq!(reads().await, 1);
    let young = ids(&["PRJ-2026-001"]);
    bench.change(|ledger| {
        ledger.projects.push(("PRJ-2026-001".to_owned(), "Just begun".to_owned()));
        ledger.documents.push(document(
            DocumentKind::Invoice,
            20,
            Some("PRJ-2026-001"),
            &[(Some("PRJ-2026-001"), 100)],
        ));
    });
    assert!(bench.invoices(&young).await.is_empty(), "not known a moment ago");
    bench.clock.advance(Duration::from_secs(11));
    assert_eq!(names(&bench.invoices(&young).await[&young[0]]), "Invoice-20");
    assert_eq!(reads().await, 2);
    bench.clock.advance(Duration::from_secs(61));
    bench.invoices(&one).await;
    assert_eq!(reads().await, 3);
}

#[tokio::test]
async fn lists_are_filtered_by_what_the_language_can_say_and_the_rest_is_looked_at() {
    let bench = Bench::start(fixture::company(), "page_size = 10").await;
    let list = async |query: InvoiceQuery| {
        let page = bench.receivables().invoice_page(&call(), &query, None, 50).await.unwrap();
        assert_eq!(page.next, None);
        page.items.iter().map(|invoice| invoice.id.to_string()).collect::<Vec<_>>().join(" ")
    };
    let all = InvoiceQuery::default;
    assert_eq!(list(all()).await, "Invoice-1 Invoice-2 Invoice-3 Invoice-4 Invoice-6 CreditMemo-1");
    assert_eq!(list(InvoiceQuery { open: Some(true), ..all() }).await, "Invoice-1 Invoice-2 Invoice-3 Invoice-6");
    assert_eq!(list(InvoiceQuery { open: Some(false), ..all() }).await, "Invoice-4 CreditMemo-1");
    let due = InvoiceQuery { due_before: Some(date(2026, 3, 1)), ..all() };
    assert_eq!(list(due).await, "Invoice-1 Invoice-3 Invoice-4 Invoice-6 CreditMemo-1");
    let issued = InvoiceQuery { issued_from: Some(date(2026, 1, 11)), ..all() };
    assert_eq!(list(issued).await, "");
    let of_project = InvoiceQuery { project_ids: Some(ids(&["PRJ-2025-001"])), open: Some(true), ..all() };
    assert_eq!(list(of_project).await, "Invoice-1 Invoice-2");
}

#[tokio::test]
async fn a_cursor_goes_on_where_the_page_ended_and_notices_what_moved() {
    let bench = Bench::start(fixture::company(), "").await;
    let page = |after: Option<String>| {
        let source = Arc::clone(bench.connection.receivables.as_ref().unwrap());
        async move { source.invoice_page(&call(), &InvoiceQuery::default(), after.as_deref(), 2).await }
    };
    let first = page(None).await.unwrap();
    assert_eq!(first.next.as_deref(), Some("Invoice-2@2"));
    let second = page(first.next.clone()).await.unwrap();
    assert_eq!(second.items[0].id.as_str(), "Invoice-3");
    bench.change(|ledger| ledger.documents.retain(|document| document.entry != 1));
    assert_eq!(page(first.next).await.unwrap_err().kind, ErrorKind::Truncated, "one would be in neither page");
    for nonsense in ["", "Invoice-2", "Bill-2@2", "Invoice-2@x", "2@2"] {
        assert_eq!(page(Some(nonsense.to_owned())).await.unwrap_err().kind, ErrorKind::BadRequest, "{nonsense}");
    }
}

#[tokio::test]
async fn an_invoice_comes_with_what_was_paid_on_it() {
    let bench = Bench::start(fixture::company(), "").await;
    let asked: Vec<InvoiceId> =
        ["Invoice-2", "Invoice-1", "CreditMemo-1", "Invoice-99", "Bill-1", "Invoice-02", "Invoice-1'"]
            .map(InvoiceId::new)
            .to_vec();
    let batch = bench.receivables().invoices(&call(), &asked).await.unwrap();
    assert_eq!(batch.found.len(), 3);
    let paid = batch.found[&asked[0]].payments.as_ref().unwrap();
    assert_eq!((paid.len(), &*paid[0].id, show(paid[0].amount)), (1, "Payment-1", "50.00 USD = 45.00 EUR".to_owned()));
    assert_eq!(batch.found[&asked[1]].payments.as_ref().unwrap().len(), 0, "a voided payment is none");
    assert_eq!(batch.found[&asked[2]].payments.as_ref().unwrap().len(), 0);
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_its_key() {
    let clock = Arc::new(ManualClock::default());
    let problem = |change: &str| {
        let mut table: toml::Table = toml::from_str(
            "realm_id = \"123\"\nclient_id = \"AB\"\nclient_secret = { demo = \"demo-x\" }\ntokens = { demo = \"demo-y\" }"
        )
        .unwrap();
        table.extend(toml::from_str::<toml::Table>(change).unwrap());
        connected(&toml::to_string(&table).unwrap(), &clock).err().map(|problem| problem.key)
    };
    assert_eq!(problem(""), None);
    for (change, key) in [
        ("url = \"quickbooks.api.intuit.com\"", "url"),
        ("url = \"https://quickbooks.api.intuit.com/v3/company/1\"", "url"),
        ("url = \"https://user:pass@quickbooks.api.intuit.com\"", "url"),
        ("token_url = \"https://oauth.platform.intuit.com/oauth2/v1\"", "token_url"),
        ("realm_id = \"\"", "realm_id"),
        ("realm_id = \"1/../2\"", "realm_id"),
        ("client_id = \" \"", "client_id"),
        ("client_secret = { file = \"/nowhere/at/all\" }", "client_secret"),
        ("tokens = { file = \"/nowhere/at/all\" }", "tokens.file"),
        ("tokens = { demo = \"a real one\" }", "tokens"),
        ("project_on = { custom_field = \"\" }", "project_on"),
        ("costs_on = { custom_field = \" \" }", "costs_on"),
        ("labour_accounts = [\"\"]", "labour_accounts"),
        ("customers_ttl = \"601s\"", "customers_ttl"),
        ("page_size = 9", "page_size"),
        ("page_size = 1001", "page_size"),
        ("document_url = \"https://x/{what}\"", "document_url"),
    ] {
        assert_eq!(problem(change).as_deref(), Some(key), "{change}");
    }
}
