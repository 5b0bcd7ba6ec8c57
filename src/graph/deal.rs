//! Deals and what hangs on them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use rust_decimal::Decimal;

use super::client::Client;
use super::context::{options, spine, viewer};
use super::direct::{
    Direct, Json, One, Scene, Selected, Written, fields, money, object, optional, person, resolved, select_below,
    stated,
};
use super::errors::{flaw_error, not_owned, system_error};
use super::financials::Financials;
use super::money::Money;
use super::needs::{FactClass, needs as kept_for};
use super::owner::{OwnerDomain, owner as owned_by};
use super::person::Person;
use super::project::Project;
use super::scalars::{Date, DateTime, ProjectId};
use super::source::{Origin, Source};
use super::ticket::Ticket;
use super::wave::Pushdown;
use crate::domain::{self, DealId, DealStatus as Status, Domain, Flaw, IdNode, Link};
use crate::reads::{DealDetails, Fresh, Owner, Read, Reader};

/// A deal: the commercial relationship, owned by the CRM.
#[derive(Debug, Clone)]
pub struct Deal {
    pub(super) record: Arc<domain::Deal>,
    origin: Origin,
}

/// How a deal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::DealStatus")]
pub enum DealStatus {
    /// Still open.
    Open,
    /// Closed, and won.
    Won,
    /// Closed, and lost.
    Lost,
}

/// The link from a deal to its project.
#[derive(Debug, Clone, SimpleObject)]
pub struct DealLink {
    /// Whether the deal carries a usable shared ID.
    status: LinkStatus,
    /// What is typed in the CRM, if it is not well-formed; null otherwise.
    raw: Option<String>,
    /// What is wrong and what to do, with the field to fill; null if nothing is.
    hint: Option<String>,
}

/// Whether a deal carries a usable shared ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum LinkStatus {
    /// It does.
    Linked,
    /// The field is empty.
    NotLinked,
    /// The field holds something that is no shared ID.
    Malformed,
}

/// A person at the client.
#[derive(Debug, Clone)]
pub struct Contact(Arc<domain::Contact>);

/// A line item of a deal.
#[derive(Debug, Clone)]
pub struct LineItem(Arc<domain::LineItem>, Owner);

/// The proposal that counts: the signed one, else the latest.
#[derive(Debug, Clone)]
pub struct Proposal(Arc<domain::Proposal>, Owner);

/// A note, call, mail or meeting on a deal.
#[derive(Debug, Clone)]
pub struct Communication(Arc<domain::Communication>);

/// What a communication was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::CommunicationKind")]
pub enum CommunicationKind {
    /// A note.
    Note,
    /// A call.
    Call,
    /// An e-mail.
    Email,
    /// A meeting.
    Meeting,
}

impl Deal {
    /// A deal out of a read: of itself, of a list or of a page.
    pub(super) fn new<V>(owner: &Owner, read: &Fresh<V>, record: Arc<domain::Deal>) -> Self {
        Self { record, origin: Origin::of(owner, read) }
    }

    /// Reads a deal by its record ID.
    pub(super) async fn read(ctx: &Context<'_>, id: &DealId) -> Result<Option<Self>> {
        let commercial = spine(ctx)?.commercial()?;
        let read = commercial.deals.get(options(ctx)?, id).await.map_err(|error| system_error(&error))?;
        let viewer = viewer(ctx)?;
        let seen = read.value.clone().filter(|deal| viewer.sees(deal));
        Ok(seen.map(|record| Self::new(&commercial.owner, &read, record)))
    }

    /// Reads the deals of a project.
    pub(super) async fn of_project(ctx: &Context<'_>, id: &domain::ProjectId) -> Result<Vec<Self>> {
        let commercial = spine(ctx)?.commercial()?;
        let read = commercial.deals_by_project.get(options(ctx)?, id).await.map_err(|error| system_error(&error))?;
        let deals = read.value.as_deref().map(Vec::as_slice).unwrap_or_default();
        let viewer = viewer(ctx)?;
        Ok(deals
            .iter()
            .filter(|deal| viewer.sees(deal))
            .map(|deal| Self::new(&commercial.owner, &read, Arc::clone(deal)))
            .collect())
    }

