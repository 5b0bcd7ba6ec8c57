//! The tables of the configuration as those that all declared systems have.

use super::ask::Ask;
use super::config::{Config, Set};
use super::sets::InvoiceSet;
use crate::systems::ConnectionProblem;
use crate::systems::declared::Tables;
use crate::systems::declared::fields::{
    Clients, Communications, Contacts, Costs, Deals, EffortTable, Invoices, LineItems, Milestones, PreSalesTickets,
    Projects, Proposals, Tickets,
};
use crate::systems::declared::lists::{DEAL_FILTERS, DEAL_ORDERS, INVOICE_FILTERS, PROJECT_FILTERS, known};
use crate::systems::declared::path::Path;

type Table<T> = Result<Option<T>, ConnectionProblem>;

impl Config {
    /// What is declared, with the questions that are asked.
    pub(super) fn tables(&self) -> Result<Tables, ConnectionProblem> {
        self.check()?;
        Ok(Tables {
            deals: self.deals()?,
            clients: self.clients()?,
            contacts: self.contacts()?,
            line_items: self.line_items()?,
            proposals: self.proposals()?,
            communications: self.communications()?,
            pre_sales_tickets: self.pre_sales_tickets()?,
            projects: self.projects()?,
            milestones: self.milestones()?,
            effort: self.effort()?,
            tickets: self.tickets()?,
            invoices: self.documents("invoices", self.invoices.as_ref())?,
            payables: self.documents("payables", self.payables.as_ref())?,
            costs: self.costs()?,
        })
    }

    /// Checks what the types cannot.
    fn check(&self) -> Result<(), ConnectionProblem> {
        if self.batch == 0 {
            return Err(ConnectionProblem::new("batch", "must be at least 1"));
        }
        if self.page_size == 0 {
            return Err(ConnectionProblem::new("page_size", "must be at least 1"));
        }
        if self.payables.as_ref().is_some_and(|table| table.sums) {
            let message = "has no effect: invoices to clients and costs are added up, bills are not. Take it away";
            return Err(ConnectionProblem::new("payables.sums", message));
        }
        let none: &[&str] = &[];
        let sets = [
            ("deals", self.deals.as_ref().map(|table| &table.from.0), DEAL_FILTERS.as_slice(), DEAL_ORDERS.as_slice()),
            ("projects", self.projects.as_ref().map(|table| &table.from.0), &PROJECT_FILTERS, none),
            ("invoices", self.invoices.as_ref().map(|table| &table.from.0), &INVOICE_FILTERS, none),
            ("payables", self.payables.as_ref().map(|table| &table.from.0), &INVOICE_FILTERS, none),
            ("clients", self.clients.as_ref().map(|table| &table.from.0), none, none),
            ("contacts", self.contacts.as_ref().map(|table| &table.from.0), none, none),
            ("line_items", self.line_items.as_ref().map(|table| &table.from.0), none, none),
            ("proposals", self.proposals.as_ref().map(|table| &table.from.0), none, none),
            ("communications", self.communications.as_ref().map(|table| &table.from.0), none, none),
            ("pre_sales_tickets", self.pre_sales_tickets.as_ref().map(|table| &table.from.0), none, none),
            ("milestones", self.milestones.as_ref().map(|table| &table.from.0), none, none),
            ("effort", self.effort.as_ref().map(|table| &table.from.0), none, none),
            ("tickets", self.tickets.as_ref().map(|table| &table.from.0), none, none),
            ("costs", self.costs.as_ref().map(|table| &table.from.0), none, none),
        ];
        for (key, set, filters, orders) in sets {
            let Some(set) = set else { continue };
            check_names(
                &format!("{key}.from.filters"),
                set.filters.keys(),
                filters,
                "nothing of this table is listed by filters",
            )?;
            check_names(&format!("{key}.from.orders"), set.orders.keys(), orders, "only deals can be ordered")?;
        }
        Ok(())
    }

    fn deals(&self) -> Table<Deals> {
        let Some(table) = self.deals.clone() else { return Ok(None) };
        let ask = Ask::new(self, "deals", &table.from.0, &table, Some(&table.fields.id))?;
        Ok(Some(Deals {
            by_id: Some(ask.by_record(&table.fields.id)?),
            by_project: ask.maybe_by_project(table.fields.project_id.as_ref())?,
            list: Some(ask.list()?),
            currency: table.currency,
            url: table.url,
            skip: table.skip,
            fields: table.fields,
        }))
    }

    fn clients(&self) -> Table<Clients> {
        let Some(table) = self.clients.clone() else { return Ok(None) };
        let ask = Ask::new(self, "clients", &table.from.0, &table, Some(&table.fields.id))?;
        let by_id = ask.by_record(&table.fields.id)?;
        Ok(Some(Clients { by_id, url: table.url, skip: table.skip, fields: table.fields }))
    }

    fn contacts(&self) -> Table<Contacts> {
        let Some(table) = self.contacts.clone() else { return Ok(None) };
        let ask = Ask::new(self, "contacts", &table.from.0, &table, Some(&table.fields.id))?;
        let by_deal = ask.by_deal(table.fields.deal_id.as_ref())?;
        Ok(Some(Contacts { by_deal, skip: table.skip, fields: table.fields }))
    }

    fn line_items(&self) -> Table<LineItems> {
        let Some(table) = self.line_items.clone() else { return Ok(None) };
        let ask = Ask::new(self, "line_items", &table.from.0, &table, Some(&table.fields.id))?;
        let by_deal = ask.by_deal(table.fields.deal_id.as_ref())?;
        Ok(Some(LineItems { by_deal, currency: table.currency, skip: table.skip, fields: table.fields }))
    }

