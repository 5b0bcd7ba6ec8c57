//! Invoices and credit notes, to clients and from vendors.

use std::ops::Deref;
use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use rust_decimal::Decimal;

use super::context::{options, require, spine};
use super::deal::readable;
use super::direct::{Direct, Json, Scene, Selected, Written, booked, fields, object, resolved};
use super::errors::system_error;
use super::listed::Listed;
use super::money::{Money, shown};
use super::owner::{OwnerDomain, owner as owned_by};
use super::project::Project;
use super::records::sees_one_of;
use super::scalars::{Date, ProjectId};
use super::source::{Origin, Source};
use crate::domain::{self, Booked, Class, GlobalId, IdNode, InvoiceId, List, ProjectInvoice};
use crate::reads::{Fresh, Owner};

/// An invoice or credit note.
#[derive(Debug, Clone)]
pub struct Invoice {
    record: Record,
    origin: Origin,
}

/// A document that was read by itself, or among those of a project.
#[derive(Debug, Clone)]
enum Record {
    Alone(Arc<domain::Invoice>),
    Listed(Listed<ProjectInvoice>),
}

impl Deref for Record {
    type Target = domain::Invoice;

    fn deref(&self) -> &domain::Invoice {
        match self {
            Self::Alone(invoice) => invoice,
            Self::Listed(part) => &part.invoice,
        }
    }
}

/// To a client, or from a vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
#[graphql(remote = "domain::Direction")]
pub enum InvoiceDirection {
    /// To a client.
    #[default]
    Receivable,
    /// From a vendor.
    Payable,
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::InvoiceKind")]
pub enum InvoiceKind {
    /// An invoice.
    Invoice,
    /// A credit note: it takes back.
    CreditNote,
}

/// How a document stands today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum InvoiceStatus {
    /// Not posted: never part of a figure.
    Draft,
    /// Open, not due yet, nothing paid.
    Open,
    /// Open, not due yet, something paid.
    PartiallyPaid,
    /// Nothing open.
    Paid,
    /// Open after its due date.
    Overdue,
    /// Cancelled: never part of a figure.
    Void,
    /// A state nobody has mapped: see `statusLabel`.
    Unknown,
}

impl From<&domain::InvoiceStatus> for InvoiceStatus {
    fn from(status: &domain::InvoiceStatus) -> Self {
        match status {
            domain::InvoiceStatus::Draft => Self::Draft,
            domain::InvoiceStatus::Open => Self::Open,
            domain::InvoiceStatus::PartiallyPaid => Self::PartiallyPaid,
            domain::InvoiceStatus::Paid => Self::Paid,
            domain::InvoiceStatus::Overdue => Self::Overdue,
            domain::InvoiceStatus::Void => Self::Void,
            domain::InvoiceStatus::Unknown(_) => Self::Unknown,
        }
    }
}

/// Who owes, or is owed.
#[derive(Debug, Clone, SimpleObject)]
pub struct Party {
    /// The owner's code for it.
    code: Option<String>,
    /// Name.
    name: Option<String>,
}

impl From<&domain::Party> for Party {
    fn from(party: &domain::Party) -> Self {
        Self { code: party.id.as_ref().map(ToString::to_string), name: party.name.as_ref().map(ToString::to_string) }
    }
}

/// A line of a document.
#[derive(Debug, Clone, SimpleObject)]
pub struct InvoiceLine {
    /// Text.
    description: Option<String>,
    /// Quantity.
    quantity: Option<Decimal>,
    /// Without tax.
    net: Option<Money>,
    /// The project of the line; null if it names none.
    project_id: Option<ProjectId>,
}

/// A payment on a document.
#[derive(Debug, Clone, SimpleObject)]
pub struct Payment {
    /// When.
    date: Option<Date>,
    /// How much of it went to this document.
    amount: Option<Money>,
}

/// Goes on only if the viewer's role shows documents of a direction: bills of vendors are costs.
pub(super) fn require_direction(ctx: &Context<'_>, direction: InvoiceDirection) -> Result<()> {
    match direction {
        InvoiceDirection::Receivable => require(ctx, Class::Receivables, "Invoice"),
        InvoiceDirection::Payable => require(ctx, Class::Costs, "Invoice (PAYABLE)"),
    }
}

/// The word in the ID of a document.
fn node(direction: domain::Direction) -> IdNode {
    match direction {
        domain::Direction::Receivable => IdNode::Invoice,
        domain::Direction::Payable => IdNode::Bill,
    }
}

