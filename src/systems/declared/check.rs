//! What is wrong with a configuration beyond the form of its keys, and the list of reads that it makes.

use http::Method;

use super::Tables;
use super::fields::{Deals, Invoices, Projects, Tickets};
use super::lists::{DEAL_FILTERS, DEAL_ORDERS, INVOICE_FILTERS, PROJECT_FILTERS, known};
use super::path::{Field, Path};
use super::template::{Placeholder, placeholders};
use super::value::{Amount, Text};
use super::ways::{Listing, Lookup, Paging};
use crate::systems::ConnectionProblem;
use crate::systems::http::Allowed;

type Check = Result<(), ConnectionProblem>;

fn problem(key: &str, message: impl Into<String>) -> ConnectionProblem {
    ConnectionProblem::new(key, message)
}

/// How rows of a lookup are matched to keys.
#[derive(Clone, Copy)]
enum Match {
    /// By this field, which every row has.
    Id,
    /// By the field of this name, which is mapped or not.
    Field(&'static str, bool),
}

/// Refuses what the configuration cannot mean.
pub(in crate::systems) fn check(tables: &Tables) -> Check {
    check_presence(tables)?;
    let ways = ways(tables);
    if ways.is_empty() {
        return Err(problem("deals", "nothing is declared: write a table for what the system owns, e.g. [invoices]"));
    }
    for way in &ways {
        match way {
            Way::Lookup(key, lookup, matched) => check_lookup(key, lookup, *matched)?,
            Way::Listing(key, listing, filters, orders) => check_listing(key, listing, filters, orders)?,
        }
    }
    check_outer_rows(tables, &ways)?;
    if tables.projects.is_none() && (tables.milestones.is_some() || tables.effort.is_some()) {
        let key = if tables.milestones.is_some() { "milestones" } else { "effort" };
        return Err(problem(key, "belongs to projects: declare [projects] too"));
    }
    check_tables(tables)
}

/// The calls that the configuration can make.
pub(in crate::systems) fn reads(tables: &Tables) -> Vec<Allowed> {
    let method = |body: bool| if body { Method::POST } else { Method::GET };
    ways(tables)
        .iter()
        .map(|way| match way {
            Way::Lookup(_, lookup, _) => Allowed::new(method(lookup.body.is_some()), lookup.path.pattern()),
            Way::Listing(_, listing, _, _) => Allowed::new(method(listing.body.is_some()), listing.path.pattern()),
        })
        .collect()
}

enum Way<'c> {
    Lookup(&'static str, &'c Lookup, Match),
    Listing(&'static str, &'c Listing, &'static [&'static str], &'static [&'static str]),
}

/// Every way to ask that is declared.
fn ways(tables: &Tables) -> Vec<Way<'_>> {
    let mut ways = Vec::new();
    if let Some(Deals { by_id, by_project, list, fields, .. }) = &tables.deals {
        let project = Match::Field("project_id", fields.project_id.is_some());
        ways.extend(by_id.as_ref().map(|lookup| Way::Lookup("deals.by_id", lookup, Match::Id)));
        ways.extend(by_project.as_ref().map(|lookup| Way::Lookup("deals.by_project", lookup, project)));
        ways.extend(list.as_ref().map(|list| Way::Listing("deals.list", list, &DEAL_FILTERS, &DEAL_ORDERS)));
    }
    ways.extend(tables.clients.as_ref().map(|table| Way::Lookup("clients.by_id", &table.by_id, Match::Id)));
    let deal = |mapped| Match::Field("deal_id", mapped);
    if let Some(table) = &tables.contacts {
        ways.push(Way::Lookup("contacts.by_deal", &table.by_deal, deal(table.fields.deal_id.is_some())));
    }
    if let Some(table) = &tables.line_items {
        ways.push(Way::Lookup("line_items.by_deal", &table.by_deal, deal(table.fields.deal_id.is_some())));
    }
    if let Some(table) = &tables.proposals {
        ways.push(Way::Lookup("proposals.by_deal", &table.by_deal, deal(table.fields.deal_id.is_some())));
    }
    if let Some(table) = &tables.communications {
        ways.push(Way::Lookup("communications.by_deal", &table.by_deal, deal(table.fields.deal_id.is_some())));
    }
    if let Some(table) = &tables.pre_sales_tickets {
        ways.push(Way::Lookup("pre_sales_tickets.by_deal", &table.by_deal, deal(false)));
    }
    if let Some(Projects { by_id, list, .. }) = &tables.projects {
        ways.extend(by_id.as_ref().map(|lookup| Way::Lookup("projects.by_id", lookup, Match::Id)));
        ways.extend(list.as_ref().map(|list| Way::Listing("projects.list", list, &PROJECT_FILTERS, &[])));
    }
    let project = |mapped| Match::Field("project_id", mapped);
    if let Some(table) = &tables.milestones {
        ways.push(Way::Lookup("milestones.by_project", &table.by_project, project(table.fields.project_id.is_some())));
    }
    if let Some(table) = &tables.effort {
        ways.push(Way::Lookup("effort.by_project", &table.by_project, project(table.fields.project_id.is_some())));
    }
    if let Some(Tickets { by_id, by_project, fields, .. }) = &tables.tickets {
        let project = project(fields.project_id.is_some());
        ways.extend(by_id.as_ref().map(|lookup| Way::Lookup("tickets.by_id", lookup, Match::Id)));
        ways.extend(by_project.as_ref().map(|lookup| Way::Lookup("tickets.by_project", lookup, project)));
    }
    let invoices = [
        (&tables.invoices, ["invoices.by_id", "invoices.by_project", "invoices.list"]),
        (&tables.payables, ["payables.by_id", "payables.by_project", "payables.list"]),
    ];
    for (table, [by_id, by_project, list]) in invoices {
        let Some(table) = table else { continue };
        let project = project(table.fields.project_id.is_some() || projects_on_lines(table));
        ways.extend(table.by_id.as_ref().map(|lookup| Way::Lookup(by_id, lookup, Match::Id)));
        ways.extend(table.by_project.as_ref().map(|lookup| Way::Lookup(by_project, lookup, project)));
        ways.extend(table.list.as_ref().map(|listing| Way::Listing(list, listing, &INVOICE_FILTERS, &[])));
    }
    if let Some(table) = &tables.costs {
        ways.push(Way::Lookup("costs.by_project", &table.by_project, project(table.fields.project_id.is_some())));
    }
    ways
}

