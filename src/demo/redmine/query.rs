//! Query strings as Redmine reads them: filters, sorting, paging.
//!
//! The rules are those of `Query#add_short_filter`, `#add_filters` and `#validate_query_filters` of Redmine 5.0: an
//! operator may stand before a short value, `|` separates values, a field that is no filter is silently ignored, and
//! with `f[]` the short form and the default filters count no more.

use std::cmp::Ordering;

use axum::http::Uri;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use url::form_urlencoded;

/// The parameters of a request, decoded, in their order.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn of(uri: &Uri) -> Self {
        Self(form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The last value of a parameter: Rails lets it win.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of an array parameter, e.g. `f[]`.
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether `include` names this.
    pub(super) fn includes(&self, what: &str) -> bool {
        self.get("include").is_some_and(|list| list.split(',').any(|word| word.trim() == what))
    }

    /// `offset` and `limit`, as `api_offset_and_limit` reads them.
    pub(super) fn paging(&self) -> (usize, usize) {
        // Ruby's `to_i`: the digits at the start, else 0.
        let integer = |name| {
            let text: &str = self.get(name)?;
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            (!text.is_empty()).then(|| digits.parse::<usize>().unwrap_or(0))
        };
        let limit = match integer("limit").unwrap_or(0) {
            0 => 25,
            asked => asked.min(100),
        };
        let page = || integer("page").map(|page| page.saturating_sub(1).saturating_mul(limit));
        (integer("offset").or_else(page).unwrap_or(0), limit)
    }

    /// `sort=updated_on:desc,id`: at most three columns, `true` is descending.
    pub(super) fn sort(&self, default: &'static str) -> Vec<(String, bool)> {
        let text = self.get("sort").filter(|text| !text.is_empty()).unwrap_or(default);
        let column = |part: &str| match part.split_once(':') {
            Some((name, order)) => (name.to_owned(), order == "desc"),
            None => (part.to_owned(), false),
        };
        text.split(',').map(column).take(3).collect()
    }
}

/// Kinds of filter, which decide the operators that the short form knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    List,
    ListStatus,
    ListOptional,
    Date,
    Text,
    String,
    Integer,
}

impl Kind {
    /// Operators of the short form, in the order in which they are tried (the reverse of their sorting).
    fn operators(self) -> &'static [&'static str] {
        match self {
            Self::List => &["=", "!"],
            Self::ListStatus => &["o", "c", "=", "*", "!"],
            Self::ListOptional => &["=", "*", "!*", "!"],
            Self::Text => &["~", "^", "*", "$", "!~", "!*"],
            Self::String => &["~", "^", "=", "*", "$", "!~", "!*", "!"],
            Self::Date | Self::Integer => &["><", ">=", "=", "<=", "*", "!*"],
        }
    }
}

/// A filter that exists: its field, its kind, and its label in error messages.
pub(super) type Available = (&'static str, Kind, &'static str);

/// A condition.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub(super) field: &'static str,
    pub(super) operator: String,
    pub(super) values: Vec<String>,
}

/// A column's value in a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    Number(Option<u32>),
    Text(Option<&'a str>),
    Day(Option<Date>),
    Instant(Option<Timestamp>),
}

/// The conditions of a request; `default` holds unless the request says something else for that field or uses `f[]`.
pub(super) fn filters(params: &Params, available: &[Available], default: Option<Filter>) -> Vec<Filter> {
    let long: Vec<&str> = params.all("f[]").collect();
    if !long.is_empty() {
        return available
            .iter()
            .filter(|(field, ..)| long.contains(field))
            .map(|(f, ..)| long_form(params, f))
            .collect();
    }
    let mut filters: Vec<Filter> = available
        .iter()
        .filter_map(|(field, kind, _)| params.get(field).map(|text| short_form(field, *kind, text)))
        .collect();
    if let Some(default) = default.filter(|default| filters.iter().all(|filter| filter.field != default.field)) {
        filters.push(default);
    }
    filters
}

fn long_form(params: &Params, field: &'static str) -> Filter {
    let values = params.all(&format!("v[{field}][]")).map(str::to_owned).collect();
    Filter { field, operator: params.get(&format!("op[{field}]")).unwrap_or("=").to_owned(), values }
}

