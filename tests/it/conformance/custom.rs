//! "Something custom": the company's own API in front of its databases, plain JSON, with one habit per entity: GET with
//! joined IDs, POST with lists of IDs, cursors, links to the next page, offsets, page numbers. What `rest` is made for.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};
use spine::demo::company::model::{
    Cancelled, Client, Communication, Company, Contact, CrmTicket, Deal, Document, DocumentKind, Issue, LineItem,
    Project, Quote, Shared, TimeEntry, Version,
};
use spine::demo::company::words::{PIPELINES, Stage, TICKET_STAGES, stage_of};
use spine::demo::control::Endpoint;

use super::truth::{Side, code, journal_cost, line_project};

/// What the API wants to see in `X-API-Key`.
const KEY: &str = "demo-custom-key";

/// Rows of a page, at the most.
pub(super) const PAGE: usize = 40;

/// Documents are numbered through, each kind in its millions.
pub(super) fn invoice_id(code: u32, entry: u32) -> String {
    (code * 1_000_000 + entry).to_string()
}

pub(super) fn router(company: Shared) -> Router {
    Router::new().fallback(answer).with_state(company)
}

/// What was asked.
struct Asked {
    query: HashMap<String, String>,
    body: Value,
}

impl Asked {
    /// The keys of a parameter, joined by commas, or of a list in the body.
    fn keys(&self, name: &str) -> HashSet<String> {
        match self.body.get(name).and_then(Value::as_array) {
            Some(keys) => keys.iter().filter_map(|key| key.as_str().map(str::to_owned)).collect(),
            None => self.query.get(name).into_iter().flat_map(|text| text.split(',')).map(str::to_owned).collect(),
        }
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.query.get(name)?.parse().ok()
    }
}

/// Whether a shared ID, as somebody typed it, is among those asked for.
fn carries(keys: &HashSet<String>, typed: Option<&String>) -> bool {
    typed.is_some_and(|typed| keys.contains(&typed.trim().to_uppercase()))
}

