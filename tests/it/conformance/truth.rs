//! What each port must answer, straight from the seeded company: no vendor, no connector and no mapping of theirs in between.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use spine::demo::company::model::{
    self, Cancelled, Company, CrmTicket, Document, DocumentKind, DocumentLine, Issue, JournalLine, Project,
};
use spine::demo::company::words::{PIPELINES, TICKET_STAGES, stage_of};
use spine::domain::ProjectId;
use spine::systems::ErrorKind;

use super::lines::{Text, line, sorted};
use super::{RULE, System, Tickets};

/// The lines that answer each key, or why it has none. A key that is not in it is not known.
pub(super) type Answers = BTreeMap<String, Result<Vec<String>, ErrorKind>>;

/// The truth about a company, as a system that holds it must tell it.
pub(super) struct Truth<'a> {
    pub(super) company: &'a Company,
    pub(super) system: &'a System,
}

/// The shared ID that somebody typed, if it is one.
fn shared_id(typed: Option<&String>) -> Option<ProjectId> {
    RULE.parse(typed?).ok()
}

fn money(amount: Option<Decimal>, currency: Option<&String>) -> Option<String> {
    amount.zip(currency).map(|(amount, currency)| format!("{} {currency}", amount.text()))
}

fn unknown(raw: &str) -> String {
    format!("Unknown({raw:?})")
}

/// All that is said of these keys. A key without anything is known all the same.
fn grouped(
    keys: impl IntoIterator<Item = ProjectId>,
    rows: impl IntoIterator<Item = (ProjectId, String)>,
) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = keys.into_iter().map(|key| (key.to_string(), Vec::new())).collect();
    for (key, row) in rows {
        groups.entry(key.to_string()).or_default().push(row);
    }
    groups
}

fn answers(groups: BTreeMap<String, Vec<String>>) -> Answers {
    groups.into_iter().map(|(key, lines)| (key, Ok(lines))).collect()
}

