//! The lists of the company and where transactions stand in its books, so that a question for fifty customers does not read
//! all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rust_decimal::Decimal;

use super::entity::Entity;
use crate::demo::company::model::{Cancelled, Company, Document, DocumentKind, TimeEntry};

/// A customer: a client, or a project below one.
#[derive(Debug)]
pub(super) struct Customer {
    pub(super) id: u64,
    pub(super) name: String,
    /// The client it stands below, and whether it is a project by that.
    pub(super) parent: Option<u64>,
    pub(super) is_project: bool,
    pub(super) active: bool,
    pub(super) currency: String,
}

/// Numbers of projects begin here; those of clients are below.
const FIRST_PROJECT: u64 = 1_000_001;

/// Positions of records, in the order of their IDs.
#[derive(Debug, Default)]
pub(super) struct Index {
    revision: u64,
    size: [usize; 6],
    pub(super) customers: Vec<Customer>,
    customer_at: HashMap<u64, usize>,
    of_code: HashMap<String, u64>,
    /// Number and name.
    pub(super) vendors: BTreeMap<u64, String>,
    /// Numbers of the chart.
    pub(super) accounts: BTreeSet<String>,
    /// By ID.
    positions: HashMap<Entity, BTreeMap<u64, usize>>,
    by_customer: HashMap<(Entity, u64), Vec<u64>>,
    /// The payments of each invoice.
    pub(super) payments_of: HashMap<u32, Vec<u32>>,
    /// Rates of payments: those of the first invoice that they pay.
    pub(super) payment_rates: HashMap<u32, Decimal>,
    code_of_project: HashMap<u32, String>,
}

impl Index {
    pub(super) fn new(company: &Company) -> Self {
        let mut index = Self { revision: company.revision, size: size(company), ..Self::default() };
        index.list_customers(company);
        let ledger = &company.ledger;
        for (at, document) in ledger.documents.iter().enumerate() {
            let is_vendor = Entity::of(document.kind).is_purchase();
            if is_vendor && let Some(id) = number(&document.card_code) {
                index.vendors.entry(id).or_insert_with(|| document.card_name.clone());
            }
            // There is no second document: what is cancelled is voided where it stands.
            if document.cancelled != Cancelled::Cancellation {
                index.put(Entity::of(document.kind), u64::from(document.entry), at, document);
            }
        }
        for (at, draft) in ledger.drafts.iter().enumerate() {
            index.put(Entity::Estimate, u64::from(draft.entry), at, draft);
        }
        let rates: HashMap<u32, Decimal> = ledger
            .documents
            .iter()
            .filter(|document| document.kind == DocumentKind::Invoice)
            .map(|document| (document.entry, document.rate))
            .collect();
        for (at, payment) in ledger.payments.iter().enumerate() {
            let id = u64::from(payment.entry);
            index.positions.entry(Entity::Payment).or_default().insert(id, at);
            if let Some(customer) = number(&payment.card_code) {
                index.by_customer.entry((Entity::Payment, customer)).or_default().push(id);
            }
            if let Some(rate) = payment.applied.first().and_then(|applied| rates.get(&applied.entry)) {
                index.payment_rates.insert(payment.entry, *rate);
            }
            for applied in payment.applied.iter().filter(|_| !payment.cancelled) {
                index.payments_of.entry(applied.entry).or_default().push(payment.entry);
            }
        }
        for (at, entry) in ledger.journal.iter().enumerate().filter(|(_, entry)| entry.manual) {
            index.positions.entry(Entity::JournalEntry).or_default().insert(u64::from(entry.number), at);
            index.accounts.extend(entry.lines.iter().map(|line| line.account.clone()));
        }
        index.accounts.extend(["1200", "2100", "4000", "5800"].map(str::to_owned));
        for (at, time) in company.time_entries.iter().enumerate() {
            if index.customer_of_time(time).is_some() {
                index.positions.entry(Entity::TimeActivity).or_default().insert(u64::from(time.id), at);
            }
        }
        index
    }

