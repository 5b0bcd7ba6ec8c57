//! Lists as Relay connections, over pages as the owners cut them.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use async_graphql::connection::{Connection, CursorType, Edge, EmptyFields};
use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{Context, ContextSelectionSet, OutputType, Positioned, Result, ServerResult, SimpleObject, Value};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::context::options;
use super::direct::{
    Deferred, Direct, Json, One, Scene, Selected, Written, at_once, list as write_list, object, resolved,
};
use super::errors::{bad_request, system_error, truncated};
use super::records::projects_seen;
use crate::domain::{Page, ProjectId};
use crate::reads::{Fresh, Owner, PageReader, ReadOptions};
use crate::systems::Priority;

/// Largest `first`.
pub(super) const MAX_FIRST: usize = 200;

/// Pages read for one list before it is given up.
const MAX_PAGES: usize = 50;

/// Rows of an owner's page, where more than `first` may have to be looked at.
const PAGE: usize = 200;

/// What a list says beside its edges.
#[derive(Debug, Clone, SimpleObject)]
pub struct ListFields {
    /// How many rows the owner says there are in all; null if it does not say, or if Spine filters further.
    total_count: Option<u64>,
}

/// Where a list goes on: the owner's own mark of a page, and how many of its rows are behind us.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    page: Option<Arc<str>>,
    #[serde(rename = "s", default)]
    skip: usize,
    /// Which of the list's owners; the first if it has one.
    #[serde(rename = "o", default, skip_serializing_if = "is_first")]
    owner: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_first(owner: &usize) -> bool {
    *owner == 0
}

/// A text that is no cursor.
#[derive(Debug, thiserror::Error)]
#[error("`after` is not a cursor of this list: take it from `pageInfo.endCursor`")]
pub(super) struct BadCursor;

impl CursorType for Cursor {
    type Error = BadCursor;

    fn decode_cursor(text: &str) -> std::result::Result<Self, BadCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or(BadCursor)
    }

    fn encode_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// A row of a list, with its cursor, its owner, and the page it came in, which knows its age.
pub(super) struct Row<'o, T> {
    cursor: Cursor,
    owner: &'o Owner,
    pub(super) item: Arc<T>,
    page: Fresh<Page<Arc<T>>>,
}

/// The rows a list shows.
pub(super) struct Rows<'o, T> {
    pub(super) found: Vec<Row<'o, T>>,
    pub(super) total: Option<u64>,
    pub(super) more: bool,
    pub(super) begun: bool,
    /// Whether what the owner counts is what the list holds.
    counts: bool,
}

/// `first`, checked.
pub(super) fn first_of(first: i32) -> Result<usize> {
    usize::try_from(first)
        .ok()
        .filter(|first| *first <= MAX_FIRST)
        .ok_or_else(|| bad_request(format!("`first` must be between 0 and {MAX_FIRST}, not {first}")))
}

/// What Spine leaves out of a list because its owner cannot, or because it is another owner's.
pub(super) type Keep<'a, T> = &'a (dyn Fn(&Owner, &T) -> bool + Sync);

/// The projects that a row is of, for viewers who read only some.
pub(super) type Of<'a, T> = &'a (dyn Fn(&T) -> Vec<ProjectId> + Sync);

