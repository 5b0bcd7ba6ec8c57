//! The connector against the embedded account, over real HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::date;
use regex::Regex;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::config::Traffic;
use crate::demo::company::grow::Seed;
use crate::demo::company::model::{Cancelled, Company, Document, DocumentKind, Ledger, Project, Shared};
use crate::demo::netsuite::{self, Access, Additions, document_id};
use crate::demo::sap::fixture::{self, PROJECTS, document};
use crate::demo::server::{Embedded, serve};
use crate::domain::{
    Booked, ConnectionName, Cost, CostKind, CostState, InvoiceId, InvoiceKind, InvoiceQuery, InvoiceState, ManualClock,
    Money, ProjectInvoice, SharedIdRule, Sum,
};
use crate::systems::secret_file::SecretFile;
use crate::systems::{ErrorKind, Priority};

/// An embedded system, a connection to it, and a hand on both.
pub(super) struct Bench {
    embedded: Embedded,
    access: Access,
    /// What is in the account beside the company's books.
    pub(super) additions: Additions,
    company: Shared,
    clock: Arc<ManualClock>,
    pub(super) connection: Connection,
}

fn rule() -> SharedIdRule {
    SharedIdRule::new(Regex::new("^[A-Z0-9' &%()=-]+$").unwrap(), &["trim", "uppercase"])
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

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

impl Bench {
    pub(super) async fn start(company: Company, extra: &str) -> Self {
        Self::with_secret(company, extra, netsuite::TOKEN_SECRET).await
    }

    /// Signed call by call.
    async fn with_secret(company: Company, extra: &str, secret: &str) -> Self {
        let (consumer, token) = (SecretFile::new(netsuite::CONSUMER_SECRET), SecretFile::new(secret));
        let sign_in = format!(
            "[token]\nconsumer_key = \"{}\"\nconsumer_secret = {}\ntoken_id = \"{}\"\ntoken_secret = {}",
            netsuite::CONSUMER_KEY,
            consumer.reference(),
            netsuite::TOKEN_ID,
            token.reference()
        );
        Self::signed_in(company, extra, &sign_in, Access::default()).await
    }

    /// By OAuth 2.0, with a certificate of this key.
    async fn with_key(company: Company, private: &[u8], public: Vec<u8>) -> Self {
        let access = Access::default();
        access.register("certificate", public);
        let key = SecretFile::new(&pem(private));
        let sign_in = format!(
            "[oauth2]\nclient_id = \"{}\"\ncertificate_id = \"certificate\"\nprivate_key = {}",
            netsuite::CLIENT_ID,
            key.reference()
        );
        Self::signed_in(company, "", &sign_in, access).await
    }

    async fn signed_in(company: Company, extra: &str, sign_in: &str, access: Access) -> Self {
        let company = fixture::shared(company);
        let additions = Additions::default();
        let router = netsuite::router_with_additions(Arc::clone(&company), access.clone(), additions.clone());
        let free = ([127, 0, 0, 1], 0).into();
        let embedded = serve("netsuite", router, Arc::clone(&company), free).await.unwrap();
        let config = format!("account = \"{}\"\nurl = \"{}\"\n{extra}\n{sign_in}", netsuite::ACCOUNT, embedded.url);
        let clock = Arc::new(ManualClock::default());
        let context = ConnectionContext {
            name: ConnectionName::new("netsuite"),
            shared_id: rule(),
            traffic: Traffic { retries: 0, ..Traffic::default() },
            clock: Arc::clone(&clock) as _,
        };
        let connection = connect(toml::from_str(&config).unwrap(), context).unwrap();
        Self { embedded, access, additions, company, clock, connection }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Ledger)) {
        let mut company = self.company.write().unwrap();
        change(&mut company.ledger);
        company.revision += 1;
    }

    pub(super) fn receivables(&self) -> &dyn super::super::InvoiceSource {
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

    async fn calls(&self) -> BTreeMap<String, u64> {
        let stats = reqwest::get(format!("{}/_demo/stats", self.embedded.url)).await.unwrap().text().await.unwrap();
        let stats: Value = serde_json::from_str(&stats).unwrap();
        serde_json::from_value(stats["calls"].clone()).unwrap()
    }

    fn fault(&self, fault: Value) {
        self.embedded.set_fault(serde_json::from_value(fault).unwrap());
    }
}

pub(super) fn both(booked: Booked) -> (String, String) {
    let show = |money: Option<Money>| {
        money.map_or("?".to_owned(), |money| format!("{} {}", money.amount, money.currency.code()))
    };
    (show(booked.document), show(booked.company))
}

fn company_amount(booked: Booked) -> String {
    both(booked).1
}

pub(super) fn names(invoices: &[ProjectInvoice]) -> String {
    invoices.iter().map(|part| part.invoice.id.as_str()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn documents_come_with_both_currencies_and_their_state() {
    let bench = Bench::start(fixture::company(), "").await;
    let found = bench.invoices(&ids(&["PRJ-2025-001", "PRJ-2025-003", "PRJ-2025-009"])).await;
    let one = &found[&id("PRJ-2025-001")];
    assert_eq!(names(one), "10000001 10000002 10000003 10000004 10000005 20000001");
    assert!(found[&id("PRJ-2025-003")].is_empty(), "known, and without documents");
    assert!(!found.contains_key(&id("PRJ-2025-009")), "not known");
    let dollars = &one[1];
    assert!(!dollars.allocated());
    assert_eq!(both(dollars.net()), ("100.00 USD".to_owned(), "90.00 EUR".to_owned()));
    assert_eq!(both(dollars.total()), ("119.00 USD".to_owned(), "107.10 EUR".to_owned()));
    assert_eq!(both(dollars.paid()), ("50.00 USD".to_owned(), "45.00 EUR".to_owned()));
    assert_eq!(both(dollars.balance()), ("69.00 USD".to_owned(), "62.10 EUR".to_owned()));
    assert_eq!(both(one[0].total()), ("1190.00 EUR".to_owned(), "1190.00 EUR".to_owned()));
    assert_eq!(one[0].invoice.due_date, Some(date(2026, 2, 10)));
    let party = one[0].invoice.party.as_ref().unwrap();
    assert_eq!((party.id.as_deref(), party.name.as_deref()), (Some("C00001"), Some("Acme GmbH")));
    assert_eq!(one[0].invoice.state, InvoiceState::Open);
    assert_eq!((&one[3].invoice.state, &one[4].invoice.state), (&InvoiceState::Void, &InvoiceState::Void));
    assert_eq!(one[5].invoice.kind, InvoiceKind::CreditNote);
    assert_eq!(one[5].invoice.state, InvoiceState::Closed);
    assert_eq!(company_amount(one[5].total()), "119.00 EUR", "credit notes are positive");
    assert!(one.iter().all(|part| part.invoice.id.as_str() != "80000001"), "what is not posted is not read");
}

#[tokio::test]
async fn a_document_split_over_lines_is_shared_out_to_the_last_cent() {
    let bench = Bench::start(fixture::company(), "").await;
    let found = bench.invoices(&ids(&["PRJ-2025-001", "PRJ-2025-002"])).await;
    let part = |code: &str| found[&id(code)].iter().find(|part| part.invoice.id.as_str() == "10000003").unwrap();
    let (one, two) = (part("PRJ-2025-001"), part("PRJ-2025-002"));
    assert!(one.allocated() && two.allocated());
    // 100 + 200 + 33.33 for nobody; 396.66 with tax, 100.00 paid.
    assert_eq!(
        (company_amount(one.net()), company_amount(two.net())),
        ("100.00 EUR".to_owned(), "200.00 EUR".to_owned())
    );
    assert_eq!(
        (company_amount(one.total()), company_amount(two.total())),
        ("119.00 EUR".to_owned(), "238.00 EUR".to_owned())
    );
    assert_eq!(
        (company_amount(one.paid()), company_amount(two.paid())),
        ("30.00 EUR".to_owned(), "60.00 EUR".to_owned())
    );
    let alone = bench.invoices(&ids(&["PRJ-2025-002"])).await;
    assert_eq!(alone[&id("PRJ-2025-002")][0].total(), two.total(), "the same shares, whoever asks");
}

#[tokio::test]
async fn costs_are_lines_in_the_ledger_and_open_orders() {
    use CostKind::{Expense, Labour, Vendor};
    use CostState::{Actual, Committed};
    let bench = Bench::start(fixture::company(), "labour_accounts = [\"5\"]").await;
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
            cost("30000001-1", "400.00", Vendor, Actual),
            cost("40000001-1", "-40.00", Vendor, Actual),
            cost("50000001-1", "120.00", Vendor, Committed),
            cost("70000001-0", "800.00", Labour, Actual),
            cost("70000004-0", "-50.00", Labour, Actual),
        ]
    );
    assert_eq!(
        show("PRJ-2025-002"),
        [
            cost("30000001-2", "100.00", Vendor, Actual),
            cost("30000002-1", "50.00", Vendor, Actual),
            cost("50000001-3", "70.00", Vendor, Committed),
            cost("70000002-0", "30.00", Expense, Actual),
        ]
    );
    assert!(found[&id("PRJ-2025-003")].is_empty());
    let party = found[&id("PRJ-2025-001")][0].party.as_ref().unwrap();
    assert!(party.id.is_some() && party.name.is_some());
}

#[tokio::test]
async fn time_is_labour_where_it_is_said_to_be() {
    let mut company = Company::grow(&Seed { seed: 42, deals: 20, today: date(2026, 11, 21) });
    company.time_entries.retain(|entry| entry.project <= 3);
    let codes =
        company.projects.iter().filter(|project| project.id <= 3).filter_map(|project| project.shared_id.clone());
    let asked: Vec<ProjectId> = codes.filter_map(|code| rule().parse(&code).ok()).collect();
    let bench = Bench::start(company.clone(), "time_costs = true").await;
    let (with, sums) = (bench.costs(&asked).await, bench.connection.cost_sums.as_deref().unwrap());
    let sums = sums.cost_sums_by_project(&call(), &asked).await.unwrap();
    let mut hours = Decimal::ZERO;
    for costs in with.values() {
        hours += costs
            .iter()
            .filter(|cost| cost.kind == CostKind::Labour)
            .map(|cost| cost.amount.company.unwrap().amount)
            .sum::<Decimal>();
    }
    // The account has a job for the projects that have books, and for no others.
    let has_books = |typed: &String| company.ledger.projects.iter().any(|(code, _)| code == typed);
    let with_job = |project: &Project| project.shared_id.as_ref().is_some_and(has_books);
    let jobs: Vec<u32> =
        company.projects.iter().filter(|project| with_job(project)).map(|project| project.id).collect();
    let entries = company.time_entries.iter().filter(|entry| jobs.contains(&entry.project));
    let worked: Decimal = entries.map(|entry| entry.hours).sum();
    assert!(worked > Decimal::ZERO);
    assert_eq!(hours, worked * Decimal::new(72_50, 2));
    let labour = sums.found.values().flatten().filter(|sum| sum.kind == CostKind::Labour);
    assert_eq!(labour.map(|sum| sum.sum.amount.company.unwrap().amount).sum::<Decimal>(), hours);
    let without = Bench::start(company, "").await.costs(&asked).await;
    assert!(without.values().flatten().all(|cost| !cost.id.starts_with("time-")));
}

#[tokio::test]
async fn ids_cannot_change_the_question() {
    let bench = Bench::start(fixture::company(), "").await;
    let quoted = id(PROJECTS[3]);
    let odd = [quoted.clone(), id("X') OR ('1'='1"), id("' OR 1=1"), id("A' & B"), id("%")];
    let found = bench.invoices(&odd).await;
    assert_eq!(found.keys().collect::<Vec<_>>(), [&quoted]);
    assert_eq!(names(&found[&quoted]), "10000006");
    bench.costs(&odd).await;
    let sums = bench.connection.invoice_sums.as_deref().unwrap().invoiced_by_project(&call(), &odd).await.unwrap();
    assert_eq!(sums.found.keys().collect::<Vec<_>>(), [&quoted]);
}

#[tokio::test]
async fn the_shared_id_may_stand_in_a_field_of_ones_own() {
    let bench = Bench::start(fixture::company(), "shared_id = \"custentity_project_code\"").await;
    assert_eq!(bench.invoices(&ids(&["PRJ-2025-001"])).await[&id("PRJ-2025-001")].len(), 6);
    let bench = Bench::start(fixture::company(), "shared_id = \"custentity_nothing\"").await;
    let error = bench.receivables().invoices_by_project(&call(), &ids(&["PRJ-2025-001"])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest, "a field that is not there is an error and no empty list");
    assert!(error.to_string().contains("INVALID_PARAMETER"), "{error}");
}

#[tokio::test]
async fn an_account_without_subsidiaries_is_told_its_currency() {
    let bench = Bench::start(fixture::company(), "base_currency = \"EUR\"\naccounting_book = 1").await;
    let asked = ids(&["PRJ-2025-001"]);
    assert_eq!(company_amount(bench.invoices(&asked).await[&asked[0]][1].total()), "107.10 EUR");
    assert_eq!(company_amount(bench.costs(&asked).await[&asked[0]][0].amount), "400.00 EUR");
    let sums = bench.connection.cost_sums.as_deref().unwrap().cost_sums_by_project(&call(), &asked).await.unwrap();
    assert!(sums.found[&asked[0]].iter().all(|sum| sum.sum.amount.company.is_some()));
}

#[tokio::test]
async fn lists_are_read_to_their_last_page() {
    let mut company = fixture::company();
    company.ledger.documents = (1..=53)
        .map(|entry| {
            document(DocumentKind::Invoice, entry, PROJECTS.first().copied(), &[(PROJECTS.first().copied(), 100)])
        })
        .collect();
    let bench = Bench::start(company, "page_size = 7").await;
    assert_eq!(bench.invoices(&ids(&["PRJ-2025-001"])).await[&id("PRJ-2025-001")].len(), 53);
    assert!(bench.calls().await["transactionline"] >= 8 + 23);
}

#[tokio::test]
async fn a_batch_costs_a_question_for_ids_one_for_lines_and_one_for_empty_projects() {
    let bench = Bench::start(fixture::company(), "").await;
    bench.invoices(&ids(&["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-003"])).await;
    assert_eq!(bench.calls().await, [("job".to_owned(), 1), ("transactionline".to_owned(), 2)].into());
}

#[tokio::test]
async fn a_document_comes_with_what_was_paid_on_it() {
    let url = "document_url = \"https://netsuite.example/transaction.nl?id={id}\"";
    let bench = Bench::start(fixture::company(), url).await;
    let wanted: Vec<InvoiceId> =
        ["10000001", "10000002", "20000001", "10009999", "30000001", "010000001", "80000001", "nonsense"]
            .map(InvoiceId::new)
            .to_vec();
    let batch = bench.receivables().invoices(&call(), &wanted).await.unwrap();
    let mut found: Vec<&str> = batch.found.keys().map(InvoiceId::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, ["10000001", "10000002", "20000001"], "neither a bill nor a draft is an invoice");
    let invoice = &batch.found[&wanted[1]];
    let payments = invoice.payments.as_deref().unwrap();
    assert_eq!(payments.len(), 1);
    assert_eq!((payments[0].id.as_ref(), payments[0].date), ("60000001", Some(date(2026, 1, 20))));
    assert_eq!(both(payments[0].amount), ("50.00 USD".to_owned(), "45.00 EUR".to_owned()));
    assert_eq!(invoice.url.as_deref(), Some("https://netsuite.example/transaction.nl?id=10000002"));
    assert_eq!(batch.found[&wanted[0]].payments.as_deref().unwrap().len(), 0, "a voided payment is none");
    let payables = bench.connection.payables.as_deref().unwrap();
    assert!(payables.invoices(&call(), &wanted[4..5]).await.unwrap().found[&wanted[4]].payments.is_none());
}

#[tokio::test]
async fn pages_run_in_the_order_of_ids() {
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
    let all = InvoiceQuery::default;
    assert_eq!(read(all(), 3).await, "10000001 10000002 10000003 | 10000004 10000005 10000006 | 20000001");
    assert_eq!(read(all(), 7).await, "10000001 10000002 10000003 10000004 10000005 10000006 20000001");
    let query = InvoiceQuery { open: Some(true), due_before: Some(date(2026, 3, 1)), ..all() };
    assert_eq!(read(query, 2).await, "10000001 10000003 | 10000006");
    let query = InvoiceQuery { open: Some(false), ..all() };
    assert_eq!(read(query, 9).await, "10000004 10000005 20000001", "void ones are not open");
    let query = InvoiceQuery { kind: Some(InvoiceKind::CreditNote), open: Some(false), ..all() };
    assert_eq!(read(query, 2).await, "20000001");
    let query = InvoiceQuery { project_ids: Some(ids(&["PRJ-2025-002"])), ..all() };
    assert_eq!(read(query, 3).await, "10000003");
    let query = InvoiceQuery { issued_from: Some(date(2026, 1, 11)), ..all() };
    assert_eq!(read(query, 3).await, "");
    let error = bench.receivables().invoice_page(&call(), &all(), Some("x"), 3).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest);
}