/// A place of an outer row is one only where all rows of the table stand in others.
fn check_outer_rows(tables: &Tables, ways: &[Way<'_>]) -> Check {
    let of = |way: &Way<'_>| match way {
        Way::Lookup(key, lookup, _) => (*key, lookup.each.is_some()),
        Way::Listing(key, ..) => (*key, false),
    };
    for (name, table) in tables.named() {
        let inside = |(key, each): (&str, bool)| each || key.split('.').next() != Some(name);
        let all_inside = ways.iter().map(of).all(inside);
        let mut used = Vec::new();
        table.uses(name, &mut used);
        if let Some(used) = used.iter().find(|used| used.path.goes_up() && !(all_inside && used.within.is_none())) {
            let message =
                "goes up by `^`, but its rows stand in no others: write `each` in every way to ask, or take it away";
            return Err(problem(&used.key, message));
        }
    }
    Ok(())
}

fn projects_on_lines(table: &Invoices) -> bool {
    table.lines.as_ref().is_some_and(|lines| lines.project_id.is_some())
}

fn check_lookup(key: &str, lookup: &Lookup, matched: Match) -> Check {
    let at = |name: &str| format!("{key}.{name}");
    let in_body = match &lookup.body {
        Some(body) => placeholders(body).map_err(|message| problem(&at("body"), message))?,
        None => Vec::new(),
    };
    let in_path = lookup.path.placeholder();
    let count = in_body.len() + usize::from(in_path.is_some());
    if count != 1 {
        let what = if count == 0 { "no placeholder" } else { "more than one placeholder" };
        let message =
            format!("has {what}: write `{{ids}}`, or `{{id}}` for a call per key, once in the path or the body");
        return Err(problem(&at("path"), message));
    }
    check_body(&at("body"), lookup.body.as_ref(), &lookup.paging)?;
    check_paging(&at("paging"), lookup.body.is_some(), &lookup.paging)?;
    let one = lookup.placeholder() == Some(Placeholder::One);
    if one {
        for (name, given) in
            [("batch", lookup.batch.is_some()), ("separator", lookup.separator.is_some()), ("repeat", lookup.repeat)]
        {
            if given {
                return Err(problem(&at(name), "has no effect with `{id}`, which makes a call per key: take it away"));
            }
        }
    }
    if lookup.batch == Some(0) {
        return Err(problem(&at("batch"), "must be at least 1"));
    }
    if (lookup.separator.is_some() || lookup.repeat) && in_path.is_none() {
        let name = if lookup.repeat { "repeat" } else { "separator" };
        return Err(problem(&at(name), "has no effect in a body, where keys are a list: take it away"));
    }
    if lookup.repeat && (lookup.separator.is_some() || !lookup.path.in_query()) {
        return Err(problem(&at("repeat"), "repeats a query parameter: write `?name={ids}`, and no `separator`"));
    }
    if lookup
        .separator
        .as_deref()
        .is_some_and(|separator| separator.is_empty() || separator.chars().any(char::is_alphanumeric))
    {
        return Err(problem(&at("separator"), "must be a sign that is no letter and no digit, e.g. \",\" or \"|\""));
    }
    for status in lookup.not_found.iter().flatten() {
        if !(400..500).contains(status) || [401, 403, 408, 429].contains(status) {
            let message = format!("{status} cannot mean that there is nothing: write statuses such as 404 or 410");
            return Err(problem(&at("not_found"), message));
        }
    }
    check_empty(lookup.empty.as_deref(), &at("empty"))?;
    if lookup.single && !one {
        return Err(problem(&at("single"), "one object can only answer one key: write `{id}` in place of `{ids}`"));
    }
    if lookup.single && !matches!(lookup.paging, Paging::None) {
        return Err(problem(&at("paging"), "one object has no pages: take `paging` or `single` away"));
    }
    if lookup.each.as_ref().is_some_and(Path::is_empty) {
        return Err(problem(&at("each"), "is empty: write where a row holds its rows, e.g. \"lines\""));
    }
    if let Match::Field(field, false) = matched
        && lookup.key.is_none()
        && !one
    {
        let message = format!("is missing: say where a row names its key, or map `{field}` in `fields`");
        return Err(problem(&at("key"), message));
    }
    if lookup.key.as_ref().is_some_and(Path::is_empty) {
        return Err(problem(&at("key"), "is empty: write where a row names its key, e.g. \"projectId\""));
    }
    Ok(())
}

