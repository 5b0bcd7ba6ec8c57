//! Every port against what the company says.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::{Decimal, RoundingStrategy};
use spine::demo::company::model::{Cancelled, Document, DocumentKind, Issue};
use spine::demo::company::words::stage_of;
use spine::domain::{
    ClientId, CostKind, CostState, DealId, DealOrder, DealOrderField, DealQuery, DealStatus, InvoiceKind, InvoiceQuery,
    InvoiceState, Link, ProjectId, ProjectQuery, ProjectStatus,
};
use spine::systems::ErrorKind;

use super::server::series;
use super::target::{
    BY_JOURNAL, COMPANY, Entry, booked_projects, both, call, configured, connection, costs, expected, id, payables,
    receivables, rule,
};

/// The total in the company's currency. Tryton turns over the sum of a document's taxes, and not those of each line; and,
/// from series 8 on, the total by itself. What is between them is a difference of rates.
fn turned_over(document: &Document) -> Decimal {
    let turned =
        |amount: Decimal| (amount * document.rate).round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven);
    if series() == "6" {
        document.lines.iter().map(|line| line.net).sum::<Decimal>() + turned(document.tax_fc)
    } else {
        turned(document.total_fc)
    }
}

/// How documents of a project look: number, kind, state, parts, and what is open.
fn documents_of(project: &str, kinds: [DocumentKind; 2]) -> BTreeSet<String> {
    let ledger = &COMPANY.ledger;
    let of = |document: &&Document| {
        kinds.contains(&document.kind)
            && document.lines.iter().any(|line| of_line(document, line.project.as_ref()) == project)
    };
    let posted = ledger.documents.iter().filter(of).map(|document| (document, true));
    let drafts = ledger.drafts.iter().filter(|draft| kinds[0] == DocumentKind::Invoice && of(draft));
    posted.chain(drafts.map(|draft| (draft, false))).map(|(document, posted)| line(project, document, posted)).collect()
}

fn of_line<'a>(document: &'a Document, line: Option<&'a String>) -> &'a str {
    line.or(document.project.as_ref()).map_or("", String::as_str)
}

fn line(project: &str, document: &Document, posted: bool) -> String {
    let own: Vec<_> =
        document.lines.iter().filter(|line| of_line(document, line.project.as_ref()) == project).collect();
    let (net, net_fc) = (own.iter().map(|line| line.net).sum(), own.iter().map(|line| line.net_fc).sum());
    let is_split = own.len() < document.lines.len();
    let state = match (posted, document.cancelled, document.open) {
        (false, ..) => "Draft",
        (true, Cancelled::Yes | Cancelled::Cancellation, _) => "Void",
        (true, Cancelled::No, true) => "Open",
        (true, Cancelled::No, false) => "Closed",
    };
    let kind = match document.kind {
        DocumentKind::CreditNote | DocumentKind::PurchaseCreditNote => "CreditNote",
        // What cancels an invoice is a credit note.
        _ if document.cancelled == Cancelled::Cancellation => "CreditNote",
        _ => "Invoice",
    };
    let number = if posted { document.number.to_string() } else { "-".to_owned() };
    let local = |amount| posted.then_some(amount);
    let net = if document.currency == "EUR" {
        expected("EUR", net_fc, Some(net))
    } else {
        expected(&document.currency, net_fc, local(net))
    };
    let total = match (document.currency.as_str(), is_split) {
        (_, true) => "split".to_owned(),
        ("EUR", _) => expected("EUR", Decimal::ZERO, Some(document.total)),
        (currency, _) => expected(currency, document.total_fc, local(turned_over(document))),
    };
    let open =
        if document.currency == "EUR" { document.total - document.paid } else { document.total_fc - document.paid_fc };
    let open =
        if matches!(state, "Open" | "Closed") && !is_split { open.normalize().to_string() } else { "-".to_owned() };
    format!(
        "{number} {kind} {state} {} {net} {total} {open} due {}",
        document.date,
        if posted && state != "Void" { document.due.to_string() } else { "-".to_owned() }
    )
}

