//! The ways to ask: by keys, and for all there is.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::expression::quoted;
use super::path::Path;
use super::template::{Between, Placeholder, Template, placeholders};

/// A way to ask for what belongs to given keys. With a `body` it is a POST of JSON, else a GET. Exactly one placeholder,
/// `{ids}` or `{id}`, stands in the path or in the body.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// Path and query.
    pub path: Template,
    /// Body of a POST, in which one value may be the placeholder: `{ ids = "{ids}" }`.
    pub body: Option<serde_json::Value>,
    /// Keys per call with `{ids}`; 50 by default. A call is also cut where its URL would pass 6,000 bytes.
    pub batch: Option<usize>,
    /// What stands between the keys in a path or query; a comma by default. A key that holds it travels alone.
    pub separator: Option<String>,
    /// Whether the query parameter is repeated for each key (`id=1&id=2`) instead.
    #[serde(default)]
    pub repeat: bool,
    /// Whether the keys are whole numbers and go into a body as such. A key that is none is not asked for.
    #[serde(default)]
    pub numbers: bool,
    /// Where the rows are; the body itself if it is not given.
    #[serde(default)]
    pub rows: Path,
    /// Whether there is one object in place of a list of rows.
    #[serde(default)]
    pub single: bool,
    /// Where a row holds rows of its own, e.g. `lines`: each of those is a row then, and the fields of the one it stands in are
    /// reached by `^`, e.g. `^.currency`.
    pub each: Option<Path>,
    /// Where a row says which key it is for. By default the field that the entity maps: `id` or `project_id`. With `{id}`
    /// and neither, all rows are for the key that was asked.
    pub key: Option<Path>,
    /// Statuses that mean that there is nothing for the keys; 404 for a `by_id` with `{id}`, else none by default.
    pub not_found: Option<Vec<u16>>,
    /// Statuses that mean that there are no rows, e.g. `[204]`; none by default: an answer with nothing in it is no list.
    pub empty: Option<Vec<u16>>,
    /// Where an answer with status 200 holds an error, if it does.
    pub error: Option<Path>,
    /// Where an answer says how many rows there are in all. A read that ends with fewer is refused.
    pub total: Option<Path>,
    /// How pages follow one another.
    #[serde(default)]
    pub paging: Paging,
    /// Places that are there only where a list inside a row goes on elsewhere. For systems that have such a thing.
    #[serde(skip)]
    pub(in crate::systems) cut: Vec<Path>,
}

impl Lookup {
    /// Which placeholder it has, in its path or its body.
    pub(in crate::systems) fn placeholder(&self) -> Option<Placeholder> {
        let in_body = || self.body.as_ref().and_then(|body| placeholders(body).ok()?.first().copied());
        self.path.placeholder().or_else(in_body)
    }

    /// Whether the owner can be asked for a key at all. One that no owner can have (an empty one, one with a line break),
    /// or that cannot stand where keys stand, is answered as not known, without a call.
    pub(in crate::systems) fn can_ask(&self, key: &str) -> bool {
        let whole_number = || key.parse::<u64>().is_ok_and(|number| number.to_string() == key);
        !key.is_empty()
            && key.len() <= 500
            && !key.bytes().any(|byte| byte.is_ascii_control())
            && (key.is_ascii() || !key.chars().any(char::is_control))
            && self.path.takes(key)
            && (!self.numbers || whole_number())
    }

    /// What stands between keys.
    pub(in crate::systems) fn between(&self) -> Between<'_> {
        if self.repeat { Between::Repeat } else { Between::Separator(self.separator.as_deref().unwrap_or(",")) }
    }

    /// Keys per call.
    pub(in crate::systems) fn batch(&self) -> usize {
        match self.placeholder() {
            Some(Placeholder::One) => 1,
            _ => self.batch.unwrap_or(50).max(1),
        }
    }
}