fn check_empty(statuses: Option<&[u16]>, key: &str) -> Check {
    match statuses.unwrap_or_default().iter().find(|status| !matches!(status, 204 | 404 | 410)) {
        Some(status) => {
            let message = format!("{status} cannot mean that there are no rows: write 204, 404 or 410");
            Err(problem(key, message))
        }
        None => Ok(()),
    }
}

fn check_listing(key: &str, listing: &Listing, filters: &[&str], orders: &[&str]) -> Check {
    check_empty(listing.empty.as_deref(), &format!("{key}.empty"))?;
    let at = |name: &str| format!("{key}.{name}");
    let in_body = match &listing.body {
        Some(body) => placeholders(body).map_err(|message| problem(&at("body"), message))?,
        None => Vec::new(),
    };
    if listing.path.placeholder().is_some() || !in_body.is_empty() {
        return Err(problem(&at("path"), "a list has no keys: take the placeholder away"));
    }
    check_body(&at("body"), listing.body.as_ref(), &listing.paging)?;
    check_paging(&at("paging"), listing.body.is_some(), &listing.paging)?;
    for name in listing.filters.keys() {
        known(&at("filters"), name, filters)?;
    }
    if let Some(order) = &listing.order {
        if orders.is_empty() {
            return Err(problem(&at("order"), "has no effect: only deals can be ordered. Take it away"));
        }
        for name in order.fields.keys() {
            known(&at("order.fields"), name, orders)?;
        }
        for (name, form) in [("order.ascending", &order.ascending), ("order.descending", &order.descending)] {
            if !form.contains("{field}") {
                return Err(problem(&at(name), "must hold `{field}`, e.g. \"-{field}\""));
            }
        }
    }
    Ok(())
}

fn check_body(key: &str, body: Option<&serde_json::Value>, paging: &Paging) -> Check {
    if body.is_some_and(|body| !body.is_object()) && !matches!(paging, Paging::None) {
        return Err(problem(key, "must be a table: the parameters of pages are written into it"));
    }
    Ok(())
}

fn check_paging(key: &str, post: bool, paging: &Paging) -> Check {
    match paging {
        Paging::NextLink { .. } | Paging::LinkHeader {} if post => {
            Err(problem(key, "a link to the next page is for a GET: use `cursor` with a POST, or take `body` away"))
        }
        Paging::Cursor { size: 0, .. } | Paging::Page { size: 0, .. } | Paging::Offset { size: 0, .. } => {
            Err(problem(&format!("{key}.size"), "must be at least 1"))
        }
        Paging::Cursor { next, .. } | Paging::NextLink { next } if next.is_empty() => {
            Err(problem(&format!("{key}.next"), "is empty: write where an answer names the next page"))
        }
        _ => Ok(()),
    }
}

