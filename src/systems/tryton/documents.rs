//! Invoices and credit notes, of one direction.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::ask::INVOICE;
use super::config::Carrier;
use super::invoice::{ANALYTIC, Carried, Document, FIELDS, document};
use super::map::Cancelling;
use super::wire::{Lack, Record};
use super::{Accounts, BATCH, System, spellings};
use crate::domain::{
    Direction, Invoice, InvoiceId, InvoiceKind, InvoiceQuery, InvoiceState, Page, ProjectId, ProjectInvoice,
    split_by_project,
};
use crate::systems::{BatchResult, Call, ErrorKind, InvoiceSource, SystemError, grouped};

/// Invoices and credit notes to clients, or of vendors.
pub(super) struct Documents {
    pub(super) system: Arc<System>,
    pub(super) direction: Direction,
    pub(super) carrier: Carrier,
}

impl Documents {
    /// The analytic accounts of projects, if they carry the shared ID.
    pub(super) async fn accounts(&self, call: &Call, ids: &[ProjectId]) -> Result<Option<Accounts>, SystemError> {
        match self.carrier {
            Carrier::Analytic => self.system.accounts(call, ids).await.map(Some),
            Carrier::Field(_) => Ok(None),
        }
    }

    /// Documents of projects, whose accounts are these.
    pub(super) async fn of_projects(
        &self,
        call: &Call,
        ids: &[ProjectId],
        accounts: Option<&Accounts>,
    ) -> Result<Vec<Document>, SystemError> {
        let (path, values) = match &self.carrier {
            Carrier::Analytic => {
                let keys = accounts.map(|accounts| accounts.keys.iter().map(|key| json!(key)).collect());
                ("lines.analytic_accounts.account", keys.unwrap_or_default())
            }
            Carrier::Field(path) => (path.as_str(), spellings(ids)),
        };
        let conditions = self.conditions(call).await?;
        let records =
            self.system.client.list_among(call, &INVOICE, (path, &values), &conditions, &self.fields()).await?;
        let mut documents = self.read(call, &records).await?;
        if let Carrier::Field(path) = &self.carrier {
            documents.extend(self.crediting(call, path, &documents).await?);
        }
        Ok(documents)
    }

    /// Documents that credit these and carry nothing in the field: Tryton's button makes the lines of a credit note of those
    /// of the invoice, and leaves its reference empty.
    async fn crediting(&self, call: &Call, path: &str, credited: &[Document]) -> Result<Vec<Document>, SystemError> {
        let lacks = |lack: Lack| self.system.client.lacks(&INVOICE, &lack);
        let mut owners: BTreeMap<u64, &ProjectId> = BTreeMap::new();
        for document in credited {
            let Some(project) = document.invoice.project_ids.first() else { continue };
            owners.extend(document.lines.iter().map(|line| (*line, project)));
        }
        let origins: Vec<Value> = owners.keys().map(|line| json!(format!("account.invoice.line,{line}"))).collect();
        let mut fields = self.fields();
        fields.push("lines.origin");
        let among = ("lines.origin", origins.as_slice());
        let found =
            self.system.client.list_among(call, &INVOICE, among, &self.conditions(call).await?, &fields).await?;
        let (mut records, mut projects) = (Vec::new(), Vec::new());
        for record in found {
            if record.text_at(path).map_err(lacks)?.is_some() {
                continue;
            }
            let origins = record.many("lines").map_err(lacks)?;
            let origins = origins.iter().map(|line| line.reference("origin"));
            let origins = origins.collect::<Result<Vec<_>, _>>().map_err(lacks)?;
            let owner = origins
                .into_iter()
                .flatten()
                .find_map(|(model, line)| owners.get(&line).copied().filter(|_| model == "account.invoice.line"));
            if let Some(owner) = owner {
                records.push(record);
                projects.push(owner);
            }
        }
        let cancelling = self.cancelling(call, &records).await?;
        let company = self.system.client.company(call).await?;
        let read = |(record, project)| {
            let carried = Carried::Given(project);
            document(&self.system.mapper, (record, self.direction), company, carried, &cancelling).map_err(lacks)
        };
        records.iter().zip(projects).map(read).collect()
    }