/// A way to ask for all there is, page by page. With a `body` it is a POST of JSON, else a GET.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// Path and query, without a placeholder.
    pub path: Template,
    /// Body of a POST.
    pub body: Option<serde_json::Value>,
    /// Where the rows are; the body itself if it is not given.
    #[serde(default)]
    pub rows: Path,
    /// Statuses that mean that there are no rows, as in a way to ask by keys.
    pub empty: Option<Vec<u16>>,
    /// Where an answer with status 200 holds an error, if it does.
    pub error: Option<Path>,
    /// Where an answer says how many rows there are in all.
    pub total: Option<Path>,
    /// How pages follow one another.
    #[serde(default)]
    pub paging: Paging,
    /// Our filters and the system's parameters for them, e.g. `{ stage = "stage" }`. A filter that is not here is applied by
    /// Spine while it reads the pages.
    #[serde(default)]
    pub filters: BTreeMap<String, String>,
    /// How the system is asked for an order.
    pub order: Option<Order>,
    /// As in [`Lookup`].
    #[serde(skip)]
    pub(in crate::systems) cut: Vec<Path>,
    /// How filters become one expression, for systems that have such a language.
    #[serde(skip)]
    pub(in crate::systems) expressions: Option<Expressions>,
}

/// Filters as one expression, and the order that holds where none is asked for.
#[derive(Debug, Clone)]
pub(in crate::systems) struct Expressions {
    /// The parameter that takes the filter.
    pub(in crate::systems) param: &'static str,
    /// What always holds.
    pub(in crate::systems) always: Option<String>,
    /// Our filters and their expressions, with `{value}` for the value: within quotes a text, else a day or a word.
    pub(in crate::systems) forms: BTreeMap<String, String>,
    /// The parameter that takes the order, and the order that holds where none is asked for.
    pub(in crate::systems) order: Option<(&'static str, String)>,
}

impl Expressions {
    /// The expression of a filter with a value in it, written so that it stays one value; none if there is no such
    /// expression, or if the value cannot stand there.
    pub(in crate::systems) fn of(&self, filter: &str, value: &str) -> Option<String> {
        let form = self.forms.get(filter)?;
        if form.contains("'{value}'") {
            return Some(form.replace("'{value}'", &quoted(value)));
        }
        let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':');
        (!value.is_empty() && value.bytes().all(word)).then(|| form.replace("{value}", value))
    }
}

/// How a list is ordered.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The parameter.
    pub param: String,
    /// Our orders (`close_date`, `amount`, `name`, `created_at`) and the system's names for them.
    pub fields: BTreeMap<String, String>,
    /// The parameter's value for the least first, with `{field}` for the name.
    #[serde(default = "ascending")]
    pub ascending: String,
    /// The parameter's value for the greatest first, with `{field}` for the name.
    #[serde(default = "descending")]
    pub descending: String,
}

fn ascending() -> String {
    "{field}".to_owned()
}

fn descending() -> String {
    "-{field}".to_owned()
}

/// How pages follow one another. Parameters go into the query of a GET, and into the outermost object of a POST's body.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Paging {
    /// There is one page.
    #[default]
    None,
    /// An answer holds the cursor of the next page, or none on the last.
    Cursor {
        /// The parameter that takes the cursor.
        param: String,
        /// Where the cursor is in an answer.
        next: Path,
        /// The parameter that takes the size of a page.
        size_param: Option<String>,
        /// The largest page the system gives; 100 by default.
        #[serde(default = "size")]
        size: u64,
    },
    /// Pages have numbers.
    Page {
        /// The parameter that takes the number.
        param: String,
        /// Number of the first page.
        #[serde(default = "first")]
        first: u64,
        /// The parameter that takes the size of a page.
        size_param: Option<String>,
        /// The size that is asked for.
        #[serde(default = "size")]
        size: u64,
        /// Where an answer says whether there is another page.
        more: Option<Path>,
        /// Whether a page with fewer rows than `size` is the last. Only true of a system that never caps `size`.
        #[serde(default)]
        short_page: bool,
    },
    /// Pages begin at a row's number.
    Offset {
        /// The parameter that takes the number of rows to pass over.
        param: String,
        /// The parameter that takes the size of a page.
        size_param: Option<String>,
        /// The size that is asked for.
        #[serde(default = "size")]
        size: u64,
        /// Where an answer says whether there is another page.
        more: Option<Path>,
        /// Whether a page with fewer rows than `size` is the last. Only true of a system that never caps `size`.
        #[serde(default)]
        short_page: bool,
    },
    /// An answer holds the link to the next page, or none on the last. It must stay below `url`, on the same path.
    NextLink {
        /// Where the link is in an answer.
        next: Path,
    },
    /// The answer's header `Link` holds the link to the next page, as `rel="next"` (RFC 8288), or none on the last. It must
    /// stay below `url`, on the same path.
    LinkHeader {},
}

fn size() -> u64 {
    100
}

fn first() -> u64 {
    1
}