impl Invoice {
    pub(super) fn new<V>(owner: &Owner, read: &Fresh<V>, record: Arc<domain::Invoice>) -> Self {
        Self { record: Record::Alone(record), origin: Origin::of(owner, read) }
    }

    /// The documents of a project.
    pub(super) fn of_project(owner: &Owner, read: &Fresh<List<ProjectInvoice>>) -> impl Iterator<Item = Self> {
        let listed = read.value.iter().flat_map(Listed::all);
        listed.map(|part| Self { record: Record::Listed(part), origin: Origin::of(owner, read) })
    }

    /// Reads an invoice by its global ID; null if no owner of invoices knows it.
    pub(super) async fn by_id(ctx: &Context<'_>, id: &GlobalId) -> Result<Option<Self>> {
        let reads = &spine(ctx)?.reads;
        let direction =
            if id.node == IdNode::Bill { domain::Direction::Payable } else { domain::Direction::Receivable };
        require_direction(ctx, direction.into())?;
        let all = reads.invoices(direction).into_iter();
        for invoices in all.filter(|invoices| invoices.owner.connection == id.connection) {
            let key = InvoiceId::new(id.record.as_str());
            let read = invoices.invoices.get(options(ctx)?, &key).await.map_err(|error| system_error(&error))?;
            let own = |record: &Arc<domain::Invoice>| {
                reads.owns_invoices(&id.connection, record.direction, &record.project_ids)
            };
            if let Some(record) = read.value.clone().filter(own) {
                if !sees_one_of(ctx, &record.project_ids).await? {
                    return Ok(None);
                }
                return Ok(Some(Self::new(&invoices.owner, &read, record)));
            }
        }
        Ok(None)
    }

    fn money(&self, field: &'static str, booked: &Booked) -> Result<Option<Money>> {
        readable(shown(booked), field, &self.record.flaws, &self.origin.owner)
    }
}

/// An invoice or credit note. Amounts are positive on both: the kind gives the sign. Owned by the owner of receivables if it
/// is to a client, by the owner of costs if it is from a vendor.
#[Object]
impl Invoice {
    /// Unique over all systems. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    pub(super) async fn id(&self) -> ID {
        self.origin.global_id(node(self.record.direction), self.record.id.as_str())
    }

    /// Number on paper. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn number(&self) -> Option<&str> {
        self.record.number.as_deref()
    }

    /// To a client, or from a vendor. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn direction(&self) -> InvoiceDirection {
        self.record.direction.into()
    }

    /// What it is. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn kind(&self) -> InvoiceKind {
        self.record.kind.into()
    }

    /// How it stands today. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn status(&self, ctx: &Context<'_>) -> Result<InvoiceStatus> {
        Ok(InvoiceStatus::from(&self.record.status(spine(ctx)?.clock.today())))
    }

    /// The owner's own word, where `status` is UNKNOWN. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn status_label(&self) -> Option<&str> {
        match &self.record.state {
            domain::InvoiceState::Unknown(raw) => Some(raw),
            _ => None,
        }
    }

    /// Who owes, or is owed. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn party(&self) -> Option<Party> {
        self.record.party.as_deref().map(Party::from)
    }

    /// Issued. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn issue_date(&self) -> Result<Option<Date>> {
        readable(self.record.issue_date.map(Date), "issue_date", &self.record.flaws, &self.origin.owner)
    }

    /// Due. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn due_date(&self) -> Result<Option<Date>> {
        readable(self.record.due_date.map(Date), "due_date", &self.record.flaws, &self.origin.owner)
    }

    /// Without tax. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn net(&self) -> Result<Option<Money>> {
        self.money("net", &self.record.net())
    }

    /// Tax. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn tax(&self) -> Result<Option<Money>> {
        self.money("tax", &self.record.tax())
    }

    /// With tax. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn total(&self) -> Result<Option<Money>> {
        self.money("total", &self.record.total())
    }

    /// Paid so far, of the total; what credit notes settled is in it where the owner counts that as paid. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn paid(&self) -> Result<Option<Money>> {
        self.money("paid", &self.record.paid())
    }

    /// Still open, of the total. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn balance(&self) -> Result<Option<Money>> {
        self.money("balance", &self.record.balance())
    }

    /// The total in the company's own currency, as the owner booked it; null if it keeps no such amount. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn total_in_company_currency(&self) -> Option<Money> {
        self.record.total().company.map(Money::from)
    }

    /// Lines. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn lines(&self) -> Vec<InvoiceLine> {
        let line = |line: &domain::InvoiceLine| InvoiceLine {
            description: line.description.clone(),
            quantity: line.quantity,
            net: shown(&line.net),
            project_id: line.project_id.as_ref().map(ProjectId::from),
        };
        self.record.lines.iter().map(line).collect()
    }

    /// Payments on it; null if the owner does not list them. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn payments(&self, ctx: &Context<'_>) -> Result<Option<Vec<Payment>>> {
        let payment =
            |payment: &domain::Payment| Payment { date: payment.date.map(Date), amount: shown(&payment.amount) };
        let payments = |of: &domain::Invoice| of.payments.as_ref().map(|all| all.iter().map(payment).collect());
        if self.record.payments.is_some() {
            return Ok(payments(&self.record));
        }
        // Lists come without payments: they are a read of their own.
        let all = spine(ctx)?.reads.invoices(self.record.direction).into_iter();
        let mut own = all.filter(|invoices| invoices.owner.connection == self.origin.owner.connection);
        let Some(invoices) = own.next() else { return Ok(None) };
        let read = invoices.invoices.get(options(ctx)?, &self.record.id).await.map_err(|error| system_error(&error))?;
        Ok(read.value.and_then(|record| payments(&record)))
    }

    /// The shared ID of its project; null if it names none, or several: see `projectIds`. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn project_id(&self) -> Option<ProjectId> {
        match self.record.project_ids.as_slice() {
            [only] => Some(ProjectId::from(only)),
            _ => None,
        }
    }

    /// The shared IDs of all projects it is for. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn project_ids(&self) -> Vec<ProjectId> {
        self.record.project_ids.iter().map(ProjectId::from).collect()
    }

    /// Its project; null if it names none, or several. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn project(&self) -> Option<Project> {
        match self.record.project_ids.as_slice() {
            [only] => Some(Project::new(only.clone())),
            _ => None,
        }
    }

    /// Where and when this was read; its `url` opens the document in the ERP. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn source(&self) -> Source {
        self.origin.source(self.record.id.as_str(), self.record.url.as_ref())
    }
}