fn line_of(part: &spine::domain::ProjectInvoice) -> String {
    let invoice = &part.invoice;
    let state = format!("{:?}", invoice.state);
    let total = if part.allocated() { "split".to_owned() } else { both(part.total()) };
    let is_posted = matches!(invoice.state, InvoiceState::Open | InvoiceState::Closed);
    let open = match part.balance().document {
        Some(open) if is_posted && !part.allocated() => open.amount.normalize().to_string(),
        _ => "-".to_owned(),
    };
    let due = invoice.due_date.filter(|_| is_posted).map_or("-".to_owned(), |day| day.to_string());
    format!(
        "{} {:?} {state} {} {} {total} {open} due {due}",
        invoice.number.as_deref().unwrap_or("-"),
        invoice.kind,
        invoice.issue_date.unwrap(),
        both(part.net()),
    )
}

async fn documents_are_those_of_the_company(entry: Entry) {
    let connection = configured(entry, BY_JOURNAL);
    let ids = booked_projects();
    assert!(ids.len() > 20, "{}", ids.len());
    let (invoices, bills) = (receivables(&connection, &ids).await, payables(&connection, &ids).await);
    let mut states = BTreeMap::new();
    for id in &ids {
        let read = |parts: &[spine::domain::ProjectInvoice]| parts.iter().map(line_of).collect::<BTreeSet<_>>();
        assert_eq!(
            read(&invoices[id]),
            documents_of(id.as_str(), [DocumentKind::Invoice, DocumentKind::CreditNote]),
            "{id}"
        );
        assert_eq!(
            read(&bills[id]),
            documents_of(id.as_str(), [DocumentKind::PurchaseInvoice, DocumentKind::PurchaseCreditNote]),
            "{id}"
        );
        for part in invoices[id].iter().chain(&bills[id]) {
            *states.entry(format!("{:?} {:?}", part.invoice.kind, part.invoice.state)).or_insert(0) += 1;
            assert!(part.invoice.flaws.is_empty());
            assert!(part.invoice.party.as_ref().unwrap().id.is_some());
            if part.allocated() {
                *states.entry("split".to_owned()).or_insert(0) += 1;
            }
        }
    }
    for wanted in ["Invoice Open", "Invoice Closed", "Invoice Void", "CreditNote Void", "CreditNote Closed", "split"] {
        assert!(states.contains_key(wanted), "the company has none: {wanted} in {states:?}");
    }
    assert!(!invoices.contains_key(&ProjectId::clone(&id("PRJ-1999-001"))));
}

#[tokio::test]
async fn documents_are_those_of_the_company_in_a_session() {
    documents_are_those_of_the_company(Entry::Session).await;
}

#[tokio::test]
async fn documents_are_those_of_the_company_with_a_key() {
    if series() == "8" {
        documents_are_those_of_the_company(Entry::Key).await;
    }
}

/// Costs of a project as the company has them: state, kind, and the sum by currency.
fn costs_of(project: &str) -> BTreeMap<String, Decimal> {
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    let mut add = |key: String, amount: Decimal| *sums.entry(key).or_default() += amount;
    for document in &COMPANY.ledger.documents {
        for line in document.lines.iter().filter(|line| of_line(document, line.project.as_ref()) == project) {
            let own = |local, foreign| if document.currency == "EUR" { local } else { foreign };
            match (document.kind, document.cancelled) {
                (DocumentKind::PurchaseInvoice, Cancelled::No) => {
                    add(format!("Actual Vendor {}", document.currency), own(line.net, line.net_fc));
                    add("Actual".to_owned(), line.net);
                }
                (DocumentKind::PurchaseCreditNote, Cancelled::No) => {
                    add(format!("Actual Vendor {}", document.currency), -own(line.net, line.net_fc));
                    add("Actual".to_owned(), -line.net);
                }
                (DocumentKind::PurchaseOrder, Cancelled::No) if line.open => {
                    add(format!("Committed Vendor {}", document.currency), own(line.open_net, line.open_net_fc));
                }
                _ => {}
            }
        }
    }
    for line in COMPANY.ledger.journal.iter().filter(|entry| entry.manual).flat_map(|entry| &entry.lines) {
        if line.project.as_deref() == Some(project) && line.account.starts_with(['5', '6']) {
            let kind = if line.account.starts_with('5') { "Labour" } else { "Expense" };
            add(format!("Actual {kind} EUR"), line.debit - line.credit);
            add("Actual".to_owned(), line.debit - line.credit);
        }
    }
    sums.retain(|_, sum| !sum.is_zero());
    sums
}

