//! Where records stand in the company's books, so that a question for forty projects does not read all documents.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::filter::Filter;
use super::records::{Record, Set};
use super::value::Value;
use crate::demo::company::model::{Company, DocumentKind};

/// A business partner, gathered from the customers and from the documents of vendors.
#[derive(Debug)]
pub(super) struct Partner {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) currency: String,
    pub(super) country: Option<String>,
    pub(super) website: Option<String>,
}

/// Positions of records, in the order of their keys.
#[derive(Debug, Default)]
pub(super) struct Index {
    revision: u64,
    size: [usize; 6],
    keys: HashMap<Set, Vec<(i64, usize)>>,
    projects: HashMap<String, Vec<usize>>,
    by_project: HashMap<String, Vec<usize>>,
    journal_by_project: HashMap<String, Vec<usize>>,
    payments_by_card: HashMap<String, Vec<usize>>,
    partners: Vec<Partner>,
}

impl Index {
    pub(super) fn new(company: &Company) -> Self {
        let ledger = &company.ledger;
        let mut index = Self { revision: company.revision, size: size(company), ..Self::default() };
        for set in Set::ALL {
            if let Some(kind) = set.document_kind() {
                index.keys.insert(
                    set,
                    sorted(ledger.documents.iter().map(|document| (document.kind == kind).then_some(document.entry))),
                );
            }
        }
        index.keys.insert(Set::Drafts, sorted(ledger.drafts.iter().map(|draft| Some(draft.entry))));
        index.keys.insert(Set::IncomingPayments, sorted(ledger.payments.iter().map(|payment| Some(payment.entry))));
        index.keys.insert(Set::JournalEntries, sorted(ledger.journal.iter().map(|entry| Some(entry.number))));
        for (at, (code, _)) in ledger.projects.iter().enumerate() {
            index.projects.entry(code.clone()).or_default().push(at);
        }
        for (at, document) in ledger.documents.iter().enumerate() {
            let projects: HashSet<&str> = document
                .lines
                .iter()
                .filter_map(|line| line.project.as_deref())
                .chain(document.project.as_deref())
                .collect();
            for project in projects {
                index.by_project.entry(project.to_owned()).or_default().push(at);
            }
        }
        for (at, entry) in ledger.journal.iter().enumerate() {
            let projects: HashSet<&str> = entry.lines.iter().filter_map(|line| line.project.as_deref()).collect();
            for project in projects {
                index.journal_by_project.entry(project.to_owned()).or_default().push(at);
            }
        }
        for (at, payment) in ledger.payments.iter().enumerate() {
            index.payments_by_card.entry(payment.card_code.clone()).or_default().push(at);
        }
        index.partners = partners(company);
        index
    }

    /// Whether the books are still those of which the index was made.
    pub(super) fn fits(&self, company: &Company) -> bool {
        self.revision == company.revision && self.size == size(company)
    }

    /// The journal entries with a row for this project.
    pub(super) fn journal(&self, project: &str) -> &[usize] {
        self.journal_by_project.get(project).map_or(&[], Vec::as_slice)
    }