    /// What holds for all documents of this port.
    async fn conditions(&self, call: &Call) -> Result<Vec<Value>, SystemError> {
        let company = self.system.client.company(call).await?;
        let word = if self.direction == Direction::Receivable { "out" } else { "in" };
        Ok(vec![json!(["type", "=", word]), json!(["company", "=", company.id])])
    }

    /// What is read of a document.
    fn fields(&self) -> Vec<&str> {
        static OF_LINES: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
            ANALYTIC.iter().map(|field| format!("lines.analytic_accounts.{field}")).collect()
        });
        let mut fields = FIELDS.to_vec();
        match &self.carrier {
            Carrier::Analytic => fields.extend(OF_LINES.iter().map(String::as_str)),
            Carrier::Field(path) if fields.contains(&path.as_str()) => {}
            Carrier::Field(path) => fields.push(path),
        }
        fields
    }

    /// Reads documents, once it is known which of them cancel others.
    async fn read(&self, call: &Call, records: &[Record]) -> Result<Vec<Document>, SystemError> {
        let lacks = |lack: Lack| self.system.client.lacks(&INVOICE, &lack);
        let cancelling = self.cancelling(call, records).await?;
        let company = self.system.client.company(call).await?;
        let root = match self.carrier {
            Carrier::Analytic => Some(self.system.root(call).await?),
            Carrier::Field(_) => None,
        };
        let read = |record| {
            let carried = self.carrier.below(root);
            document(&self.system.mapper, (record, self.direction), company, carried, &cancelling).map_err(lacks)
        };
        records.iter().map(read).collect()
    }

    /// Of the postings of these documents, those that cancel another document. Only the cancelled one tells.
    async fn cancelling(&self, call: &Call, records: &[Record]) -> Result<Cancelling, SystemError> {
        let lacks = |lack: Lack| self.system.client.lacks(&INVOICE, &lack);
        let mut postings = Vec::new();
        for record in records {
            if let Some(posting) = record.key("move").map_err(lacks)? {
                postings.push(json!(posting));
            }
        }
        let path = ("cancel_move", postings.as_slice());
        let cancelled = self.system.client.list_among(call, &INVOICE, path, &[], &["cancel_move"]).await?;
        let postings = cancelled.iter().filter_map(|record| record.key("cancel_move").transpose());
        postings.collect::<Result<_, _>>().map_err(lacks)
    }

    fn parts(&self, document: Document) -> Vec<(ProjectId, ProjectInvoice)> {
        let invoice = Arc::new(document.invoice);
        match self.carrier {
            Carrier::Analytic => split_by_project(invoice),
            Carrier::Field(_) => {
                let owner = invoice.project_ids.first().cloned();
                owner.map(|id| (id, ProjectInvoice::whole(invoice))).into_iter().collect()
            }
        }
    }
}

/// The number of a document; none for what is no ID of these.
fn number(id: &str) -> Option<u64> {
    let number: u64 = id.parse().ok()?;
    (number.to_string() == id && i64::try_from(number).is_ok()).then_some(number)
}

#[async_trait]
impl InvoiceSource for Documents {
    fn batch_limit(&self) -> usize {
        BATCH
    }

    async fn invoices(&self, call: &Call, ids: &[InvoiceId]) -> BatchResult<InvoiceId, Invoice> {
        let keys: Vec<Value> = ids.iter().filter_map(|id| number(id.as_str())).map(|key| json!(key)).collect();
        let conditions = self.conditions(call).await?;
        let records = self.system.client.list_among(call, &INVOICE, ("id", &keys), &conditions, &self.fields()).await?;
        let documents = self.read(call, &records).await?;
        Ok(documents.into_iter().map(|document| (document.invoice.id.clone(), document.invoice)).collect())
    }

    async fn invoices_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<ProjectInvoice>> {
        let accounts = self.accounts(call, ids).await?;
        let documents = self.of_projects(call, ids, accounts.as_ref()).await?;
        let parts = documents.into_iter().flat_map(|document| self.parts(document));
        let known = accounts.as_ref().map(|accounts| accounts.known.clone());
        let mut batch = self.system.answer(call, ids, grouped(parts), known).await;
        if let Some(accounts) = accounts {
            accounts.whole(&self.system.client, &mut batch);
        }
        Ok(batch)
    }