#[tokio::test]
async fn a_certificate_of_either_kind_signs_in_once_for_all_calls() {
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let private = ec.to_pkcs8v1().unwrap();
    let public: PublicKeyX509Der<'_> = ec.public_key().as_der().unwrap();
    let bench = Bench::with_key(fixture::company(), private.as_ref(), public.as_ref().to_vec()).await;
    let asked = ids(&["PRJ-2025-001"]);
    let reads = (0..20).map(|_| bench.invoices(&asked));
    assert!(futures_util::future::join_all(reads).await.iter().all(|found| found[&asked[0]].len() == 6));
    assert_eq!(bench.calls().await["token"], 1);
    // An hour less a minute later, the token is renewed before it ends.
    bench.clock.advance(Duration::from_mins(59));
    bench.invoices(&asked).await;
    assert_eq!(bench.calls().await["token"], 2);

    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: aws_lc_rs::encoding::Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = rsa.public_key().as_der().unwrap();
    let bench = Bench::with_key(fixture::company(), private.as_ref(), public.as_ref().to_vec()).await;
    assert_eq!(bench.invoices(&asked).await[&asked[0]].len(), 6);
}

#[tokio::test]
async fn a_token_that_was_ended_is_renewed_unless_it_is_new() {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let private = key.to_pkcs8v1().unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let bench = Bench::with_key(fixture::company(), private.as_ref(), public.as_ref().to_vec()).await;
    let asked = ids(&["PRJ-2025-001"]);
    bench.invoices(&asked).await;
    bench.access.revoke_all();
    let error = bench.receivables().invoices_by_project(&call(), &asked).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized, "a token that is refused as soon as it is there is not renewed");
    assert_eq!(bench.calls().await["token"], 1);
    bench.clock.advance(Duration::from_mins(1));
    bench.invoices(&asked).await;
    assert_eq!(bench.calls().await["token"], 2);
}

