//! Search, with the limits it is known for.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::index::{Index, Row, folded};
use super::kinds::{Kind, Type};
use super::problem::Problem;
use super::values::Value as Property;
use super::{Account, App, answered, counted, json, parsed};
use crate::demo::company::model::Company;

const MAX_BODY_CHARS: usize = 3_000;
const MAX_LIMIT: usize = 200;
const MAX_GROUPS: usize = 5;
const MAX_FILTERS_PER_GROUP: usize = 6;
const MAX_FILTERS: usize = 18;
/// Rows beyond this one cannot be paged to.
const MAX_ROWS: usize = 10_000;

/// The pseudo property that names the associated company.
const COMPANY: &str = "associations.company";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    #[serde(default)]
    filter_groups: Vec<Group>,
    #[serde(default)]
    sorts: Vec<Sort>,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    after: Option<Scalar>,
    #[serde(default)]
    query: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Group {
    filters: Vec<Filter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    property_name: String,
    operator: Operator,
    #[serde(default)]
    value: Option<Scalar>,
    #[serde(default)]
    high_value: Option<Scalar>,
    #[serde(default)]
    values: Vec<Scalar>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    In,
    NotIn,
    HasProperty,
    NotHasProperty,
    ContainsToken,
    NotContainsToken,
}

/// Text, which some callers send as a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Other(serde_json::Number),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Other(number) => number.to_string(),
        }
    }
}

/// A sort rule: in full, or the name alone.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Sort {
    #[serde(rename_all = "camelCase")]
    Rule {
        property_name: String,
        #[serde(default)]
        direction: Option<String>,
    },
    Name(String),
}

impl Sort {
    fn name(&self) -> &str {
        match self {
            Self::Rule { property_name, .. } => property_name,
            Self::Name(name) => name.trim_start_matches('-'),
        }
    }

    fn descending(&self) -> bool {
        match self {
            Self::Rule { direction, .. } => direction.as_deref() == Some("DESCENDING"),
            Self::Name(name) => name.starts_with('-'),
        }
    }
}

/// `POST {objects}/{kind}/search`.
pub(super) async fn search(State(account): App, Path(kind): Path<String>, body: Bytes) -> Response {
    let answer = account.take_search().and_then(|()| found(&account, &kind, &body));
    answered(format!("{}.search", counted(&kind)), false, answer.map(json))
}

fn found(account: &Account, kind: &str, body: &[u8]) -> Result<Value, Problem> {
    let kind = account.kind(kind)?;
    if String::from_utf8_lossy(body).chars().count() > MAX_BODY_CHARS {
        return Err(Problem::validation("The request body is longer than 3000 characters"));
    }
    let input: Input = parsed(body)?;
    check(kind, &input)?;
    let limit = input.limit.unwrap_or(10);
    let after = input.after.as_ref().map(Scalar::text).filter(|after| !after.is_empty());
    let offset: usize = match after {
        None => 0,
        Some(after) => after.parse().map_err(|_| Problem::validation("Invalid 'after'"))?,
    };
    if offset + limit > MAX_ROWS {
        return Err(Problem::validation("Paging beyond 10000 results is not supported"));
    }

    let company = account.company();
    let mut rows = matching(account, &company, kind, &input);
    if let Some(sort) = input.sorts.first()
        && (sort.name() != "hs_object_id" || sort.descending())
    {
        sorted(&mut rows, kind, sort);
    }
    let rest = rows.get(offset..).unwrap_or(&[]);
    let page = rest.get(..limit).unwrap_or(rest);
    let results: Vec<Value> = page.iter().map(|row| row.json(kind, &input.properties)).collect();
    let mut answer = json!({ "total": rows.len(), "results": results });
    if let (true, Some(answer)) = (page.len() < rest.len(), answer.as_object_mut()) {
        answer.insert("paging".to_owned(), json!({ "next": { "after": (offset + page.len()).to_string() } }));
    }
    Ok(answer)
}

fn check(kind: Kind, input: &Input) -> Result<(), Problem> {
    let filters = || input.filter_groups.iter().flat_map(|group| &group.filters);
    if input.filter_groups.len() > MAX_GROUPS {
        return Err(Problem::validation("At most 5 filterGroups are allowed"));
    }
    if input.filter_groups.iter().any(|group| group.filters.len() > MAX_FILTERS_PER_GROUP) {
        return Err(Problem::validation("At most 6 filters are allowed in a filterGroup"));
    }
    if filters().count() > MAX_FILTERS {
        return Err(Problem::validation("At most 18 filters are allowed"));
    }
    if input.sorts.len() > 1 {
        return Err(Problem::validation("Only one sort is allowed"));
    }
    if input.limit.is_some_and(|limit| !(1..=MAX_LIMIT).contains(&limit)) {
        return Err(Problem::validation("limit must be between 1 and 200"));
    }
    let names = filters().map(|filter| filter.property_name.as_str()).chain(input.sorts.iter().map(Sort::name));
    for name in names {
        if kind.property(name).is_none() && (kind, name) != (Kind::Deal, COMPANY) {
            return Err(Problem::validation("There was a problem with the request: unknown property"));
        }
    }
    for filter in filters() {
        let complete = match filter.operator {
            Operator::HasProperty | Operator::NotHasProperty => true,
            Operator::In | Operator::NotIn => !filter.values.is_empty(),
            Operator::Between => filter.value.is_some() && filter.high_value.is_some(),
            _ => filter.value.is_some(),
        };
        if !complete {
            return Err(Problem::validation("A filter lacks its value"));
        }
    }
    Ok(())
}

