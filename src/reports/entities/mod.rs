//! Lists of records for BI tools: which there are, what is in a row, and how their rows are read, one page of their owner
//! after the other. What a protocol makes of them is its own matter.

mod deals;
mod fresh;
mod invoices;
mod pages;
mod projects;
mod quality;
mod rates;
mod tickets;

use std::collections::HashSet;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::table::kept;
use super::{Cell, Column, ColumnKind, Filter, Progress, Report, ReportError, Reports};
use crate::access::{View, Viewer};
use crate::domain::{Class, Flaw, FlawKind, GlobalId, IdNode, Money, Rates};
use crate::reads::{Owner, ReadOptions};

/// A list of records, or of the rows of a ready report.
#[derive(Debug, Clone)]
pub struct EntitySet {
    /// Its name in addresses: `Deals`.
    pub name: String,
    /// The name of one of its rows: `Deal`.
    pub entity: String,
    /// What is in it.
    pub description: &'static str,
    /// The columns.
    pub columns: Vec<Column>,
    /// The column that tells its rows apart. It is the first, and never empty.
    pub key: &'static str,
    /// Of all its columns those that the viewer's role shows.
    shown: Vec<bool>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Deals,
    Projects,
    Invoices,
    Tickets,
    Freshness,
    Quality,
    Rates,
    Report(&'static Report),
}

impl Kind {
    /// Whether a role shows anything of it.
    fn is_shown(self, viewer: &Viewer) -> bool {
        let view = &viewer.view;
        let reads = |classes: &[Class]| classes.iter().all(|class| view.reads(*class));
        match self {
            Self::Deals => reads(&[Class::Commercial]),
            Self::Projects => reads(&[Class::Delivery]),
            Self::Invoices => reads(&[Class::Receivables]),
            Self::Tickets => reads(&[Class::Tickets]),
            Self::Freshness | Self::Rates => true,
            // It counts all records of all owners.
            Self::Quality => {
                let classes = [Class::Commercial, Class::Delivery, Class::Receivables, Class::Costs];
                viewer.sees_all_deals() && reads(&classes)
            }
            Self::Report(report) => report.masked(view).is_none(),
        }
    }
}

/// A row: a cell for every column of its set. Columns that were not wanted may be empty.
pub type Row = Vec<Cell>;

/// A condition that rows must meet. Rows that do not may be given out all the same; whoever asks looks at them again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The name of the column.
    pub column: &'static str,
    /// How its cell and the value must stand.
    pub relation: Relation,
    /// The value; never [`Cell::Empty`].
    pub value: Cell,
}

/// How a cell stands to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They are the same.
    Is,
    /// It is not less.
    AtLeast,
    /// It is not more.
    AtMost,
}

/// Which rows of a set are asked for, and what of them.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// All of these must hold.
    pub conditions: Vec<Condition>,
    /// The names of the columns that will be looked at. What only the others need is not read.
    pub columns: Vec<&'static str>,
}

/// Where a set goes on: at which owner, and where in its list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Which of the owners.
    #[serde(rename = "o", default)]
    pub owner: usize,
    /// The owner's own mark; none at its beginning.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

/// The places of a walk through a set, from its beginning.
#[derive(Debug)]
pub struct Steps {
    next: Option<Place>,
    visited: HashSet<Place>,
}

impl Default for Steps {
    fn default() -> Self {
        Self { next: Some(Place::default()), visited: HashSet::new() }
    }
}

impl Steps {
    /// The next place; none after the last. One that comes again is an error: the walk would go round for ever, in memory, and
    /// leave its thread to nobody.
    pub fn step(&mut self) -> Result<Option<Place>, ReportError> {
        let Some(place) = self.next.take() else { return Ok(None) };
        if self.visited.insert(place.clone()) {
            return Ok(Some(place));
        }
        Err(ReportError::Truncated("a list goes on where it was before: it was given up".to_owned()))
    }

    /// Where it goes on.
    pub fn go_on(&mut self, next: Option<Place>) {
        self.next = next;
    }
}

/// Rows that were read together. May be empty although there are more.
#[derive(Debug, Default)]
pub struct Chunk {
    /// The rows.
    pub rows: Vec<Row>,
    /// Where the next begin; none after the last.
    pub next: Option<Place>,
    /// The exchange rates, if an amount was converted by them.
    pub rates: Option<Rates>,
}

