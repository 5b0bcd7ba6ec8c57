//! The ground truth for oracles: what each embedded system holds, as plain JSON.
//!
//! Facts, no figures: nothing is summed, joined or interpreted here, so that an oracle has to do it by itself. IDs are
//! those each system shows, amounts are texts with all their digits, dates are ISO 8601, shared IDs are as typed.
//! Documents carry local amounts (`total`) beside those in their own currency (`totalFc`, 0 when that is the local one).

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::company::model::{
    Client, Company, Contact, Deal, Document, DocumentKind, Issue, JournalEntry, Payment, Person, Project, TimeEntry,
};
use super::company::words::{PIPELINES, STAGES, Stage, stage_of};

/// The facts of a company. Written record by record: a large company is never built twice.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a>(pub &'a Company);

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("seed", &self.0.seed)?;
        map.serialize_entry("today", &self.0.today)?;
        map.serialize_entry("currency", &self.0.currency)?;
        map.serialize_entry("hubspot", &HubSpot(self.0))?;
        map.serialize_entry("sap", &Sap(self.0))?;
        map.serialize_entry("redmine", &Redmine(self.0))?;
        map.end()
    }
}

/// Records, each told when it is written.
struct List<I, F>(I, F);

impl<I, F> Serialize for List<I, F>
where
    I: Iterator + Clone,
    F: Fn(I::Item) -> Value,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone().map(&self.1))
    }
}

struct HubSpot<'a>(&'a Company);

impl Serialize for HubSpot<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("deals", &List(self.0.deals.iter(), deal))?;
        map.serialize_entry("companies", &List(self.0.clients.iter(), client))?;
        map.serialize_entry("contacts", &List(self.0.contacts.iter(), contact))?;
        map.serialize_entry("owners", &List(self.0.people.iter(), owner))?;
        map.serialize_entry("pipelines", &List(PIPELINES.iter(), pipeline))?;
        map.end()
    }
}

fn company_id(client: u32) -> String {
    (50_000 + client).to_string()
}

fn contact_id(contact: u32) -> String {
    (60_000 + contact).to_string()
}

fn owner_id(person: u32) -> String {
    (70_000 + person).to_string()
}

fn deal(deal: &Deal) -> Value {
    let stage = stage_of(&deal.stage);
    let items = deal.line_items.iter().map(|item| {
        json!({
            "id": item.id.to_string(), "name": item.name, "sku": item.sku, "quantity": item.quantity,
            "price": item.price, "amount": item.amount,
        })
    });
    let quotes = deal.quotes.iter().map(|quote| {
        json!({
            "id": quote.id.to_string(), "title": quote.title, "number": quote.number, "status": quote.status,
            "amount": quote.amount, "expires": quote.expires, "createdAt": quote.created,
        })
    });
    let communications = deal.communications.iter().map(|communication| {
        json!({
            "id": communication.id.to_string(), "kind": communication.kind, "title": communication.title,
            "body": communication.body, "at": communication.at, "ownerId": owner_id(communication.owner),
        })
    });
    let tickets = deal.tickets.iter().map(|ticket| {
        json!({
            "id": ticket.id.to_string(), "subject": ticket.subject, "pipeline": ticket.pipeline,
            "stage": ticket.stage, "priority": ticket.priority, "category": ticket.category,
            "ownerId": ticket.owner.map(owner_id), "createdAt": ticket.created, "closedAt": ticket.closed,
        })
    });
    json!({
        "id": deal.id.to_string(), "name": deal.name, "companyId": deal.client.map(company_id),
        "ownerId": deal.owner.map(owner_id), "pipeline": deal.pipeline, "stage": deal.stage,
        "stageLabel": stage.map(|stage| stage.label), "isClosed": stage.is_some_and(|stage| stage.closed),
        "isWon": stage.is_some_and(Stage::won), "amount": deal.amount, "currency": deal.currency,
        "amountHome": deal.amount_home, "estimatedCost": deal.estimated_cost, "closeDate": deal.close_date,
        "createdAt": deal.created, "updatedAt": deal.updated, "vertical": deal.vertical, "dealType": deal.deal_type,
        "scope": deal.scope, "sharedId": deal.shared_id,
        "contactIds": deal.contacts.iter().map(|id| contact_id(*id)).collect::<Vec<_>>(),
        "lineItems": items.collect::<Vec<_>>(), "quotes": quotes.collect::<Vec<_>>(),
        "communications": communications.collect::<Vec<_>>(), "tickets": tickets.collect::<Vec<_>>(),
    })
}