    async fn invoice_page(
        &self,
        call: &Call,
        query: &InvoiceQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Invoice>, SystemError> {
        let unusable =
            || self.system.client.error(INVOICE.operation, ErrorKind::BadRequest, "`after` is no record's number");
        let mut last = after.map(|cursor| number(cursor).ok_or_else(unusable)).transpose()?.unwrap_or(0);
        let mut items: Vec<Invoice> = Vec::new();
        if query.direction.is_some_and(|direction| direction != self.direction) {
            return Ok(Page { items, next: None, total: None });
        }
        if let Some(ids) = &query.project_ids {
            let accounts = self.accounts(call, ids).await?;
            if accounts.as_ref().is_some_and(|accounts| !accounts.too_deep.is_empty()) {
                let detail = "a distribution of distributions of distributions holds a project's account";
                return Err(self.system.client.error(INVOICE.operation, ErrorKind::Truncated, detail));
            }
            let mut found = self.of_projects(call, ids, accounts.as_ref()).await?;
            found.sort_by_key(|document| number(document.invoice.id.as_str()));
            let found = found.into_iter().map(|document| document.invoice);
            let later = |invoice: &Invoice| number(invoice.id.as_str()).is_some_and(|id| id > last);
            items.extend(found.filter(|invoice| later(invoice) && is_wanted(invoice, query)));
        } else {
            let mut conditions = self.conditions(call).await?;
            conditions.extend(of_query(query));
            // One more than wanted tells whether there are more.
            while items.len() <= limit {
                let wanted = limit + 1 - items.len();
                let question = (conditions.as_slice(), &*self.fields());
                let records = self.system.client.after(call, &INVOICE, question, last, wanted).await?;
                let is_last = records.len() < wanted;
                let read = self.read(call, &records).await?.into_iter().map(|document| document.invoice);
                let mut read: Vec<Invoice> = read.collect();
                last = read.last().and_then(|invoice| number(invoice.id.as_str())).unwrap_or(last);
                read.retain(|invoice| is_wanted(invoice, query));
                items.extend(read);
                if is_last {
                    break;
                }
            }
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| last.id.to_string());
        Ok(Page { items, next, total: None })
    }
}

/// The conditions of a query, as far as Tryton can be asked. They let too many through, never too few.
fn of_query(query: &InvoiceQuery) -> Vec<Value> {
    let mut conditions = Vec::new();
    if query.open == Some(true) {
        conditions.push(json!(["state", "=", "posted"]));
    }
    if let Some(kind) = query.kind {
        let operator = if kind == InvoiceKind::CreditNote { "<" } else { ">=" };
        conditions.push(json!(["total_amount", operator, { "__class__": "Decimal", "decimal": "0" }]));
    }
    if let Some(day) = query.due_before {
        conditions.push(json!(["move.lines.maturity_date", "<", date(day)]));
    }
    if let Some(day) = query.issued_from {
        conditions.push(json!(["invoice_date", ">=", date(day)]));
    }
    if let Some(day) = query.issued_to {
        conditions.push(json!(["invoice_date", "<=", date(day)]));
    }
    conditions
}

/// A day, as it stands in conditions.
pub(super) fn date(day: Date) -> Value {
    json!({ "__class__": "date", "year": day.year(), "month": day.month(), "day": day.day() })
}

/// Whether a document is what a query wants: what is open and when it is due is computed of it.
fn is_wanted(invoice: &Invoice, query: &InvoiceQuery) -> bool {
    query.open.is_none_or(|open| open == (invoice.state == InvoiceState::Open))
        && query.kind.is_none_or(|kind| kind == invoice.kind)
        && query.due_before.is_none_or(|day| invoice.due_date.is_some_and(|due| due < day))
        && query.issued_from.is_none_or(|day| invoice.issue_date.is_some_and(|issued| issued >= day))
        && query.issued_to.is_none_or(|day| invoice.issue_date.is_some_and(|issued| issued <= day))
}