/// Which records a group needs to look at.
enum Candidates {
    /// These.
    Ids(Vec<u64>),
    /// All with a greater ID.
    After(u64),
}

/// The matching records, by ID ascending.
fn matching<'a>(account: &Account, company: &'a Company, kind: Kind, input: &Input) -> Vec<Row<'a>> {
    let index = account.index(company);
    let filters: Vec<Vec<Prepared>> = input
        .filter_groups
        .iter()
        .map(|group| group.filters.iter().map(|f| Prepared::new(kind, f)).collect())
        .collect();
    let words = input.query.as_deref().map(folded).filter(|query| !query.is_empty());
    let passes = |row: &Row<'_>| {
        (filters.is_empty() || filters.iter().any(|group| group.iter().all(|filter| filter.matches(&index, *row))))
            && words.as_deref().is_none_or(|words| mentions(*row, kind, words))
    };

    let (mut ids, mut from) = (Vec::new(), filters.is_empty().then_some(0));
    for group in &filters {
        match candidates(&index, kind, group) {
            Candidates::Ids(more) => ids.extend(more),
            Candidates::After(id) => from = Some(from.map_or(id, |other: u64| other.min(id))),
        }
    }
    if let Some(from) = from {
        let rows = index.after(kind, from).iter().filter_map(|(_, place)| index.row(company, kind, *place));
        let mut rows: Vec<Row<'a>> = rows.filter(passes).collect();
        // Other groups may reach below that ID.
        let below = ids.into_iter().filter(|id| *id <= from).filter_map(|id| index.find(company, kind, id));
        let more: Vec<Row<'a>> = below.filter(passes).collect();
        if !more.is_empty() {
            rows.extend(more);
            rows.sort_unstable_by_key(|row| row.id());
            rows.dedup_by_key(|row| row.id());
        }
        return rows;
    }
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().filter_map(|id| index.find(company, kind, id)).filter(passes).collect()
}

fn candidates(index: &Index, kind: Kind, group: &[Prepared]) -> Candidates {
    let mut after = 0;
    for filter in group {
        let id = || filter.values.iter().filter_map(|value| value.parse::<u64>().ok());
        match (filter.name.as_str(), filter.operator) {
            ("project_code", Operator::In | Operator::Eq) if kind == Kind::Deal => {
                let codes = filter.values.iter();
                return Candidates::Ids(codes.flat_map(|code| index.deals_with_code(code).iter().copied()).collect());
            }
            (COMPANY, Operator::In | Operator::Eq) => {
                return Candidates::Ids(id().flat_map(|id| index.deals_of_company(id).to_vec()).collect());
            }
            ("hs_object_id", Operator::In | Operator::Eq) => return Candidates::Ids(id().collect()),
            ("hs_object_id", Operator::Gt) => after = after.max(id().next().unwrap_or(0)),
            _ => {}
        }
    }
    Candidates::After(after)
}

/// A filter with its values read once.
struct Prepared {
    name: String,
    operator: Operator,
    kind: Type,
    /// `values`, or `value` alone, as they are compared.
    values: Vec<String>,
    set: HashSet<String>,
    high: Option<String>,
}

impl Prepared {
    fn new(kind: Kind, filter: &Filter) -> Self {
        let kind = kind.property(&filter.property_name).map_or(Type::Enumeration, |property| property.kind);
        let listed = matches!(filter.operator, Operator::In | Operator::NotIn);
        // A list is compared as it is sent; everything else ignores case.
        let read = |value: &Scalar| if listed { value.text() } else { folded(&value.text()) };
        let values: Vec<String> =
            if listed { filter.values.iter().map(read).collect() } else { filter.value.iter().map(read).collect() };
        let set = if listed { values.iter().cloned().collect() } else { HashSet::new() };
        let high = filter.high_value.as_ref().map(read);
        Self { name: filter.property_name.clone(), operator: filter.operator, kind, values, set, high }
    }