async fn answer(State(company): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let label = format!("{} {}", parts.method, parts.uri.path());
    let signed_in = parts.headers.get("x-api-key").is_some_and(|key| key == KEY);
    let mut response = if signed_in {
        let query = parts.uri.query().unwrap_or_default();
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let body = serde_json::from_slice(&to_bytes(body, 1 << 20).await.unwrap()).unwrap_or_default();
        let company = company.read().unwrap_or_else(PoisonError::into_inner);
        match rows(&company, &label, &Asked { query, body }) {
            Some(answer) => Json(answer).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    } else {
        (StatusCode::UNAUTHORIZED, Body::empty()).into_response()
    };
    response.extensions_mut().insert(Endpoint(label.into()));
    response
}

/// The answer of an endpoint; none if there is no such endpoint.
fn rows(company: &Company, endpoint: &str, asked: &Asked) -> Option<Value> {
    let rows: Vec<Value> = match endpoint {
        "GET /crm/deals" => return Some(deal_page(company, asked)),
        "GET /pm/all-projects" => return Some(project_page(company, asked)),
        "GET /erp/all-invoices" => return Some(invoice_page(company, asked)),
        "GET /erp/all-bills" => return Some(bill_page(company, asked)),
        "POST /crm/deals/read" => {
            let keys = asked.keys("ids");
            company.deals.iter().filter(|deal| keys.contains(&deal.id.to_string())).map(|d| deal(company, d)).collect()
        }
        "GET /crm/deals-of-projects" => {
            let keys = asked.keys("projects");
            let of = |deal: &&Deal| carries(&keys, deal.shared_id.as_ref());
            company.deals.iter().filter(of).map(|d| deal(company, d)).collect()
        }
        "GET /crm/clients" => {
            let keys = asked.keys("ids");
            company.clients.iter().filter(|client| keys.contains(&client_id(client))).map(client).collect()
        }
        "POST /crm/contacts" => hanging(company, asked, |deal| {
            company.contacts.iter().filter(|contact| deal.contacts.contains(&contact.id)).map(contact).collect()
        }),
        "POST /crm/positions" => {
            hanging(company, asked, |deal| deal.line_items.iter().map(|item| line_item(deal, item)).collect())
        }
        "POST /crm/offers" => hanging(company, asked, |deal| {
            let mut quotes: Vec<&Quote> = deal.quotes.iter().collect();
            quotes.sort_by_key(|quote| (quote.created, quote.id));
            quotes.into_iter().map(|one| quote(deal, one)).collect()
        }),
        "POST /crm/talks" => {
            hanging(company, asked, |deal| deal.communications.iter().map(|one| communication(company, one)).collect())
        }
        "POST /crm/requests" => {
            hanging(company, asked, |deal| deal.tickets.iter().map(|ticket| crm_ticket(company, ticket)).collect())
        }
        "GET /pm/projects" => of_projects(company, asked).into_iter().map(|one| project(company, one)).collect(),
        "GET /pm/milestones" => {
            let of = |project: &Project| project.versions.iter().map(|version| milestone(project, version)).collect();
            of_projects(company, asked).into_iter().flat_map(|project| -> Vec<Value> { of(project) }).collect()
        }
        "GET /pm/hours" => {
            let projects = by_number(of_projects(company, asked));
            let of = |entry: &TimeEntry| Some(booking(company, projects.get(&entry.project)?, entry));
            company.time_entries.iter().filter_map(of).collect()
        }
        "GET /pm/tickets" => {
            let keys = asked.keys("ids");
            let projects = by_number(in_sight(company).collect());
            let issues = company.issues.iter().filter(|issue| keys.contains(&issue.id.to_string()));
            issues.filter_map(|one| Some(issue(company, projects.get(&one.project)?, one))).collect()
        }
        "GET /pm/tickets-of-projects" => {
            let projects = by_number(of_projects(company, asked));
            company.issues.iter().filter_map(|one| Some(issue(company, projects.get(&one.project)?, one))).collect()
        }
        "POST /erp/invoices/read" => documents(company, Side::Receivable, asked, by_id),
        "GET /erp/invoices" => documents(company, Side::Receivable, asked, by_project),
        "POST /erp/bills/read" => documents(company, Side::Payable, asked, by_id),
        "GET /erp/bills" => documents(company, Side::Payable, asked, by_project),
        "GET /erp/costs" => {
            let keys = asked.keys("projects");
            costs(company, |project| keys.contains(project))
        }
        _ => return None,
    };
    Some(json!({ "results": rows }))
}

/// Amounts and hours are numbers here.
fn number(amount: Decimal) -> Value {
    json!(amount.to_f64().unwrap())
}

fn person(company: &Company, id: Option<u32>) -> Value {
    let person = company.people.iter().find(|person| Some(person.id) == id);
    person.map_or(Value::Null, |person| {
        json!({ "name": format!("{} {}", person.first, person.last), "mail": person.email, "team": person.team })
    })
}

// The CRM's part.

fn deal_page(company: &Company, asked: &Asked) -> Value {
    let after = asked.number("after").unwrap_or(0) as u64;
    let limit = asked.number("limit").unwrap_or(PAGE).min(PAGE);
    let mut deals: Vec<&Deal> = company.deals.iter().filter(|deal| deal.id > after).collect();
    deals.sort_by_key(|deal| deal.id);
    let more = deals.len() > limit;
    deals.truncate(limit);
    let next = deals.last().filter(|_| more).map(|deal| deal.id);
    json!({ "results": deals.iter().map(|one| deal(company, one)).collect::<Value>(), "cursor": { "next": next } })
}

pub(super) fn deal(company: &Company, deal: &Deal) -> Value {
    let stage = stage_of(&deal.stage);
    let status = match stage {
        Some(stage) if stage.won() => "won",
        Some(stage) if stage.lost() => "lost",
        Some(Stage { .. }) => "running",
        None => deal.stage.as_str(),
    };
    let margin = deal.amount.zip(deal.estimated_cost).map(|(amount, cost)| number(amount - cost));
    json!({
        "id": deal.id, "project": deal.shared_id, "title": deal.name,
        "pipeline": PIPELINES.iter().find(|(id, _)| *id == deal.pipeline).map(|(_, label)| *label),
        "stage": stage.map(|stage| stage.label), "status": status, "amount": deal.amount.map(number), "margin": margin,
        "currency": deal.currency, "closes": deal.close_date, "owner": person(company, deal.owner),
        "vertical": deal.vertical, "type": deal.deal_type, "scope": deal.scope,
        "client": deal.client.map(|client| 50_000 + client), "created": deal.created, "changed": deal.updated,
    })
}

fn client_id(client: &Client) -> String {
    (50_000 + client.id).to_string()
}

pub(super) fn client(client: &Client) -> Value {
    json!({ "id": client_id(client), "name": client.name, "web": client.domain, "sector": client.vertical,
            "address": { "country": client.country } })
}

/// What hangs on the deals of a call; each row names its deal.
fn hanging(company: &Company, asked: &Asked, of: impl Fn(&Deal) -> Vec<Value>) -> Vec<Value> {
    let keys = asked.keys("deals");
    let mut all = Vec::new();
    for deal in company.deals.iter().filter(|deal| keys.contains(&deal.id.to_string())) {
        for mut row in of(deal) {
            row["deal"] = json!(deal.id);
            all.push(row);
        }
    }
    all
}

pub(super) fn contact(contact: &Contact) -> Value {
    json!({ "id": 60_000 + contact.id, "first": contact.first, "last": contact.last, "mail": contact.email,
            "phone": contact.phone, "job": contact.job_title })
}

pub(super) fn line_item(deal: &Deal, item: &LineItem) -> Value {
    json!({ "id": item.id, "text": item.name, "article": item.sku, "quantity": number(item.quantity),
            "price": number(item.price), "sum": number(item.amount), "currency": deal.currency })
}

pub(super) fn quote(deal: &Deal, quote: &Quote) -> Value {
    json!({ "id": quote.id, "title": quote.title, "no": quote.number, "status": quote.status,
            "sum": number(quote.amount), "currency": deal.currency, "until": quote.expires })
}

pub(super) fn communication(company: &Company, one: &Communication) -> Value {
    json!({ "id": one.id, "kind": one.kind, "at": one.at, "subject": one.title, "text": one.body,
            "by": person(company, Some(one.owner)) })
}

pub(super) fn crm_ticket(company: &Company, ticket: &CrmTicket) -> Value {
    let label = TICKET_STAGES.iter().find(|(id, ..)| *id == ticket.stage).map(|(_, label, _)| *label);
    json!({ "id": ticket.id, "subject": ticket.subject, "stage": ticket.stage, "label": label,
            "pipeline": "Support pipeline", "priority": ticket.priority, "category": ticket.category,
            "owner": person(company, ticket.owner), "opened": ticket.created, "closed": ticket.closed })
}

// The project tool's part.

pub(super) fn in_sight(company: &Company) -> impl Iterator<Item = &Project> {
    company.projects.iter().filter(|project| project.status != 9)
}

fn of_projects<'c>(company: &'c Company, asked: &Asked) -> Vec<&'c Project> {
    let keys = asked.keys("projects");
    in_sight(company).filter(|project| carries(&keys, project.shared_id.as_ref())).collect()
}

