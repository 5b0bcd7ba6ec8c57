//! What an operation will ask of the systems, before it asks: which reads, in which wave, in how many batches at most.
//!
//! A batch is one call to most systems. Some keep in several places what is one read here (invoices and credit notes), and get
//! a call for each: how many is theirs to know, and `extensions.spine.made` counts them.
//!
//! It is made of the same table that the waves are made of ([`Asks`]), so that what is planned is what is done.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::Value;
use async_graphql::parser::types::ExecutableDocument;
use serde::Serialize;

use super::direct::{Selected, fields_of, select_from};
use super::guard::Given;
use super::profitability;
use super::wave::{Ask, Asks, is_payable};
use crate::access::View;
use crate::domain::Direction;
use crate::reads::{Kind, Reads};
use crate::reports::PAGE;

/// Rows of a list that does not say how many.
const DEFAULT_FIRST: usize = 50;

/// The field that asks about the whole portfolio.
const REPORT: &str = "profitability";

/// What hangs on each system needs all deals.
const IMPACT: &str = "systems.impact, each page";

/// What an operation will ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The reads, in the order of their waves.
    pub steps: Vec<Step>,
    /// The most batches that each connection gets, by its name.
    pub batches: BTreeMap<String, usize>,
}

/// One read of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The wave in which it is made: all of a wave are made at once. 1 is the first.
    pub wave: usize,
    /// The wave in which it is made if the deal's link to its project was seen before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave_if_remembered: Option<usize>,
    /// The connection that is asked.
    pub connection: String,
    /// Kind of system.
    pub system: &'static str,
    /// What is read, e.g. `invoices_by_project`.
    pub read: &'static str,
    /// The field that needs it.
    pub field: String,
    /// Keys, at most: none of them may be in memory, and all different.
    pub keys: usize,
    /// Keys that one batch takes.
    pub batch: usize,
    /// Batches, at most: `keys / batch`, rounded up.
    pub batches: usize,
}

impl Plan {
    /// Plans an operation of a document.
    pub fn new(document: &ExecutableDocument, given: Given<'_>, reads: &Reads, view: &View) -> Self {
        let mut planner = Planner { reads, given, view, steps: Vec::new() };
        for field in roots(document, given) {
            planner.root(&field);
        }
        let mut steps = planner.steps;
        steps.sort_by_key(|step| step.wave);
        let mut batches = BTreeMap::new();
        for step in &steps {
            *batches.entry(step.connection.clone()).or_default() += step.batches;
        }
        Self { steps, batches }
    }
}

/// How many rows the longest list at an operation's root is to have; 0 if no list says.
pub fn longest_list(document: &ExecutableDocument, given: Given<'_>) -> usize {
    let fields = fields_of(&document.fragments, &given.operation.selection_set.node);
    fields.into_iter().filter_map(|field| number(given.argument(&field.node, "first"))).max().unwrap_or(0)
}

/// Whether an operation asks about the whole portfolio.
pub fn asks_for_a_report(document: &ExecutableDocument, given: Given<'_>) -> bool {
    let fields = fields_of(&document.fragments, &given.operation.selection_set.node);
    fields.into_iter().any(|field| match field.node.name.node.as_str() {
        REPORT => true,
        "systems" => asks_for_impact(&select_from(&document.fragments, &field.node.selection_set.node)),
        _ => false,
    })
}

/// Whether what hangs on systems is selected below them.
fn asks_for_impact(below: &[Selected]) -> bool {
    Selected::rows(below).into_iter().any(|row| row.name() == "impact")
}

fn roots<'a>(document: &'a ExecutableDocument, given: Given<'a>) -> Vec<Selected> {
    select_from(&document.fragments, &given.operation.selection_set.node)
}

/// How many rows a list is to have, if it says.
fn first(list: &Selected, given: Given<'_>) -> Option<usize> {
    number(list.argument("first", given))
}

fn number(value: Option<Value>) -> Option<usize> {
    let Some(Value::Number(number)) = value else { return None };
    usize::try_from(number.as_u64()?).ok()
}

/// A word of the document or of the variables.
fn name_of(value: &Value) -> Option<&str> {
    match value {
        Value::Enum(name) => Some(name),
        Value::String(name) => Some(name),
        _ => None,
    }
}