impl Question {
    fn wants(&self, names: &[&str]) -> bool {
        self.columns.iter().any(|column| names.contains(column))
    }

    /// The text that a column must be, if one is asked for.
    fn is_text(&self, column: &str) -> Option<&str> {
        self.conditions.iter().find_map(|condition| match (&condition.value, condition.relation) {
            (Cell::Text(text), Relation::Is) if condition.column == column => Some(text.as_str()),
            _ => None,
        })
    }

    /// The bounds of a column with days.
    fn days(&self, column: &str) -> (Option<jiff::civil::Date>, Option<jiff::civil::Date>) {
        let mut bounds = (None, None);
        for condition in self.conditions.iter().filter(|condition| condition.column == column) {
            let Cell::Date(day) = condition.value else { continue };
            if condition.relation != Relation::AtMost {
                bounds.0 = bounds.0.max(Some(day));
            }
            if condition.relation != Relation::AtLeast {
                bounds.1 = Some(bounds.1.map_or(day, |bound: jiff::civil::Date| bound.min(day)));
            }
        }
        bounds
    }
}

impl Reports {
    /// The sets there are for a role: those whose records somebody owns, with the columns that it shows.
    pub fn entity_sets(&self, viewer: &Viewer) -> Vec<EntitySet> {
        let sets = self.all_entity_sets().into_iter().filter(|set| set.kind.is_shown(viewer));
        sets.map(|set| set.shown_to(&viewer.view)).collect()
    }

    fn all_entity_sets(&self) -> Vec<EntitySet> {
        let reads = &self.reads;
        let delivery = reads.delivery.all().len() > 0;
        let mut sets = Vec::new();
        if reads.commercial.is_some() {
            sets.push(EntitySet::of("Deals", "Deal", deals::DESCRIPTION, deals::COLUMNS, Kind::Deals));
        }
        if delivery {
            sets.push(EntitySet::of("Projects", "Project", projects::DESCRIPTION, projects::COLUMNS, Kind::Projects));
        }
        if !self.invoice_owners(None).is_empty() {
            sets.push(EntitySet::of("Invoices", "Invoice", invoices::DESCRIPTION, invoices::COLUMNS, Kind::Invoices));
        }
        if delivery && reads.tickets.all().len() > 0 {
            sets.push(EntitySet::of("Tickets", "Ticket", tickets::DESCRIPTION, tickets::COLUMNS, Kind::Tickets));
        }
        if reads.commercial.is_some() {
            sets.extend(Self::ready().iter().map(EntitySet::of_report));
        }
        if self.settings.rates.is_some() {
            sets.push(EntitySet::of("ExchangeRates", "ExchangeRate", rates::DESCRIPTION, rates::COLUMNS, Kind::Rates));
        }
        sets.push(EntitySet::of("Freshness", "Connection", fresh::DESCRIPTION, fresh::COLUMNS, Kind::Freshness));
        sets.push(EntitySet::of("DataQuality", "Finding", quality::DESCRIPTION, quality::COLUMNS, Kind::Quality));
        sets
    }

    /// The rows at a place.
    pub async fn chunk(
        &self,
        set: &EntitySet,
        question: &Question,
        place: &Place,
        options: &ReadOptions,
    ) -> Result<Chunk, ReportError> {
        // Of each chunk anew: what is at hand of one is of no use to the next, and would grow with the set.
        let options = &ReadOptions { at_hand: std::sync::Arc::default(), ..options.clone() };
        if let (true, Some(key)) = (set.is_found_by_key(), question.is_text(set.key)) {
            return self.row(set, question, &Cell::Text(key.to_owned()), options).await;
        }
        let chunk = match set.kind {
            Kind::Deals => self.deal_rows(question, place, options).await?,
            Kind::Projects => self.project_rows(question, place, options).await?,
            Kind::Invoices => self.invoice_rows(question, place, options).await?,
            Kind::Tickets => self.ticket_rows(place, options).await?,
            Kind::Freshness => Chunk { rows: self.connection_rows(), ..Chunk::default() },
            Kind::Quality => Chunk { rows: self.quality_rows(options).await?, ..Chunk::default() },
            Kind::Rates => {
                let rows = self.settings.exchange().map(|rates| rates::rows(&rates)).unwrap_or_default();
                Chunk { rows, ..Chunk::default() }
            }
            // A report knows what it shows to whom.
            Kind::Report(report) => return self.report_rows(report, options).await,
        };
        Ok(Chunk { rows: chunk.rows.into_iter().map(|row| set.row_shown(row)).collect(), ..chunk })
    }

