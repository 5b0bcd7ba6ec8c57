//! From the sets of the configuration to the ways to ask that all declared systems have: the questions, written in OData's
//! words.

use std::collections::BTreeMap;

use super::config::{Config, Set};
use super::select::{Place, Selection};
use super::sums::RECORDS;
use crate::systems::ConnectionProblem;
use crate::systems::declared::expression::{Expression, Literal};
use crate::systems::declared::path::{Field, Path};
use crate::systems::declared::template::{Template, encode};
use crate::systems::declared::uses::{Used, Uses};
use crate::systems::declared::value::Text;
use crate::systems::declared::ways::{Expressions, Listing, Lookup, Order, Paging};

/// Where an answer has its rows.
const ROWS: &str = "value";

/// An amount that a service is to add up.
pub(super) struct Sum<'p> {
    /// Where it stands.
    pub(super) path: &'p Path,
    /// How: `sum`, `min` or `max`.
    pub(super) by: &'static str,
    /// What the result is called.
    pub(super) name: &'static str,
}

/// A set that is asked.
pub(super) struct Ask<'c> {
    config: &'c Config,
    /// The entity's key in the configuration.
    key: &'static str,
    set: &'c Set,
    /// Path and query, without filter and order.
    head: String,
    /// Order of the rows, if there is one.
    order: Option<String>,
    /// Lists within an entity that may go on elsewhere.
    cut: Vec<Path>,
}

impl<'c> Ask<'c> {
    /// `id` is where rows have their IDs.
    pub(super) fn new(
        config: &'c Config,
        key: &'static str,
        set: &'c Set,
        table: &dyn Uses,
        id: Option<&Field<Text>>,
    ) -> Result<Self, ConnectionProblem> {
        let mut used = Vec::new();
        table.uses(key, &mut used);
        let expanded = expanded(set, &used);
        let options = Selection::of(set, &expanded, &used).options("&");
        let mut head = format!("/{}", set.set);
        let plain = Template::parse(&head).is_ok_and(|path| path.placeholder().is_none());
        if set.set.is_empty() || set.set.starts_with('/') || set.set.contains(['?', '#']) || !plain {
            let message = "must be the path of an entity set below `url`, percent-encoded, e.g. \"Invoices\"";
            return Err(ConnectionProblem::new(format!("{key}.from.set"), message));
        }
        let mut between = '?';
        let mut option = |name: &str, value: &str| {
            head.push(between);
            head.push_str(name);
            head.push('=');
            head.extend(encode(value));
            between = '&';
        };
        for (name, value) in options.split('&').filter_map(|option| option.split_once('=')) {
            option(name, value);
        }
        if config.count {
            option("$count", "true");
        }
        let order = set.order.clone().or_else(|| by_ids(set, &id?.0));
        let cut = expanded.iter().map(|name| Path::name(&format!("{name}@odata.nextLink"))).collect();
        Ok(Self { config, key, set, head, order, cut })
    }

    /// By record ID, which must be a property as it is.
    pub(super) fn by_record(&self, Field(id): &Field<Text>) -> Result<Lookup, ConnectionProblem> {
        let place = own_property(id).and_then(|path| Place::of(self.set, path, None));
        let message = "must be a property as it is, since rows are asked for by it: write its name alone";
        let place = place.ok_or_else(|| ConnectionProblem::new(format!("{}.fields.id", self.key), message))?;
        Ok(self.lookup(&[place], self.set.ids, false))
    }

    /// By the deal that rows hang on.
    pub(super) fn by_deal(&self, deal: Option<&Field<Text>>) -> Result<Lookup, ConnectionProblem> {
        let path = self.set.key.as_ref().or_else(|| own_property(&deal?.0));
        let place = path.and_then(|path| Place::of(self.set, path, None)).ok_or_else(|| self.no_key("deal_id"))?;
        Ok(self.lookup(&[place], self.set.ids, false))
    }

    /// By the project that rows hang on, where they say so.
    pub(super) fn by_project(&self, project: Option<&Field<Text>>) -> Result<Lookup, ConnectionProblem> {
        let path = self.set.key.as_ref().or_else(|| own_property(&project?.0));
        let place = path.and_then(|path| Place::of(self.set, path, None)).ok_or_else(|| self.no_key("project_id"))?;
        Ok(self.lookup(&[place], Literal::Text, self.config.upper_case))
    }

