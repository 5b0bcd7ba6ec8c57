//! What documents refer to: currencies, the chart of accounts, projects, clients and vendors.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

use super::books::{BANK, Books, INCOME, PAYABLE, RECEIVABLE, SUBCONTRACTING, TAX, entity_id, text};
use super::sql::Value;
use crate::demo::company::model::Company;

/// Projects share the space of numbers of clients and vendors.
const JOBS: i64 = 3_000_000;

/// What an hour of anybody costs, in the company's currency.
const LABOUR_COST: Decimal = Decimal::from_parts(72_50, 0, 0, false, 2);

impl Books {
    /// Currencies, accounts, projects, clients, vendors.
    pub(super) fn lists(&mut self, company: &Company) {
        let ledger = &company.ledger;
        let documents = || ledger.documents.iter().chain(&ledger.drafts);
        let mut codes = vec![self.base.clone()];
        codes.extend(company.clients.iter().map(|client| client.currency.clone()));
        codes.extend(documents().map(|document| document.currency.clone()));
        for code in codes {
            let id = i64::try_from(self.currencies.len()).unwrap_or_default() + 1;
            if let Entry::Vacant(place) = self.currencies.entry(code.clone()) {
                place.insert(id);
                let base = code == self.base;
                self.tables.add(
                    "currency",
                    [
                        ("id", Value::Int(id)),
                        ("symbol", text(&code)),
                        ("name", text(&code)),
                        ("isbasecurrency", Value::flag(base)),
                        ("currencyprecision", Value::Int(2)),
                    ],
                );
            }
        }
        let base = self.currency(&self.base);
        self.tables.add(
            "subsidiary",
            [
                ("id", Value::Int(1)),
                ("name", text("Parent Company")),
                ("fullname", text("Parent Company")),
                ("currency", base),
                ("isinactive", Value::flag(false)),
            ],
        );
        self.tables.add(
            "accountingbook",
            [("id", Value::Int(1)), ("name", text("Primary Accounting Book")), ("isprimary", Value::flag(true))],
        );
        self.chart(company);
        let mut customer_of: HashMap<&str, i64> = HashMap::new();
        for document in documents().filter(|document| !document.card_code.starts_with('V')) {
            for project in
                document.lines.iter().filter_map(|line| line.project.as_deref()).chain(document.project.as_deref())
            {
                customer_of.entry(project).or_insert_with(|| entity_id(&document.card_code));
            }
        }
        for ((code, name), at) in ledger.projects.iter().zip(1..) {
            let id = JOBS + at;
            self.jobs.insert(code.clone(), id);
            let customer = customer_of.get(code.as_str()).map_or(Value::Null, |id| Value::Int(*id));
            self.tables.add(
                "job",
                [
                    ("id", Value::Int(id)),
                    ("entityid", text(code)),
                    ("companyname", text(name)),
                    ("altname", text(name)),
                    ("externalid", text(&format!("ext-{at}"))),
                    ("customer", customer),
                    ("isinactive", Value::flag(false)),
                    ("custentity_project_code", text(code)),
                ],
            );
            self.entity(id, code, name, "Job");
        }
        let mut partners: BTreeMap<String, (&str, &str)> = company
            .clients
            .iter()
            .map(|client| (format!("C{:05}", client.id), (client.name.as_str(), client.currency.as_str())))
            .collect();
        for document in documents() {
            partners.entry(document.card_code.clone()).or_insert((&document.card_name, &document.currency));
        }
        for (code, (name, currency)) in partners {
            let id = entity_id(&code);
            let named = [
                ("id", Value::Int(id)),
                ("entityid", text(&code)),
                ("companyname", text(name)),
                ("altname", text(name)),
                ("isinactive", Value::flag(false)),
            ];
            if code.starts_with('V') {
                self.tables.add("vendor", named);
                self.entity(id, &code, name, "Vendor");
            } else {
                let currency = self.currency(currency);
                self.tables.add("customer", named.into_iter().chain([("currency", currency)]));
                self.entity(id, &code, name, "CustJob");
            }
        }
    }

    fn entity(&mut self, id: i64, code: &str, name: &str, kind: &str) {
        self.tables.add(
            "entity",
            [
                ("id", Value::Int(id)),
                ("entityid", text(code)),
                ("altname", text(name)),
                ("type", text(kind)),
                ("isinactive", Value::flag(false)),
            ],
        );
    }

    /// The chart of accounts: what documents post to, and what entries name. Accounts that begin with 5 or 6 are expenses.
    fn chart(&mut self, company: &Company) {
        let used = company.ledger.journal.iter().flat_map(|entry| &entry.lines).map(|line| line.account.as_str());
        for account in [RECEIVABLE, PAYABLE, BANK, TAX, INCOME, SUBCONTRACTING].into_iter().chain(used) {
            if self.accounts.contains_key(account) {
                continue;
            }
            let id = i64::try_from(self.accounts.len()).unwrap_or_default() + 100;
            self.accounts.insert(account.to_owned(), id);
            let kind = match account {
                RECEIVABLE => "AcctRec",
                PAYABLE => "AcctPay",
                BANK => "Bank",
                INCOME => "Income",
                TAX => "OthCurrLiab",
                other if other.starts_with(['5', '6']) => "Expense",
                _ => "OthCurrAsset",
            };
            self.tables.add(
                "account",
                [
                    ("id", Value::Int(id)),
                    ("acctnumber", text(account)),
                    ("accttype", text(kind)),
                    ("fullname", text(account)),
                    ("isinactive", Value::flag(false)),
                ],
            );
        }
    }

    /// Hours worked, as the project tool has them: an account that posts time to its ledger keeps the entries beside it.
    pub(super) fn time(&mut self, company: &Company) {
        let codes: HashMap<u32, &str> =
            company.projects.iter().filter_map(|project| Some((project.id, project.shared_id.as_deref()?))).collect();
        for entry in &company.time_entries {
            let job = codes.get(&entry.project).and_then(|code| self.jobs.get(*code)).copied();
            let Some(job) = job else { continue };
            self.tables.add(
                "timebill",
                [
                    ("id", Value::Int(entry.id.into())),
                    ("customer", Value::Int(job)),
                    ("employee", Value::Int(entry.person.into())),
                    ("subsidiary", Value::Int(1)),
                    ("trandate", Value::Date(entry.spent_on)),
                    ("hours", Value::Number(entry.hours)),
                    ("laborcost", Value::Number(LABOUR_COST)),
                    ("timetype", text("A")),
                    ("memo", text(&entry.activity)),
                ],
            );
        }
    }
}