/// Reads rows of all owners, one owner after the other, until there are `first`, of those that pass `keep`. A failed page
/// fails the list: it is never just shorter.
pub(super) async fn rows<'o, Q, T>(
    ctx: &Context<'_>,
    readers: &[(&'o Owner, &PageReader<Q, T>)],
    query: &Q,
    (first, after): (i32, Option<String>),
    keep: Option<Keep<'_, T>>,
    of: Option<Of<'_, T>>,
) -> Result<Rows<'o, T>>
where
    Q: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    let options = options(ctx)?;
    let of = of.filter(|_| !options.viewer.sees_all_deals());
    let sorts_out = keep.is_some() || of.is_some();
    let first = first_of(first)?;
    let begun = after.is_some();
    let cursor = after.as_deref().map(Cursor::decode_cursor).transpose();
    let mut cursor = cursor.map_err(|error| bad_request(error.to_string()))?.unwrap_or_default();
    let mut rows =
        Rows { found: Vec::new(), total: None, more: false, begun, counts: !sorts_out && readers.len() == 1 };
    // As many as are asked for: an owner that gives fewer a page says where the next one begins. Where Spine filters nobody
    // knows how many must be looked at.
    let size = |skip: usize| if sorts_out { PAGE } else { skip.saturating_add(first).clamp(1, PAGE) };
    for _ in 0..MAX_PAGES {
        let at_owner = cursor.owner;
        let Some((owner, reader)) = readers.get(at_owner) else { return Ok(rows) };
        let is_last = at_owner + 1 == readers.len();
        let key = (query.clone(), cursor.page.as_deref().map(str::to_owned), size(cursor.skip));
        let read = reader.get(options, &key).await.map_err(|error| system_error(&error))?;
        let next = read.value.as_ref().and_then(|page| page.next.as_deref());
        let items = read.value.as_ref().map(|page| page.items.as_slice()).unwrap_or_default();
        rows.total = rows.total.or(read.value.as_ref().and_then(|page| page.total));
        let seen = match of {
            Some(of) => Some(projects_seen(ctx, items.iter().flat_map(|item| of(item))).await?),
            None => None,
        };
        let is_seen = |item: &T| {
            let (Some(of), Some(seen)) = (of, &seen) else { return true };
            seen.has_one_of(&of(item))
        };
        for (at, item) in items.iter().enumerate().skip(cursor.skip) {
            if rows.found.len() == first {
                rows.more = true;
                return Ok(rows);
            }
            if keep.is_none_or(|keep| keep(owner, item)) && is_seen(item) {
                // After the last row of a page the list goes on with the next page: this one need not be read again.
                let next = next.filter(|next| at + 1 == items.len() && !next.is_empty());
                let cursor = match next {
                    Some(next) => Cursor { page: Some(next.into()), skip: 0, owner: at_owner },
                    None => Cursor { skip: at + 1, ..cursor.clone() },
                };
                rows.found.push(Row { cursor, owner, item: Arc::clone(item), page: read.clone() });
            }
        }
        match next {
            Some(next) if rows.found.len() == first => {
                rows.more = !next.is_empty() || !is_last;
                // Who walks through a list in the background asks for the next page next: one page is read ahead. What
                // must be read for each request anew cannot be.
                if !next.is_empty() && options.priority == Priority::Report && options.max_age.is_none() {
                    reader.read_ahead(options, &(query.clone(), Some(next.to_owned()), size(0)));
                }
                return Ok(rows);
            }
            Some(next) => {
                let skip = cursor.skip.saturating_sub(items.len());
                cursor = Cursor { page: Some(next.into()), skip, owner: at_owner };
            }
            None if is_last => return Ok(rows),
            None => cursor = Cursor { owner: at_owner + 1, ..Cursor::default() },
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

/// A part of what is in memory as a whole.
pub(super) struct Slice<'a, T> {
    pub(super) items: &'a [T],
    skip: usize,
    more: bool,
}

impl<'a, T> Slice<'a, T> {
    /// `first` of them, after a cursor of such a list.
    pub(super) fn of(all: &'a [T], first: i32, after: Option<&str>) -> Result<Self> {
        let first = first_of(first)?;
        let cursor = after.map(Cursor::decode_cursor).transpose().map_err(|error| bad_request(error.to_string()))?;
        let skip = cursor.unwrap_or_default().skip.min(all.len());
        let end = skip.saturating_add(first).min(all.len());
        Ok(Self { items: all.get(skip..end).unwrap_or_default(), skip, more: end < all.len() })
    }

    /// The part as a connection.
    pub(super) fn list<N: Direct>(&self, nodes: impl Iterator<Item = N>) -> List<N> {
        let mut list = Connection::with_additional_fields(self.skip > 0, self.more, ListFields { total_count: None });
        list.edges.extend(nodes.enumerate().map(|(at, node)| {
            Edge::<_, _, EmptyFields>::new(Cursor { skip: self.skip + at + 1, ..Cursor::default() }, One(node))
        }));
        List(list)
    }
}

/// A part of a list, as a Relay connection.
pub(super) struct List<T: Direct>(Relay<T>);

type Relay<T> = Connection<Cursor, One<T>, ListFields>;

impl<T: Direct> List<T> {
    /// A list without rows, of which nobody said how many there are.
    pub(super) fn new() -> Self {
        Self(Connection::with_additional_fields(false, false, ListFields { total_count: None }))
    }

    /// Rows that were read.
    pub(super) fn of<R>(rows: &Rows<'_, R>, node: impl Fn(&Owner, &Fresh<Page<Arc<R>>>, Arc<R>) -> T) -> Self {
        let total_count = rows.total.filter(|_| rows.counts);
        let mut list = Connection::with_additional_fields(rows.begun, rows.more, ListFields { total_count });
        list.edges.extend(rows.found.iter().map(|Row { cursor, owner, item, page }| {
            Edge::<_, _, EmptyFields>::new(cursor.clone(), One(node(owner, page, Arc::clone(item))))
        }));
        Self(list)
    }

    /// Appends a node that has no page: the whole list is there.
    pub(super) fn push(&mut self, node: T) {
        let cursor = Cursor { skip: self.0.edges.len() + 1, ..Cursor::default() };
        self.0.edges.push(Edge::new(cursor, One(node)));
    }

    fn write(&self, fields: &[Selected], scene: &Scene<'_>, json: &mut Json) -> Written {
        let list = &self.0;
        object::<Relay<T>>(fields, json, |field, json| match field.name() {
            "nodes" => write_list::<T>(list.edges.iter().map(|edge| &edge.node.0), &field.below, scene, json),
            "edges" => {
                json.byte(b'[');
                for (at, edge) in list.edges.iter().enumerate() {
                    if at > 0 {
                        json.byte(b',');
                    }
                    object::<Edge<Cursor, One<T>, EmptyFields>>(&field.below, json, |field, json| {
                        match field.name() {
                            "node" => return edge.node.0.write(&field.below, scene, json),
                            "cursor" => json.string(&edge.cursor.encode_cursor()),
                            _ => return Err(Deferred),
                        }
                        Ok(())
                    })?;
                }
                json.byte(b']');
                Ok(())
            }
            _ => resolved(list, field, scene, json),
        })
    }
}

impl<T: Direct> OutputType for List<T> {
    fn type_name() -> Cow<'static, str> {
        <Relay<T> as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Relay::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let capacity = 256 * self.0.edges.len();
        match at_once(ctx, capacity, |fields, scene, json| self.write(fields, scene, json)) {
            Some(value) => Ok(value),
            None => self.0.resolve(ctx, field).await,
        }
    }
}