#[tokio::test]
async fn a_refused_certificate_is_not_tried_again_for_a_while() {
    let generate = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (ours, theirs) = (generate(), generate());
    let public: PublicKeyX509Der<'_> = theirs.public_key().as_der().unwrap();
    let bench =
        Bench::with_key(fixture::company(), ours.to_pkcs8v1().unwrap().as_ref(), public.as_ref().to_vec()).await;
    let asked = ids(&["PRJ-2025-001"]);
    for _ in 0..3 {
        let error = bench.receivables().invoices_by_project(&call(), &asked).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unauthorized);
        assert!(error.to_string().contains("invalid_grant"), "{error}");
    }
    assert_eq!(bench.calls().await, [("token".to_owned(), 1)].into());
}

#[tokio::test]
async fn a_wrong_secret_is_refused_call_by_call_and_never_told() {
    let bench = Bench::with_secret(fixture::company(), "", "wrong-secret").await;
    let error = bench.receivables().invoices_by_project(&call(), &ids(&["PRJ-2025-001"])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.to_string().contains("INVALID_LOGIN") && !error.to_string().contains("wrong-secret"), "{error}");
}

#[tokio::test]
async fn failures_are_told_apart_and_none_makes_a_shorter_list() {
    for (fault, kind) in [
        (json!({ "mode": "403" }), ErrorKind::Forbidden),
        (json!({ "mode": "429" }), ErrorKind::RateLimited),
        (json!({ "mode": "500" }), ErrorKind::Broken),
        (json!({ "mode": "html" }), ErrorKind::BadResponse),
        (json!({ "mode": "truncated" }), ErrorKind::BadResponse),
        (json!({ "mode": "huge" }), ErrorKind::TooLarge),
        (json!({ "mode": "down" }), ErrorKind::Connect),
    ] {
        let bench = Bench::start(fixture::company(), "").await;
        bench.fault(fault.clone());
        let error = bench.receivables().invoices_by_project(&call(), &ids(&["PRJ-2025-001"])).await.unwrap_err();
        assert_eq!(error.kind, kind, "{fault}");
    }
}