fn client(client: &Client) -> Value {
    json!({
        "id": company_id(client.id), "name": client.name, "domain": client.domain, "vertical": client.vertical,
        "country": client.country,
    })
}

fn contact(contact: &Contact) -> Value {
    json!({
        "id": contact_id(contact.id), "companyId": company_id(contact.client), "firstName": contact.first,
        "lastName": contact.last, "email": contact.email, "phone": contact.phone, "jobTitle": contact.job_title,
    })
}

fn owner(person: &Person) -> Value {
    json!({
        "id": owner_id(person.id), "firstName": person.first, "lastName": person.last, "email": person.email,
        "team": person.team,
    })
}

fn pipeline((id, label): &(&str, &str)) -> Value {
    let stages = STAGES
        .iter()
        .filter(|stage| stage.pipeline == *id)
        .map(|stage| json!({ "id": stage.id, "label": stage.label, "isClosed": stage.closed, "isWon": stage.won() }));
    json!({ "id": id, "label": label, "stages": stages.collect::<Vec<_>>() })
}

struct Sap<'a>(&'a Company);

impl Serialize for Sap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ledger = &self.0.ledger;
        let of = |kind| ledger.documents.iter().filter(move |document| document.kind == kind);
        let mut map = serializer.serialize_map(None)?;
        let project = |(code, name): &(String, String)| json!({ "code": code, "name": name });
        map.serialize_entry("projects", &List(ledger.projects.iter(), project))?;
        map.serialize_entry("invoices", &List(of(DocumentKind::Invoice), document))?;
        map.serialize_entry("creditNotes", &List(of(DocumentKind::CreditNote), document))?;
        map.serialize_entry("purchaseInvoices", &List(of(DocumentKind::PurchaseInvoice), document))?;
        map.serialize_entry("purchaseCreditNotes", &List(of(DocumentKind::PurchaseCreditNote), document))?;
        map.serialize_entry("purchaseOrders", &List(of(DocumentKind::PurchaseOrder), document))?;
        map.serialize_entry("incomingPayments", &List(ledger.payments.iter(), payment))?;
        map.serialize_entry("journalEntries", &List(ledger.journal.iter(), journal_entry))?;
        map.serialize_entry("drafts", &List(ledger.drafts.iter(), document))?;
        map.end()
    }
}

fn document(document: &Document) -> Value {
    let lines = document.lines.iter().map(|line| {
        json!({
            "lineNum": line.number, "description": line.description, "project": line.project, "net": line.net,
            "netFc": line.net_fc, "tax": line.tax, "openNet": line.open_net, "openNetFc": line.open_net_fc,
            "open": line.open,
        })
    });
    json!({
        "docEntry": document.entry, "docNum": document.number, "cardCode": document.card_code,
        "cardName": document.card_name, "date": document.date, "due": document.due, "currency": document.currency,
        "rate": document.rate, "project": document.project, "total": document.total, "totalFc": document.total_fc,
        "tax": document.tax, "taxFc": document.tax_fc, "paid": document.paid, "paidFc": document.paid_fc,
        "open": document.open, "cancelled": document.cancelled, "updated": document.updated,
        "lines": lines.collect::<Vec<_>>(),
    })
}

fn payment(payment: &Payment) -> Value {
    let applied = payment.applied.iter().map(
        |applied| json!({ "invoiceEntry": applied.entry, "amount": applied.amount, "amountFc": applied.amount_fc }),
    );
    json!({
        "docEntry": payment.entry, "cardCode": payment.card_code, "date": payment.date, "currency": payment.currency,
        "cancelled": payment.cancelled, "applied": applied.collect::<Vec<_>>(),
    })
}