    fn money(&self, fields: &[Selected]) -> Financials {
        match self.record.project_id() {
            Some(id) => Financials::of_linked(id.clone(), Arc::clone(&self.record), Pushdown::of(fields)),
            None => Financials::of_unlinked(Arc::clone(&self.record)),
        }
    }

    async fn details<V: Send + Sync + 'static>(
        &self,
        ctx: &Context<'_>,
        reader: impl FnOnce(&DealDetails) -> &Reader<DealId, V>,
    ) -> Result<Option<Arc<V>>> {
        let details = spine(ctx)?.commercial()?.details.as_ref().ok_or_else(|| not_owned(Domain::Commercial))?;
        let read: Read<V> = reader(details).get(options(ctx)?, &self.record.id).await;
        Ok(read.map_err(|error| system_error(&error))?.value)
    }
}

/// The value of a field, or an error if its owner states it in a form nobody can read.
pub(super) fn readable<T>(value: Option<T>, field: &str, flaws: &[Flaw], owner: &Owner) -> Result<Option<T>> {
    match flaws.iter().find(|flaw| flaw.field == field) {
        Some(flaw) if value.is_none() => Err(flaw_error(owner, flaw.kind)),
        _ => Ok(value),
    }
}

/// A deal: the commercial relationship. It does not end at close: delivery begins there, as the project.
#[Object]
impl Deal {
    /// Unique over all systems. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    pub(super) async fn id(&self) -> ID {
        self.origin.global_id(IdNode::Deal, self.record.id.as_str())
    }

    /// Name; null if the CRM states none. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn name(&self) -> Option<&str> {
        self.record.name.as_deref()
    }

    /// Pipeline, by its label. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn pipeline(&self) -> Option<&str> {
        self.record.pipeline.as_deref()
    }

    /// Stage, by its label. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn stage(&self) -> Option<&str> {
        self.record.stage.as_deref()
    }

    /// Whether it is open, won or lost; null if the stage says none of these. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn status(&self) -> Option<DealStatus> {
        self.record.status.map(DealStatus::from)
    }

    /// Whether it is won; null if the stage does not say. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn is_won(&self) -> Option<bool> {
        self.record.status.map(|status| status == Status::Won)
    }

    /// What the client pays, without tax; null if the CRM states no amount, and with an error if it states one without a
    /// currency. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn amount(&self) -> Result<Option<Money>> {
        readable(self.record.amount.map(Money::from), "amount", &self.record.flaws, &self.origin.owner)
    }

    /// What sales expects to remain of the amount after the cost of the work; null if the CRM states none. Needs: margins. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn expected_margin(&self) -> Result<Option<Money>> {
        readable(
            self.record.expected_margin.map(Money::from),
            "expected_margin",
            &self.record.flaws,
            &self.origin.owner,
        )
    }

    /// Close date, expected or real. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn close_date(&self) -> Result<Option<Date>> {
        readable(self.record.close_date.map(Date), "close_date", &self.record.flaws, &self.origin.owner)
    }

    /// Who owns the deal; null if nobody does. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn owner(&self) -> Option<Person> {
        self.record.owner.clone().map(Person)
    }

    /// Vertical; null if the CRM states none. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn vertical(&self) -> Option<&str> {
        self.record.vertical.as_deref()
    }

    /// Deal type, e.g. new business. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn deal_type(&self) -> Option<&str> {
        self.record.deal_type.as_deref()
    }

    /// The client; null if the CRM links the deal to none. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn client(&self, ctx: &Context<'_>) -> Result<Option<Client>> {
        match &self.record.client {
            Some(id) => Client::read(ctx, id).await,
            None => Ok(None),
        }
    }

    /// People at the client. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn contacts(&self, ctx: &Context<'_>) -> Result<Option<Vec<Contact>>> {
        let list = self.details(ctx, |details| &details.contacts).await?;
        Ok(Some(each(list.as_deref(), Contact)))
    }

    /// What was sold, in words. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn scope(&self) -> Option<&str> {
        self.record.scope.as_deref()
    }

    /// The proposal that counts: the signed one, else the latest; null if there was none. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn proposal(&self, ctx: &Context<'_>) -> Result<Option<Proposal>> {
        let proposal = self.details(ctx, |details| &details.proposals).await?;
        Ok(proposal.map(|proposal| Proposal(proposal, self.origin.owner.clone())))
    }

    /// Line items. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn line_items(&self, ctx: &Context<'_>) -> Result<Option<Vec<LineItem>>> {
        let list = self.details(ctx, |details| &details.line_items).await?;
        Ok(Some(each(list.as_deref(), |item| LineItem(item, self.origin.owner.clone()))))
    }

    /// Notes, calls, mails and meetings, latest first. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn communications(&self, ctx: &Context<'_>) -> Result<Option<Vec<Communication>>> {
        let list = self.details(ctx, |details| &details.communications).await?;
        Ok(Some(each(list.as_deref(), Communication)))
    }

    /// Tickets the CRM keeps beside the deal. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn pre_sales_tickets(&self, ctx: &Context<'_>) -> Result<Option<Vec<Ticket>>> {
        let details = spine(ctx)?.commercial()?.details.as_ref().ok_or_else(|| not_owned(Domain::Commercial))?;
        let read = details
            .pre_sales_tickets
            .get(options(ctx)?, &self.record.id)
            .await
            .map_err(|error| system_error(&error))?;
        Ok(Some(each(read.value.as_deref(), |ticket| Ticket::new(&self.origin.owner, &read, ticket))))
    }

    /// The shared ID; null if the deal carries no well-formed one: see `link`. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn project_id(&self) -> Option<ProjectId> {
        self.record.project_id().map(ProjectId::from)
    }

    /// Whether the deal carries a usable shared ID, and what to do if not. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn link(&self, ctx: &Context<'_>) -> Result<DealLink> {
        let field = spine(ctx)?.reads.commercial.as_ref().and_then(|readers| readers.shared_id_field.as_deref());
        let field = field.map_or_else(|| "the field".to_owned(), |name| format!("the field `{name}`"));
        Ok(match &self.record.link {
            Link::To(_) => DealLink { status: LinkStatus::Linked, raw: None, hint: None },
            Link::None => DealLink {
                status: LinkStatus::NotLinked,
                raw: None,
                hint: Some(format!("the deal carries no project ID: fill {field} in the CRM")),
            },
            Link::Malformed(raw) => DealLink {
                status: LinkStatus::Malformed,
                raw: Some(raw.clone()),
                hint: Some(format!("what the deal carries is not a project ID: correct {field} in the CRM")),
            },
        })
    }

    /// The project; null if the deal carries no usable shared ID (see `link`). It exists as soon as its ID is known: whether
    /// the project tool knows it is in `project.source`. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn project(&self) -> Option<Project> {
        self.record.project_id().cloned().map(Project::new)
    }

    /// The money of the deal's project, counted once at project grain even if several deals share the project. For a deal
    /// without a usable shared ID what the deal alone can say. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn financials(&self, ctx: &Context<'_>) -> One<Financials> {
        One(self.money(&select_below(ctx)))
    }

    /// When the record was made. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn created_at(&self) -> Option<DateTime> {
        self.record.created_at.map(DateTime)
    }

    /// When the record last changed. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn updated_at(&self) -> Option<DateTime> {
        self.record.updated_at.map(DateTime)
    }

    /// Where and when this was read. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn source(&self) -> Source {
        self.origin.source(self.record.id.as_str(), self.record.url.as_ref())
    }
}