    fn proposals(&self) -> Table<Proposals> {
        let Some(table) = self.proposals.clone() else { return Ok(None) };
        let ask = Ask::new(self, "proposals", &table.from.0, &table, Some(&table.fields.id))?;
        let by_deal = ask.by_deal(table.fields.deal_id.as_ref())?;
        let (currency, url) = (table.currency, table.url);
        Ok(Some(Proposals { by_deal, currency, url, skip: table.skip, fields: table.fields }))
    }

    fn communications(&self) -> Table<Communications> {
        let Some(table) = self.communications.clone() else { return Ok(None) };
        let ask = Ask::new(self, "communications", &table.from.0, &table, Some(&table.fields.id))?;
        let by_deal = ask.by_deal(table.fields.deal_id.as_ref())?;
        Ok(Some(Communications { by_deal, skip: table.skip, fields: table.fields }))
    }

    fn pre_sales_tickets(&self) -> Table<PreSalesTickets> {
        let Some(table) = self.pre_sales_tickets.clone() else { return Ok(None) };
        let ask = Ask::new(self, "pre_sales_tickets", &table.from.0, &table, Some(&table.fields.id))?;
        let by_deal = ask.by_deal(None)?;
        Ok(Some(PreSalesTickets { by_deal, url: table.url, skip: table.skip, fields: table.fields }))
    }

    fn projects(&self) -> Table<Projects> {
        let Some(table) = self.projects.clone() else { return Ok(None) };
        let ask = Ask::new(self, "projects", &table.from.0, &table, Some(&table.fields.id))?;
        let by_id = Some(ask.by_project(Some(&table.fields.id))?);
        Ok(Some(Projects { by_id, list: Some(ask.list()?), url: table.url, skip: table.skip, fields: table.fields }))
    }

    fn milestones(&self) -> Table<Milestones> {
        let Some(table) = self.milestones.clone() else { return Ok(None) };
        let ask = Ask::new(self, "milestones", &table.from.0, &table, Some(&table.fields.id))?;
        let by_project = ask.by_project(table.fields.project_id.as_ref())?;
        Ok(Some(Milestones { by_project, url: table.url, skip: table.skip, fields: table.fields }))
    }

    fn effort(&self) -> Table<EffortTable> {
        let Some(table) = self.effort.clone() else { return Ok(None) };
        let ask = Ask::new(self, "effort", &table.from.0, &table, table.fields.id.as_ref())?;
        let by_project = ask.by_project(table.fields.project_id.as_ref())?;
        Ok(Some(EffortTable { by_project, skip: table.skip, fields: table.fields }))
    }

    fn tickets(&self) -> Table<Tickets> {
        let Some(table) = self.tickets.clone() else { return Ok(None) };
        let ask = Ask::new(self, "tickets", &table.from.0, &table, Some(&table.fields.id))?;
        Ok(Some(Tickets {
            by_id: Some(ask.by_record(&table.fields.id)?),
            by_project: ask.maybe_by_project(table.fields.project_id.as_ref())?,
            url: table.url,
            skip: table.skip,
            fields: table.fields,
        }))
    }

    fn documents(&self, key: &'static str, table: Option<&InvoiceSet>) -> Table<Invoices> {
        let Some(table) = table.cloned() else { return Ok(None) };
        let ask = Ask::new(self, key, &table.from.0, &table, Some(&table.fields.id))?;
        let places = project_places(&table.from.0, &table);
        let by_project = if places.is_empty() { None } else { Some(ask.by_any_project(&places)?) };
        Ok(Some(Invoices {
            by_id: Some(ask.by_record(&table.fields.id)?),
            by_project,
            list: Some(ask.list()?),
            currency: table.currency,
            company_currency: table.company_currency,
            credit_notes: table.credit_notes,
            url: table.url,
            lines: table.lines,
            payments: table.payments,
            skip: table.skip,
            fields: table.fields,
        }))
    }

    fn costs(&self) -> Table<Costs> {
        let Some(table) = self.costs.clone() else { return Ok(None) };
        let ask = Ask::new(self, "costs", &table.from.0, &table, Some(&table.fields.id))?;
        let by_project = ask.by_project(table.fields.project_id.as_ref())?;
        Ok(Some(Costs {
            by_project,
            currency: table.currency,
            company_currency: table.company_currency,
            url: table.url,
            skip: table.skip,
            fields: table.fields,
        }))
    }
}

/// Where a document says which projects it is for: on itself, on its lines, or on both.
fn project_places<'t>(set: &'t Set, table: &'t InvoiceSet) -> Vec<(&'t Path, Option<&'t Path>)> {
    let own = set.key.as_ref().or(table.fields.project_id.as_ref()).map(|path| (path, None));
    let lines = table.lines.as_ref().and_then(|lines| {
        let project = lines.project_id.as_ref()?.0.path.as_ref()?;
        Some((project, Some(&lines.rows)))
    });
    own.into_iter().chain(lines).collect()
}

fn check_names<'n>(
    key: &str,
    names: impl Iterator<Item = &'n String>,
    all: &[&str],
    none: &str,
) -> Result<(), ConnectionProblem> {
    for name in names {
        if all.is_empty() {
            return Err(ConnectionProblem::new(key, format!("has no effect: {none}. Take it away")));
        }
        known(key, name, all)?;
    }
    Ok(())
}