    /// The records that can meet a condition, in the order of their keys. `prefix` stands before field names, as in
    /// `Invoices/Project`; `line` names the project field of the rows, where the condition speaks of rows too.
    pub(super) fn candidates<'a>(
        &'a self,
        company: &'a Company,
        set: Set,
        filter: Option<&Filter>,
        prefix: &str,
        line: Option<&str>,
    ) -> Box<dyn Iterator<Item = Record<'a>> + 'a> {
        let ledger = &company.ledger;
        match set {
            Set::Projects => match filter.and_then(|filter| filter.values(&["Code"])) {
                Some(codes) => Box::new(
                    lookup(&self.projects, &codes)
                        .into_iter()
                        .filter_map(|at| ledger.projects.get(at).map(Record::Project)),
                ),
                None => Box::new(ledger.projects.iter().map(Record::Project)),
            },
            Set::BusinessPartners => Box::new(self.partners.iter().map(Record::Partner)),
            _ => Box::new(
                self.positions(company, set, filter, prefix, line)
                    .into_iter()
                    .filter_map(move |at| record(company, set, at)),
            ),
        }
    }

    fn positions(
        &self,
        company: &Company,
        set: Set,
        filter: Option<&Filter>,
        prefix: &str,
        line: Option<&str>,
    ) -> Vec<usize> {
        let all = self.keys.get(&set).map_or(&[][..], Vec::as_slice);
        let Some(filter) = filter else { return all.iter().map(|(_, at)| *at).collect() };
        let key = format!("{prefix}{}", set.key());
        if let Some(keys) = filter.values(&[&key]) {
            let keys: HashSet<i64> = keys
                .into_iter()
                .filter_map(|value| match value {
                    Value::Int(key) => Some(*key),
                    Value::Text(key) => key.parse().ok(),
                    _ => None,
                })
                .collect();
            let mut keys: Vec<i64> = keys.into_iter().collect();
            keys.sort_unstable();
            return keys
                .into_iter()
                .filter_map(|key| all.binary_search_by_key(&key, |(key, _)| *key).ok().and_then(|at| all.get(at)))
                .map(|(_, at)| *at)
                .collect();
        }
        let header = format!("{prefix}Project");
        let projects: Vec<&str> = [header.as_str()].into_iter().chain(line).collect();
        let card = format!("{prefix}CardCode");
        let found: Option<Vec<usize>> = if let Some(kind) = set.document_kind() {
            filter.values(&projects).map(|values| {
                lookup(&self.by_project, &values)
                    .into_iter()
                    .filter(|at| company.ledger.documents.get(*at).is_some_and(|document| document.kind == kind))
                    .collect()
            })
        } else if set == Set::IncomingPayments {
            filter.values(&[&card]).map(|values| lookup(&self.payments_by_card, &values))
        } else {
            None
        };
        if let Some(mut found) = found {
            found.sort_unstable_by_key(|at| record(company, set, *at).map(|record| key_of(record, set)));
            return found;
        }
        let first = filter.greater_than(&key).map_or(0, |bound| all.partition_point(|(key, _)| *key <= bound));
        all.get(first..).unwrap_or(&[]).iter().map(|(_, at)| *at).collect()
    }
}

fn size(company: &Company) -> [usize; 6] {
    let ledger = &company.ledger;
    [
        company.clients.len(),
        ledger.projects.len(),
        ledger.documents.len(),
        ledger.payments.len(),
        ledger.journal.len(),
        ledger.drafts.len(),
    ]
}

fn sorted(keys: impl Iterator<Item = Option<u32>>) -> Vec<(i64, usize)> {
    let mut sorted: Vec<(i64, usize)> =
        keys.enumerate().filter_map(|(at, key)| key.map(|key| (i64::from(key), at))).collect();
    sorted.sort_unstable();
    sorted
}

/// Positions under any of the values, each once: a document can stand under several projects.
fn lookup(index: &HashMap<String, Vec<usize>>, values: &HashSet<&Value<'static>>) -> Vec<usize> {
    let mut found: Vec<usize> = values
        .iter()
        .filter_map(|value| match value {
            Value::Text(text) => index.get(text.as_ref()),
            _ => None,
        })
        .flatten()
        .copied()
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn record(company: &Company, set: Set, at: usize) -> Option<Record<'_>> {
    let ledger = &company.ledger;
    match set {
        Set::Drafts => ledger.drafts.get(at).map(Record::Draft),
        Set::IncomingPayments => ledger.payments.get(at).map(|payment| Record::Payment(payment, company)),
        Set::JournalEntries => ledger.journal.get(at).map(Record::Journal),
        _ => ledger.documents.get(at).map(Record::Document),
    }
}

fn key_of(record: Record<'_>, set: Set) -> i64 {
    match record.field(set.key()) {
        Value::Int(key) => key,
        _ => 0,
    }
}

fn partners(company: &Company) -> Vec<Partner> {
    let customers = company.clients.iter().map(|client| Partner {
        code: format!("C{:05}", client.id),
        name: client.name.clone(),
        currency: client.currency.clone(),
        country: Some(client.country.clone()),
        website: Some(client.domain.clone()),
    });
    let vendors: BTreeMap<&str, &str> = company
        .ledger
        .documents
        .iter()
        .filter(|document| matches!(document.kind, DocumentKind::PurchaseInvoice | DocumentKind::PurchaseOrder))
        .map(|document| (document.card_code.as_str(), document.card_name.as_str()))
        .collect();
    let vendors = vendors.into_iter().map(|(code, name)| Partner {
        code: code.to_owned(),
        name: name.to_owned(),
        currency: company.currency.clone(),
        country: None,
        website: None,
    });
    customers.chain(vendors).collect()
}