fn journal_entry(entry: &JournalEntry) -> Value {
    let lines = entry.lines.iter().map(|line| {
        json!({
            "lineId": line.number, "account": line.account, "debit": line.debit, "credit": line.credit,
            "project": line.project,
        })
    });
    json!({
        "number": entry.number, "date": entry.date, "memo": entry.memo, "manual": entry.manual,
        "lines": lines.collect::<Vec<_>>(),
    })
}

struct Redmine<'a>(&'a Company);

impl Serialize for Redmine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("projects", &List(self.0.projects.iter(), project))?;
        map.serialize_entry("issues", &List(self.0.issues.iter(), issue))?;
        map.serialize_entry("timeEntries", &List(self.0.time_entries.iter(), time_entry))?;
        map.serialize_entry("users", &List(self.0.people.iter(), user))?;
        map.end()
    }
}

fn user_id(person: u32) -> u32 {
    10 + person
}

fn project(project: &Project) -> Value {
    let versions = project
        .versions
        .iter()
        .map(|version| json!({ "id": version.id, "name": version.name, "status": version.status, "due": version.due }));
    let members = project.members.iter().map(|(person, role)| json!({ "userId": user_id(*person), "role": role }));
    json!({
        "id": project.id, "identifier": project.identifier, "name": project.name, "description": project.description,
        "status": project.status, "sharedId": project.shared_id, "health": project.health,
        "healthReason": project.health_reason, "managerId": project.manager.map(user_id), "start": project.start,
        "due": project.due, "budgetHours": project.budget_hours, "versions": versions.collect::<Vec<_>>(),
        "members": members.collect::<Vec<_>>(), "createdAt": project.created, "updatedAt": project.updated,
    })
}

fn issue(issue: &Issue) -> Value {
    json!({
        "id": issue.id, "projectId": issue.project, "tracker": issue.tracker, "status": issue.status,
        "closed": issue.closed, "priority": issue.priority, "subject": issue.subject,
        "assigneeId": issue.assignee.map(user_id), "versionId": issue.version, "doneRatio": issue.done_ratio,
        "estimatedHours": issue.estimated_hours, "parentId": issue.parent, "start": issue.start, "due": issue.due,
        "createdAt": issue.created, "updatedAt": issue.updated, "closedAt": issue.closed_on,
    })
}

fn time_entry(entry: &TimeEntry) -> Value {
    json!({
        "id": entry.id, "projectId": entry.project, "issueId": entry.issue, "userId": user_id(entry.person),
        "activity": entry.activity, "hours": entry.hours, "spentOn": entry.spent_on,
    })
}

fn user(person: &Person) -> Value {
    json!({ "id": user_id(person.id), "firstName": person.first, "lastName": person.last, "email": person.email })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::company::grow::Seed;
    use super::*;

    #[test]
    fn all_records_are_told_and_every_amount_is_a_text() {
        let company = Company::grow(&Seed { seed: 42, deals: 60, today: date(2026, 11, 25) });
        let facts = serde_json::to_value(Facts(&company)).unwrap();
        let count = |system: &str, list: &str| facts[system][list].as_array().unwrap().len();
        assert_eq!(count("hubspot", "deals"), 60);
        assert_eq!(count("hubspot", "owners"), 20);
        assert_eq!(count("redmine", "timeEntries"), company.time_entries.len());
        let documents = ["invoices", "creditNotes", "purchaseInvoices", "purchaseCreditNotes", "purchaseOrders"];
        let told: usize = documents.iter().map(|list| count("sap", list)).sum();
        assert_eq!(told, company.ledger.documents.len());
        assert_eq!(count("sap", "journalEntries"), company.ledger.journal.len());
        assert_eq!((facts["currency"].as_str(), facts["today"].as_str()), (Some("EUR"), Some("2026-11-25")));
        // A fraction written as a JSON number would be an amount that lost its text.
        assert!(!has_fraction(&facts));
    }

    fn has_fraction(value: &Value) -> bool {
        match value {
            Value::Number(number) => number.is_f64(),
            Value::Array(values) => values.iter().any(has_fraction),
            Value::Object(values) => values.values().any(has_fraction),
            _ => false,
        }
    }
}
