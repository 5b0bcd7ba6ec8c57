//! Which deals, projects and invoices a list shows.

use async_graphql::{Context, Enum, ID, InputObject, OneofObject, Result};
use jiff::civil::Date as Day;

use super::context::{require_field, spine};
use super::deal::DealStatus;
use super::errors::bad_request;
use super::invoice::{InvoiceDirection, InvoiceKind, InvoiceStatus, require_direction};
use super::project::ProjectStatus;
use super::scalars::{Date, ProjectId};
use crate::domain::{self, ClientId, DealQuery, GlobalId, IdNode, InvoiceQuery, ProjectQuery};

/// How a deal is looked up: by exactly one of these.
#[derive(Debug, OneofObject)]
pub enum DealLookup {
    /// By its ID: the global one, or the CRM's own record ID.
    Id(ID),
    /// By the shared ID of its project: the deal the project began with.
    ProjectId(ProjectId),
}

/// Which deals. All that is given must hold.
#[derive(Debug, Default, InputObject)]
pub struct DealFilter {
    /// Open, won or lost.
    status: Option<DealStatus>,
    /// Won, or not won.
    is_won: Option<bool>,
    /// In this pipeline, by its label.
    pipeline: Option<String>,
    /// In this stage, by its label.
    stage: Option<String>,
    /// In this vertical.
    vertical: Option<String>,
    /// Of this type.
    deal_type: Option<String>,
    /// Of this client.
    client_id: Option<ID>,
    /// With a close date not before this day.
    closed_from: Option<Date>,
    /// With a close date not after this day.
    closed_to: Option<Date>,
    /// With something in the field of the shared ID, or with nothing in it.
    linked: Option<bool>,
    /// With this text in the name.
    text: Option<String>,
}

/// In which order deals are listed.
#[derive(Debug, InputObject)]
pub struct DealOrder {
    /// By what.
    field: DealOrderField,
    /// In which direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    direction: OrderDirection,
}

/// What deals can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::DealOrderField")]
pub enum DealOrderField {
    /// Close date.
    CloseDate,
    /// Amount, as the CRM compares it (across currencies, by the number alone).
    Amount,
    /// Name.
    Name,
    /// When the record was made.
    CreatedAt,
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest first.
    Asc,
    /// Greatest first.
    Desc,
}

/// Which projects. All that is given must hold.
#[derive(Debug, Default, InputObject)]
pub struct ProjectFilter {
    /// In this state.
    status: Option<ProjectStatus>,
    /// With this text in the name.
    text: Option<String>,
}

/// Which invoices. All that is given must hold.
#[derive(Debug, Default, InputObject)]
pub struct InvoiceFilter {
    /// Of these projects (at most 200).
    project_ids: Option<Vec<ProjectId>>,
    /// To clients or from vendors.
    #[graphql(default_with = "InvoiceDirection::Receivable")]
    pub(super) direction: InvoiceDirection,
    /// Of this kind.
    kind: Option<InvoiceKind>,
    /// In this state today.
    pub(super) status: Option<InvoiceStatus>,
    /// Due before this day.
    due_before: Option<Date>,
    /// Issued on this day or later.
    issued_from: Option<Date>,
    /// Issued on this day or earlier.
    issued_to: Option<Date>,
}

impl DealFilter {
    /// The question in canonical words, and whether "not won" has still to be sorted out of the rows.
    pub(super) fn query(self, ctx: &Context<'_>, order: Option<DealOrder>) -> Result<(DealQuery, bool)> {
        for (is_given, field) in [
            (self.status.is_some(), "Deal.status"),
            (self.is_won.is_some(), "Deal.isWon"),
            (self.pipeline.is_some(), "Deal.pipeline"),
            (self.stage.is_some(), "Deal.stage"),
            (self.vertical.is_some(), "Deal.vertical"),
            (self.deal_type.is_some(), "Deal.dealType"),
            (self.client_id.is_some(), "Deal.client"),
            (self.closed_from.is_some() || self.closed_to.is_some(), "Deal.closeDate"),
            (self.linked.is_some(), "Deal.projectId"),
            (self.text.is_some(), "Deal.name"),
        ] {
            if is_given {
                require_field(ctx, field)?;
            }
        }
        if let Some(order) = &order {
            require_field(ctx, order.field.coordinate())?;
        }
        let client = self.client_id.map(|id| client_record(ctx, &id)).transpose()?;
        let won = match (self.status, self.is_won) {
            (Some(status), Some(true)) if status != DealStatus::Won => {
                return Err(bad_request("`status` and `isWon` contradict one another"));
            }
            (Some(DealStatus::Won), Some(false)) => {
                return Err(bad_request("`status` and `isWon` contradict one another"));
            }
            (None, Some(true)) => Some(DealStatus::Won),
            (status, _) => status,
        };
        let not_won = self.is_won == Some(false) && won.is_none();
        let query = DealQuery {
            status: won.map(domain::DealStatus::from),
            pipeline: self.pipeline,
            stage: self.stage,
            vertical: self.vertical,
            deal_type: self.deal_type,
            client,
            closed_from: self.closed_from.map(|Date(day)| day),
            closed_to: self.closed_to.map(|Date(day)| day),
            linked: self.linked,
            text: self.text,
            order: order.map(|order| domain::DealOrder {
                field: order.field.into(),
                descending: order.direction == OrderDirection::Desc,
            }),
        };
        Ok((query, not_won))
    }
}