#[tokio::test]
async fn costs_are_those_of_the_company_to_the_last_digit() {
    let connection = connection();
    let ids = booked_projects();
    let found = costs(&connection, &ids).await;
    let mut kinds = BTreeSet::new();
    for id in &ids {
        let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
        let mut last = None;
        for cost in &found[id] {
            let amount = cost.amount.document.unwrap();
            let key = format!("{:?} {:?} {}", cost.state, cost.kind, amount.currency.code());
            *sums.entry(key).or_default() += amount.amount;
            if cost.state == CostState::Actual {
                *sums.entry("Actual".to_owned()).or_default() += cost.amount.company.unwrap().amount;
            }
            assert!(cost.date >= last, "by date");
            last = cost.date;
            kinds.insert(format!("{:?} {:?}", cost.state, cost.kind));
        }
        sums.retain(|_, sum| !sum.is_zero());
        assert_eq!(sums, costs_of(id.as_str()), "{id}");
    }
    let wanted = ["Actual Expense", "Actual Labour", "Actual Vendor", "Committed Vendor"];
    assert!(kinds.iter().eq(wanted), "{kinds:?}");
}

/// What the cost price of somebody is, by the seed.
fn cost_price(person: u32) -> Decimal {
    Decimal::new(4025, 2) + Decimal::from(10 + person)
}

/// Projects that Tryton shows, and that one of them alone has the shared ID of.
fn shown() -> Vec<(ProjectId, &'static spine::demo::company::model::Project)> {
    let parse = |project: &'static spine::demo::company::model::Project| {
        Some((rule().parse(project.shared_id.as_deref()?).ok()?, project))
    };
    COMPANY.projects.iter().filter(|project| project.status != 9).filter_map(parse).collect()
}

fn twins() -> BTreeSet<ProjectId> {
    let mut seen = BTreeSet::new();
    shown().into_iter().map(|(id, _)| id).filter(|id| !seen.insert(id.clone())).collect()
}

#[tokio::test]
async fn with_timesheets_labour_is_hours_at_the_price_of_the_employee() {
    let connection = configured(
        Entry::Session,
        "project_on = \"comment\"\ntimesheet_projects = \"some\"\nlabour_accounts = [\"5\"]\n",
    );
    let found = costs(&connection, &booked_projects()).await;
    let mut hours = 0;
    for id in booked_projects() {
        let of = |project: &&spine::demo::company::model::Project| {
            shown().iter().any(|(shown, one)| one.id == project.id && *shown == id)
        };
        let projects: BTreeSet<u32> = COMPANY.projects.iter().filter(of).map(|project| project.id).collect();
        let entries = COMPANY.time_entries.iter().filter(|entry| projects.contains(&entry.project));
        let expected: Decimal = entries.map(|entry| entry.hours * cost_price(entry.person)).sum();
        let labour = found[&id].iter().filter(|cost| cost.kind == CostKind::Labour);
        let read: Vec<Decimal> = labour.map(|cost| cost.amount.company.unwrap().amount).collect();
        hours += read.len();
        assert_eq!(read.iter().sum::<Decimal>().normalize(), expected.normalize(), "{id}");
        let others = found[&id].iter().filter(|cost| cost.kind == CostKind::Expense).count();
        let posted = COMPANY.ledger.journal.iter().filter(|entry| entry.manual).flat_map(|entry| &entry.lines);
        let posted =
            posted.filter(|line| line.project.as_deref() == Some(id.as_str()) && line.account.starts_with('6'));
        assert_eq!(others, posted.count(), "what was posted on labour accounts is not counted a second time");
    }
    assert!(hours > 300, "{hours}");
}

