//! Customers: clients, and below them projects and sub-customers, whose names begin with the shared ID.
//!
//! Names can be searched by `LIKE` alone, one at a time. So the whole list is read, and kept for a short while: identities are
//! stable, values are not. Names that are no longer in use count too: closed projects have their invoices all the same.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout_at;

use super::client::{Client, Entity};
use super::wire::{self, Ref};
use crate::domain::{Clock, Party, ProjectId, SharedIdRule};
use crate::systems::{Call, ErrorKind, SystemError};

const CUSTOMERS: Entity = Entity { name: "Customer", operation: "customer.query" };

/// QuickBooks leaves inactive names out unless they are asked for.
const ACTIVE_OR_NOT: &str = "Active in (true, false)";

/// How long a project that is not in the list is taken for unknown.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);

/// Customers do not stand below each other more than so many levels deep; QuickBooks allows 5.
const LEVELS: usize = 10;

/// All customers of a company, by their IDs.
#[derive(Debug, Default)]
pub(super) struct Customers {
    by_id: HashMap<String, Customer>,
    by_project: HashMap<ProjectId, Vec<String>>,
}

#[derive(Debug)]
struct Customer {
    name: Option<String>,
    parent: Option<String>,
    /// The shared ID in its name.
    own: Option<ProjectId>,
}

/// Whom something is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A project.
    Project(ProjectId),
    /// No project with a shared ID.
    Nobody,
    /// A customer or project that is not among the customers. If this customer is known, it may be any of the customer's; else
    /// any at all.
    Lost(Option<String>),
}

impl Customers {
    pub(super) fn new(rows: Vec<wire::Customer>, rule: &SharedIdRule) -> Self {
        let mut customers = Self::default();
        for row in rows {
            let own = row.display_name.as_deref().and_then(|name| shared_id(name, rule));
            let parent = row.parent_ref.and_then(|parent| parent.value);
            customers.by_id.insert(row.id, Customer { name: row.display_name, parent, own });
        }
        for id in customers.by_id.keys() {
            if let Some(project) = customers.project(id) {
                customers.by_project.entry(project.clone()).or_default().push(id.clone());
            }
        }
        for ids in customers.by_project.values_mut() {
            ids.sort_unstable();
        }
        customers
    }

    /// Whether there is a customer for this project.
    pub(super) fn knows(&self, project: &ProjectId) -> bool {
        self.by_project.contains_key(project)
    }

    /// The customers whose documents can be for one of these projects, in their order: those with the ID, and those they stand
    /// below, which a document may name beside a `ProjectRef`.
    pub(super) fn of_projects(&self, projects: &[ProjectId]) -> Vec<&str> {
        let own = projects.iter().filter_map(|project| self.by_project.get(project)).flatten();
        let all: HashSet<&str> = own.flat_map(|id| self.upwards(id).map(|(id, _)| id)).collect();
        let mut all: Vec<&str> = all.into_iter().collect();
        all.sort_unstable();
        all
    }

    /// Whether a customer that is named is not in the list: it may be younger.
    pub(super) fn lacks(&self, customer: Option<&Ref>) -> bool {
        value(customer).is_some_and(|id| !self.by_id.contains_key(id))
    }

    /// Whether a project stands below this customer.
    pub(super) fn stands_below(&self, project: &ProjectId, customer: &str) -> bool {
        let own = self.by_project.get(project).into_iter().flatten();
        own.into_iter().any(|id| self.upwards(id).any(|(above, _)| above == customer))
    }

    /// Whom a document or a line is for. `CustomerRef` names a project as a customer; `ProjectRef`, where there is one, by an ID
    /// that may be the customer's or not.
    pub(super) fn place(&self, customer: Option<&Ref>, project: Option<&Ref>) -> Place {
        let lacks = self.lacks(customer);
        let (customer, named) = (value(customer), value(project));
        if let Some(project) = customer.and_then(|id| self.project(id)) {
            return Place::Project(project.clone());
        }
        match named {
            None if lacks => Place::Lost(None),
            None => Place::Nobody,
            Some(id) if self.by_id.contains_key(id) => self.project(id).cloned().map_or(Place::Nobody, Place::Project),
            Some(_) => Place::Lost(customer.filter(|_| !lacks).map(str::to_owned)),
        }
    }

