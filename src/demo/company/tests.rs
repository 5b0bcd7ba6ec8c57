//! What must be true of every company, and the flaws it must have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::grow::Seed;
use super::model::{Cancelled, Company, Deal, Document, DocumentKind};
use super::words::{STAGES, stage_of};

const TODAY: Date = date(2026, 11, 25);
const SEEDS: [u64; 6] = [42, 1, 2, 3, 4, 5];

fn company(seed: u64) -> Company {
    Company::grow(&Seed { seed, deals: 400, today: TODAY })
}

fn text(company: &Company) -> String {
    serde_json::to_string(company).unwrap()
}

fn won(deal: &Deal) -> bool {
    stage_of(&deal.stage).unwrap().won()
}

fn well_formed(id: &str) -> bool {
    let Some(rest) = id.strip_prefix("PRJ-") else { return false };
    let Some((year, number)) = rest.split_once('-') else { return false };
    let digits = |text: &str| text.chars().all(|letter| letter.is_ascii_digit());
    year.len() == 4 && digits(year) && (3..=6).contains(&number.len()) && digits(number)
}

fn of(company: &Company, kind: DocumentKind) -> impl Iterator<Item = &Document> {
    company.ledger.documents.iter().filter(move |document| document.kind == kind)
}

fn sum(amounts: impl Iterator<Item = Decimal>) -> Decimal {
    amounts.sum()
}

#[test]
fn the_same_seed_grows_the_same_company_and_another_seed_another() {
    assert_eq!(text(&company(42)), text(&company(42)));
    assert_ne!(text(&company(42)), text(&company(43)));
}

#[test]
fn it_has_as_many_deals_as_asked_and_is_whole_at_any_size() {
    for deals in [0, 1, 7, 60, 2_000] {
        let company = Company::grow(&Seed { seed: 42, deals, today: TODAY });
        assert_eq!(company.deals.len(), deals);
        check_documents(&company);
        check_references(&company);
    }
}

#[test]
fn every_company_looks_like_one() {
    for seed in SEEDS {
        let company = company(seed);
        let won: Vec<&Deal> = company.deals.iter().filter(|deal| won(deal)).collect();
        assert!((150..=215).contains(&won.len()), "{} won", won.len());
        let currencies: BTreeSet<&str> = company.clients.iter().map(|client| client.currency.as_str()).collect();
        assert_eq!(currencies, BTreeSet::from(["CHF", "EUR", "GBP", "USD"]));
        let verticals: BTreeSet<&str> = company.clients.iter().map(|client| client.vertical.as_str()).collect();
        assert_eq!(verticals.len(), 6);
        assert_eq!((company.clients.len(), company.people.len()), (60, 20));
        for status in [1, 5, 9] {
            assert!(company.projects.iter().any(|project| project.status == status), "status {status}");
        }
        let mut deals_of: HashMap<&str, usize> = HashMap::new();
        for id in won.iter().filter_map(|deal| deal.shared_id.as_deref()) {
            *deals_of.entry(id).or_default() += 1;
        }
        assert!(deals_of.values().any(|deals| *deals > 1), "an upsell shares its project");
        for deal in company.deals.iter().filter(|deal| !deal.line_items.is_empty()) {
            assert_eq!(Some(sum(deal.line_items.iter().map(|item| item.amount))), deal.amount);
        }
        let open = company.deals.iter().filter(|deal| !stage_of(&deal.stage).unwrap().closed).count();
        assert!(open > 30, "{open} open");
        check_documents(&company);
        check_references(&company);
    }
}

pub(super) fn check_references(company: &Company) {
    let issues: HashMap<u32, u32> = company.issues.iter().map(|issue| (issue.id, issue.project)).collect();
    let projects: BTreeSet<u32> = company.projects.iter().map(|project| project.id).collect();
    let people: BTreeSet<u32> = company.people.iter().map(|person| person.id).collect();
    assert_eq!(issues.len(), company.issues.len());
    assert_eq!(projects.len(), company.projects.len());
    for issue in &company.issues {
        assert!(projects.contains(&issue.project));
        assert!(issue.assignee.is_none_or(|person| people.contains(&person)));
        assert!(issue.parent.is_none_or(|parent| issues.get(&parent) == Some(&issue.project)));
        assert_eq!(issue.closed, issue.closed_on.is_some());
        assert!(issue.created <= issue.updated && issue.closed_on.is_none_or(|closed| closed >= issue.created));
    }
    for entry in &company.time_entries {
        assert!(entry.issue.is_none_or(|issue| issues.get(&issue) == Some(&entry.project)));
        assert!(people.contains(&entry.person) && entry.spent_on <= company.today && entry.hours > Decimal::ZERO);
    }
    let identifiers: BTreeSet<&str> = company.projects.iter().map(|project| project.identifier.as_str()).collect();
    assert_eq!(identifiers.len(), company.projects.len());
    let stages: BTreeSet<(&str, &str)> = STAGES.iter().map(|stage| (stage.pipeline, stage.id)).collect();
    let mut records = BTreeSet::new();
    for deal in &company.deals {
        assert!(stages.contains(&(deal.pipeline.as_str(), deal.stage.as_str())));
        assert!(deal.created <= deal.updated);
        for item in &deal.line_items {
            assert_eq!(item.quantity * item.price, item.amount);
            assert!(records.insert(item.id));
        }
        assert!(deal.quotes.iter().all(|quote| records.insert(quote.id)));
        assert!(deal.tickets.iter().all(|ticket| records.insert(ticket.id)));
        assert!(deal.communications.iter().all(|communication| records.insert(communication.id)));
    }
}