// Deals and what hangs on them.
impl Truth<'_> {
    fn person(&self, id: Option<u32>) -> Option<String> {
        let person = self.company.people.iter().find(|person| Some(person.id) == id)?;
        Some(format!("{} {}", person.first, person.last))
    }

    pub(super) fn deals(&self) -> Answers {
        self.company.deals.iter().map(|deal| (deal.id.to_string(), Ok(vec![self.deal(deal)]))).collect()
    }

    /// In the order of record IDs.
    pub(super) fn deal_list(&self) -> Vec<String> {
        let mut deals: Vec<&model::Deal> = self.company.deals.iter().collect();
        deals.sort_by_key(|deal| deal.id);
        deals.into_iter().map(|deal| self.deal(deal)).collect()
    }

    pub(super) fn deals_by_project(&self) -> Answers {
        let mut deals: Vec<&model::Deal> = self.company.deals.iter().collect();
        deals.sort_by_key(|deal| deal.id);
        let rows = deals.iter().filter_map(|deal| Some((shared_id(deal.shared_id.as_ref())?, self.deal(deal))));
        answers(grouped([], rows))
    }

    fn deal(&self, deal: &model::Deal) -> String {
        let stage = stage_of(&deal.stage);
        let status = match stage {
            Some(stage) if stage.won() => Some("Won"),
            Some(stage) if stage.lost() => Some("Lost"),
            Some(_) => Some("Open"),
            None => self.system.status_of_unknown_stage,
        };
        let currency = deal.currency.as_ref();
        let margin = deal.amount.zip(deal.estimated_cost).map(|(amount, cost)| amount - cost);
        let mut flaws = Vec::new();
        if currency.is_none() {
            flaws.extend(deal.amount.map(|_| "amount MissingCurrency".to_owned()));
            flaws.extend(deal.estimated_cost.map(|_| "expected_margin MissingCurrency".to_owned()));
        }
        let owner = self.company.people.iter().find(|person| Some(person.id) == deal.owner);
        let link = match &deal.shared_id {
            None => "-".to_owned(),
            Some(typed) => shared_id(Some(typed)).map_or_else(|| format!("malformed {typed}"), |id| id.to_string()),
        };
        line![
            deal.id,
            deal.name,
            PIPELINES.iter().find(|(id, _)| *id == deal.pipeline).map(|(_, label)| *label),
            stage.map(|stage| stage.label),
            status,
            money(deal.amount, currency),
            money(margin, currency),
            deal.close_date,
            owner.map(|owner| format!("{} {}", owner.first, owner.last)),
            owner.map(|owner| owner.email.as_str()),
            deal.vertical,
            deal.deal_type,
            deal.scope,
            deal.client.map(|client| 50_000 + client),
            link,
            deal.created,
            deal.updated,
            flaws,
        ]
    }

    pub(super) fn clients(&self) -> Answers {
        let answer = |client: &model::Client| {
            let id = 50_000 + client.id;
            (id.to_string(), Ok(vec![line![id, client.name, client.domain, client.vertical, client.country]]))
        };
        self.company.clients.iter().map(answer).collect()
    }

    /// Each deal with what hangs on it.
    fn of_deals(&self, hanging: impl Fn(&model::Deal) -> Vec<String>) -> Answers {
        self.company.deals.iter().map(|deal| (deal.id.to_string(), Ok(hanging(deal)))).collect()
    }

    pub(super) fn contacts(&self) -> Answers {
        self.of_deals(|deal| {
            let contacts = self.company.contacts.iter().filter(|contact| deal.contacts.contains(&contact.id));
            let line = |one: &model::Contact| {
                let name = format!("{} {}", one.first, one.last);
                line![60_000 + one.id, name, one.email, one.phone, one.job_title]
            };
            sorted(contacts.map(line).collect())
        })
    }

    pub(super) fn line_items(&self) -> Answers {
        self.of_deals(|deal| {
            let money = |amount| money(Some(amount), deal.currency.as_ref());
            let line = |item: &model::LineItem| {
                line![item.id, item.name, item.sku, item.quantity, money(item.price), money(item.amount)]
            };
            sorted(deal.line_items.iter().map(line).collect())
        })
    }

    /// The signed quote, else the latest one. A deal without any has no answer.
    pub(super) fn proposals(&self) -> Answers {
        let answer = |deal: &model::Deal| {
            let signed = |quote: &model::Quote| quote.status == "APPROVED";
            let quote = deal.quotes.iter().max_by_key(|quote| (signed(quote), quote.created, quote.id))?;
            let line = line![
                quote.id,
                quote.title,
                quote.number,
                deal.quotes.len().to_string(),
                signed(quote),
                quote.status,
                money(Some(quote.amount), deal.currency.as_ref()),
                quote.expires,
            ];
            Some((deal.id.to_string(), Ok(vec![line])))
        };
        self.company.deals.iter().filter_map(answer).collect()
    }

    pub(super) fn communications(&self) -> Answers {
        self.of_deals(|deal| {
            let line = |one: &model::Communication| {
                let author = self.person(Some(one.owner));
                line![one.id, format!("{:?}", one.kind), one.at, one.title, one.body, author]
            };
            sorted(deal.communications.iter().map(line).collect())
        })
    }

    /// Asked for by their deal, they say nothing of a project.
    pub(super) fn pre_sales_tickets(&self) -> Answers {
        self.of_deals(|deal| sorted(deal.tickets.iter().map(|ticket| self.crm_ticket(ticket, None)).collect()))
    }

    fn crm_ticket(&self, ticket: &CrmTicket, project: Option<ProjectId>) -> String {
        let stage = TICKET_STAGES.iter().find(|(id, ..)| *id == ticket.stage);
        let raw = Some(ticket.stage.as_str()).filter(|_| self.system.stages_are_words);
        let label = stage.map(|(_, label, _)| *label).or(raw);
        let status = match ticket.stage.as_str() {
            "1" => "New".to_owned(),
            "2" => "Waiting".to_owned(),
            "3" => "InProgress".to_owned(),
            "4" => "Closed".to_owned(),
            other => unknown(other),
        };
        let priority = match ticket.priority.as_str() {
            "LOW" => "Low".to_owned(),
            "MEDIUM" => "Normal".to_owned(),
            "HIGH" => "High".to_owned(),
            "URGENT" => "Critical".to_owned(),
            other => unknown(other),
        };
        let category = match ticket.category.as_deref() {
            Some("PRODUCT_ISSUE") => "Incident".to_owned(),
            Some("FEATURE_REQUEST") => "ChangeRequest".to_owned(),
            Some("GENERAL_INQUIRY" | "BILLING_ISSUE") => "Support".to_owned(),
            Some(other) => unknown(other),
            None => self.system.ticket_without_category.to_owned(),
        };
        let owner = self.company.people.iter().find(|person| Some(person.id) == ticket.owner);
        line![
            ticket.id,
            ticket.subject,
            status,
            label,
            "Support pipeline",
            priority,
            category,
            owner.map(|owner| owner.team.as_str()),
            self.person(ticket.owner),
            ticket.created,
            ticket.closed,
            None::<Decimal>,
            project,
        ]
    }
}