fn by_number(projects: Vec<&Project>) -> HashMap<u32, &Project> {
    projects.into_iter().map(|project| (project.id, project)).collect()
}

/// In the order in which they were made; the next page is a link.
fn project_page(company: &Company, asked: &Asked) -> Value {
    let from = asked.number("from").unwrap_or(0);
    let mut projects: Vec<&Project> = in_sight(company).collect();
    projects.sort_by_key(|project| (project.created, project.id));
    let to = from + PAGE;
    let next = (to < projects.len()).then(|| format!("/pm/all-projects?from={to}"));
    let page: Value = projects.iter().skip(from).take(PAGE).map(|one| project(company, one)).collect();
    json!({ "results": page, "links": { "next": next } })
}

pub(super) fn project(company: &Company, project: &Project) -> Value {
    json!({
        "no": project.id, "id": project.shared_id, "made": project.created, "name": project.name, "status": project.status,
        "health": { "word": project.health, "why": project.health_reason },
        "manager": person(company, project.manager), "start": project.start, "due": project.due,
        "budget": project.budget_hours.map(number),
    })
}

pub(super) fn milestone(project: &Project, version: &Version) -> Value {
    json!({ "id": version.id, "project": project.shared_id, "name": version.name, "status": version.status,
            "due": version.due })
}