pub(super) fn check_documents(company: &Company) {
    let zero = Decimal::ZERO;
    let cents = |amount: Decimal| amount.scale() <= 2;
    let mut seen = BTreeSet::new();
    for document in company.ledger.documents.iter().chain(&company.ledger.drafts) {
        assert_eq!(sum(document.lines.iter().map(|line| line.net)) + document.tax, document.total);
        assert_eq!(sum(document.lines.iter().map(|line| line.net_fc)) + document.tax_fc, document.total_fc);
        assert_eq!(sum(document.lines.iter().map(|line| line.tax)), document.tax);
        assert!(document.paid <= document.total && document.paid_fc <= document.total_fc);
        assert!(document.total > zero && document.paid >= zero && document.paid_fc >= zero);
        assert_eq!(document.currency == "EUR", document.total_fc == zero);
        assert_eq!(document.currency == "EUR", document.rate == Decimal::ONE);
        assert!(cents(document.total) && cents(document.total_fc) && cents(document.paid) && cents(document.paid_fc));
        for line in &document.lines {
            assert!(line.net > zero && cents(line.net) && cents(line.net_fc) && cents(line.tax));
            assert!(line.open_net <= line.net && line.open_net_fc <= line.net_fc);
            let exact = line.net_fc * document.rate;
            assert!(line.net_fc == zero || (exact - line.net).abs() <= Decimal::new(5, 3));
            match &document.project {
                Some(project) => assert_eq!(line.project.as_ref(), Some(project)),
                None => assert!(document.kind as u8 >= DocumentKind::PurchaseInvoice as u8),
            }
        }
        if document.kind != DocumentKind::PurchaseOrder && document.cancelled == Cancelled::No {
            assert_eq!(document.open, document.paid < document.total);
        }
        assert!(document.date <= company.today);
        seen.insert((document.kind as u8, document.entry));
    }
    assert_eq!(seen.len(), company.ledger.documents.len() + company.ledger.drafts.len());
    let mut paid: BTreeMap<u32, (Decimal, Decimal)> = BTreeMap::new();
    for applied in
        company.ledger.payments.iter().filter(|payment| !payment.cancelled).flat_map(|payment| &payment.applied)
    {
        let (local, foreign) = paid.entry(applied.entry).or_default();
        *local += applied.amount;
        *foreign += applied.amount_fc;
    }
    // Per client: what is paid on invoices, less what credit notes paid, is the cash that came in.
    let mut cash: BTreeMap<&str, (Decimal, Decimal)> = BTreeMap::new();
    for document in company.ledger.documents.iter().filter(|document| document.cancelled == Cancelled::No) {
        let (local, foreign) = cash.entry(&document.card_code).or_default();
        let sign = match document.kind {
            DocumentKind::Invoice => {
                let (received, received_fc) = paid.remove(&document.entry).unwrap_or_default();
                *local -= received;
                *foreign -= received_fc;
                Decimal::ONE
            }
            DocumentKind::CreditNote => -Decimal::ONE,
            _ => continue,
        };
        *local += sign * document.paid;
        *foreign += sign * document.paid_fc;
    }
    assert!(paid.is_empty(), "every payment pays an invoice that was not cancelled");
    assert!(cash.values().all(|(local, foreign)| *local == zero && *foreign == zero));
    for entry in &company.ledger.journal {
        assert_eq!(sum(entry.lines.iter().map(|line| line.debit)), sum(entry.lines.iter().map(|line| line.credit)));
        assert!(entry.date <= company.today);
    }
}