/// What was invoiced, without tax, by project and both currencies.
pub(super) fn added(parts: &[ProjectInvoice]) -> BTreeMap<String, (Decimal, Decimal, usize)> {
    let mut sums = BTreeMap::new();
    for part in parts.iter().filter(|part| matches!(part.invoice.state, InvoiceState::Open | InvoiceState::Closed)) {
        let sign = if part.invoice.kind == InvoiceKind::Invoice { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
        let (document, company) = (part.net().document.unwrap(), part.net().company.unwrap());
        let sum: &mut (Decimal, Decimal, usize) = sums.entry(document.currency.code().to_owned()).or_default();
        *sum = (sum.0 + sign * document.amount, sum.1 + sign * company.amount, sum.2 + 1);
    }
    sums
}

pub(super) fn shown(sum: &Sum) -> (String, (Decimal, Decimal, usize)) {
    let (document, company) = (sum.amount.document.unwrap(), sum.amount.company.unwrap());
    (document.currency.code().to_owned(), (document.amount, company.amount, sum.records))
}

#[tokio::test]
async fn the_seeded_books_come_out_to_the_last_cent_as_records_and_as_sums() {
    let mut company = Company::grow(&Seed { seed: 42, deals: 300, today: date(2026, 11, 21) });
    // Every third invoice is for two projects.
    let other = company.ledger.projects[0].0.clone();
    let receivable =
        |document: &&mut Document| matches!(document.kind, DocumentKind::Invoice | DocumentKind::CreditNote);
    let documents = company.ledger.documents.iter_mut();
    for document in documents.filter(receivable).filter(|document| document.lines.len() > 1).step_by(3) {
        document.project = None;
        document.lines[1].project = Some(other.clone());
    }
    let ids: Vec<ProjectId> = company.ledger.projects.iter().map(|(code, _)| id(code)).collect();
    let mut total = Decimal::ZERO;
    for document in company.ledger.documents.iter().filter(|document| document.cancelled == Cancelled::No) {
        match document.kind {
            DocumentKind::Invoice => total += document.total,
            DocumentKind::CreditNote => total -= document.total,
            _ => {}
        }
    }
    let bench = Bench::start(company, "labour_accounts = [\"5\"]").await;
    let (invoices, costs) = (bench.invoices(&ids).await, bench.costs(&ids).await);
    let sums = bench.connection.invoice_sums.as_deref().unwrap().invoiced_by_project(&call(), &ids).await.unwrap();
    let cost_sums = bench.connection.cost_sums.as_deref().unwrap().cost_sums_by_project(&call(), &ids).await.unwrap();
    assert!(sums.failed.is_empty() && cost_sums.failed.is_empty());
    let mut read_total = Decimal::ZERO;
    for id in &ids {
        for part in &invoices[id] {
            assert!(part.invoice.flaws.is_empty(), "{:?}", part.invoice.flaws);
            let sign = if part.invoice.kind == InvoiceKind::Invoice { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
            if part.invoice.state != InvoiceState::Void {
                read_total += sign * part.total().company.unwrap().amount;
            }
        }
        let summed: BTreeMap<_, _> = sums.found[id].iter().map(shown).collect();
        assert_eq!(summed.len(), sums.found[id].len(), "one sum for each currency");
        assert_eq!(summed, added(&invoices[id]), "{id}");

        let mut one_by_one: Vec<(String, (Decimal, Decimal, usize))> = Vec::new();
        for cost in &costs[id] {
            let (document, company) = (cost.amount.document.unwrap(), cost.amount.company.unwrap());
            let key = format!("{:?} {:?} {}", cost.kind, cost.state, document.currency.code());
            match one_by_one.iter_mut().find(|(known, _)| *known == key) {
                Some((_, sum)) => *sum = (sum.0 + document.amount, sum.1 + company.amount, sum.2 + 1),
                None => one_by_one.push((key, (document.amount, company.amount, 1))),
            }
        }
        one_by_one.sort_by(|a, b| a.0.cmp(&b.0));
        let mut summed: Vec<_> = cost_sums.found[id]
            .iter()
            .map(|sum| {
                let (currency, amounts) = shown(&sum.sum);
                (format!("{:?} {:?} {currency}", sum.kind, sum.state), amounts)
            })
            .collect();
        summed.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(summed, one_by_one, "{id}");
    }
    assert_eq!(read_total, total, "the shares of all projects are the whole of all documents");
}

#[tokio::test]
async fn sums_leave_out_projects_that_nobody_knows_and_answer_empty_ones() {
    let bench = Bench::start(fixture::company(), "").await;
    let asked = ids(&["PRJ-2025-001", "PRJ-2025-003", "PRJ-2025-009"]);
    let sums = bench.connection.invoice_sums.as_deref().unwrap().invoiced_by_project(&call(), &asked).await.unwrap();
    let one: BTreeMap<_, _> = sums.found[&asked[0]].iter().map(shown).collect();
    let cents = |cents| Decimal::new(cents, 2);
    // 1000 and 100 of a split one, less 100 of a credit note; 100 dollars. The void ones are in neither.
    assert_eq!(one["EUR"], (cents(100_000), cents(100_000), 3));
    assert_eq!(one["USD"], (cents(10_000), cents(9_000), 1));
    assert!(sums.found[&asked[1]].is_empty() && !sums.found.contains_key(&asked[2]));
    let costs = bench.connection.cost_sums.as_deref().unwrap().cost_sums_by_project(&call(), &asked).await.unwrap();
    assert!(costs.found[&asked[1]].is_empty() && !costs.found.contains_key(&asked[2]));
}

#[tokio::test]
async fn a_document_that_moves_to_another_project_moves_with_all_its_figures() {
    let mut company = fixture::company();
    let moved = company.ledger.documents.iter_mut().find(|document| document.kind == DocumentKind::PurchaseInvoice);
    for line in &mut moved.unwrap().lines {
        line.project = Some("PRJ-2025-003".to_owned());
    }
    let bench = Bench::start(company, "").await;
    let found = bench.costs(&ids(&["PRJ-2025-001", "PRJ-2025-003"])).await;
    assert!(found[&id("PRJ-2025-001")].iter().all(|cost| !cost.id.starts_with("30000001")));
    assert_eq!(found[&id("PRJ-2025-003")].len(), 2);
}

#[test]
fn ids_of_documents_are_those_of_one_space() {
    let kinds = [
        DocumentKind::Invoice,
        DocumentKind::CreditNote,
        DocumentKind::PurchaseInvoice,
        DocumentKind::PurchaseCreditNote,
        DocumentKind::PurchaseOrder,
    ];
    let all: HashSet<i64> = kinds.iter().map(|kind| document_id(*kind, 7)).collect();
    assert_eq!(all.len(), kinds.len());
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_its_key() {
    let clock = Arc::new(ManualClock::default());
    let secret = SecretFile::new("secret");
    let key = SecretFile::new("no key");
    let problem = |change: &str| {
        let secret = secret.reference();
        let mut table: toml::Table = toml::from_str(&format!(
            "account = \"1234567_SB1\"\n[token]\nconsumer_key = \"ck\"\nconsumer_secret = {secret}\n\
             token_id = \"tk\"\ntoken_secret = {secret}"
        ))
        .unwrap();
        table.extend(toml::from_str::<toml::Table>(change).unwrap());
        let context = ConnectionContext {
            name: ConnectionName::new("netsuite"),
            shared_id: rule(),
            traffic: Traffic::default(),
            clock: Arc::clone(&clock) as _,
        };
        connect(table.try_into().unwrap(), context).err().map(|problem| problem.key)
    };
    assert_eq!(problem(""), None);
    let token = |change: &str| {
        let mut lines = vec!["consumer_key = \"ck\"", "token_id = \"tk\""];
        lines.retain(|line| !line.starts_with(change.split(' ').next().unwrap()));
        let secrets = ["consumer_secret", "token_secret"].map(|name| format!("{name} = {}", secret.reference()));
        let secrets = secrets.iter().filter(|line| !line.starts_with(change.split(' ').next().unwrap()));
        format!("[token]\n{}\n{}\n{change}", lines.join("\n"), secrets.cloned().collect::<Vec<_>>().join("\n"))
    };
    let oauth2 = |client: &str, certificate: &str| {
        let key = key.reference();
        format!("client_id = \"{client}\", certificate_id = \"{certificate}\", private_key = {key}")
    };
    for (change, key) in [
        ("account = \"\"".to_owned(), "account"),
        ("account = \"https://x\"".to_owned(), "account"),
        ("url = \"netsuite.example\"".to_owned(), "url"),
        ("url = \"https://x.example/services/rest\"".to_owned(), "url"),
        ("url = \"https://user:pass@x.example\"".to_owned(), "url"),
        (format!("oauth2 = {{ {} }}", oauth2("c", "k")), "oauth2"),
        ("shared_id = \"companyname\"".to_owned(), "shared_id"),
        ("shared_id = \"custentity_x) OR (1=1\"".to_owned(), "shared_id"),
        ("page_size = 0".to_owned(), "page_size"),
        ("page_size = 1001".to_owned(), "page_size"),
        ("base_currency = \"EURO\"".to_owned(), "base_currency"),
        ("labour_accounts = [\"\"]".to_owned(), "labour_accounts"),
        ("document_url = \"https://x/{what}\"".to_owned(), "document_url"),
        (token("consumer_key = \" \""), "token.consumer_key"),
        (token("token_id = \"\""), "token.token_id"),
        (token("consumer_secret = { file = \"/nowhere/at/all\" }"), "token.consumer_secret"),
        (token("token_secret = { env = \"SPINE_NOT_SET_ANYWHERE\" }"), "token.token_secret"),
    ] {
        assert_eq!(problem(&change).as_deref(), Some(key), "{change}");
    }
    let without_token = |oauth2: &str| {
        let config: Config = toml::from_str(&format!("account = \"1\"\noauth2 = {{ {oauth2} }}")).unwrap();
        let context = ConnectionContext {
            name: ConnectionName::new("netsuite"),
            shared_id: rule(),
            traffic: Traffic::default(),
            clock: Arc::clone(&clock) as _,
        };
        connect(config, context).err().map(|problem| problem.key)
    };
    assert_eq!(without_token(&oauth2("", "k")).as_deref(), Some("oauth2.client_id"));
    assert_eq!(without_token(&oauth2("c", " ")).as_deref(), Some("oauth2.certificate_id"));
    assert_eq!(without_token(&oauth2("c", "k")).as_deref(), Some("oauth2.private_key"));
}