struct Planner<'a> {
    reads: &'a Reads,
    given: Given<'a>,
    view: &'a View,
    steps: Vec<Step>,
}

/// How many keys of each kind there are at most, and the wave in which they are known.
#[derive(Debug, Clone, Copy)]
struct Known {
    rows: usize,
    wave: usize,
    /// Whether the project may be known one wave earlier, from a link that was seen before.
    link: bool,
}

impl Planner<'_> {
    fn root(&mut self, field: &Selected) {
        let name = field.name();
        let reads = self.reads;
        let commercial = reads.commercial.as_ref();
        match name {
            "deal" => self.deal(field),
            "deals" => {
                self.step(1, None, commercial.map(|commercial| commercial.deal_pages.kind()), name, 1);
                self.deals(field, Selected::rows(&field.below), Known { rows: self.rows(field), wave: 2, link: false });
            }
            "project" => {
                let known = Known { rows: 1, wave: 1, link: false };
                // Whether there is one is for the project tool to say.
                self.ask(known, Ask::Project, name);
                self.projects(field, &field.below, known);
            }
            "projects" => {
                if let Some(Value::List(ids)) = field.argument("ids", self.given) {
                    let known = Known { rows: ids.len(), wave: 1, link: false };
                    self.ask(known, Ask::Project, name);
                    self.projects(field, Selected::rows(&field.below), known);
                } else {
                    for delivery in reads.delivery.all() {
                        self.step(1, None, Some(delivery.project_pages.kind()), name, 1);
                    }
                    self.projects(
                        field,
                        Selected::rows(&field.below),
                        Known { rows: self.rows(field), wave: 2, link: false },
                    );
                }
            }
            "invoices" => {
                let payable = matches!(field.argument("filter", self.given), Some(Value::Object(filter))
                    if filter.get("direction").is_some_and(is_payable));
                for invoices in reads.invoices(if payable { Direction::Payable } else { Direction::Receivable }) {
                    self.step(1, None, Some(invoices.pages.kind()), name, 1);
                }
                let known = Known { rows: self.rows(field), wave: 2, link: false };
                for project in Selected::rows(&field.below).into_iter().filter(|row| row.name() == "project") {
                    self.projects(field, &project.below, known);
                }
            }
            REPORT => self.portfolio(field),
            "systems" if asks_for_impact(&field.below) => {
                self.step(1, None, commercial.map(|commercial| commercial.deal_pages.kind()), IMPACT, 1);
            }
            "invoice" => {
                for invoices in reads.receivables.all() {
                    self.step(1, None, Some(invoices.invoices.kind()), name, 1);
                }
                self.project_below(field);
            }
            "ticket" => {
                for tickets in reads.tickets.all() {
                    self.step(1, None, Some(tickets.tickets.kind()), name, 1);
                }
                self.project_below(field);
            }
            "client" => {
                let clients = commercial.and_then(|commercial| commercial.clients.as_ref());
                self.step(1, None, clients.map(crate::reads::Reader::kind), name, 1);
                if field.below.iter().any(|below| below.name() == "projects") {
                    self.step(2, None, commercial.map(|commercial| commercial.deal_pages.kind()), "client.projects", 1);
                }
                for deals in field.below.iter().filter(|below| below.name() == "deals") {
                    self.step(2, None, commercial.map(|commercial| commercial.deal_pages.kind()), "client.deals", 1);
                    self.deals(
                        deals,
                        Selected::rows(&deals.below),
                        Known { rows: self.rows(deals), wave: 3, link: false },
                    );
                }
            }
            _ => {}
        }
    }

    /// What each page of the portfolio costs; how many there are is known once they are read.
    fn portfolio(&mut self, field: &Selected) {
        let reads = self.reads;
        let each = format!("{}, each {PAGE} deals", field.name());
        let commercial = reads.commercial.as_ref();
        self.step(1, None, commercial.map(|commercial| commercial.deal_pages.kind()), &each, 1);
        self.step(2, None, commercial.map(|commercial| commercial.deals_by_project.kind()), &each, PAGE);
        let dimensions = match field.argument("groupBy", self.given) {
            Some(Value::List(dimensions)) => dimensions,
            one => one.into_iter().collect(),
        };
        let names: Vec<&str> = dimensions.iter().filter_map(name_of).collect();
        let needs = profitability::needs(&field.below, &names);
        for kind in needs.kinds(reads) {
            self.step(3, None, Some(kind), &each, PAGE);
        }
        // Without a filter, what no deal leads to is looked for.
        if field.argument("filter", self.given).is_none_or(|filter| filter == Value::Null) {
            let each = format!("{}, each page", field.name());
            for delivery in reads.delivery.all() {
                self.step(4, None, Some(delivery.project_pages.kind()), &each, 1);
            }
            for invoices in reads.receivables.all().filter(|_| needs.invoiced || needs.invoices || needs.costs) {
                self.step(5, None, Some(invoices.pages.kind()), &each, 1);
            }
        }
    }

    fn deal(&mut self, field: &Selected) {
        let commercial = self.reads.commercial.as_ref();
        let by_project =
            matches!(field.argument("by", self.given), Some(Value::Object(by)) if by.contains_key("projectId"));
        if by_project {
            self.step(1, None, commercial.map(|commercial| commercial.deals_by_project.kind()), field.name(), 1);
            // The project's ID is known from the start; what hangs on the deal is not.
            let asks = Asks::of_deal(&field.below, self.given, self.view);
            for ask in asks.first {
                let wave = if ask.is_by_project() { 1 } else { 2 };
                self.ask(Known { rows: 1, wave, link: false }, ask, field.name());
            }
        } else {
            self.step(1, None, commercial.map(|commercial| commercial.deals.kind()), field.name(), 1);
            self.deals(field, &field.below, Known { rows: 1, wave: 2, link: true });
        }
    }

    fn deals<'s>(&mut self, field: &Selected, rows: impl IntoIterator<Item = &'s Selected>, known: Known) {
        let asks = Asks::of_deal(rows, self.given, self.view);
        for ask in asks.first {
            // The client is named by the deal alone.
            let link = known.link && ask != Ask::Client;
            self.ask(Known { link, ..known }, ask, field.name());
        }
        self.second(&asks.second, known, field.name());
    }

    fn projects<'s>(&mut self, field: &Selected, rows: impl IntoIterator<Item = &'s Selected>, known: Known) {
        let asks = Asks::of_project(rows, self.given, self.view);
        for ask in asks.first {
            self.ask(known, ask, field.name());
        }
        self.second(&asks.second, known, field.name());
    }

    fn project_below(&mut self, field: &Selected) {
        for project in field.below.iter().filter(|below| below.name() == "project") {
            self.projects(field, &project.below, Known { rows: 1, wave: 2, link: false });
        }
    }

    fn second(&mut self, asks: &BTreeSet<Ask>, known: Known, field: &str) {
        for ask in asks {
            self.ask(Known { wave: known.wave + 1, link: false, ..known }, *ask, field);
        }
    }

    fn ask(&mut self, known: Known, ask: Ask, field: &str) {
        let remembered = known.link.then(|| known.wave - 1);
        // Whose IDs they will be is not known: each owner may be asked for all.
        for kind in ask.kinds(self.reads) {
            self.step(known.wave, remembered, Some(kind), field, known.rows);
        }
    }

    fn step(&mut self, wave: usize, remembered: Option<usize>, kind: Option<&Kind>, field: &str, keys: usize) {
        let Some(kind) = kind.filter(|_| keys > 0) else { return };
        // A read that another field needs too is made once.
        let same = |step: &Step| {
            step.connection == kind.connection.as_str()
                && step.read == kind.name
                && step.wave == wave
                && step.field == field
        };
        if self.steps.iter().any(same) {
            return;
        }
        self.steps.push(Step {
            wave,
            wave_if_remembered: remembered,
            connection: kind.connection.to_string(),
            system: kind.system,
            read: kind.name,
            field: field.to_owned(),
            keys,
            batch: kind.limit,
            batches: keys.div_ceil(kind.limit.max(1)),
        });
    }

    fn rows(&self, list: &Selected) -> usize {
        first(list, self.given).unwrap_or(DEFAULT_FIRST)
    }
}