    /// By the project that rows hang on, if they say so.
    pub(super) fn maybe_by_project(&self, project: Option<&Field<Text>>) -> Result<Option<Lookup>, ConnectionProblem> {
        let says_so = project.is_some() || self.set.key.is_some();
        says_so.then(|| self.by_project(project)).transpose()
    }

    /// By the projects that a document and its lines are for.
    pub(super) fn by_any_project(&self, places: &[(&Path, Option<&Path>)]) -> Result<Lookup, ConnectionProblem> {
        let place = |(path, within): &(&Path, Option<&Path>)| Place::of(self.set, path, *within);
        let places: Option<Vec<Place>> = places.iter().map(place).collect();
        let places = places.ok_or_else(|| self.no_key("project_id"))?;
        Ok(self.lookup(&places, Literal::Text, self.config.upper_case))
    }

    fn no_key(&self, field: &str) -> ConnectionProblem {
        let message = format!(
            "is missing: rows are asked for by a property. Map `{field}` in `fields` to one, or write which it is in `from.key`"
        );
        ConnectionProblem::new(format!("{}.from.key", self.key), message)
    }

    /// Rows that have one of the keys in one of the places.
    fn lookup(&self, places: &[Place], literal: Literal, upper: bool) -> Lookup {
        let mut expression = Expression::new(literal, upper);
        self.wanted(&mut expression, places, upper);
        let order = self.order.as_ref().map(|order| format!("$orderby={}&", encode(order))).unwrap_or_default();
        let before = format!("{}{}{order}$filter=", self.head, self.between());
        let template = Template::with_expression(before, expression);
        Lookup {
            each: self.set.each.clone(),
            key: self.set.key.clone(),
            total: self.config.count.then(|| Path::name("@odata.count")),
            cut: self.cut.clone(),
            ..self.by_expression(template, places.len())
        }
    }

    /// What stands between the head and what follows it.
    fn between(&self) -> char {
        if self.head.contains('?') { '&' } else { '?' }
    }

    /// A call by an expression that compares so many places with each key.
    fn by_expression(&self, path: Template, places: usize) -> Lookup {
        let comparisons = if self.config.in_operator { 1 } else { places.max(1) };
        Lookup {
            path,
            body: None,
            batch: Some((self.config.batch / comparisons).max(1)),
            separator: None,
            repeat: false,
            numbers: false,
            rows: Path::name(ROWS),
            single: false,
            each: None,
            key: None,
            not_found: None,
            empty: None,
            error: Some(Path::name("error")),
            total: None,
            paging: Paging::NextLink { next: Path::name("@odata.nextLink") },
            cut: Vec::new(),
        }
    }

    /// One of the keys in one of the places, and what always holds.
    fn wanted(&self, expression: &mut Expression, places: &[Place], upper: bool) {
        if self.set.filter.is_some() {
            expression.text("(");
        }
        for (i, place) in places.iter().enumerate() {
            expression.text(if i > 0 { " or " } else { "" });
            self.any_key(expression, place, upper);
        }
        if let Some(filter) = &self.set.filter {
            expression.text(&format!(") and ({filter})"));
        }
    }

