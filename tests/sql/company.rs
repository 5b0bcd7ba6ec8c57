//! The seeded company in a plain schema, as a company's own database may hold it: its tables (`schema.sql`), and the views that
//! an administrator makes for Spine (`views.sql`). One script for both engines.

use jiff::Timestamp;
use rust_decimal::Decimal;
use spine::demo::company::model::{Cancelled, CommunicationKind, Company, DocumentKind};
use spine::demo::company::words::{PIPELINES, STAGES, TICKET_STAGES};

use super::Engine;

/// Documents are numbered through, each kind in its millions.
pub(crate) fn document_id(code: u32, entry: u32) -> u32 {
    code * 1_000_000 + entry
}

/// A value of a row.
trait Sql {
    fn sql(&self) -> String;
}

macro_rules! as_displayed {
    ($($type:ty),+) => {$(
        impl Sql for $type {
            fn sql(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

as_displayed!(u8, u32, u64, Decimal);

impl Sql for str {
    fn sql(&self) -> String {
        format!("'{}'", self.replace('\'', "''"))
    }
}

impl Sql for String {
    fn sql(&self) -> String {
        self.as_str().sql()
    }
}

impl Sql for jiff::civil::Date {
    fn sql(&self) -> String {
        self.to_string().sql()
    }
}

impl Sql for Timestamp {
    fn sql(&self) -> String {
        self.strftime("%Y-%m-%d %H:%M:%S").to_string().sql()
    }
}

impl<T: Sql + ?Sized> Sql for &T {
    fn sql(&self) -> String {
        (**self).sql()
    }
}

impl<T: Sql> Sql for Option<T> {
    fn sql(&self) -> String {
        self.as_ref().map_or_else(|| "NULL".to_owned(), Sql::sql)
    }
}

macro_rules! row {
    ($($value:expr),+ $(,)?) => {
        format!("({})", [$(Sql::sql(&$value)),+].join(", "))
    };
}

/// A row that is too long for one line.
fn joined(head: &str, tail: &str) -> String {
    format!("{}, {}", head.strip_suffix(')').unwrap(), tail.strip_prefix('(').unwrap())
}

/// Puts rows into a table, many at once.
fn insert(script: &mut Vec<String>, table: &str, rows: impl IntoIterator<Item = String>) {
    let rows: Vec<String> = rows.into_iter().collect();
    for rows in rows.chunks(400) {
        script.push(format!("INSERT INTO {table} VALUES {}", rows.join(", ")));
    }
}

/// The statements that make the database, one by one.
pub(crate) fn script(engine: Engine, company: &Company) -> Vec<String> {
    let mut script = statements(engine, include_str!("schema.sql"), company);
    crm(&mut script, company);
    project_tool(&mut script, company);
    books(&mut script, company);
    script.extend(statements(engine, include_str!("views.sql"), company));
    script
}

/// The statements of a file: `;` at the end of a line ends one.
fn statements(engine: Engine, file: &str, company: &Company) -> Vec<String> {
    let lines: Vec<&str> = file.lines().filter(|line| !line.starts_with("--")).collect();
    let text = engine.dialect(&lines.join("\n")).replace("{company currency}", &company.currency);
    text.split(";\n")
        .map(|text| text.trim_end_matches([';', '\n']).to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

fn crm(script: &mut Vec<String>, company: &Company) {
    let people = company.people.iter();
    insert(script, "people", people.map(|p| row![p.id, format!("{} {}", p.first, p.last), p.email, p.team]));
    insert(script, "pipelines", PIPELINES.iter().map(|(id, label)| row![*id, *label]));
    let outcome = |won, lost| match (won, lost) {
        (true, _) => "won",
        (_, true) => "lost",
        _ => "running",
    };
    insert(script, "stages", STAGES.iter().map(|s| row![s.id, s.label, outcome(s.won(), s.lost())]));
    insert(script, "ticket_stages", TICKET_STAGES.iter().map(|(id, label, _)| row![*id, *label]));
    let clients = company.clients.iter();
    insert(script, "clients", clients.map(|c| row![50_000 + c.id, c.name, c.domain, c.vertical, c.country]));
    let contacts = company.contacts.iter();
    let contacts =
        contacts.map(|c| row![60_000 + c.id, format!("{} {}", c.first, c.last), c.email, c.phone, c.job_title]);
    insert(script, "contacts", contacts);
    let deals = &company.deals;
    let deal_rows = deals.iter().map(|d| {
        let client = d.client.map(|client| 50_000 + client);
        let head = row![d.id, d.name, d.pipeline, d.stage, d.amount, d.estimated_cost, d.currency, d.close_date];
        let tail = row![d.owner, d.vertical, d.deal_type, d.scope, client, d.shared_id, d.created, d.updated];
        joined(&head, &tail)
    });
    insert(script, "deals", deal_rows);
    let of_deals = deals.iter().flat_map(|deal| deal.contacts.iter().map(|contact| row![deal.id, 60_000 + contact]));
    insert(script, "deal_contacts", of_deals);
    let items = deals.iter().flat_map(|deal| {
        deal.line_items.iter().map(|i| row![i.id, deal.id, i.name, i.sku, i.quantity, i.price, i.amount])
    });
    insert(script, "line_items", items);
    let quotes = deals.iter().flat_map(|deal| {
        deal.quotes.iter().map(|q| row![q.id, deal.id, q.title, q.number, q.status, q.amount, q.expires, q.created])
    });
    insert(script, "quotes", quotes);
    let communications = deals.iter().flat_map(|deal| {
        deal.communications.iter().map(|c| {
            let kind = match c.kind {
                CommunicationKind::Note => "n",
                CommunicationKind::Call => "c",
                CommunicationKind::Email => "e",
                CommunicationKind::Meeting => "m",
            };
            row![c.id, deal.id, kind, c.at, c.title, c.body, c.owner]
        })
    });
    insert(script, "communications", communications);
    let tickets = deals.iter().flat_map(|deal| {
        deal.tickets
            .iter()
            .map(|t| row![t.id, deal.id, t.subject, t.stage, t.priority, t.category, t.owner, t.created, t.closed])
    });
    insert(script, "crm_tickets", tickets);
}

fn project_tool(script: &mut Vec<String>, company: &Company) {
    let projects = &company.projects;
    let project_rows = projects.iter().map(|p| {
        let head = row![p.id, p.shared_id, p.name, p.status, p.health, p.health_reason];
        let tail = row![p.manager, p.start, p.due, p.budget_hours, p.created];
        joined(&head, &tail)
    });
    insert(script, "projects", project_rows);
    let versions = projects
        .iter()
        .flat_map(|project| project.versions.iter().map(|v| row![v.id, project.id, v.name, v.status, v.due]));
    insert(script, "milestones", versions);
    insert(script, "bookings", company.time_entries.iter().map(|t| row![t.id, t.project, t.issue, t.person, t.hours]));
    let issues = company.issues.iter().map(|i| {
        let closed = i.closed_on.filter(|_| i.closed);
        let head = row![i.id, i.project, i.tracker, i.status, i.priority, i.subject];
        let tail = row![i.assignee, i.done_ratio, i.estimated_hours, i.parent, i.created, closed];
        joined(&head, &tail)
    });
    insert(script, "issues", issues);
}

fn books(script: &mut Vec<String>, company: &Company) {
    let ledger = &company.ledger;
    let coded = || {
        ledger.documents.iter().map(|document| match document.kind {
            DocumentKind::Invoice => (13, document),
            DocumentKind::CreditNote => (14, document),
            DocumentKind::PurchaseInvoice => (18, document),
            DocumentKind::PurchaseCreditNote => (19, document),
            DocumentKind::PurchaseOrder => (22, document),
        })
    };
    let documents = coded().map(|(code, d)| {
        let state = match (d.cancelled, d.open) {
            (Cancelled::No, true) => "open",
            (Cancelled::No, false) => "settled",
            _ => "void",
        };
        let head = row![document_id(code, d.entry), code, d.entry, d.number, state, d.card_code, d.card_name, d.date];
        let tail = row![d.due, d.currency, d.project, d.tax, d.tax_fc, d.total, d.total_fc, d.paid, d.paid_fc];
        joined(&head, &tail)
    });
    insert(script, "documents", documents);
    let lines = coded().flat_map(|(code, d)| {
        d.lines.iter().map(move |l| {
            let (id, open) = (document_id(code, d.entry), u8::from(l.open));
            row![id, l.number, l.description, l.project, l.net, l.net_fc, l.open_net, l.open_net_fc, open]
        })
    });
    insert(script, "document_lines", lines);
    let payments = ledger.payments.iter().filter(|payment| !payment.cancelled).flat_map(|payment| {
        payment.applied.iter().zip(0_u32..).map(move |(applied, at)| {
            let document = document_id(13, applied.entry);
            row![payment.entry, at, payment.date, document, applied.amount, applied.amount_fc]
        })
    });
    insert(script, "payments", payments);
    let journal = ledger.journal.iter().filter(|entry| entry.manual).flat_map(|entry| {
        entry
            .lines
            .iter()
            .map(|l| row![entry.number, l.number, entry.date, entry.memo, l.account, l.debit, l.credit, l.project])
    });
    insert(script, "journal", journal);
}
