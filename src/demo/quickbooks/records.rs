//! The books in the vendor's words: which property says what.
//!
//! The home currency is stated where Intuit's schema states it: totals and balances of sales, balances of bills. Of lines and
//! taxes only the rate tells it.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::additions::Added;
use super::entity::Entity;
use super::index::{Customer, Index, number};
use super::shape::{self, Amount, Head, Line, LinkedTxn, Ref};
use super::value::Value;
use crate::demo::company::amounts::{hour_cost, round};
use crate::demo::company::model::{self, Cancelled, Company, Document, DocumentLine, JournalLine, Person};

/// A record of an entity.
#[derive(Debug, Clone, Copy)]
pub(super) enum Record<'a> {
    Document(Entity, &'a Document),
    Payment(&'a model::Payment),
    Journal(&'a model::JournalEntry),
    Time(&'a model::TimeEntry),
    Customer(&'a Customer),
    Vendor(u64, &'a str),
    Employee(&'a Person),
    Account(&'a str),
    Preferences,
    CompanyInfo,
    Added(&'a Added),
}

/// What records are told from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Books<'a> {
    pub(super) company: &'a Company,
    pub(super) index: &'a Index,
    /// What there is beside the company's books.
    pub(super) added: &'a [Added],
}

impl<'a> Books<'a> {
    /// The records of an entity in the order of their IDs; at least those with one of these IDs, or of these customers.
    pub(super) fn records(
        self,
        entity: Entity,
        ids: Option<&[String]>,
        customers: Option<&[String]>,
    ) -> Vec<Record<'a>> {
        let mut records = self.of_company(entity, ids, customers);
        let added: Vec<_> = self.added.iter().filter(|added| added.entity == entity).map(Record::Added).collect();
        if !added.is_empty() {
            records.extend(added);
            records.sort_by_key(|record| id_of(*record));
        }
        records
    }

    fn of_company(self, entity: Entity, ids: Option<&[String]>, customers: Option<&[String]>) -> Vec<Record<'a>> {
        let ledger = &self.company.ledger;
        let at = self.index.transactions(entity, ids, customers).into_iter();
        match entity {
            Entity::Invoice | Entity::CreditMemo | Entity::Bill | Entity::VendorCredit | Entity::PurchaseOrder => {
                at.filter_map(|at| Some(Record::Document(entity, ledger.documents.get(at)?))).collect()
            }
            Entity::Estimate => at.filter_map(|at| Some(Record::Document(entity, ledger.drafts.get(at)?))).collect(),
            Entity::Payment => at.filter_map(|at| Some(Record::Payment(ledger.payments.get(at)?))).collect(),
            Entity::JournalEntry => at.filter_map(|at| Some(Record::Journal(ledger.journal.get(at)?))).collect(),
            Entity::TimeActivity => {
                at.filter_map(|at| Some(Record::Time(self.company.time_entries.get(at)?))).collect()
            }
            Entity::Customer => self.index.customers.iter().map(Record::Customer).collect(),
            Entity::Vendor => self.index.vendors.iter().map(|(id, name)| Record::Vendor(*id, name)).collect(),
            Entity::Employee => self.company.people.iter().map(Record::Employee).collect(),
            Entity::Account => self.index.accounts.iter().map(|account| Record::Account(account)).collect(),
            Entity::Preferences => vec![Record::Preferences],
            Entity::CompanyInfo => vec![Record::CompanyInfo],
            // The books hold none.
            Entity::Item | Entity::Purchase | Entity::RefundReceipt | Entity::SalesReceipt => Vec::new(),
        }
    }

    /// A property that can be asked about.
    pub(super) fn property(self, record: Record<'_>, name: &str) -> Value {
        match name {
            "Id" => return Value::Id(id_of(record)),
            "MetaData.CreateTime" | "MetaData.LastUpdatedTime" => {
                let (created, updated) = self.dates(record);
                return Value::Date(if name == "MetaData.CreateTime" { created } else { updated });
            }
            _ => {}
        }
        match record {
            Record::Document(entity, document) => self.document_property(entity, document, name),
            Record::Payment(payment) => match name {
                "TxnDate" => Value::Date(payment.date),
                "CustomerRef" => number(&payment.card_code).map_or(Value::Nothing, Value::Id),
                "TotalAmt" => Value::Number(self.received(payment)),
                _ => Value::Nothing,
            },
            Record::Journal(entry) => match name {
                "TxnDate" => Value::Date(entry.date),
                "DocNumber" => Value::Text(entry.number.to_string()),
                _ => Value::Nothing,
            },
            Record::Time(time) => {
                if name == "TxnDate" {
                    Value::Date(time.spent_on)
                } else {
                    Value::Nothing
                }
            }
            Record::Customer(customer) => match name {
                "DisplayName" | "CompanyName" => Value::Text(customer.name.clone()),
                "Active" => Value::Yes(customer.active),
                "Job" => Value::Yes(customer.parent.is_some()),
                "IsProject" => Value::Yes(customer.is_project),
                "ParentRef" => customer.parent.map_or(Value::Nothing, Value::Id),
                _ => Value::Nothing,
            },
            Record::Vendor(_, title) => match name {
                "DisplayName" => Value::Text(title.to_owned()),
                _ => Value::Yes(true),
            },
            Record::Employee(person) => match name {
                "DisplayName" => Value::Text(full_name(person)),
                _ => Value::Yes(true),
            },
            Record::Account(account) => {
                let (classification, kind, sub_type) = account_type(account);
                match name {
                    "Name" => Value::Text(format!("Account {account}")),
                    "Active" => Value::Yes(true),
                    "Classification" => Value::Text(classification.to_owned()),
                    "AccountType" => Value::Text(kind.to_owned()),
                    _ => Value::Text(sub_type.to_owned()),
                }
            }
            Record::Preferences | Record::CompanyInfo => Value::Nothing,
            Record::Added(added) => added.property(name),
        }
    }

    fn document_property(self, entity: Entity, document: &Document, name: &str) -> Value {
        let reference = |id: Option<u64>| id.map_or(Value::Nothing, Value::Id);
        match name {
            "DocNumber" => Value::Text(document.number.to_string()),
            "TxnDate" => Value::Date(document.date),
            "DueDate" => Value::Date(document.due),
            "TotalAmt" => Value::Number(self.own(document, document.total, document.total_fc)),
            "Balance" => Value::Number(self.balance(document)),
            "CustomerRef" if !entity.is_purchase() => reference(self.index.customer_of(document)),
            "VendorRef" if entity.is_purchase() => reference(number(&document.card_code)),
            _ => Value::Nothing,
        }
    }

    /// When it was made, and when it last changed.
    fn dates(self, record: Record<'_>) -> (Date, Date) {
        match record {
            Record::Document(_, document) => (document.date, document.updated),
            Record::Payment(payment) => (payment.date, payment.date),
            Record::Journal(entry) => (entry.date, entry.date),
            Record::Time(time) => (time.spent_on, time.spent_on),
            _ => (self.company.today, self.company.today),
        }
    }

    /// The record as JSON.
    pub(super) fn json(self, record: Record<'_>) -> String {
        let (created, updated) = self.dates(record);
        let head = Head::new(id_of(record), created, updated);
        let written = match record {
            Record::Document(entity, document) => serde_json::to_string(&self.document(head, entity, document)),
            Record::Payment(payment) => serde_json::to_string(&self.payment(head, payment)),
            Record::Journal(entry) => serde_json::to_string(&self.journal(head, entry)),
            Record::Time(time) => serde_json::to_string(&self.time(head, time)),
            Record::Customer(customer) => serde_json::to_string(&self.customer(head, customer)),
            Record::Vendor(_, name) => {
                serde_json::to_string(&shape::Name { head, display_name: name.to_owned(), active: true })
            }
            Record::Employee(person) => {
                serde_json::to_string(&shape::Name { head, display_name: full_name(person), active: true })
            }
            Record::Account(account) => {
                let (classification, account_type, account_sub_type) = account_type(account);
                serde_json::to_string(&shape::Account {
                    head,
                    name: format!("Account {account}"),
                    acct_num: account.to_owned(),
                    active: true,
                    classification,
                    account_type,
                    account_sub_type,
                    currency_ref: Ref::named(&self.company.currency),
                })
            }
            Record::Preferences => {
                let home = Ref::named(&self.company.currency);
                let prefs = serde_json::json!({ "MultiCurrencyEnabled": true, "HomeCurrency": home });
                let projects = serde_json::json!({ "NameValue": [{ "Name": "ProjectsEnabled", "Value": "true" }] });
                let body =
                    serde_json::json!({ "Id": "1", "domain": "QBO", "CurrencyPrefs": prefs, "OtherPrefs": projects });
                serde_json::to_string(&body)
            }
            Record::Added(added) => Ok(added.json()),
            Record::CompanyInfo => serde_json::to_string(
                &serde_json::json!({ "Id": "1", "domain": "QBO", "CompanyName": "Spine demo", "Country": "DE" }),
            ),
        };
        written.unwrap_or_default()
    }

    /// An amount of the books in the document's own currency.
    fn own(self, document: &Document, local: Decimal, foreign: Decimal) -> Decimal {
        // Voiding leaves nothing.
        if document.cancelled == Cancelled::Yes && !matches!(document.kind, model::DocumentKind::PurchaseOrder) {
            Decimal::ZERO
        } else if document.currency == self.company.currency {
            local
        } else {
            foreign
        }
    }

    fn balance(self, document: &Document) -> Decimal {
        self.own(document, document.total - document.paid, document.total_fc - document.paid_fc)
    }

    fn document(self, head: Head, entity: Entity, document: &Document) -> shape::Document {
        let void = document.cancelled == Cancelled::Yes && entity != Entity::PurchaseOrder;
        let is_sale = !entity.is_purchase();
        let in_home = |amount: Decimal| if void { Decimal::ZERO } else { amount };
        let mut lines: Vec<Line> = document.lines.iter().map(|line| self.line(entity, document, line)).collect();
        if is_sale {
            let net = self.own(document, document.total - document.tax, document.total_fc - document.tax_fc);
            lines.push(Line {
                amount: Some(Amount(net)),
                detail_type: "SubTotalLineDetail",
                sub_total_line_detail: Some(shape::Nothing {}),
                ..Line::default()
            });
        }
        let customer = self.index.customer_of(document).filter(|_| is_sale);
        let name = |id: u64| self.index.customer(id).map_or("", |customer| customer.name.as_str());
        let payments = self.index.payments_of.get(&document.entry).filter(|_| entity == Entity::Invoice);
        let linked = |id: &u32| LinkedTxn { txn_id: id.to_string(), txn_type: "Payment" };
        let field = |code: &String| shape::CustomField {
            definition_id: "1",
            name: "Project ID",
            kind: "StringType",
            string_value: code.clone(),
        };
        let balance = self.balance(document);
        let of_sale = |amount: Decimal| is_sale.then_some(Amount(in_home(amount)));
        shape::Document {
            head,
            doc_number: document.number.to_string(),
            txn_date: document.date,
            due_date: (is_sale || entity == Entity::Bill).then_some(document.due),
            currency_ref: Ref::named(&document.currency),
            exchange_rate: Amount(document.rate),
            private_note: void.then_some("Voided"),
            customer_ref: customer.map(|id| Ref::new(id, name(id))),
            vendor_ref: number(&document.card_code)
                .filter(|_| !is_sale)
                .map(|id| Ref::new(id, document.card_name.as_str())),
            custom_field: document.project.iter().map(field).collect(),
            linked_txn: payments.into_iter().flatten().map(linked).collect(),
            line: lines,
            txn_tax_detail: shape::TaxDetail { total_tax: Amount(self.own(document, document.tax, document.tax_fc)) },
            global_tax_calculation: "TaxExcluded",
            po_status: (entity == Entity::PurchaseOrder).then(|| {
                let open = document.cancelled == Cancelled::No && document.lines.iter().any(|line| line.open);
                if open { "Open" } else { "Closed" }
            }),
            txn_status: (entity == Entity::Estimate).then_some("Pending"),
            total_amt: Amount(self.own(document, document.total, document.total_fc)),
            home_total_amt: of_sale(document.total),
            balance: (!matches!(entity, Entity::PurchaseOrder | Entity::Estimate)).then_some(Amount(balance)),
            home_balance: match entity {
                Entity::Bill => Some(Amount(in_home(self.bill_balance(document)))),
                Entity::Invoice | Entity::CreditMemo => of_sale(document.total - document.paid),
                _ => None,
            },
            remaining_credit: (entity == Entity::CreditMemo).then_some(Amount(balance)),
        }
    }

    /// What is open of a bill in the home currency: by its rate, as each line and the tax were posted.
    fn bill_balance(self, bill: &Document) -> Decimal {
        if bill.currency == self.company.currency {
            return bill.total - bill.paid;
        }
        let open = bill.total_fc - bill.paid_fc;
        if open == bill.total_fc {
            let lines: Decimal = bill.lines.iter().map(|line| round(line.net_fc * bill.rate)).sum();
            return lines + round(bill.tax_fc * bill.rate);
        }
        round(open * bill.rate)
    }

    fn line(self, entity: Entity, document: &Document, line: &DocumentLine) -> Line {
        let amount = self.own(document, line.net, line.net_fc);
        let mut out = Line {
            id: Some((line.number + 1).to_string()),
            line_num: Some(line.number + 1),
            description: Some(line.description.clone()),
            amount: Some(Amount(amount)),
            ..Line::default()
        };
        if entity.is_purchase() {
            let project = line.project.as_deref().or(document.project.as_deref());
            let customer = self.index.of_code(project);
            let name = |id: u64| self.index.customer(id).map_or("", |customer| customer.name.as_str());
            out.detail_type = "AccountBasedExpenseLineDetail";
            out.account_based_expense_line_detail = Some(shape::ExpenseDetail {
                account_ref: Ref::new("5800", "Account 5800"),
                customer_ref: customer.map(|id| Ref::new(id, name(id))),
                billable_status: "NotBillable",
            });
            if entity == Entity::PurchaseOrder {
                let open = if line.open { self.own(document, line.open_net, line.open_net_fc) } else { Decimal::ZERO };
                out.received = Some(Amount(amount - open));
            }
        } else {
            out.detail_type = "SalesItemLineDetail";
            out.sales_item_line_detail =
                Some(shape::SalesDetail { item_ref: Ref::new(1, "Services"), unit_price: Amount(amount), qty: 1 });
        }
        out
    }

    /// What a payment brought, in its currency; nothing if it was voided.
    fn received(self, payment: &model::Payment) -> Decimal {
        let home = payment.currency == self.company.currency;
        let amounts = payment.applied.iter().filter(|_| !payment.cancelled);
        amounts.map(|applied| if home { applied.amount } else { applied.amount_fc }).sum()
    }

    fn payment(self, head: Head, payment: &model::Payment) -> shape::Payment {
        let home = payment.currency == self.company.currency;
        let id = number(&payment.card_code).unwrap_or_default();
        let lines = payment.applied.iter().filter(|_| !payment.cancelled).map(|applied| Line {
            amount: Some(Amount(if home { applied.amount } else { applied.amount_fc })),
            linked_txn: vec![LinkedTxn { txn_id: applied.entry.to_string(), txn_type: "Invoice" }],
            ..Line::default()
        });
        let rate = self.index.payment_rates.get(&payment.entry).filter(|_| !home);
        shape::Payment {
            head,
            txn_date: payment.date,
            customer_ref: Ref::new(id, self.index.customer(id).map_or("", |customer| customer.name.as_str())),
            currency_ref: Ref::named(&payment.currency),
            exchange_rate: Amount(rate.copied().unwrap_or(Decimal::ONE)),
            total_amt: Amount(self.received(payment)),
            unapplied_amt: Amount(Decimal::ZERO),
            private_note: payment.cancelled.then_some("Voided"),
            line: lines.collect(),
        }
    }

    fn journal(self, head: Head, entry: &model::JournalEntry) -> shape::JournalEntry {
        let line = |line: &JournalLine| {
            let credit = line.credit > Decimal::ZERO;
            let customer = self.index.of_code(line.project.as_deref());
            let entity = customer.map(|id| shape::JournalEntity {
                kind: "Customer",
                entity_ref: Ref::new(id, self.index.customer(id).map_or("", |customer| customer.name.as_str())),
            });
            Line {
                id: Some(line.number.to_string()),
                description: Some(entry.memo.clone()),
                amount: Some(Amount(if credit { line.credit } else { line.debit })),
                detail_type: "JournalEntryLineDetail",
                journal_entry_line_detail: Some(shape::JournalDetail {
                    posting_type: if credit { "Credit" } else { "Debit" },
                    account_ref: Ref::new(&line.account, format!("Account {}", line.account)),
                    entity,
                }),
                ..Line::default()
            }
        };
        shape::JournalEntry {
            head,
            doc_number: entry.number.to_string(),
            txn_date: entry.date,
            private_note: entry.memo.clone(),
            adjustment: false,
            currency_ref: Ref::named(&self.company.currency),
            exchange_rate: Amount(Decimal::ONE),
            line: entry.lines.iter().map(line).collect(),
        }
    }

    fn time(self, head: Head, time: &model::TimeEntry) -> shape::TimeActivity {
        let customer = self.index.customer_of_time(time).unwrap_or_default();
        let name = self.index.customer(customer).map_or("", |customer| customer.name.as_str());
        let person = self.company.people.iter().find(|person| person.id == time.person);
        let seconds: i64 = (time.hours * Decimal::from(3600)).round().try_into().unwrap_or_default();
        shape::TimeActivity {
            head,
            txn_date: time.spent_on,
            name_of: "Employee",
            employee_ref: Ref::new(time.person, person.map_or_else(String::new, full_name)),
            customer_ref: Ref::new(customer, name),
            item_ref: Ref::new(1, "Services"),
            billable_status: "NotBillable",
            hours: seconds / 3600,
            minutes: seconds / 60 % 60,
            seconds: seconds % 60,
            cost_rate: Amount(hour_cost(self.company.today, time.spent_on)),
            description: time.activity.clone(),
        }
    }

    fn customer(self, head: Head, customer: &Customer) -> shape::Customer {
        let parent = customer.parent.and_then(|id| self.index.customer(id));
        let whole = parent.map(|parent| format!("{}:{}", parent.name, customer.name));
        shape::Customer {
            head,
            display_name: customer.name.clone(),
            fully_qualified_name: whole.unwrap_or_else(|| customer.name.clone()),
            active: customer.active,
            job: parent.is_some(),
            is_project: customer.is_project,
            parent_ref: parent.map(|parent| Ref { value: parent.id.to_string(), name: None }),
            bill_with_parent: parent.is_some(),
            level: u8::from(parent.is_some()),
            currency_ref: Ref::named(&customer.currency),
        }
    }
}

fn id_of(record: Record<'_>) -> u64 {
    match record {
        Record::Document(_, document) => document.entry.into(),
        Record::Payment(payment) => payment.entry.into(),
        Record::Journal(entry) => entry.number.into(),
        Record::Time(time) => time.id.into(),
        Record::Customer(customer) => customer.id,
        Record::Vendor(id, _) => id,
        Record::Employee(person) => person.id.into(),
        Record::Account(account) => account.parse().unwrap_or_default(),
        Record::Preferences | Record::CompanyInfo => 1,
        Record::Added(added) => added.id(),
    }
}

fn full_name(person: &Person) -> String {
    format!("{} {}", person.first, person.last)
}

/// Classification, type and detail type of an account of the books, by the first digit of its number.
fn account_type(account: &str) -> (&'static str, &'static str, &'static str) {
    match account.as_bytes() {
        b"5800" => ("Expense", "Cost of Goods Sold", "SuppliesMaterialsCogs"),
        [b'5', ..] => ("Expense", "Cost of Goods Sold", "CostOfLaborCos"),
        [b'6', ..] => ("Expense", "Expense", "Travel"),
        [b'4', ..] => ("Revenue", "Income", "ServiceFeeIncome"),
        [b'2', ..] => ("Liability", "Other Current Liability", "OtherCurrentLiabilities"),
        _ => ("Asset", "Other Current Asset", "OtherCurrentAssets"),
    }
}