    /// Who owes: the customer above the projects.
    pub(super) fn client(&self, customer: Option<&Ref>) -> Option<Box<Party>> {
        let customer = customer?;
        let id = customer.value.as_deref()?;
        let of_project = self.project(id).cloned();
        let above = self.upwards(id).find(|(id, _)| of_project.is_none() || self.project(id).is_none());
        let Some((id, found)) = above.or_else(|| self.upwards(id).last()) else {
            // It is younger than the list.
            return Some(Box::new(Party { id: Some(id.into()), name: customer.name.clone().map(Into::into) }));
        };
        Some(Box::new(Party { id: Some(id.into()), name: found.name.clone().map(Into::into) }))
    }

    /// The project of a customer: by its own name, else by that of the nearest one it stands below.
    fn project(&self, id: &str) -> Option<&ProjectId> {
        self.upwards(id).find_map(|(_, customer)| customer.own.as_ref())
    }

    /// A customer, and those it stands below, the nearest first.
    fn upwards<'a>(&'a self, id: &str) -> impl Iterator<Item = (&'a str, &'a Customer)> {
        let first = self.by_id.get_key_value(id);
        let next = |(_, customer): &(&'a String, &'a Customer)| self.by_id.get_key_value(customer.parent.as_ref()?);
        std::iter::successors(first, next).take(LEVELS).map(|(id, customer)| (id.as_str(), customer))
    }
}

fn value(reference: Option<&Ref>) -> Option<&str> {
    reference?.value.as_deref().filter(|value| !value.trim().is_empty())
}

/// The shared ID in a name: the whole of it, or its first word, as in `PRJ-2025-014 Harbour roof`.
fn shared_id(name: &str, rule: &SharedIdRule) -> Option<ProjectId> {
    let first = name.split_whitespace().next()?.trim_end_matches([',', ';', ':']);
    rule.parse(name).or_else(|_| rule.parse(first)).ok()
}

/// The list, kept for a while.
pub(super) struct Directory {
    clock: Arc<dyn Clock>,
    rule: SharedIdRule,
    ttl: Duration,
    /// When it was read, and what was in it.
    kept: Mutex<Option<(Duration, Arc<Customers>)>>,
}

impl Directory {
    pub(super) fn new(clock: Arc<dyn Clock>, rule: SharedIdRule, ttl: Duration) -> Self {
        Self { clock, rule, ttl, kept: Mutex::new(None) }
    }

    /// The customers. Whoever finds the list too old reads it, and the others wait; if one of `wanted` is not in it, it is too
    /// old sooner.
    pub(super) async fn customers(
        &self,
        client: &Client,
        call: &Call,
        wanted: &[ProjectId],
    ) -> Result<Arc<Customers>, SystemError> {
        let mut kept = timeout_at(call.deadline, self.kept.lock())
            .await
            .map_err(|_| client.error(CUSTOMERS.operation, ErrorKind::Deadline))?;
        let now = self.clock.monotonic();
        if let Some((read, customers)) = &*kept {
            let age = now.saturating_sub(*read);
            let all_known = wanted.iter().all(|project| customers.knows(project));
            if age < self.ttl && (all_known || age < UNKNOWN_FOR) {
                return Ok(Arc::clone(customers));
            }
        }
        self.read(client, call, &mut kept).await
    }

    /// The customers, read anew because records name some that are not in this list; unless somebody has done so meanwhile.
    pub(super) async fn younger(
        &self,
        client: &Client,
        call: &Call,
        old: &Arc<Customers>,
        lacking: impl Fn(&Customers) -> bool,
    ) -> Result<Arc<Customers>, SystemError> {
        let mut kept = timeout_at(call.deadline, self.kept.lock())
            .await
            .map_err(|_| client.error(CUSTOMERS.operation, ErrorKind::Deadline))?;
        match &*kept {
            Some((_, customers)) if !Arc::ptr_eq(customers, old) && !lacking(customers) => Ok(Arc::clone(customers)),
            _ => self.read(client, call, &mut kept).await,
        }
    }