#[tokio::test]
async fn projects_are_those_of_the_company() {
    let projects = connection().projects.unwrap();
    let ids: Vec<ProjectId> = shown().into_iter().map(|(id, _)| id).collect();
    let batch = projects.projects(&call(), &ids).await.unwrap();
    assert_eq!(batch.failed.keys().cloned().collect::<BTreeSet<_>>(), twins());
    assert!(!twins().is_empty(), "the company has none");
    assert!(batch.failed.values().all(|error| error.kind == ErrorKind::Conflict));
    for (id, fact) in shown().iter().filter(|(id, _)| !twins().contains(id)) {
        let project = &batch.found[id];
        assert_eq!(project.name.as_deref(), Some(fact.name.as_str()));
        let status = if fact.status == 5 { ProjectStatus::Completed } else { ProjectStatus::Active };
        assert_eq!(project.status, status, "{id}");
        let of = |issue: &&Issue| issue.project == fact.id;
        let hours: Decimal = COMPANY.issues.iter().filter(of).filter_map(|issue| issue.estimated_hours).sum();
        assert_eq!(project.hours_budgeted.unwrap_or_default(), hours.normalize(), "{id}");
    }
    let milestones = projects.milestones(&call(), &ids).await.unwrap();
    assert!(milestones.found.values().all(Vec::is_empty));
    assert_eq!(milestones.found.len() + milestones.failed.len(), batch.found.len() + batch.failed.len());
}

#[tokio::test]
async fn effort_is_the_sum_of_all_timesheets_by_person() {
    let projects = connection().projects.unwrap();
    let ids: Vec<ProjectId> = shown().into_iter().map(|(id, _)| id).collect();
    let batch = projects.effort(&call(), &ids).await.unwrap();
    assert_eq!(batch.failed.keys().cloned().collect::<BTreeSet<_>>(), twins());
    for (id, fact) in shown().iter().filter(|(id, _)| !twins().contains(id)) {
        let mut people: BTreeMap<String, Decimal> = BTreeMap::new();
        for entry in COMPANY.time_entries.iter().filter(|entry| entry.project == fact.id) {
            let person = COMPANY.people.iter().find(|person| person.id == entry.person).unwrap();
            *people.entry(format!("{} {}", person.first, person.last)).or_default() += entry.hours;
        }
        let effort = &batch.found[id];
        assert_eq!(effort.hours_spent, people.values().sum::<Decimal>(), "{id}");
        let read: Vec<_> = effort.resources.iter().map(|one| (one.person.name.to_string(), one.hours_spent)).collect();
        assert_eq!(read, people.into_iter().collect::<Vec<_>>(), "{id}");
    }
}