fn short_form(field: &'static str, kind: Kind, text: &str) -> Filter {
    let split = |text: &str| text.split('|').map(str::to_owned).collect();
    for operator in kind.operators() {
        if let Some(rest) = text.strip_prefix(operator) {
            return Filter { field, operator: (*operator).to_owned(), values: split(rest) };
        }
    }
    Filter { field, operator: "=".to_owned(), values: split(text) }
}

/// What is wrong with the conditions. Issues answer 422 with it; projects and time entries drop **all** conditions.
pub(super) fn complaints(filters: &[Filter], available: &[Available]) -> Vec<String> {
    let mut complaints = Vec::new();
    for filter in filters {
        let Some((_, kind, label)) = available.iter().find(|(field, ..)| *field == filter.field) else { continue };
        let stated = || filter.values.iter().filter(|value| !value.is_empty());
        let readable = match kind {
            Kind::Date => stated().all(|value| day_or_instant(value).is_some()),
            Kind::Integer => stated().all(|value| value.split(',').all(|part| part.parse::<i64>().is_ok())),
            _ => true,
        };
        if !readable {
            complaints.push(format!("{label} is invalid"));
        }
        if !matches!(filter.operator.as_str(), "o" | "c" | "*" | "!*") && stated().next().is_none() {
            complaints.push(format!("{label} cannot be blank"));
        }
    }
    complaints
}

impl Filter {
    /// Whether a row with this value meets the condition.
    pub(super) fn admits(&self, value: Field<'_>) -> bool {
        match (self.operator.as_str(), value) {
            ("*", value) => value.is_set(),
            ("!*", value) => !value.is_set(),
            ("!", value) => !self.equals(value),
            ("=", value) => self.equals(value),
            (operator, Field::Text(text)) => {
                let (text, word) = (text.unwrap_or_default().to_lowercase(), self.first().to_lowercase());
                // Every word of the value has to be there, in any order.
                let contains = word.split_whitespace().all(|part| text.contains(part));
                match operator {
                    "~" => contains,
                    "!~" => !contains,
                    "^" => text.starts_with(&word),
                    "$" => text.ends_with(&word),
                    _ => false,
                }
            }
            (operator, value) => value.compare(self.first()).is_some_and(|first| match operator {
                ">=" => first.is_ge(),
                "<=" => first.is_le(),
                "><" => {
                    let last = self.values.get(1).and_then(|last| value.compare(last));
                    first.is_ge() && last.is_some_and(Ordering::is_le)
                }
                _ => false,
            }),
        }
    }

    fn first(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }

    fn equals(&self, value: Field<'_>) -> bool {
        match value {
            // `issue_id=1,2,3`: a list in one value.
            Field::Number(number) => number.is_some_and(|number| {
                self.values.iter().flat_map(|value| value.split(',')).any(|part| part.parse() == Ok(number))
            }),
            Field::Text(text) => text.is_some_and(|text| self.values.iter().any(|value| value == text)),
            Field::Day(_) | Field::Instant(_) => value.compare(self.first()).is_some_and(Ordering::is_eq),
        }
    }
}

impl Field<'_> {
    fn is_set(self) -> bool {
        match self {
            Self::Number(number) => number.is_some(),
            Self::Text(text) => text.is_some_and(|text| !text.is_empty()),
            Self::Day(day) => day.is_some(),
            Self::Instant(instant) => instant.is_some(),
        }
    }

    fn compare(self, text: &str) -> Option<Ordering> {
        match self {
            Self::Number(number) => Some(number?.cmp(&text.parse().ok()?)),
            Self::Text(_) => None,
            Self::Day(day) => Some(day?.cmp(&day_or_instant(text)?.0)),
            Self::Instant(at) => match day_or_instant(text)? {
                (_, Some(instant)) => Some(at?.cmp(&instant)),
                (day, None) => Some(at?.to_zoned_datetime(TimeZone::UTC).date().cmp(&day)),
            },
        }
    }
}

fn day_or_instant(text: &str) -> Option<(Date, Option<Timestamp>)> {
    match text.parse::<Timestamp>() {
        Ok(at) => Some((at.to_zoned_datetime(TimeZone::UTC).date(), Some(at))),
        Err(_) => text.parse::<Date>().ok().map(|day| (day, None)),
    }
}