pub(super) fn booking(company: &Company, project: &Project, entry: &TimeEntry) -> Value {
    json!({ "id": entry.id, "project": project.shared_id, "hours": number(entry.hours),
            "who": person(company, Some(entry.person)) })
}

pub(super) fn issue(company: &Company, project: &Project, issue: &Issue) -> Value {
    let own = !company.issues.iter().any(|other| other.parent == Some(issue.id));
    let entries = company.time_entries.iter().filter(|entry| entry.issue == Some(issue.id));
    let hours: Decimal = entries.map(|entry| entry.hours).sum();
    json!({
        "id": issue.id, "project": project.shared_id, "subject": issue.subject, "status": issue.status,
        "tracker": issue.tracker, "priority": issue.priority, "who": person(company, issue.assignee),
        "opened": issue.created, "closed": issue.closed_on.filter(|_| issue.closed), "hours": number(hours),
        "estimate": issue.estimated_hours.filter(|_| own).map(number),
        "done": Some(issue.done_ratio).filter(|_| own),
    })
}

// The ERP's part.

fn by_id(code: u32, document: &Document, asked: &Asked) -> bool {
    asked.keys("ids").contains(&invoice_id(code, document.entry))
}

fn by_project(_: u32, document: &Document, asked: &Asked) -> bool {
    let keys = asked.keys("projects");
    document.lines.iter().any(|line| line_project(document, line).is_some_and(|id| keys.contains(id.as_str())))
}

pub(super) fn of_side(company: &Company, side: Side) -> Vec<(u32, &Document)> {
    let documents = company.ledger.documents.iter();
    let mut all: Vec<(u32, &Document)> =
        documents.filter_map(|one| Some((code(one.kind).filter(|(of, _)| *of == side)?.1, one))).collect();
    all.sort_by_key(|(code, document)| (*code, document.entry));
    all
}

fn documents(
    company: &Company,
    side: Side,
    asked: &Asked,
    wanted: impl Fn(u32, &Document, &Asked) -> bool,
) -> Vec<Value> {
    let documents = of_side(company, side).into_iter().filter(|(code, one)| wanted(*code, one, asked));
    documents.map(|(code, one)| document(company, code, one)).collect()
}

/// Rows are passed over.
fn invoice_page(company: &Company, asked: &Asked) -> Value {
    let (skip, top) = (asked.number("skip").unwrap_or(0), asked.number("top").unwrap_or(PAGE).min(PAGE));
    let all = of_side(company, Side::Receivable);
    let page = all.iter().skip(skip).take(top).map(|(code, one)| document(company, *code, one));
    json!({ "results": page.collect::<Value>(), "count": all.len() })
}

/// Pages are numbered, from 1.
fn bill_page(company: &Company, asked: &Asked) -> Value {
    let page = asked.number("page").unwrap_or(1).max(1) - 1;
    let all = of_side(company, Side::Payable);
    let rows = all.iter().skip(page * PAGE).take(PAGE).map(|(code, one)| document(company, *code, one));
    json!({ "results": rows.collect::<Value>(), "more": (page + 1) * PAGE < all.len() })
}