// Projects and what hangs on them.
impl<'a> Truth<'a> {
    /// Those that can be seen and carry a usable ID.
    fn projects_in_sight(&self) -> impl Iterator<Item = (ProjectId, &'a Project)> {
        let seen = self.company.projects.iter().filter(|project| project.status != 9);
        seen.filter_map(|project| Some((shared_id(project.shared_id.as_ref())?, project)))
    }

    /// The IDs that two projects carry.
    fn twins(&self) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        self.projects_in_sight().map(|(id, _)| id.to_string()).filter(|id| !seen.insert(id.clone())).collect()
    }

    pub(super) fn projects(&self) -> Answers {
        let rows = self.projects_in_sight().map(|(id, project)| (id.clone(), self.project(&id, project)));
        let mut projects = answers(grouped([], rows));
        projects.extend(self.twins().into_iter().map(|twin| (twin, Err(ErrorKind::Conflict))));
        projects
    }

    /// In the order in which they were made. Both twins are in it.
    pub(super) fn project_list(&self) -> Vec<String> {
        let mut projects: Vec<_> = self.projects_in_sight().collect();
        projects.sort_by_key(|(_, project)| (project.created, project.id));
        projects.iter().map(|(id, project)| self.project(id, project)).collect()
    }

    fn project(&self, id: &ProjectId, project: &Project) -> String {
        let status = match project.status {
            1 => "Active".to_owned(),
            5 => "Completed".to_owned(),
            other => unknown(&other.to_string()),
        };
        let health = project.health.as_deref().map(|word| match word {
            "Green" => "Green".to_owned(),
            "Amber" | "Yellow" => "Amber".to_owned(),
            "Red" => "Red".to_owned(),
            other => unknown(other),
        });
        line![
            id,
            project.id,
            project.name,
            status,
            health,
            project.health_reason,
            self.person(project.manager),
            project.start,
            project.due,
            project.budget_hours,
        ]
    }

    /// Each project with what hangs on it.
    fn of_projects(&self, hanging: impl Fn(&[&Project]) -> Vec<String>) -> Answers {
        let mut projects: BTreeMap<String, Vec<&Project>> = BTreeMap::new();
        for (id, project) in self.projects_in_sight() {
            projects.entry(id.to_string()).or_default().push(project);
        }
        let conflicts = if self.system.children_know_their_project { self.twins() } else { BTreeSet::new() };
        let answer = |(id, projects): (String, Vec<&Project>)| {
            let answer = if conflicts.contains(&id) { Err(ErrorKind::Conflict) } else { Ok(hanging(&projects)) };
            (id, answer)
        };
        projects.into_iter().map(answer).collect()
    }

    /// By due date; those without one last.
    pub(super) fn milestones(&self) -> Answers {
        self.of_projects(|projects| {
            let mut versions: Vec<&model::Version> = projects.iter().flat_map(|project| &project.versions).collect();
            versions.sort_by_key(|version| (version.due.is_none(), version.due, version.id));
            let line = |version: &&model::Version| {
                let status = match version.status.as_str() {
                    "open" => "Open".to_owned(),
                    "locked" => "Locked".to_owned(),
                    "closed" => "Closed".to_owned(),
                    other => unknown(other),
                };
                line![version.id, version.name, status, version.due]
            };
            versions.iter().map(line).collect()
        })
    }

    pub(super) fn effort(&self) -> Answers {
        self.of_projects(|projects| {
            let mut people: BTreeMap<Option<String>, Decimal> = BTreeMap::new();
            for entry in &self.company.time_entries {
                if projects.iter().any(|project| project.id == entry.project) {
                    *people.entry(self.person(Some(entry.person))).or_default() += entry.hours;
                }
            }
            let all: Decimal = people.values().sum();
            let people = people.iter().map(|(name, hours)| format!("{} {}", name.text(), hours.text()));
            let line = line![all, people.collect::<Vec<_>>()];
            if all.is_zero() { Vec::new() } else { vec![line] }
        })
    }
}