    /// The row with a key; no row if there is none.
    pub async fn row(
        &self,
        set: &EntitySet,
        question: &Question,
        key: &Cell,
        options: &ReadOptions,
    ) -> Result<Chunk, ReportError> {
        let text = if let Cell::Text(text) = key { text.as_str() } else { "" };
        let row = match set.kind {
            Kind::Deals => self.deal_row(text, options).await?,
            Kind::Projects => self.project_row(question, text, options).await?,
            Kind::Invoices => self.invoice_row(text, options).await?,
            Kind::Tickets => self.ticket_row(text, options).await?,
            Kind::Freshness | Kind::Quality | Kind::Rates | Kind::Report(_) => {
                let whole = Question { conditions: Vec::new(), columns: question.columns.clone() };
                let mut chunk = Box::pin(self.chunk(set, &whole, &Place::default(), options)).await?;
                chunk.rows.retain(|row| row.first() == Some(key));
                return Ok(chunk);
            }
        };
        Ok(Chunk { rows: row.map(|row| set.row_shown(row)).into_iter().collect(), ..Chunk::default() })
    }

    async fn report_rows(&self, report: &Report, options: &ReadOptions) -> Result<Chunk, ReportError> {
        let table = self.run(report.name, &Filter::default(), options, &Progress::default()).await?;
        let mut rows = Vec::with_capacity(table.rows.len());
        for (number, cells) in (1_u64..).zip(table.rows) {
            let mut row = Vec::with_capacity(cells.len() + 1);
            row.push(Cell::Count(number));
            row.extend(cells.into_iter().map(fitting));
            rows.push(row);
        }
        Ok(Chunk { rows, next: None, rates: table.rates })
    }
}

impl EntitySet {
    fn of(name: &str, entity: &str, description: &'static str, columns: &'static [Column], kind: Kind) -> Self {
        let key = columns.first().map_or("", |column| column.name);
        let (name, entity, columns) = (name.to_owned(), entity.to_owned(), columns.to_vec());
        Self { name, entity, description, shown: vec![true; columns.len()], columns, key, kind }
    }

    /// The rows of a report have no key of their own: they are numbered.
    fn of_report(report: &'static Report) -> Self {
        let name = pascal_case(report.name);
        let mut columns = Vec::with_capacity(report.columns.len() + 1);
        columns.push(ROW);
        columns.extend_from_slice(report.columns);
        let entity = format!("{name}Row");
        let (description, shown) = (report.question, vec![true; columns.len()]);
        Self { name, entity, description, shown, columns, key: ROW.name, kind: Kind::Report(report) }
    }

    fn shown_to(mut self, view: &View) -> Self {
        self.shown = self.columns.iter().map(|column| column.is_shown(view)).collect();
        self.columns = kept(self.columns, &self.shown);
        self
    }

    /// A row with the cells of those columns alone that are shown.
    fn row_shown(&self, row: Row) -> Row {
        if self.shown.contains(&false) { kept(row, &self.shown) } else { row }
    }

    /// Whether it says what is true for this moment alone.
    pub fn is_momentary(&self) -> bool {
        matches!(self.kind, Kind::Freshness)
    }

    fn is_found_by_key(&self) -> bool {
        matches!(self.kind, Kind::Deals | Kind::Projects | Kind::Invoices | Kind::Tickets)
    }
}

const ROW: Column = Column::new(
    "row",
    "Row",
    ColumnKind::Count,
    "Number of the row in the report, from 1. It is the key, and another row may have it another time.",
);

