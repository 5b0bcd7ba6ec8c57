//! The set `DataQuality`: how many records of each kind have a flaw that keeps them out of figures.

use std::collections::{BTreeMap, HashSet};

use super::pages::page;
use super::{Row, Steps, text};
use crate::domain::{
    Deal, DealQuery, Flaw, FlawKind, Invoice, InvoiceQuery, InvoiceState, Link, Project, ProjectId, ProjectQuery,
    ProjectStatus,
};
use crate::reads::{Owner, ReadOptions};
use crate::reports::{Cell, Column, ColumnKind, ReportError, Reports};

pub(super) const DESCRIPTION: &str = "How many records have something wrong that keeps them out of figures, by connection. A \
                                      finding with 0 records is listed: it was looked for.";

pub(super) const COLUMNS: &[Column] = &[
    Column::new(
        "id",
        "Finding ID",
        ColumnKind::Text,
        "Connection, kind of record and finding, e.g. `hubspot/deal/NOT_LINKED`.",
    ),
    Column::new("connection", "Connection", ColumnKind::Text, "The connection that owns the records."),
    Column::new("system", "System", ColumnKind::Text, "Its kind, e.g. `hubspot`."),
    Column::new("record", "Record", ColumnKind::Text, "deal, project, invoice or bill."),
    Column::new(
        "finding",
        "Finding",
        ColumnKind::Text,
        "NOT_LINKED: a deal without a shared ID. MALFORMED_ID: a deal with one nobody can read. UNKNOWN_STATE: in a state nobody \
         has mapped. DUPLICATE_ID: a project with an ID that another has too. MISSING_CURRENCY: an amount without a currency. UNREADABLE: a field that cannot be read.",
    ),
    Column::new("records", "Records", ColumnKind::Count, "How many records it concerns."),
    Column::new("looked_at", "Looked at", ColumnKind::Count, "How many records were looked at."),
];

/// What was found, by connection and kind of record.
#[derive(Debug, Default)]
struct Findings(BTreeMap<(String, &'static str), Tally>);

#[derive(Debug, Default)]
struct Tally {
    system: &'static str,
    looked_at: usize,
    found: BTreeMap<&'static str, usize>,
}

impl Findings {
    fn note(&mut self, owner: &Owner, record: &'static str, kinds: &[&'static str], found: &[(&'static str, bool)]) {
        let tally = self.0.entry((owner.connection.to_string(), record)).or_default();
        tally.system = owner.system;
        for kind in kinds {
            tally.found.entry(kind).or_default();
        }
        tally.looked_at += usize::from(!found.is_empty());
        for (kind, _) in found.iter().filter(|(_, is)| *is) {
            *tally.found.entry(kind).or_default() += 1;
        }
    }

    fn rows(self) -> Vec<Row> {
        let mut rows = Vec::new();
        for ((connection, record), tally) in self.0 {
            for (finding, records) in tally.found {
                rows.push(vec![
                    text(Some(format!("{connection}/{record}/{finding}"))),
                    text(Some(&connection)),
                    text(Some(tally.system)),
                    text(Some(record)),
                    text(Some(finding)),
                    Cell::count(records),
                    Cell::count(tally.looked_at),
                ]);
            }
        }
        rows
    }
}

const LINKS: [&str; 2] = ["NOT_LINKED", "MALFORMED_ID"];
const RECORDS: [&str; 3] = ["UNKNOWN_STATE", "MISSING_CURRENCY", "UNREADABLE"];

fn flawed(unknown_state: bool, flaws: &[Flaw]) -> [(&'static str, bool); 3] {
    let missing = |flaw: &Flaw| flaw.kind == FlawKind::MissingCurrency;
    [
        ("UNKNOWN_STATE", unknown_state),
        ("MISSING_CURRENCY", flaws.iter().any(missing)),
        ("UNREADABLE", !flaws.iter().all(missing)),
    ]
}

fn of_deal(deal: &Deal) -> Vec<(&'static str, bool)> {
    let mut found = flawed(deal.status.is_none(), &deal.flaws).to_vec();
    found.push(("NOT_LINKED", deal.link == Link::None));
    found.push(("MALFORMED_ID", matches!(deal.link, Link::Malformed(_))));
    found
}

fn of_project(project: &Project, seen: &mut HashSet<ProjectId>) -> Vec<(&'static str, bool)> {
    let mut found = flawed(matches!(project.status, ProjectStatus::Unknown(_)), &project.flaws).to_vec();
    found.push(("DUPLICATE_ID", !seen.insert(project.id.clone())));
    found
}

fn of_invoice(invoice: &Invoice) -> [(&'static str, bool); 3] {
    flawed(matches!(invoice.state, InvoiceState::Unknown(_)), &invoice.flaws)
}

impl Reports {
    /// Looks at every deal, project and document, a page at a time.
    pub(super) async fn quality_rows(&self, options: &ReadOptions) -> Result<Vec<Row>, ReportError> {
        let mut findings = Findings::default();
        let fresh = || ReadOptions { at_hand: std::sync::Arc::default(), ..options.clone() };
        if let Some(commercial) = &self.reads.commercial {
            let readers = [(&commercial.owner, &commercial.deal_pages)];
            findings.note(&commercial.owner, "deal", &[LINKS.as_slice(), &RECORDS].concat(), &[]);
            let mut steps = Steps::default();
            while let Some(at) = steps.step()? {
                let Some(page) = page(&readers, DealQuery::default(), &at, &fresh()).await? else { break };
                page.items.iter().for_each(|deal| findings.note(page.owner, "deal", &[], &of_deal(deal)));
                steps.go_on(page.next);
            }
        }
        let readers: Vec<_> =
            self.reads.delivery.all().map(|delivery| (&delivery.owner, &delivery.project_pages)).collect();
        let kinds = [["DUPLICATE_ID"].as_slice(), &RECORDS].concat();
        for (owner, _) in &readers {
            findings.note(owner, "project", &kinds, &[]);
        }
        let mut seen = HashSet::new();
        let mut steps = Steps::default();
        while let Some(at) = steps.step()? {
            let Some(page) = page(&readers, ProjectQuery::default(), &at, &fresh()).await? else { break };
            let own = page.items.iter().filter(|project| self.is_owned(project, page.owner));
            own.for_each(|project| findings.note(page.owner, "project", &[], &of_project(project, &mut seen)));
            steps.go_on(page.next);
        }
        for (direction, invoices) in self.invoice_owners(None) {
            let record = super::invoices::node(direction).as_str();
            findings.note(&invoices.owner, record, &RECORDS, &[]);
            let readers = [(&invoices.owner, &invoices.pages)];
            let query = InvoiceQuery { direction: Some(direction), ..InvoiceQuery::default() };
            let mut steps = Steps::default();
            while let Some(at) = steps.step()? {
                let Some(page) = page(&readers, query.clone(), &at, &fresh()).await? else { break };
                let own = page.items.iter().filter(|invoice| self.is_of(invoice, page.owner));
                own.for_each(|invoice| findings.note(page.owner, record, &[], &of_invoice(invoice)));
                steps.go_on(page.next);
            }
        }
        Ok(findings.rows())
    }
}
