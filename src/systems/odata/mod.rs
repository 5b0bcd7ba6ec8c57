//! OData 4: any service that speaks it, declared set by set (S/4HANA, Dynamics 365 Business Central, one of the company's
//! own).
//!
//! What is peculiar about it:
//! - Questions are expressions. Spine writes them: `$filter` over the keys, `$select` and `$expand` of what the fields read,
//!   `$orderby` for pages that do not move. Literals are quoted in one place.
//! - A service gives pages of its own size and a link to the next one; `$count` says how many rows there are in all.
//!   A list within an entity may be paged too, which is refused: it would be a document without some of its lines.
//! - Decimals are asked for as texts (`IEEE754Compatible`), since JSON's numbers are rounded by many.
//! - Sums are added up by the service (`$apply`) where the configuration says that it can.
//!
//! How rows are read is [`declared`](super::declared)'s matter. Facts: OData 4.01 Part 1 and 2, OData JSON Format 4.01.
//!
//! `docs/connectors/odata.md` describes every option.

mod ask;
mod config;
mod select;
mod sets;
mod sums;
mod tables;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

pub use config::{Config, From, Set};
pub use sets::{
    ClientSet, CommunicationSet, ContactSet, CostSet, DealSet, EffortSet, InvoiceSet, LineItemSet, MilestoneSet,
    PreSalesTicketSet, ProjectSet, ProposalSet, TicketSet,
};

use self::sums::{CostSums, InvoiceSums};
pub use super::declared::expression::Literal;
use super::declared::known::of_known_projects;
use super::declared::path::Path;
use super::declared::{Access, check, connection, reach};
use super::{Connection, ConnectionContext, ConnectionProblem};

/// Kind of system, as it is written in the configuration.
pub const SYSTEM: &str = "odata";

/// Builds a connection. What the configuration cannot mean is refused, with the key it stands under.
#[expect(clippy::needless_pass_by_value, reason = "as every kind of connection is made")]
pub fn connect(config: Config, context: ConnectionContext) -> Result<Connection, ConnectionProblem> {
    let tables = config.tables()?;
    check::check(&tables)?;
    let access = Access {
        system: SYSTEM,
        url: &config.url,
        auth: &config.auth,
        headers: &config.headers,
        accept: if config.exact_decimals {
            "application/json;odata.metadata=minimal;IEEE754Compatible=true"
        } else {
            "application/json;odata.metadata=minimal"
        },
        extra: headers(&config),
        time_zone: config.time_zone.as_deref(),
        code: Path::parse("error.code").unwrap_or_default(),
    };
    let api = reach(access, &tables, &context)?;
    let mut connection = connection(SYSTEM, tables.clone(), &api, context);
    if config.invoices.as_ref().is_some_and(|table| table.sums)
        && let (Some(table), Some(rows)) = (&tables.invoices, &connection.receivables)
    {
        let sums = InvoiceSums::new(&config, Arc::clone(&api), Arc::clone(rows), table)?;
        connection.invoice_sums = Some(Arc::new(sums));
    }
    if config.costs.as_ref().is_some_and(|table| table.sums)
        && let (Some(table), Some(rows)) = (&tables.costs, &connection.costs)
    {
        connection.cost_sums = Some(Arc::new(CostSums::new(&config, api, Arc::clone(rows), table)?));
    }
    if tables.knows_projects() {
        of_known_projects(&mut connection);
    }
    Ok(connection)
}

/// What every call says of the protocol. The size of a page is a wish.
fn headers(config: &Config) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("odata-maxversion"), HeaderValue::from_static("4.0"));
    if let Ok(prefer) = HeaderValue::try_from(format!("odata.maxpagesize={}", config.page_size)) {
        headers.insert(HeaderName::from_static("prefer"), prefer);
    }
    headers
}
