//! Which project is meant: shared IDs on one side, analytic accounts and documents on the other.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures_util::future::try_join_all;

use super::config::Analytic;
use super::domain::Domain;
use super::map::{self, Projects};
use super::{MAX_NUMBERS, System, wire};
use crate::domain::{Currency, ProjectId};
use crate::systems::{Batch, Call, SystemError};

/// Analytic accounts that were looked up.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// Those that stand for a project.
    pub(super) owners: HashMap<u64, ProjectId>,
    /// Those that stand for none.
    others: BTreeSet<u64>,
}

impl Accounts {
    /// The accounts of these projects.
    pub(super) fn of<'a>(&'a self, ids: &'a [ProjectId]) -> impl Iterator<Item = u64> + 'a {
        self.owners.iter().filter(|(_, id)| ids.contains(id)).map(|(number, _)| *number)
    }
}

impl System {
    /// The field of journal items that names their analytic accounts.
    pub(super) fn line_field(&self) -> &'static str {
        match self.analytic {
            Analytic::Distribution => "analytic_distribution",
            Analytic::Account => "analytic_account_id",
        }
    }

    /// The field of order lines that names their analytic accounts.
    pub(super) fn order_field(&self) -> &'static str {
        match self.analytic {
            Analytic::Distribution => "analytic_distribution",
            Analytic::Account => "account_analytic_id",
        }
    }

    /// The analytic accounts of these projects. Several accounts with one shared ID are all of them that project's.
    pub(super) async fn accounts(&self, call: &Call, ids: &[ProjectId]) -> Result<Accounts, SystemError> {
        let field = self.shared_id.analytic_account.as_str();
        if ids.is_empty() {
            return Ok(Accounts::default());
        }
        let domain = Domain::carries(field, ids);
        let mut accounts = Accounts::default();
        self.take(
            &mut accounts,
            self.tagged(call, "analytic_accounts.list", "account.analytic.account", domain, field).await?,
        );
        accounts.owners.retain(|_, id| ids.contains(id));
        Ok(accounts)
    }

    /// Looks up the accounts among these that are not known yet.
    pub(super) async fn learn(
        &self,
        call: &Call,
        accounts: &mut Accounts,
        numbers: impl IntoIterator<Item = u64>,
    ) -> Result<(), SystemError> {
        let known = |number: &u64| accounts.owners.contains_key(number) || accounts.others.contains(number);
        let unknown: BTreeSet<u64> = numbers.into_iter().filter(|number| !known(number)).collect();
        let unknown: Vec<u64> = unknown.into_iter().collect();
        let field = self.shared_id.analytic_account.as_str();
        let reads = unknown.chunks(MAX_NUMBERS).map(|numbers| {
            let domain = Domain::one_of("id", numbers.iter().copied());
            self.tagged(call, "analytic_accounts.read", "account.analytic.account", domain, field)
        });
        for rows in try_join_all(reads).await? {
            self.take(accounts, rows);
        }
        // Those that this user may not see stand for nothing.
        accounts.others.extend(unknown.into_iter().filter(|number| !accounts.owners.contains_key(number)));
        Ok(())
    }

    fn take(&self, accounts: &mut Accounts, rows: Vec<wire::Tagged>) {
        let field = self.shared_id.analytic_account.as_str();
        for row in rows {
            match self.mapper.shared_id(field, row.texts.get(field)) {
                Some(id) => {
                    accounts.owners.insert(row.id.0, id);
                }
                None => {
                    accounts.others.insert(row.id.0);
                }
            }
        }
    }

    /// Records with a field that the configuration names.
    pub(super) async fn tagged(
        &self,
        call: &Call,
        operation: &'static str,
        model: &'static str,
        domain: Domain,
        field: &str,
    ) -> Result<Vec<wire::Tagged>, SystemError> {
        self.client.all(call, operation, model, domain, &[field]).await
    }

    /// Whose the lines of documents are, where documents carry the shared ID or their lines name accounts.
    pub(super) async fn projects_of(
        &self,
        call: &Call,
        mut accounts: Accounts,
        documents: &[u64],
        lines: &[wire::Line],
    ) -> Result<Projects, SystemError> {
        if let Some(field) = &self.shared_id.document {
            let reads = documents.chunks(MAX_NUMBERS).map(|numbers| {
                let domain = Domain::one_of("id", numbers.iter().copied());
                self.tagged(call, "documents.shared_id", "account.move", domain, field)
            });
            let rows = try_join_all(reads).await?.into_iter().flatten();
            let owner = |row: wire::Tagged| Some((row.id.0, self.mapper.shared_id(field, row.texts.get(field))?));
            return Ok(Projects::OfDocuments(rows.filter_map(owner).collect()));
        }
        let named = lines
            .iter()
            .flat_map(|line| map::accounts(line.analytic_distribution.as_ref(), line.analytic_account_id.as_ref()));
        let named: Vec<u64> = named.collect();
        self.learn(call, &mut accounts, named).await?;
        Ok(Projects::OfAccounts(accounts.owners))
    }

    /// Answers each project with its records. Those without any are answered with none if there is an analytic account
    /// for them, and not at all if there is none: 0, or unknown.
    pub(super) async fn answer<T>(
        &self,
        call: &Call,
        ids: &[ProjectId],
        records: HashMap<ProjectId, Vec<T>>,
        known: &[ProjectId],
    ) -> Batch<ProjectId, Vec<T>> {
        let known = |mut empty: Vec<ProjectId>| async move {
            let mut known: HashSet<ProjectId> = known.iter().cloned().collect();
            empty.retain(|id| !known.contains(id));
            // Where accounts led to the records, they have been asked for.
            if !empty.is_empty() && self.shared_id.document.is_some() {
                known.extend(self.accounts(call, &empty).await?.owners.into_values());
            }
            Ok(known)
        };
        Batch::of_records(ids, records, HashMap::new(), known).await
    }

    /// The currency of each company.
    pub(super) async fn currencies(&self, call: &Call) -> Result<&HashMap<u64, Option<Currency>>, SystemError> {
        self.companies
            .get_or_try_init(|| async {
                let companies: Vec<wire::Company> =
                    self.client.all(call, "companies.list", "res.company", Domain::default(), &["currency_id"]).await?;
                let pair = |company: wire::Company| (company.id.0, map::currency(company.currency_id.as_ref()));
                Ok(companies.into_iter().map(pair).collect())
            })
            .await
    }
}