impl DealOrderField {
    /// The field that it is the order of.
    fn coordinate(self) -> &'static str {
        match self {
            Self::CloseDate => "Deal.closeDate",
            Self::Amount => "Deal.amount",
            Self::Name => "Deal.name",
            Self::CreatedAt => "Deal.createdAt",
        }
    }
}

impl ProjectFilter {
    /// The question in canonical words.
    pub(super) fn query(self, ctx: &Context<'_>) -> Result<ProjectQuery> {
        for (is_given, field) in [(self.status.is_some(), "Project.status"), (self.text.is_some(), "Project.name")] {
            if is_given {
                require_field(ctx, field)?;
            }
        }
        let known = |status: ProjectStatus| {
            status.known().ok_or_else(|| bad_request("projects cannot be filtered by the status UNKNOWN"))
        };
        Ok(ProjectQuery { status: self.status.map(known).transpose()?, text: self.text })
    }
}

impl InvoiceFilter {
    /// The question in canonical words. What a status means beyond it is sorted out of the rows.
    pub(super) fn query(&self, ctx: &Context<'_>, today: Day) -> Result<InvoiceQuery> {
        require_direction(ctx, self.direction)?;
        for (is_given, field) in [
            (self.kind.is_some(), "Invoice.kind"),
            (self.status.is_some(), "Invoice.status"),
            (self.due_before.is_some(), "Invoice.dueDate"),
            (self.issued_from.is_some() || self.issued_to.is_some(), "Invoice.issueDate"),
        ] {
            if is_given {
                require_field(ctx, field)?;
            }
        }
        let ids = self.project_ids.as_ref().map(|ids| {
            if ids.len() > 200 {
                return Err(bad_request(format!("`projectIds` takes at most 200 IDs, not {}", ids.len())));
            }
            ids.iter().map(|ProjectId(text)| spine(ctx)?.project_id(text)).collect()
        });
        let (open, due_before) = match self.status {
            Some(InvoiceStatus::Open | InvoiceStatus::PartiallyPaid) => (Some(true), None),
            Some(InvoiceStatus::Overdue) => (Some(true), Some(today)),
            Some(InvoiceStatus::Paid) => (Some(false), None),
            _ => (None, None),
        };
        let asked = self.due_before.map(|Date(day)| day);
        Ok(InvoiceQuery {
            project_ids: ids.transpose()?,
            direction: Some(self.direction.into()),
            kind: self.kind.map(domain::InvoiceKind::from),
            open,
            due_before: asked.into_iter().chain(due_before).min(),
            issued_from: self.issued_from.map(|Date(day)| day),
            issued_to: self.issued_to.map(|Date(day)| day),
        })
    }
}

/// The CRM's own ID of a client: taken out of a global ID, or given as it is.
pub(super) fn client_record(ctx: &Context<'_>, id: &ID) -> Result<ClientId> {
    Ok(ClientId::new(record_of(ctx, id, IdNode::Client)?))
}

/// The commercial owner's own ID out of a global ID of the kind; any other text is taken as that own ID.
pub(super) fn record_of(ctx: &Context<'_>, id: &ID, node: IdNode) -> Result<String> {
    match id.parse::<GlobalId>() {
        Ok(global) if global.node == node && global.connection == spine(ctx)?.commercial()?.owner.connection => {
            Ok(global.record)
        }
        Ok(_) => Err(bad_request(format!("`{}` is the ID of something else", id.as_str()))),
        Err(()) => Ok(id.to_string()),
    }
}