fields!(InvoiceField {
    Id = "id",
    Number = "number",
    Kind = "kind",
    Direction = "direction",
    Status = "status",
    IssueDate = "issueDate",
    DueDate = "dueDate",
    Net = "net",
    Tax = "tax",
    Total = "total",
    Paid = "paid",
    Balance = "balance",
    Source = "source",
});

impl Direct for Invoice {
    fn write(&self, fields: &[Selected], scene: &Scene<'_>, json: &mut Json) -> Written {
        let record = &*self.record;
        let flaws = record.flaws.as_slice();
        object::<Self>(fields, json, |field, json| {
            match InvoiceField::of(field) {
                Some(InvoiceField::Id) => self.origin.write_id(node(record.direction), record.id.as_str(), json),
                Some(InvoiceField::Number) => json.text(record.number.as_deref()),
                Some(InvoiceField::Kind) => json.word(InvoiceKind::from(record.kind)),
                Some(InvoiceField::Direction) => json.word(InvoiceDirection::from(record.direction)),
                Some(InvoiceField::Status) => json.word(InvoiceStatus::from(&record.status(scene.today))),
                Some(InvoiceField::IssueDate) => match record.issue_date {
                    Some(date) => json.date(date),
                    None => return resolved(self, field, scene, json),
                },
                Some(InvoiceField::DueDate) => match record.due_date {
                    Some(date) => json.date(date),
                    None => return resolved(self, field, scene, json),
                },
                Some(InvoiceField::Net) => booked(&record.net(), ("net", flaws), field, scene, json)?,
                Some(InvoiceField::Tax) => booked(&record.tax(), ("tax", flaws), field, scene, json)?,
                Some(InvoiceField::Total) => booked(&record.total(), ("total", flaws), field, scene, json)?,
                Some(InvoiceField::Paid) => booked(&record.paid(), ("paid", flaws), field, scene, json)?,
                Some(InvoiceField::Balance) => booked(&record.balance(), ("balance", flaws), field, scene, json)?,
                Some(InvoiceField::Source) => {
                    self.origin.source(record.id.as_str(), record.url.as_ref()).write(&field.below, scene, json)?;
                }
                _ => resolved(self, field, scene, json)?,
            }
            Ok(())
        })
    }
}
