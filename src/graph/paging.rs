//! Lists as Relay connections, over pages as the owners cut them.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{OutputType, Result, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::errors::{bad_request, system_error, truncated};
use crate::domain::Page;
use crate::reads::{Fresh, ReadOptions, Reader};

/// Largest `first`.
pub(super) const MAX_FIRST: usize = 200;

/// Pages read for one list before it is given up.
const MAX_PAGES: usize = 50;

/// Rows of an owner's page.
const PAGE: usize = 100;

/// What a list says beside its edges.
#[derive(Debug, Clone, SimpleObject)]
pub struct ListFields {
    /// How many rows the owner says there are in all; null if it does not say, or if Spine filters further.
    total_count: Option<u64>,
}

impl ListFields {
    /// Of a list that nobody counted.
    pub(super) fn unknown() -> Self {
        Self { total_count: None }
    }
}

/// Where a list goes on: the owner's own mark of a page, and how many of its rows are behind us.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Cursor {
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    #[serde(rename = "s", default)]
    skip: usize,
}

impl Cursor {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(text: &str) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| bad_request("`after` is not a cursor of this list: take it from `pageInfo.endCursor`"))
    }
}

/// Reads pages: which rows, from where, how many.
type PageReader<Q, T> = Reader<(Q, Option<String>, usize), Page<Arc<T>>>;

/// A row of a list, with its cursor and the page it came in, which knows its age.
pub(super) struct Row<T> {
    cursor: String,
    pub(super) item: Arc<T>,
    page: Fresh<Page<Arc<T>>>,
}

/// The rows a list shows.
pub(super) struct Rows<T> {
    pub(super) found: Vec<Row<T>>,
    pub(super) total: Option<u64>,
    pub(super) more: bool,
    pub(super) begun: bool,
}

/// `first`, checked.
pub(super) fn first_of(first: i32) -> Result<usize> {
    usize::try_from(first)
        .ok()
        .filter(|first| *first <= MAX_FIRST)
        .ok_or_else(|| bad_request(format!("`first` must be between 0 and {MAX_FIRST}, not {first}")))
}

/// Reads rows until `first` of them pass `keep`. A failed page fails the list: it is never just shorter.
pub(super) async fn rows<Q, T>(
    reader: &PageReader<Q, T>,
    options: &ReadOptions,
    query: &Q,
    first: i32,
    after: Option<String>,
    keep: impl Fn(&T) -> bool,
) -> Result<Rows<T>>
where
    Q: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    let first = first_of(first)?;
    let begun = after.is_some();
    let mut cursor = after.as_deref().map(Cursor::decode).transpose()?.unwrap_or_default();
    let mut rows = Rows { found: Vec::new(), total: None, more: false, begun };
    for _ in 0..MAX_PAGES {
        let key = (query.clone(), cursor.page.clone(), PAGE);
        let read = reader.get(options, &key).await.map_err(|error| system_error(&error))?;
        let Some(page) = read.value.clone() else { return Ok(rows) };
        rows.total = rows.total.or(page.total);
        let length = page.items.len();
        for (at, item) in page.items.iter().enumerate().skip(cursor.skip) {
            if rows.found.len() == first {
                rows.more = true;
                return Ok(rows);
            }
            if keep(item) {
                let next = Cursor { page: cursor.page.clone(), skip: at + 1 };
                rows.found.push(Row { cursor: next.encode(), item: Arc::clone(item), page: read.clone() });
            }
        }
        match &page.next {
            Some(next) if rows.found.len() == first => {
                rows.more = !next.is_empty();
                return Ok(rows);
            }
            Some(next) => cursor = Cursor { page: Some(next.clone()), skip: cursor.skip.saturating_sub(length) },
            None => return Ok(rows),
        }
    }
    Err(truncated(format!("the list was given up after {MAX_PAGES} pages: ask with a narrower filter")))
}

/// Reads all rows of a query.
pub(super) async fn all_pages<Q, T>(reader: &PageReader<Q, T>, options: &ReadOptions, query: &Q) -> Result<Vec<Arc<T>>>
where
    Q: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    let mut all = Vec::new();
    let mut after = None;
    for _ in 0..MAX_PAGES {
        let key = (query.clone(), after, PAGE);
        let read = reader.get(options, &key).await.map_err(|error| system_error(&error))?;
        let Some(page) = read.value else { return Ok(all) };
        all.extend(page.items.iter().cloned());
        match &page.next {
            Some(next) => after = Some(next.clone()),
            None => return Ok(all),
        }
    }
    Err(truncated(format!("the list was given up after {MAX_PAGES} pages")))
}

/// Rows as a Relay connection.
pub(super) fn connection<T, G: OutputType>(
    rows: &Rows<T>,
    filtered: bool,
    node: impl Fn(&Fresh<Page<Arc<T>>>, Arc<T>) -> G,
) -> Connection<String, G, ListFields> {
    let total_count = rows.total.filter(|_| !filtered);
    let mut list = Connection::with_additional_fields(rows.begun, rows.more, ListFields { total_count });
    list.edges.extend(rows.found.iter().map(|Row { cursor, item, page }| {
        Edge::<_, _, EmptyFields>::new(cursor.clone(), node(page, Arc::clone(item)))
    }));
    list
}
