//! `[connections.NAME]` of kind `rest`: where the system is, how Spine signs in, and how it is asked.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::systems::declared::Tables;
use crate::systems::declared::auth::Auth;
use crate::systems::declared::fields::{
    Clients, Communications, Contacts, Costs, Deals, EffortTable, Invoices, LineItems, Milestones, PreSalesTickets,
    Projects, Proposals, Tickets,
};
use crate::systems::declared::template::Placeholder;

/// A system that speaks JSON over HTTP, declared table by table. A table that is not there is something the system does
/// not own.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Rest")]
pub struct Config {
    /// Base URL; all paths are below it, e.g. `https://finance.example.com/api`.
    pub url: String,
    /// How Spine signs in.
    #[serde(default)]
    pub auth: Auth,
    /// Headers of every call that are no secrets, e.g. `{ Accept-Language = "en" }`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Time zone of dates and times that name none, e.g. `Europe/Berlin`; UTC by default.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Deals.
    pub deals: Option<Deals>,
    /// Clients.
    pub clients: Option<Clients>,
    /// Contacts of a deal.
    pub contacts: Option<Contacts>,
    /// Line items of a deal.
    pub line_items: Option<LineItems>,
    /// Proposals of a deal.
    pub proposals: Option<Proposals>,
    /// Notes, calls, mails and meetings of a deal.
    pub communications: Option<Communications>,
    /// Tickets that are kept beside a deal.
    pub pre_sales_tickets: Option<PreSalesTickets>,
    /// Projects.
    pub projects: Option<Projects>,
    /// Milestones of a project.
    pub milestones: Option<Milestones>,
    /// Hours booked on a project.
    pub effort: Option<EffortTable>,
    /// Tickets.
    pub tickets: Option<Tickets>,
    /// Invoices to clients.
    pub invoices: Option<Invoices>,
    /// Bills of vendors.
    pub payables: Option<Invoices>,
    /// Costs of a project.
    pub costs: Option<Costs>,
}

impl Config {
    /// Where the system is, and what is declared. What was left open is settled: with a call per key, 404 means that a
    /// record is not there. For what belongs to a key it means nothing by itself: a wrong path answers 404 too, and would
    /// make every sum zero.
    pub(in crate::systems) fn split(self) -> (Place, Tables) {
        let mut tables = Tables {
            deals: self.deals,
            clients: self.clients,
            contacts: self.contacts,
            line_items: self.line_items,
            proposals: self.proposals,
            communications: self.communications,
            pre_sales_tickets: self.pre_sales_tickets,
            projects: self.projects,
            milestones: self.milestones,
            effort: self.effort,
            tickets: self.tickets,
            invoices: self.invoices,
            payables: self.payables,
            costs: self.costs,
        };
        let by_id = [
            tables.deals.as_mut().and_then(|table| table.by_id.as_mut()),
            tables.clients.as_mut().map(|table| &mut table.by_id),
            tables.projects.as_mut().and_then(|table| table.by_id.as_mut()),
            tables.tickets.as_mut().and_then(|table| table.by_id.as_mut()),
            tables.invoices.as_mut().and_then(|table| table.by_id.as_mut()),
            tables.payables.as_mut().and_then(|table| table.by_id.as_mut()),
        ];
        for lookup in by_id.into_iter().flatten() {
            if lookup.not_found.is_none() && lookup.placeholder() == Some(Placeholder::One) {
                lookup.not_found = Some(vec![404]);
            }
        }
        (Place { url: self.url, auth: self.auth, headers: self.headers, time_zone: self.time_zone }, tables)
    }
}

/// Where a system is and how Spine signs in.
pub(in crate::systems) struct Place {
    pub(in crate::systems) url: String,
    pub(in crate::systems) auth: Auth,
    pub(in crate::systems) headers: BTreeMap<String, String>,
    pub(in crate::systems) time_zone: Option<String>,
}