    /// Clients, and below them the projects of the books. Those that are over are not in use any more, which the vendor
    /// writes behind their names.
    fn list_customers(&mut self, company: &Company) {
        for client in &company.clients {
            self.add(Customer {
                id: u64::from(client.id),
                name: client.name.clone(),
                parent: None,
                is_project: false,
                active: true,
                currency: client.currency.clone(),
            });
        }
        let mut client_of: HashMap<&str, u64> = HashMap::new();
        for document in company.ledger.documents.iter().filter(|document| !Entity::of(document.kind).is_purchase()) {
            if let (Some(code), Some(client)) = (document.project.as_deref(), number(&document.card_code)) {
                client_of.entry(code).or_insert(client);
            }
        }
        for deal in &company.deals {
            if let (Some(code), Some(client)) = (deal.shared_id.as_deref(), deal.client) {
                client_of.entry(code).or_insert(u64::from(client));
            }
        }
        let spelled = |typed: &Option<String>| typed.as_deref().map(|typed| typed.trim().to_uppercase());
        let over: HashSet<String> = company
            .projects
            .iter()
            .filter(|project| project.status != 1)
            .filter_map(|project| spelled(&project.shared_id))
            .collect();
        for (id, (code, title)) in (FIRST_PROJECT..).zip(&company.ledger.projects) {
            let active = !over.contains(code);
            let parent = client_of.get(code.as_str()).copied();
            let currency = parent.and_then(|parent| self.customer(parent)).map(|client| client.currency.clone());
            self.of_code.insert(code.clone(), id);
            self.add(Customer {
                id,
                name: format!("{code} {title}{}", if active { "" } else { " (deleted)" }),
                parent,
                is_project: true,
                active,
                currency: currency.unwrap_or_else(|| company.currency.clone()),
            });
        }
        for project in &company.projects {
            if let Some(code) = spelled(&project.shared_id) {
                self.code_of_project.insert(project.id, code);
            }
        }
    }

    fn add(&mut self, customer: Customer) {
        self.customer_at.insert(customer.id, self.customers.len());
        self.customers.push(customer);
    }

    fn put(&mut self, entity: Entity, id: u64, at: usize, document: &Document) {
        self.positions.entry(entity).or_default().insert(id, at);
        if let Some(customer) = self.customer_of(document).filter(|_| !entity.is_purchase()) {
            self.by_customer.entry((entity, customer)).or_default().push(id);
        }
    }

    /// Whether the books are still those of which the index was made.
    pub(super) fn fits(&self, company: &Company) -> bool {
        self.revision == company.revision && self.size == size(company)
    }

    pub(super) fn customer(&self, id: u64) -> Option<&Customer> {
        self.customers.get(*self.customer_at.get(&id)?)
    }

    /// The customer of a project.
    pub(super) fn of_code(&self, code: Option<&str>) -> Option<u64> {
        self.of_code.get(code?).copied()
    }

    /// The customer of a sale: its project, else the client.
    pub(super) fn customer_of(&self, document: &Document) -> Option<u64> {
        self.of_code(document.project.as_deref()).or_else(|| number(&document.card_code))
    }

    pub(super) fn customer_of_time(&self, time: &TimeEntry) -> Option<u64> {
        self.of_code(self.code_of_project.get(&time.project).map(String::as_str))
    }

    /// IDs and positions of transactions, in the order of IDs: all, or those with one of these IDs or customers.
    pub(super) fn transactions(
        &self,
        entity: Entity,
        ids: Option<&[String]>,
        customers: Option<&[String]>,
    ) -> Vec<usize> {
        let Some(all) = self.positions.get(&entity) else { return Vec::new() };
        let chosen: Option<BTreeSet<u64>> = match (ids, customers) {
            (Some(ids), _) => Some(ids.iter().filter_map(|id| id.parse().ok()).collect()),
            (None, Some(customers)) => {
                let of = |customer: &String| self.by_customer.get(&(entity, customer.parse().ok()?));
                Some(customers.iter().filter_map(of).flatten().copied().collect())
            }
            (None, None) => None,
        };
        match chosen {
            Some(ids) => ids.iter().filter_map(|id| all.get(id)).copied().collect(),
            None => all.values().copied().collect(),
        }
    }
}

/// The number in a code such as `C00001`.
pub(super) fn number(code: &str) -> Option<u64> {
    code.get(1..)?.parse().ok()
}

fn size(company: &Company) -> [usize; 6] {
    let ledger = &company.ledger;
    [
        company.time_entries.len(),
        ledger.projects.len(),
        ledger.documents.len(),
        ledger.payments.len(),
        ledger.journal.len(),
        ledger.drafts.len(),
    ]
}