/// `margin-by-vertical` as `MarginByVertical`.
fn pascal_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for word in name.split('-') {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

fn global_id(node: IdNode, owner: &Owner, record: &str) -> Cell {
    Cell::Text(GlobalId { node, connection: owner.connection.clone(), record: record.to_owned() }.to_string())
}

fn text<T: ToString>(text: Option<T>) -> Cell {
    text.map_or(Cell::Empty, |text| Cell::Text(text.to_string()))
}

fn date(day: Option<jiff::civil::Date>) -> Cell {
    day.map_or(Cell::Empty, Cell::Date)
}

fn moment(at: Option<Timestamp>) -> Cell {
    at.map_or(Cell::Empty, Cell::Moment)
}

/// A number with at most four places. One that has fifteen digits or more before the point is no figure of a company; it
/// fits into no decimal of a BI tool, and is left out rather than cut.
fn number(number: Option<Decimal>) -> Cell {
    fitting(Cell::decimal(number))
}

fn fitting(cell: Cell) -> Cell {
    let bound = Decimal::from(1_000_000_000_000_000_i64);
    if matches!(cell, Cell::Decimal(number) if number.abs() >= bound) { Cell::Empty } else { cell }
}

fn amount(money: Option<Money>) -> Cell {
    number(money.map(|money| money.amount))
}

fn currency(money: Option<Money>) -> Cell {
    text(money.map(|money| money.currency.code()))
}

/// The fields that are empty because their owner states them in a form nobody can read: `amount: MISSING_CURRENCY`.
fn flaws(flaws: &[Flaw]) -> Cell {
    let word = |kind| match kind {
        FlawKind::MissingCurrency => "MISSING_CURRENCY",
        FlawKind::UnknownCurrency => "UNKNOWN_CURRENCY",
        FlawKind::BadNumber => "BAD_NUMBER",
        FlawKind::BadDate => "BAD_DATE",
    };
    let all: Vec<String> = flaws.iter().map(|flaw| format!("{}: {}", flaw.field, word(flaw.kind))).collect();
    text(Some(all.join(", ")).filter(|all| !all.is_empty()))
}

const FLAWS: &str = "Fields that are empty because their owner states them in a form nobody can read, with what is wrong, e.g. \
                     `amount: MISSING_CURRENCY`. Null if there are none.";
const AS_OF: &str = "When the oldest value in the row was read from its owner, UTC.";
const URL: &str = "Where a person opens the record in its system. Null if the system gives no address.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_that_comes_back_to_where_it_was_has_an_end() {
        let place = |owner: usize, page: &str| Place { owner, page: Some(page.to_owned()) };
        let mut steps = Steps::default();
        assert_eq!(steps.step().unwrap(), Some(Place::default()));
        for next in [place(0, "1"), place(0, "2"), place(0, "3"), place(1, "1")] {
            steps.go_on(Some(next.clone()));
            assert_eq!(steps.step().unwrap(), Some(next));
        }
        steps.go_on(Some(place(0, "1")));
        assert!(matches!(steps.step(), Err(ReportError::Truncated(_))));
        assert_eq!(steps.step().unwrap(), None);
    }

    #[test]
    fn names_of_reports_become_names_of_sets() {
        assert_eq!(pascal_case("margin-by-vertical"), "MarginByVertical");
    }

    #[test]
    fn numbers_have_four_places_and_never_overflow_a_decimal_of_nineteen_digits() {
        let cell = |text: &str| number(Some(text.parse().unwrap()));
        assert_eq!(cell("1.23455"), Cell::Decimal("1.2346".parse().unwrap()));
        assert_eq!(cell("999999999999999.9999"), Cell::Decimal("999999999999999.9999".parse().unwrap()));
        assert_eq!(cell("1000000000000000"), Cell::Empty);
    }

    #[test]
    fn bounds_of_days_are_the_narrowest() {
        let day = |text: &str| Cell::Date(text.parse().unwrap());
        let condition = |relation, value| Condition { column: "d", relation, value };
        let conditions = vec![
            condition(Relation::AtLeast, day("2026-01-01")),
            condition(Relation::AtLeast, day("2026-02-01")),
            condition(Relation::AtMost, day("2026-06-01")),
            condition(Relation::AtMost, day("2026-05-01")),
        ];
        let question = Question { conditions, columns: Vec::new() };
        assert_eq!(question.days("d"), (Some("2026-02-01".parse().unwrap()), Some("2026-05-01".parse().unwrap())));
        assert_eq!(question.days("e"), (None, None));
    }

    #[test]
    fn what_a_column_says_of_a_record_can_be_kept_from_a_role() {
        let shown_to_all = [
            "id",
            "url",
            "flaws",
            "as_of",
            "excluded",
            "completeness",
            "project_id",
            "project_ids",
            "direction",
            "kind",
        ];
        for columns in [deals::COLUMNS, projects::COLUMNS, invoices::COLUMNS, tickets::COLUMNS] {
            for column in columns.iter().filter(|column| !shown_to_all.contains(&column.name)) {
                assert!(column.field().is_some(), "{}", column.name);
            }
        }
    }
}