/// An amount in the document's currency, where there is one of its own, and in the company's.
fn own(company: &Company, document: &Document, local: Decimal, foreign: Decimal) -> Value {
    number(if document.currency == company.currency { local } else { foreign })
}

pub(super) fn document(company: &Company, code: u32, document: &Document) -> Value {
    let own = |local, foreign| own(company, document, local, foreign);
    let state = match (document.cancelled, document.open) {
        (Cancelled::No, true) => "open",
        (Cancelled::No, false) => "settled",
        _ => "void",
    };
    let lines = document.lines.iter().map(|line| {
        json!({ "text": line.description, "sum": own(line.net, line.net_fc), "sumLocal": number(line.net),
                "project": line.project })
    });
    let payments = company.ledger.payments.iter().filter_map(|payment| {
        let of = |entry| document.kind == DocumentKind::Invoice && entry == document.entry;
        let applied: Vec<_> = payment.applied.iter().filter(|applied| of(applied.entry)).collect();
        let sum: Decimal = applied.iter().map(|applied| applied.amount).sum();
        let foreign: Decimal = applied.iter().map(|applied| applied.amount_fc).sum();
        let row = json!({ "no": format!("24-{}", payment.entry), "on": payment.date, "sum": own(sum, foreign),
                          "sumLocal": number(sum) });
        (!applied.is_empty() && !payment.cancelled).then_some(row)
    });
    json!({
        "id": invoice_id(code, document.entry), "no": document.number,
        "kind": if matches!(code, 13 | 18) { "bill" } else { "credit" }, "state": state,
        "party": { "code": document.card_code, "name": document.card_name },
        "on": document.date, "due": document.due, "currency": document.currency, "project": document.project,
        "tax": own(document.tax, document.tax_fc), "total": own(document.total, document.total_fc),
        "paid": own(document.paid, document.paid_fc), "taxLocal": number(document.tax),
        "totalLocal": number(document.total), "paidLocal": number(document.paid),
        "lines": lines.collect::<Value>(), "payments": payments.collect::<Value>(),
    })
}

/// The cost ledger: lines of bills, credit notes and orders, and postings by hand.
pub(super) fn costs(company: &Company, wanted: impl Fn(&str) -> bool) -> Vec<Value> {
    let mut rows = Vec::new();
    for document in company.ledger.documents.iter().filter(|document| document.cancelled == Cancelled::No) {
        for line in &document.lines {
            let (code, kind, sum, foreign) = match document.kind {
                DocumentKind::PurchaseInvoice => (18, "bill", line.net, line.net_fc),
                DocumentKind::PurchaseCreditNote => (19, "credit", line.net, line.net_fc),
                DocumentKind::PurchaseOrder if line.open => (22, "order", line.open_net, line.open_net_fc),
                _ => continue,
            };
            let Some(project) = line_project(document, line).filter(|id| wanted(id.as_str())) else { continue };
            rows.push(json!({
                "document": format!("{code}-{}", document.entry), "line": line.number, "project": project.as_str(),
                "kind": kind, "on": document.date, "sum": own(company, document, sum, foreign),
                "sumLocal": number(sum), "currency": document.currency, "text": line.description,
                "vendor": document.card_name, "no": document.number,
            }));
        }
    }
    for entry in company.ledger.journal.iter().filter(|entry| entry.manual) {
        for line in &entry.lines {
            let Some((kind, project)) = journal_cost(line).filter(|(_, id)| wanted(id.as_str())) else {
                continue;
            };
            let sum = number(line.debit - line.credit);
            rows.push(json!({
                "document": format!("30-{}", entry.number), "line": line.number, "project": project.as_str(),
                "kind": kind.to_lowercase(), "on": entry.date, "sum": sum, "sumLocal": sum,
                "currency": company.currency, "text": entry.memo, "vendor": null, "no": entry.number,
            }));
        }
    }
    rows
}