/// A table that is there says how to ask.
fn check_presence(tables: &Tables) -> Check {
    let none = |ways: &[bool]| !ways.contains(&true);
    let invoices = |table: &Invoices| none(&[table.by_id.is_some(), table.by_project.is_some(), table.list.is_some()]);
    let mute = [
        (
            "deals",
            tables.deals.as_ref().is_some_and(|t| none(&[t.by_id.is_some(), t.by_project.is_some(), t.list.is_some()])),
        ),
        ("projects", tables.projects.as_ref().is_some_and(|t| none(&[t.by_id.is_some(), t.list.is_some()]))),
        ("tickets", tables.tickets.as_ref().is_some_and(|t| none(&[t.by_id.is_some(), t.by_project.is_some()]))),
        ("invoices", tables.invoices.as_ref().is_some_and(invoices)),
        ("payables", tables.payables.as_ref().is_some_and(invoices)),
    ];
    match mute.iter().find(|(_, mute)| *mute) {
        Some((key, _)) => Err(problem(key, "says no way to ask: write `by_id`, `by_project` or `list`")),
        None => Ok(()),
    }
}

/// What concerns a table as a whole: templates of links, and currencies that nothing names.
fn check_tables(tables: &Tables) -> Check {
    let urls = [
        ("deals.url", tables.deals.as_ref().and_then(|table| table.url.as_ref())),
        ("clients.url", tables.clients.as_ref().and_then(|table| table.url.as_ref())),
        ("proposals.url", tables.proposals.as_ref().and_then(|table| table.url.as_ref())),
        ("pre_sales_tickets.url", tables.pre_sales_tickets.as_ref().and_then(|table| table.url.as_ref())),
        ("projects.url", tables.projects.as_ref().and_then(|table| table.url.as_ref())),
        ("milestones.url", tables.milestones.as_ref().and_then(|table| table.url.as_ref())),
        ("tickets.url", tables.tickets.as_ref().and_then(|table| table.url.as_ref())),
        ("invoices.url", tables.invoices.as_ref().and_then(|table| table.url.as_ref())),
        ("payables.url", tables.payables.as_ref().and_then(|table| table.url.as_ref())),
        ("costs.url", tables.costs.as_ref().and_then(|table| table.url.as_ref())),
    ];
    for (key, url) in urls {
        let Some(url) = url else { continue };
        if !(url.starts_with("https://") || url.starts_with("http://")) || !url.contains("{id}") {
            return Err(problem(
                key,
                "must be a web address with `{id}` in it, e.g. \"https://erp.example.com/doc/{id}\"",
            ));
        }
    }
    if let Some(Deals { currency, fields, .. }) = &tables.deals {
        has_currency(
            "deals",
            currency.as_ref(),
            &[("amount", &fields.amount), ("expected_margin", &fields.expected_margin)],
        )?;
    }
    if let Some(table) = &tables.line_items {
        let fields = [("unit_price", &table.fields.unit_price), ("amount", &table.fields.amount)];
        has_currency("line_items", table.currency.as_ref(), &fields)?;
    }
    if let Some(table) = &tables.proposals {
        has_currency("proposals", table.currency.as_ref(), &[("amount", &table.fields.amount)])?;
    }
    for (key, table) in [("invoices", &tables.invoices), ("payables", &tables.payables)] {
        let Some(table) = table else { continue };
        let f = &table.fields;
        let document =
            [("net", &f.net), ("tax", &f.tax), ("total", &f.total), ("paid", &f.paid), ("balance", &f.balance)];
        has_currency(key, table.currency.as_ref(), &document)?;
        let company = [
            ("company_net", &f.company_net),
            ("company_tax", &f.company_tax),
            ("company_total", &f.company_total),
            ("company_paid", &f.company_paid),
            ("company_balance", &f.company_balance),
        ];
        has_currency(key, table.company_currency.as_ref(), &company)?;
    }
    if let Some(table) = &tables.costs {
        let f = &table.fields;
        if f.amount.0.currency.is_none() && table.currency.is_none() {
            return Err(no_currency("costs", "amount"));
        }
        has_currency("costs", table.company_currency.as_ref(), &[("company_amount", &f.company_amount)])?;
    }
    Ok(())
}

/// Every mapped amount has a place where its currency comes from.
fn has_currency(table: &str, currency: Option<&Field<Text>>, fields: &[(&str, &Option<Field<Amount>>)]) -> Check {
    let bare = |field: &&Option<Field<Amount>>| field.as_ref().is_some_and(|Field(amount)| amount.currency.is_none());
    match fields.iter().find(|(_, field)| currency.is_none() && bare(field)) {
        Some((name, _)) => Err(no_currency(table, name)),
        None => Ok(()),
    }
}

fn no_currency(table: &str, field: &str) -> ConnectionProblem {
    let of = if field.starts_with("company_") { "company_currency" } else { "currency" };
    let message =
        format!("has no currency: write `{of}` in [{table}], e.g. {of} = \"currency\" or {{ const = \"EUR\" }}");
    problem(&format!("{table}.fields.{field}"), message)
}