// Tickets: of the CRM, or issues of the project tool.
impl Truth<'_> {
    pub(super) fn tickets(&self) -> Answers {
        match self.system.tickets {
            Tickets::OfTheCrm => {
                let of_deal = |deal: &model::Deal| {
                    let project = shared_id(deal.shared_id.as_ref());
                    let answer = |ticket: &CrmTicket| {
                        (ticket.id.to_string(), Ok(vec![self.crm_ticket(ticket, project.clone())]))
                    };
                    deal.tickets.iter().map(answer).collect::<Vec<_>>()
                };
                self.company.deals.iter().flat_map(of_deal).collect()
            }
            Tickets::Issues => {
                let answer = |issue: &Issue| {
                    let project = self.company.projects.iter().find(|project| project.id == issue.project)?;
                    let line = self.issue(issue, shared_id(project.shared_id.as_ref()));
                    (project.status != 9).then(|| (issue.id.to_string(), Ok(vec![line])))
                };
                self.company.issues.iter().filter_map(answer).collect()
            }
        }
    }

    /// In the order of record IDs.
    pub(super) fn tickets_by_project(&self) -> Answers {
        match self.system.tickets {
            Tickets::OfTheCrm => {
                let linked = || {
                    let deals = self.company.deals.iter();
                    deals.filter_map(|deal| Some((shared_id(deal.shared_id.as_ref())?, deal)))
                };
                let mut tickets: Vec<(ProjectId, &CrmTicket)> = linked()
                    .flat_map(|(id, deal)| deal.tickets.iter().map(move |ticket| (id.clone(), ticket)))
                    .collect();
                tickets.sort_by_key(|(_, ticket)| ticket.id);
                let nothing = None::<Decimal>;
                let row = |(id, ticket): (ProjectId, &CrmTicket)| {
                    (id.clone(), line![self.crm_ticket(ticket, Some(id)), nothing, nothing])
                };
                answers(grouped(linked().map(|(id, _)| id), tickets.into_iter().map(row)))
            }
            Tickets::Issues => self.of_projects(|projects| {
                let of = |issue: &&Issue| projects.iter().any(|project| project.id == issue.project);
                let mut issues: Vec<&Issue> = self.company.issues.iter().filter(of).collect();
                issues.sort_by_key(|issue| issue.id);
                let id = projects.first().and_then(|project| shared_id(project.shared_id.as_ref()));
                let line = |issue: &&Issue| {
                    // What stands on a parent is the sum of its parts, and not its own.
                    let own = !self.company.issues.iter().any(|other| other.parent == Some(issue.id));
                    let estimate = issue.estimated_hours.filter(|_| own);
                    let progress = Some(u32::from(issue.done_ratio)).filter(|_| own);
                    line![self.issue(issue, id.clone()), estimate, progress]
                };
                issues.iter().map(line).collect()
            }),
        }
    }

    fn issue(&self, issue: &Issue, project: Option<ProjectId>) -> String {
        let status = match issue.status.as_str() {
            "New" => "New".to_owned(),
            "In Progress" | "Resolved" => "InProgress".to_owned(),
            "Feedback" => "Waiting".to_owned(),
            _ if issue.closed => "Closed".to_owned(),
            other => unknown(other),
        };
        let priority = match issue.priority.as_str() {
            "Low" | "Normal" | "High" => issue.priority.clone(),
            "Urgent" | "Immediate" => "Critical".to_owned(),
            other => unknown(other),
        };
        let category = match issue.tracker.as_str() {
            "Incident" => "Incident",
            "Change request" => "ChangeRequest",
            "Support" => "Support",
            _ => "Task",
        };
        let entries = self.company.time_entries.iter().filter(|entry| entry.issue == Some(issue.id));
        line![
            issue.id,
            issue.subject,
            status,
            issue.status,
            issue.tracker,
            priority,
            category,
            None::<String>,
            self.person(issue.assignee),
            issue.created,
            issue.closed_on.filter(|_| issue.closed),
            entries.map(|entry| entry.hours).sum::<Decimal>(),
            project,
        ]
    }
}