    async fn read(
        &self,
        client: &Client,
        call: &Call,
        kept: &mut Option<(Duration, Arc<Customers>)>,
    ) -> Result<Arc<Customers>, SystemError> {
        let now = self.clock.monotonic();
        let rows = client.all(call, &CUSTOMERS, ACTIVE_OR_NOT).await?;
        let customers = Arc::new(Customers::new(rows, &self.rule));
        *kept = Some((now, Arc::clone(&customers)));
        Ok(customers)
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use compact_str::CompactString;

    use super::*;

    fn rule() -> SharedIdRule {
        SharedIdRule::new(Regex::new(r"^PRJ-\d{4}-\d{3}$").unwrap(), &["trim", "uppercase"])
    }

    fn id(text: &str) -> ProjectId {
        rule().parse(text).unwrap()
    }

    fn reference(id: &str) -> Ref {
        Ref { value: Some(id.to_owned()), name: Some("as the document says".to_owned()) }
    }

    fn customers(rows: &[(&str, &str, Option<&str>)]) -> Customers {
        let row = |(id, name, parent): &(&str, &str, Option<&str>)| wire::Customer {
            id: (*id).to_owned(),
            display_name: Some((*name).to_owned()),
            parent_ref: parent.map(reference),
        };
        Customers::new(rows.iter().map(row).collect(), &rule())
    }

    fn company() -> Customers {
        customers(&[
            ("1", "Acme", None),
            ("2", "prj-2025-001 Harbour roof", Some("1")),
            ("3", "Second phase", Some("2")),
            ("4", "PRJ-2025-002: Pier (deleted)", Some("1")),
            ("5", "PRJ-2025-003", None),
            ("6", "About PRJ-2025-001", Some("1")),
            ("7", "Runs in a circle", Some("8")),
            ("8", "So does this", Some("7")),
            ("9", "PRJ-2025-001 of the other subsidiary", Some("10")),
            ("10", "Acme abroad", None),
        ])
    }

    #[test]
    fn a_project_is_known_by_the_first_word_of_its_name_or_of_one_it_stands_below() {
        let company = company();
        let place = |customer| company.place(Some(&reference(customer)), None);
        for (customer, project) in [("2", "001"), ("3", "001"), ("4", "002"), ("5", "003"), ("9", "001")] {
            assert_eq!(place(customer), Place::Project(id(&format!("PRJ-2025-{project}"))), "{customer}");
        }
        for customer in ["1", "6", "7"] {
            assert_eq!(place(customer), Place::Nobody, "{customer}");
        }
        assert_eq!(place("99"), Place::Lost(None), "younger than the list: it may be any project");
        assert!(company.lacks(Some(&reference("99"))) && !company.lacks(Some(&reference("1"))) && !company.lacks(None));
        assert_eq!(company.of_projects(&[id("PRJ-2025-001"), id("PRJ-2025-009")]), ["1", "10", "2", "3", "9"]);
        assert!(!company.knows(&id("PRJ-2025-009")));
    }

    #[test]
    fn a_project_named_by_project_ref_is_found_or_known_to_be_lost() {
        let company = company();
        let place = |customer, project| company.place(Some(&reference(customer)), Some(&reference(project)));
        assert_eq!(place("1", "4"), Place::Project(id("PRJ-2025-002")));
        assert_eq!(place("2", "39298034"), Place::Project(id("PRJ-2025-001")), "the customer says it already");
        assert_eq!(place("1", "39298034"), Place::Lost(Some("1".to_owned())));
        assert_eq!(place("99", "39298034"), Place::Lost(None));
        assert_eq!(place("99", "4"), Place::Project(id("PRJ-2025-002")));
        assert_eq!(place("1", "6"), Place::Nobody, "a project without a shared ID");
        assert_eq!(company.place(None, Some(&reference("39298034"))), Place::Lost(None));
        assert!(company.stands_below(&id("PRJ-2025-002"), "1") && !company.stands_below(&id("PRJ-2025-003"), "1"));
    }

    #[test]
    fn the_client_is_the_customer_above_the_projects() {
        let company = company();
        let client = |customer| {
            let party = company.client(Some(&reference(customer))).unwrap();
            (party.id.unwrap().to_string(), party.name.unwrap())
        };
        let known = |id: &str, name: &str| (id.to_owned(), CompactString::new(name));
        assert_eq!(client("3"), known("1", "Acme"));
        assert_eq!(client("6"), known("6", "About PRJ-2025-001"));
        assert_eq!(client("5"), known("5", "PRJ-2025-003"));
        assert_eq!(client("99"), known("99", "as the document says"));
        assert!(company.client(None).is_none());
    }
}