#[test]
fn every_kind_of_document_is_there() {
    for seed in SEEDS {
        let company = company(seed);
        let invoices = || of(&company, DocumentKind::Invoice);
        let local_and_foreign = |kind| {
            let currencies: BTreeSet<bool> = of(&company, kind).map(|document| document.currency == "EUR").collect();
            currencies.len() == 2
        };
        assert!(local_and_foreign(DocumentKind::Invoice) && local_and_foreign(DocumentKind::PurchaseInvoice));
        assert!(of(&company, DocumentKind::CreditNote).count() > 10);
        assert!(of(&company, DocumentKind::CreditNote).all(|note| !note.open && note.paid == note.total));
        assert!(of(&company, DocumentKind::PurchaseCreditNote).count() > 5);
        for state in [Cancelled::Yes, Cancelled::Cancellation] {
            assert!(invoices().filter(|invoice| invoice.cancelled == state && !invoice.open).count() > 2);
            assert!(of(&company, DocumentKind::PurchaseInvoice).any(|bill| bill.cancelled == state));
        }
        assert!(of(&company, DocumentKind::PurchaseOrder).any(|order| order.cancelled == Cancelled::Yes));
        assert!(of(&company, DocumentKind::PurchaseOrder).filter(|order| order.open).count() > 5);
        assert!(of(&company, DocumentKind::PurchaseOrder).any(|order| order.project.is_none()));
        assert!(of(&company, DocumentKind::PurchaseInvoice).any(|bill| bill.project.is_none()));
        assert!(!company.ledger.drafts.is_empty());
        assert!(company.ledger.payments.iter().any(|payment| payment.cancelled));
        assert!(company.ledger.payments.iter().any(|payment| payment.applied.len() > 1));
        let partial = |invoice: &Document| invoice.open && invoice.paid > Decimal::ZERO;
        assert!(invoices().any(partial));
        assert!(invoices().any(|invoice| invoice.open && invoice.due < company.today));
        assert!(invoices().any(|invoice| invoice.open && invoice.due >= company.today));
        let manual = || company.ledger.journal.iter().filter(|entry| entry.manual);
        for account in ["5000", "6100", "1400"] {
            assert!(
                manual().flat_map(|entry| &entry.lines).any(|line| line.account == account && line.project.is_some())
            );
        }
        let taken_back =
            |line: &super::model::JournalLine| line.account.starts_with('6') && line.credit > Decimal::ZERO;
        assert!(manual().flat_map(|entry| &entry.lines).any(taken_back));
        assert!(company.ledger.journal.iter().any(|entry| !entry.manual));
    }
}

#[test]
fn every_flaw_is_there() {
    for seed in SEEDS {
        let company = company(seed);
        let won: Vec<&Deal> = company.deals.iter().filter(|deal| won(deal)).collect();
        let ids: Vec<&str> = won.iter().filter_map(|deal| deal.shared_id.as_deref()).collect();
        assert!(won.len() - ids.len() >= 3, "won without an ID");
        assert!(ids.contains(&"TBD"));
        assert!(ids.iter().any(|id| id.starts_with("PRJ2")));
        assert!(ids.iter().any(|id| id.starts_with("prj-") && well_formed(&id.to_uppercase())));
        let mistyped = |id: &&&str| !well_formed(&id.trim().to_uppercase());
        assert!(ids.iter().filter(mistyped).count() >= 3);
        assert!(ids.iter().all(|id| id.trim() == *id), "padded only where nothing was won");
        let others = company.deals.iter().filter(|deal| !won.iter().any(|other| other.id == deal.id));
        assert!(others.filter_map(|deal| deal.shared_id.as_deref()).any(|id| id.trim() != id));
        assert!((3..=4).contains(&won.iter().filter(|deal| deal.currency.is_none()).count()));
        assert!(company.deals.iter().any(|deal| deal.client.is_none()));
        let known = |person: u32| company.people.iter().any(|known| known.id == person);
        assert!(company.deals.iter().any(|deal| deal.owner.is_some_and(|owner| !known(owner))));

        let mut projects: HashMap<&str, usize> = HashMap::new();
        for id in company.projects.iter().filter_map(|project| project.shared_id.as_deref()) {
            *projects.entry(id).or_default() += 1;
        }
        assert_eq!(projects.iter().filter(|(id, count)| !id.is_empty() && **count == 2).count(), 1);
        assert!(company.projects.iter().any(|project| project.shared_id.is_none()));
        assert!(projects.contains_key(""));
        let books: BTreeSet<&str> = company.ledger.projects.iter().map(|(code, _)| code.as_str()).collect();
        let unknown = projects.keys().filter(|id| !id.is_empty() && !books.contains(**id)).count();
        assert!((1..=6).contains(&unknown), "{unknown} projects are unknown to the ERP");
        let healths: BTreeSet<&str> = company.projects.iter().filter_map(|project| project.health.as_deref()).collect();
        assert!(healths.contains("Yellow") && healths.contains("tbc") && healths.contains("Red"));
        assert!(company.issues.iter().any(|issue| issue.status == "Parked at vendor"));
        let critical = |issue: &&super::model::Issue| {
            issue.tracker == "Incident" && !issue.closed && matches!(issue.priority.as_str(), "Urgent" | "Immediate")
        };
        assert!(company.issues.iter().filter(critical).count() >= 2);
    }
}