/// The parts of a list, each as its graph type.
pub(super) fn each<T, G>(list: Option<&Vec<Arc<T>>>, graph: impl Fn(Arc<T>) -> G) -> Vec<G> {
    list.into_iter().flatten().map(|item| graph(Arc::clone(item))).collect()
}

/// A person at the client.
#[Object]
impl Contact {
    /// Full name. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Address. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Telephone. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn phone(&self) -> Option<&str> {
        self.0.phone.as_deref()
    }

    /// Role at the client. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn role(&self) -> Option<&str> {
        self.0.role.as_deref()
    }
}

/// A line item of a deal.
#[Object]
impl LineItem {
    /// Name. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Article number. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn sku(&self) -> Option<&str> {
        self.0.sku.as_deref()
    }

    /// Quantity. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn quantity(&self) -> Result<Option<Decimal>> {
        readable(self.0.quantity, "quantity", &self.0.flaws, &self.1)
    }

    /// Price of one, without tax. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn unit_price(&self) -> Result<Option<Money>> {
        readable(self.0.unit_price.map(Money::from), "unit_price", &self.0.flaws, &self.1)
    }

    /// Price of the line, without tax. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn amount(&self) -> Result<Option<Money>> {
        readable(self.0.amount.map(Money::from), "amount", &self.0.flaws, &self.1)
    }
}

