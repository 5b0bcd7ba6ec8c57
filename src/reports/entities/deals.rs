//! The set `Deals`.

use jiff::Timestamp;

use super::pages::page;
use super::{Chunk, Place, Question, Row, amount, currency, date, flaws, global_id, moment, text};
use crate::domain::{ClientId, Deal, DealId, DealQuery, DealStatus, Domain, GlobalId, IdNode};
use crate::reads::{Commercial, Owner, ReadOptions};
use crate::reports::{Cell, Column, ColumnKind, ReportError, Reports};

pub(super) const DESCRIPTION: &str = "Deals, as the CRM holds them.";

pub(super) const COLUMNS: &[Column] = &[
    Column::new("id", "Deal ID", ColumnKind::Text, "Unique over all systems, e.g. `deal:hubspot:900001`."),
    Column::new("name", "Deal", ColumnKind::Text, "Name. Null if the CRM states none.").of("Deal.name"),
    Column::new("pipeline", "Pipeline", ColumnKind::Text, "Pipeline, by its label.").of("Deal.pipeline"),
    Column::new("stage", "Stage", ColumnKind::Text, "Stage, by its label.").of("Deal.stage"),
    Column::new("status", "Status", ColumnKind::Text, "OPEN, WON or LOST; null if the stage says none of these.").of("Deal.status"),
    Column::new(
        "amount",
        "Amount",
        ColumnKind::Amount,
        "What the client pays, without tax, in `currency`. Null if the CRM states none, or none that can be read.",
    ).of("Deal.amount"),
    Column::new("currency", "Currency", ColumnKind::Text, "ISO 4217 code of `amount` and `expected_margin`.").of("Deal.amount"),
    Column::new(
        "expected_margin",
        "Expected margin",
        ColumnKind::Amount,
        "What sales expects to remain of the amount after the cost of the work, in `currency`. Null if the CRM states none, or \
         one in another currency than that of `amount`.",
    ).of("Deal.expectedMargin"),
    Column::new("close_date", "Close date", ColumnKind::Date, "Close date, expected or real.").of("Deal.closeDate"),
    Column::new("owner", "Deal owner", ColumnKind::Text, "Who owns the deal. Null if nobody does.").of("Deal.owner"),
    Column::new("vertical", "Vertical", ColumnKind::Text, "Vertical. Null if the CRM states none.").of("Deal.vertical"),
    Column::new(
        "deal_type",
        "Deal type",
        ColumnKind::Text,
        "Deal type, e.g. new business. Null if the CRM states none.",
    ).of("Deal.dealType"),
    Column::new("client_id", "Client ID", ColumnKind::Text, "The client. Null if the CRM links the deal to none.").of("Deal.client"),
    Column::new(
        "project_id",
        "Project ID",
        ColumnKind::Text,
        "The shared ID of the project. Null if the deal carries none, or none that is well-formed: see `link`.",
    ).of("Deal.projectId"),
    Column::new(
        "link",
        "Link",
        ColumnKind::Text,
        "Whether the deal carries a usable shared ID: LINKED, NOT_LINKED or MALFORMED.",
    ).of("Deal.projectId"),
    Column::new("created_at", "Created", ColumnKind::Moment, "When the record was made, UTC.").of("Deal.createdAt"),
    Column::new("updated_at", "Updated", ColumnKind::Moment, "When the record last changed, UTC.").of("Deal.updatedAt"),
    Column::new("url", "Link to the CRM", ColumnKind::Text, super::URL),
    Column::new("flaws", "Flaws", ColumnKind::Text, super::FLAWS),
    Column::new("as_of", "As of", ColumnKind::Moment, super::AS_OF),
];

impl Reports {
    fn commercial(&self) -> Result<&Commercial, ReportError> {
        self.reads.commercial.as_ref().ok_or(ReportError::NotOwned(Domain::Commercial))
    }

    pub(super) async fn deal_rows(
        &self,
        question: &Question,
        place: &Place,
        options: &ReadOptions,
    ) -> Result<Chunk, ReportError> {
        let commercial = self.commercial()?;
        let query = query(question, &commercial.owner);
        let readers = [(&commercial.owner, &commercial.deal_pages)];
        let Some(page) = page(&readers, query, place, options).await? else { return Ok(Chunk::default()) };
        let seen = page.items.iter().filter(|deal| options.viewer.sees(deal));
        let rows = seen.map(|deal| row(deal, page.owner, page.as_of)).collect();
        Ok(Chunk { rows, next: page.next, rates: None })
    }

    pub(super) async fn deal_row(&self, id: &str, options: &ReadOptions) -> Result<Option<Row>, ReportError> {
        let commercial = self.commercial()?;
        let Some(id) = own(id, IdNode::Deal, &commercial.owner) else { return Ok(None) };
        let read = commercial.deals.get(options, &DealId::new(id)).await.map_err(ReportError::System)?;
        let seen = read.value.filter(|deal| options.viewer.sees(deal));
        Ok(seen.map(|deal| row(&deal, &commercial.owner, read.as_of)))
    }
}

/// The record ID in a global ID of that kind and that owner.
pub(super) fn own(id: &str, node: IdNode, owner: &Owner) -> Option<String> {
    let id = id.parse::<GlobalId>().ok()?;
    (id.node == node && id.connection == owner.connection).then_some(id.record)
}

/// What the CRM is asked: what means the same there and here.
fn query(question: &Question, owner: &Owner) -> DealQuery {
    let (closed_from, closed_to) = question.days("close_date");
    DealQuery {
        status: match question.is_text("status") {
            Some("OPEN") => Some(DealStatus::Open),
            Some("WON") => Some(DealStatus::Won),
            Some("LOST") => Some(DealStatus::Lost),
            _ => None,
        },
        vertical: question.is_text("vertical").map(str::to_owned),
        deal_type: question.is_text("deal_type").map(str::to_owned),
        client: question.is_text("client_id").and_then(|id| own(id, IdNode::Client, owner)).map(ClientId::new),
        closed_from,
        closed_to,
        ..DealQuery::default()
    }
}

fn row(deal: &Deal, owner: &Owner, as_of: Timestamp) -> Row {
    let shown = deal.amount.or(deal.expected_margin);
    let same = |money: &crate::domain::Money| shown.is_some_and(|shown| shown.currency == money.currency);
    vec![
        global_id(IdNode::Deal, owner, deal.id.as_str()),
        text(deal.name.as_deref()),
        text(deal.pipeline.as_deref()),
        text(deal.stage.as_deref()),
        text(deal.status.map(|status| match status {
            DealStatus::Open => "OPEN",
            DealStatus::Won => "WON",
            DealStatus::Lost => "LOST",
        })),
        amount(deal.amount),
        currency(shown),
        amount(deal.expected_margin.filter(same)),
        date(deal.close_date),
        text(deal.owner.as_ref().map(|person| person.name.as_str())),
        text(deal.vertical.as_deref()),
        text(deal.deal_type.as_deref()),
        deal.client.as_ref().map_or(Cell::Empty, |client| global_id(IdNode::Client, owner, client.as_str())),
        text(deal.project_id()),
        text(Some(match deal.link {
            crate::domain::Link::To(_) => "LINKED",
            crate::domain::Link::None => "NOT_LINKED",
            crate::domain::Link::Malformed(_) => "MALFORMED",
        })),
        moment(deal.created_at),
        moment(deal.updated_at),
        text(deal.url.as_deref()),
        flaws(&deal.flaws),
        Cell::Moment(as_of),
    ]
}