    /// Sums by groups, and which projects have rows that would be missing in them: those without an amount.
    pub(super) fn sums(
        &self,
        project: &Path,
        groups: &[Used<'_>],
        sums: &[Sum<'_>],
    ) -> Result<(Lookup, Lookup), ConnectionProblem> {
        let own = |path: &Path| Place::of(self.set, path, None).filter(|place| place.list.is_none());
        let named = |key: &str, path: &Path| {
            let message = "cannot be named in a sum, so the service cannot add up: take `sums` away";
            own(path).map(|place| place.property).ok_or_else(|| ConnectionProblem::new(key, message))
        };
        let places = [own(project).ok_or_else(|| self.no_key("project_id"))?];
        let mut keys: Vec<String> = groups.iter().map(|used| named(&used.key, used.path)).collect::<Result<_, _>>()?;
        keys.sort();
        keys.dedup();
        let mut aggregate = Vec::new();
        let mut gaps = Vec::new();
        for sum in sums {
            let property = named(&format!("{}.sums", self.key), sum.path)?;
            aggregate.push(format!("{property} with {} as {}", sum.by, sum.name));
            gaps.push(format!("{property} eq null"));
        }
        aggregate.push(format!("$count as {RECORDS}"));
        gaps.dedup();
        let upper = self.config.upper_case;
        let mut apply = Expression::new(Literal::Text, upper);
        apply.text("filter(");
        self.wanted(&mut apply, &places, upper);
        apply.text(&format!(")/groupby(({}),aggregate({}))", keys.join(","), aggregate.join(",")));
        let mut without = Expression::new(Literal::Text, upper);
        // One row for each project: rows that only name their project would look like one another.
        without.text("filter((");
        self.wanted(&mut without, &places, upper);
        let [place] = &places;
        let gaps = gaps.join(" or ");
        without.text(&format!(") and ({gaps}))/groupby(({}),aggregate($count as {RECORDS}))", place.property));
        let head = format!("/{}?$apply=", self.set.set);
        let apply = Template::with_expression(head.clone(), apply);
        let without = Template::with_expression(head, without);
        Ok((self.by_expression(apply, 1), self.by_expression(without, 1)))
    }

    /// One of the keys in this place.
    fn any_key(&self, expression: &mut Expression, place: &Place, upper: bool) {
        let name = match &place.list {
            Some(list) => {
                expression.text(&format!("{list}/any(one:"));
                format!("one/{}", place.property)
            }
            None => place.property.clone(),
        };
        let name = if upper { format!("toupper({name})") } else { name };
        if self.config.in_operator {
            expression.text(&format!("{name} in ("));
            expression.keys("", "", ",");
        } else {
            expression.text("(");
            expression.keys(&format!("{name} eq "), "", " or ");
        }
        expression.text(if place.list.is_some() { "))" } else { ")" });
    }

    /// All rows, in pages of the size that is asked for.
    pub(super) fn list(&self) -> Result<Listing, ConnectionProblem> {
        if self.set.each.is_some() {
            let message = "has no effect on lists: take it away, or map `lines`";
            return Err(ConnectionProblem::new(format!("{}.from.each", self.key), message));
        }
        if let Some((name, _)) = self.set.filters.iter().find(|(_, form)| form.matches("{value}").count() != 1) {
            let message = "must hold `{value}` once, e.g. \"PostingDate ge {value}\"";
            return Err(ConnectionProblem::new(format!("{}.from.filters.{name}", self.key), message));
        }
        let problem = |message| ConnectionProblem::new(format!("{}.from", self.key), message);
        let then = self.order.as_ref().map(|order| format!(",{order}")).unwrap_or_default();
        Ok(Listing {
            path: Template::parse(&self.head).map_err(problem)?,
            body: None,
            rows: Path::name(ROWS),
            empty: None,
            error: Some(Path::name("error")),
            total: self.config.count.then(|| Path::name("@odata.count")),
            paging: Paging::Offset {
                param: "$skip".to_owned(),
                size_param: Some("$top".to_owned()),
                size: self.config.page_size,
                more: None,
                short_page: false,
            },
            filters: BTreeMap::new(),
            order: (!self.set.orders.is_empty()).then(|| Order {
                param: "$orderby".to_owned(),
                fields: self.set.orders.clone(),
                ascending: format!("{{field}} asc{then}"),
                descending: format!("{{field}} desc{then}"),
            }),
            cut: self.cut.clone(),
            expressions: Some(Expressions {
                param: "$filter",
                always: self.set.filter.clone(),
                forms: self.set.filters.clone(),
                order: self.order.clone().map(|order| ("$orderby", order)),
            }),
        })
    }
}

/// Navigation properties that are expanded: those that are named, else the lists that are read.
fn expanded(set: &Set, used: &[Used<'_>]) -> Vec<String> {
    if let Some(named) = &set.expand {
        return named.clone();
    }
    let lists = set.each.iter().chain(used.iter().filter_map(|used| used.within));
    let mut names: Vec<String> = lists.filter_map(|path| path.segments().first()).map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    names
}

/// The path of a text that is a property as it is.
fn own_property(text: &Text) -> Option<&Path> {
    text.path.as_ref().filter(|_| text.map.is_empty() && text.default.is_none())
}

/// The order of IDs, as far as they are properties of the entity.
fn by_ids(set: &Set, id: &Text) -> Option<String> {
    let places = id.path.iter().chain(&id.join).filter_map(|path| Place::of(set, path, None));
    let own: Vec<String> = places.filter(|place| place.list.is_none()).map(|place| place.property).collect();
    (!own.is_empty()).then(|| own.join(","))
}