/// The proposal that counts: the signed one, else the latest.
#[Object]
impl Proposal {
    /// Title. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn title(&self) -> Option<&str> {
        self.0.title.as_deref()
    }

    /// Number. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn number(&self) -> Option<&str> {
        self.0.number.as_deref()
    }

    /// How many proposals the deal has had, this one included. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn version(&self) -> u32 {
        self.0.version
    }

    /// Whether it is signed or approved. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn signed(&self) -> bool {
        self.0.signed
    }

    /// Status, in the owner's words. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn status(&self) -> Option<&str> {
        self.0.status.as_deref()
    }

    /// Amount, without tax. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn amount(&self) -> Result<Option<Money>> {
        readable(self.0.amount.map(Money::from), "amount", &self.0.flaws, &self.1)
    }

    /// Last day on which it can be accepted. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn expires_on(&self) -> Result<Option<Date>> {
        readable(self.0.expires_on.map(Date), "expires_on", &self.0.flaws, &self.1)
    }

    /// Where a person opens it. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }
}

/// A note, call, mail or meeting on a deal.
#[Object]
impl Communication {
    /// What it was. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn kind(&self) -> CommunicationKind {
        self.0.kind.into()
    }

    /// When it happened. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn at(&self) -> Option<DateTime> {
        self.0.at.map(DateTime)
    }

    /// Title or subject; null on notes. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// Text, as the CRM holds it (may be HTML). Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn body(&self) -> Option<&str> {
        self.0.body.as_deref()
    }

    /// Who wrote it. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn author(&self) -> Option<Person> {
        self.0.author.clone().map(Person)
    }
}

fields!(DealField {
    Id = "id",
    Name = "name",
    Pipeline = "pipeline",
    Stage = "stage",
    Vertical = "vertical",
    DealType = "dealType",
    Amount = "amount",
    ExpectedMargin = "expectedMargin",
    Owner = "owner",
    ProjectId = "projectId",
    Project = "project",
    Client = "client",
    Financials = "financials",
    Source = "source",
});

impl Direct for Deal {
    fn write(&self, fields: &[Selected], scene: &Scene<'_>, json: &mut Json) -> Written {
        let record = &*self.record;
        object::<Self>(fields, json, |field, json| {
            match DealField::of(field) {
                Some(DealField::Id) => self.origin.write_id(IdNode::Deal, record.id.as_str(), json),
                Some(DealField::Name) => json.text(record.name.as_deref()),
                Some(DealField::Pipeline) => json.text(record.pipeline.as_deref()),
                Some(DealField::Stage) => json.text(record.stage.as_deref()),
                Some(DealField::Vertical) => json.text(record.vertical.as_deref()),
                Some(DealField::DealType) => json.text(record.deal_type.as_deref()),
                Some(DealField::Amount) => {
                    money(stated(record.amount, ("amount", &record.flaws))?, field, scene, json)?;
                }
                Some(DealField::ExpectedMargin) => {
                    money(stated(record.expected_margin, ("expected_margin", &record.flaws))?, field, scene, json)?;
                }
                Some(DealField::Owner) => person(record.owner.as_ref(), field, json)?,
                Some(DealField::ProjectId) => json.text(record.project_id().map(domain::ProjectId::as_str)),
                Some(DealField::Project) => {
                    let project = record.project_id().cloned().map(Project::new);
                    optional(project.as_ref(), &field.below, scene, json)?;
                }
                Some(DealField::Client) => {
                    let client = match &record.client {
                        Some(id) => Client::peek(scene, id)?,
                        None => None,
                    };
                    optional(client.as_ref(), &field.below, scene, json)?;
                }
                Some(DealField::Financials) => self.money(&field.below).write(&field.below, scene, json)?,
                Some(DealField::Source) => {
                    self.origin.source(record.id.as_str(), record.url.as_ref()).write(&field.below, scene, json)?;
                }
                _ => resolved(self, field, scene, json)?,
            }
            Ok(())
        })
    }
}