#[tokio::test]
async fn pages_of_projects_hold_each_once() {
    let projects = connection().projects.unwrap();
    for (status, number) in
        [(None, None), (Some(ProjectStatus::Active), Some(1)), (Some(ProjectStatus::Completed), Some(5))]
    {
        let (mut names, mut after) = (Vec::new(), None);
        let query = ProjectQuery { status: status.clone(), text: None };
        loop {
            let page = projects.project_page(&call(), &query, after.as_deref(), 7).await.unwrap();
            assert!(page.items.len() <= 7);
            names.extend(page.items.into_iter().map(|project| project.name.unwrap()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let wanted = shown().into_iter().filter(|(_, project)| number.is_none_or(|number| project.status == number));
        let mut wanted: Vec<String> = wanted.map(|(_, project)| project.name.clone()).collect();
        if number != Some(5) {
            wanted.extend(["Upper".to_owned(), "Lower".to_owned()]);
        }
        assert_eq!(names, wanted);
    }
    let named = async |text: &str| {
        let query = ProjectQuery { status: None, text: Some(text.to_owned()) };
        let page = projects.project_page(&call(), &query, None, 50).await.unwrap();
        page.items.into_iter().map(|project| project.name.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(named("uppe").await, ["Upper"]);
    assert!(named("%").await.is_empty() && named("_pper").await.is_empty(), "signs of patterns are signs");
    let none = ProjectQuery { status: Some(ProjectStatus::OnHold), text: None };
    assert!(projects.project_page(&call(), &none, None, 5).await.unwrap().items.is_empty());
}

fn status(stage: &str) -> DealStatus {
    match stage_of(stage) {
        Some(stage) if stage.won() => DealStatus::Won,
        Some(stage) if stage.closed => DealStatus::Lost,
        _ => DealStatus::Open,
    }
}

#[tokio::test]
async fn deals_are_those_of_the_company() {
    let connection = connection();
    let (deals, clients) = (connection.deals.unwrap(), connection.clients.unwrap());
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = deals.deal_page(&call(), &DealQuery::default(), after.as_deref(), 25).await.unwrap();
        read.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(read.len(), COMPANY.deals.len());
    let ids: Vec<DealId> = read.iter().map(|deal| deal.id.clone()).collect();
    let again = deals.deals(&call(), &ids).await.unwrap();
    let parties: BTreeSet<ClientId> = read.iter().filter_map(|deal| deal.client.clone()).collect();
    let parties = clients.clients(&call(), &parties.into_iter().collect::<Vec<_>>()).await.unwrap().found;
    for (deal, fact) in read.iter().zip(&COMPANY.deals) {
        assert_eq!(again.found[&deal.id].name, deal.name);
        assert_eq!(deal.name.as_deref(), Some(fact.name.as_str()));
        let currency = if series() == "8" { fact.currency.as_deref().unwrap_or("EUR") } else { "EUR" };
        let amount = deal.amount.map(|money| (money.amount.normalize(), money.currency.code()));
        assert_eq!(amount, fact.amount.map(|amount| (amount.normalize(), currency)));
        assert_eq!(deal.close_date, fact.close_date);
        let link = match fact.shared_id.as_deref().map(str::trim).filter(|typed| !typed.is_empty()) {
            None => Link::None,
            Some(typed) => rule().parse(typed).map_or_else(|_| Link::Malformed(typed.to_owned()), Link::To),
        };
        assert_eq!(deal.link, link);
        let client = COMPANY.clients.iter().find(|client| Some(client.id) == fact.client);
        let party = deal.client.as_ref().map(|party| &parties[party]);
        assert_eq!(party.and_then(|party| party.name.as_deref()), client.map(|client| client.name.as_str()));
        assert_eq!(party.and_then(|party| party.country.as_deref()), client.map(|client| client.country.as_str()));
        // Tryton wants a client and an employee of all but leads; some owners are nobody that is known.
        let owner = COMPANY.people.iter().find(|person| Some(person.id) == fact.owner);
        if let (Some(_), Some(owner)) = (client, owner) {
            assert_eq!(deal.status, Some(status(&fact.stage)));
            assert_eq!(deal.owner.as_ref().unwrap().name, format!("{} {}", owner.first, owner.last));
        }
    }
}

#[tokio::test]
async fn deals_are_found_by_project_and_by_what_they_are() {
    let deals = connection().deals.unwrap();
    let mut linked: BTreeMap<ProjectId, Vec<&str>> = BTreeMap::new();
    for deal in &COMPANY.deals {
        // Tryton compares letter by letter: what is typed with blanks around it is not found.
        let typed = deal.shared_id.as_deref().filter(|typed| typed.trim() == *typed);
        if let Some(id) = typed.and_then(|typed| rule().parse(typed).ok()) {
            linked.entry(id).or_default().push(&deal.name);
        }
    }
    let ids: Vec<ProjectId> = linked.keys().cloned().chain([id("PRJ-1999-001")]).collect();
    let found = deals.deals_by_project(&call(), &ids).await.unwrap().found;
    let read =
        found.iter().map(|(id, deals)| (id.clone(), deals.iter().map(|deal| deal.name.as_deref().unwrap()).collect()));
    let read: BTreeMap<ProjectId, Vec<&str>> = read.collect();
    let strip = |deals: &BTreeMap<ProjectId, Vec<&str>>| -> BTreeMap<ProjectId, Vec<String>> {
        deals.iter().map(|(id, names)| (id.clone(), names.iter().map(|name| (*name).to_owned()).collect())).collect()
    };
    // Tryton strips texts when they are kept, so blanks at the ends may be gone: those found beyond are right, too.
    for (id, names) in strip(&linked) {
        let read = &strip(&read)[&id];
        assert!(names.iter().all(|name| read.contains(name)), "{id}: {names:?} in {read:?}");
    }
    assert!(!found.contains_key(&id("PRJ-1999-001")));

    let order = Some(DealOrder { field: DealOrderField::Amount, descending: true });
    let query = DealQuery { status: Some(DealStatus::Won), order, ..DealQuery::default() };
    let (mut amounts, mut after) = (Vec::new(), None);
    loop {
        let page = deals.deal_page(&call(), &query, after.as_deref(), 4).await.unwrap();
        assert!(page.items.iter().all(|deal| deal.status == Some(DealStatus::Won)));
        amounts.extend(page.items.iter().map(|deal| deal.amount.map(|money| money.amount)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(amounts.len() > 10 && amounts.is_sorted_by(|a, b| a >= b), "{amounts:?}");
    let linked = DealQuery { linked: Some(false), ..DealQuery::default() };
    let page = deals.deal_page(&call(), &linked, None, 100).await.unwrap();
    assert!(page.items.iter().all(|deal| deal.link == Link::None) && !page.items.is_empty());
    let vertical = DealQuery { vertical: Some("Energy".to_owned()), ..DealQuery::default() };
    assert!(deals.deal_page(&call(), &vertical, None, 100).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn pages_of_invoices_are_read_to_the_end_and_hold_what_was_asked_for() {
    let receivables = connection().receivables.unwrap();
    let all = async |query: &InvoiceQuery, limit: usize| {
        let (mut read, mut after) = (Vec::new(), None);
        loop {
            let page = receivables.invoice_page(&call(), query, after.as_deref(), limit).await.unwrap();
            assert!(page.items.len() <= limit);
            read.extend(page.items);
            after = page.next;
            if after.is_none() {
                return read;
            }
        }
    };
    let everything = all(&InvoiceQuery::default(), 7).await;
    let ids: Vec<u64> = everything.iter().map(|invoice| invoice.id.as_str().parse().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "each once, in order");
    let numbers: BTreeSet<&str> = everything.iter().filter_map(|invoice| invoice.number.as_deref()).collect();
    let of = |document: &&Document| matches!(document.kind, DocumentKind::Invoice | DocumentKind::CreditNote);
    for document in COMPANY.ledger.documents.iter().filter(of) {
        assert!(numbers.contains(document.number.to_string().as_str()), "{}", document.number);
    }
    let day = "2026-06-30".parse().unwrap();
    for query in [
        InvoiceQuery { open: Some(true), ..InvoiceQuery::default() },
        InvoiceQuery { open: Some(false), ..InvoiceQuery::default() },
        InvoiceQuery { kind: Some(InvoiceKind::CreditNote), ..InvoiceQuery::default() },
        InvoiceQuery { open: Some(true), due_before: Some(day), ..InvoiceQuery::default() },
        InvoiceQuery { issued_from: Some(day), ..InvoiceQuery::default() },
        InvoiceQuery { issued_to: Some(day), ..InvoiceQuery::default() },
        InvoiceQuery { project_ids: Some(booked_projects()), ..InvoiceQuery::default() },
    ] {
        let wanted = everything.iter().filter(|invoice| {
            query.open.is_none_or(|open| open == (invoice.state == InvoiceState::Open))
                && query.kind.is_none_or(|kind| kind == invoice.kind)
                && query.due_before.is_none_or(|day| invoice.due_date.is_some_and(|due| due < day))
                && query.issued_from.is_none_or(|day| invoice.issue_date.unwrap() >= day)
                && query.issued_to.is_none_or(|day| invoice.issue_date.unwrap() <= day)
                && query.project_ids.as_ref().is_none_or(|ids| invoice.project_ids.iter().any(|id| ids.contains(id)))
        });
        let wanted: Vec<_> = wanted.map(|invoice| invoice.id.clone()).collect();
        assert!(!wanted.is_empty(), "{query:?}");
        let read: Vec<_> = all(&query, 5).await.into_iter().map(|invoice| invoice.id).collect();
        assert_eq!(read, wanted, "{query:?}");
    }
}