/// The two directions of documents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Receivable,
    Payable,
}

/// Number of a kind of document in the books, if it bills or takes back.
pub(super) fn code(kind: DocumentKind) -> Option<(Side, u32)> {
    match kind {
        DocumentKind::Invoice => Some((Side::Receivable, 13)),
        DocumentKind::CreditNote => Some((Side::Receivable, 14)),
        DocumentKind::PurchaseInvoice => Some((Side::Payable, 18)),
        DocumentKind::PurchaseCreditNote => Some((Side::Payable, 19)),
        DocumentKind::PurchaseOrder => None,
    }
}

// The books.
impl Truth<'_> {
    fn local(&self) -> &String {
        &self.company.currency
    }

    /// An amount as it stands in the books: in the document's currency and in the company's.
    fn booked(&self, document: &Document, local: Decimal, foreign: Decimal) -> String {
        let own = if document.currency == *self.local() { local } else { foreign };
        line_of(own, &document.currency, local, self.local())
    }

    fn codes(&self) -> impl Iterator<Item = ProjectId> {
        self.company.ledger.projects.iter().filter_map(|(code, _)| shared_id(Some(code)))
    }

    /// Documents of one direction, in the order of record IDs.
    fn documents(&self, side: Side) -> Vec<(u32, &Document)> {
        let documents = self.company.ledger.documents.iter();
        let mut all: Vec<(u32, &Document)> = documents
            .filter_map(|document| code(document.kind).filter(|(of, _)| *of == side).map(|(_, code)| (code, document)))
            .collect();
        all.sort_by_key(|(code, document)| (*code, document.entry));
        all
    }

    pub(super) fn invoices(&self, side: Side) -> Answers {
        let answer = |(code, document): (u32, &Document)| {
            let id = (self.system.invoice_id)(code, document.entry);
            let payments = (side == Side::Receivable).then(|| self.payments(document));
            (id, Ok(vec![line![self.invoice(code, document), payments]]))
        };
        self.documents(side).into_iter().map(answer).collect()
    }

    pub(super) fn invoice_list(&self, side: Side) -> Vec<String> {
        self.documents(side).into_iter().map(|(code, document)| self.invoice(code, document)).collect()
    }

    pub(super) fn invoices_by_project(&self, side: Side) -> Answers {
        let rows = self.documents(side).into_iter().flat_map(|(code, document)| {
            let projects = projects_of(document);
            let whole = projects.len() == 1;
            let row = move |id: ProjectId| {
                let lines = document.lines.iter().filter(|line| line_project(document, line).as_ref() == Some(&id));
                let (mut net, mut net_fc) = (Decimal::ZERO, Decimal::ZERO);
                for line in lines {
                    net += line.net;
                    net_fc += line.net_fc;
                }
                let invoice = self.invoice(code, document);
                let part = self.booked(document, net, net_fc);
                let line = if whole {
                    let [net, total, paid, balance] = self.amounts(document);
                    line![invoice, "whole", net, total, paid, balance]
                } else {
                    line![invoice, "part", part]
                };
                (id, line)
            };
            projects.into_iter().map(row).collect::<Vec<_>>()
        });
        answers(grouped(self.codes(), rows))
    }

    fn amounts(&self, d: &Document) -> [String; 4] {
        [
            self.booked(d, d.total - d.tax, d.total_fc - d.tax_fc),
            self.booked(d, d.total, d.total_fc),
            self.booked(d, d.paid, d.paid_fc),
            self.booked(d, d.total - d.paid, d.total_fc - d.paid_fc),
        ]
    }

    fn invoice(&self, code: u32, document: &Document) -> String {
        let state = match (document.cancelled, document.open) {
            (Cancelled::No, true) => "Open",
            (Cancelled::No, false) => "Closed",
            _ => "Void",
        };
        let [net, total, paid, balance] = self.amounts(document);
        let line = |line: &DocumentLine| {
            line![line.description, self.booked(document, line.net, line.net_fc), line_project(document, line)]
        };
        line![
            (self.system.invoice_id)(code, document.entry),
            document.number,
            if code < 18 { "Receivable" } else { "Payable" },
            if matches!(code, 13 | 18) { "Invoice" } else { "CreditNote" },
            state,
            document.card_code,
            document.card_name,
            document.date,
            document.due,
            net,
            self.booked(document, document.tax, document.tax_fc),
            total,
            paid,
            balance,
            document.lines.iter().map(line).collect::<Vec<_>>(),
            projects_of(document),
        ]
    }

    /// What came in on an invoice. Credit notes are not paid, and a cancelled payment is none.
    fn payments(&self, document: &Document) -> Vec<String> {
        let invoice = document.kind == DocumentKind::Invoice;
        let payments = self.company.ledger.payments.iter().filter(|payment| invoice && !payment.cancelled);
        let line = |payment: &model::Payment| {
            let applied: Vec<_> = payment.applied.iter().filter(|applied| applied.entry == document.entry).collect();
            let amount = applied.iter().map(|applied| applied.amount).sum();
            let amount_fc = applied.iter().map(|applied| applied.amount_fc).sum();
            let line = line![format!("24-{}", payment.entry), payment.date, self.booked(document, amount, amount_fc)];
            (!applied.is_empty()).then_some(line)
        };
        sorted(payments.filter_map(line).collect())
    }

    /// Lines of bills less those of their credit notes, open lines of orders, and what was posted by hand; by date.
    pub(super) fn costs(&self) -> Answers {
        let mut costs: Vec<(ProjectId, jiff::civil::Date, String, String)> = Vec::new();
        let ledger = &self.company.ledger;
        for document in ledger.documents.iter().filter(|document| document.cancelled == Cancelled::No) {
            for line in &document.lines {
                let (code, state, net, net_fc) = match document.kind {
                    DocumentKind::PurchaseInvoice => (18, "Actual", line.net, line.net_fc),
                    DocumentKind::PurchaseCreditNote => (19, "Actual", -line.net, -line.net_fc),
                    DocumentKind::PurchaseOrder if line.open => (22, "Committed", line.open_net, line.open_net_fc),
                    _ => continue,
                };
                let Some(project) = line_project(document, line) else { continue };
                let id = format!("{code}-{}-{}", document.entry, line.number);
                let amount = self.booked(document, net, net_fc);
                let cost = line![
                    id,
                    "Vendor",
                    state,
                    document.date,
                    amount,
                    line.description,
                    document.card_name,
                    document.number,
                ];
                costs.push((project, document.date, id, cost));
            }
        }
        for entry in ledger.journal.iter().filter(|entry| entry.manual) {
            for line in &entry.lines {
                let Some((kind, project)) = journal_cost(line) else { continue };
                let id = format!("30-{}-{}", entry.number, line.number);
                let amount = line.debit - line.credit;
                let amount = line_of(amount, self.local(), amount, self.local());
                let nobody = None::<String>;
                let cost = line![id, kind, "Actual", entry.date, amount, entry.memo, nobody, entry.number];
                costs.push((project, entry.date, id, cost));
            }
        }
        costs.sort_by(|(_, a, x, _), (_, b, y, _)| (a, x).cmp(&(b, y)));
        answers(grouped(self.codes(), costs.into_iter().map(|(project, _, _, cost)| (project, cost))))
    }
}

fn line_of(document: Decimal, currency: &str, company: Decimal, local: &str) -> String {
    format!("{} {currency} = {} {local}", document.text(), company.text())
}

/// The project of a line: its own, else the document's.
pub(super) fn line_project(document: &Document, line: &DocumentLine) -> Option<ProjectId> {
    shared_id(line.project.as_ref().or(document.project.as_ref()))
}

/// The projects of a document, in the order of its lines.
fn projects_of(document: &Document) -> Vec<ProjectId> {
    let mut projects: Vec<ProjectId> = Vec::new();
    for project in document.lines.iter().filter_map(|line| line_project(document, line)) {
        if !projects.contains(&project) {
            projects.push(project);
        }
    }
    projects
}

/// What a row of the journal is a cost of, and of whom: accounts that begin with 5 are labour, with 6 expenses.
pub(super) fn journal_cost(line: &JournalLine) -> Option<(&'static str, ProjectId)> {
    let kind = match line.account.as_bytes().first()? {
        b'5' => "Labour",
        b'6' => "Expense",
        _ => return None,
    };
    Some((kind, shared_id(line.project.as_ref())?))
}