    fn matches(&self, index: &Index, row: Row<'_>) -> bool {
        if self.name == COMPANY {
            let ids = index.associated(row, Kind::Company);
            return ids.iter().any(|id| self.values.iter().any(|value| *value == id.to_string()));
        }
        let stored = match row.value(&self.name) {
            Property::Text(text) if !text.is_empty() => text,
            _ => return self.operator == Operator::NotHasProperty,
        };
        let first = self.values.first().map_or("", String::as_str);
        let to = |value: &str| compare(self.kind, &stored, value);
        match self.operator {
            Operator::Eq => to(first) == Some(Ordering::Equal),
            Operator::Neq => to(first) != Some(Ordering::Equal),
            Operator::Lt => to(first) == Some(Ordering::Less),
            Operator::Lte => matches!(to(first), Some(Ordering::Less | Ordering::Equal)),
            Operator::Gt => to(first) == Some(Ordering::Greater),
            Operator::Gte => matches!(to(first), Some(Ordering::Greater | Ordering::Equal)),
            Operator::Between => {
                matches!(to(first), Some(Ordering::Greater | Ordering::Equal))
                    && matches!(to(self.high.as_deref().unwrap_or("")), Some(Ordering::Less | Ordering::Equal))
            }
            Operator::In => self.listed(&stored),
            Operator::NotIn => !self.listed(&stored),
            Operator::HasProperty => true,
            Operator::NotHasProperty => false,
            Operator::ContainsToken => contains_tokens(&stored, first),
            Operator::NotContainsToken => !contains_tokens(&stored, first),
        }
    }

    /// Strings are indexed in lower case, and the list is compared as it was sent: upper case never matches.
    fn listed(&self, stored: &str) -> bool {
        match self.kind {
            Type::String => self.set.contains(&folded(stored)),
            Type::Number | Type::DateTime => {
                self.values.iter().any(|value| compare(self.kind, stored, value) == Some(Ordering::Equal))
            }
            Type::Bool | Type::Enumeration => self.set.contains(stored),
        }
    }
}

fn compare(kind: Type, stored: &str, asked: &str) -> Option<Ordering> {
    match kind {
        Type::Number => Some(Decimal::from_str(stored).ok()?.cmp(&Decimal::from_str(asked).ok()?)),
        Type::DateTime => Some(millis(stored)?.cmp(&millis(asked)?)),
        Type::String | Type::Bool | Type::Enumeration => Some(folded(stored).cmp(&folded(asked))),
    }
}

/// Milliseconds since 1970, from that number or from an ISO date or time.
fn millis(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let text = text.to_uppercase();
    let timestamp = text.parse::<Timestamp>().or_else(|_| format!("{text}T00:00:00Z").parse());
    timestamp.ok().map(Timestamp::as_millisecond)
}

/// Whether each word of the pattern is a word of the text; `*` stands for any letters.
fn contains_tokens(stored: &str, pattern: &str) -> bool {
    let stored = folded(stored);
    let words: Vec<&str> = stored.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut patterns = pattern
        .split(|c: char| !c.is_alphanumeric() && c != '*')
        .filter(|part| part.chars().any(char::is_alphanumeric))
        .peekable();
    patterns.peek().is_some() && patterns.all(|part| words.iter().any(|word| glob(word, part)))
}

/// A pattern with `*` at its ends, as people write it.
fn glob(word: &str, pattern: &str) -> bool {
    let inner = pattern.trim_matches('*');
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (false, false) => word == inner,
        (true, false) => word.ends_with(inner),
        (false, true) => word.starts_with(inner),
        (true, true) => word.contains(inner),
    }
}

/// Whether the words stand in one of the properties that free text is searched in.
fn mentions(row: Row<'_>, kind: Kind, words: &str) -> bool {
    let names: &[&str] = match kind {
        Kind::Deal => &["dealname", "dealtype"],
        Kind::Company => &["name", "domain", "website"],
        Kind::Contact => &["firstname", "lastname", "email", "phone", "company"],
        Kind::Ticket => &["subject", "content", "hs_ticket_category"],
        Kind::LineItem => &["name", "description"],
        Kind::Quote => &["hs_title"],
        _ => &[],
    };
    names.iter().any(|name| matches!(row.value(name), Property::Text(text) if folded(&text).contains(words)))
}

/// One sort rule; records without the property come last, equals by ID.
fn sorted(rows: &mut [Row<'_>], kind: Kind, sort: &Sort) {
    let value_kind = kind.property(sort.name()).map_or(Type::String, |property| property.kind);
    rows.sort_by_cached_key(|row| {
        let key = match row.value(sort.name()) {
            Property::Text(text) => Key::new(value_kind, &text),
            _ => None,
        };
        (key.is_none(), Directed(key, sort.descending()), row.id())
    });
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(Decimal),
    Text(String),
}

impl Key {
    fn new(kind: Type, text: &str) -> Option<Self> {
        match kind {
            Type::Number => Decimal::from_str(text).ok().map(Self::Number),
            Type::DateTime => millis(text).map(|millis| Self::Number(millis.into())),
            _ => Some(Self::Text(folded(text))),
        }
    }
}

/// A key in a direction.
#[derive(Debug, PartialEq, Eq)]
struct Directed(Option<Key>, bool);

impl Ord for Directed {
    fn cmp(&self, other: &Self) -> Ordering {
        let ascending = self.0.cmp(&other.0);
        if self.1 { ascending.reverse() } else { ascending }
    }
}

impl PartialOrd for Directed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
