//! Reads by keys and reads of lists: which row belongs to which key, and where a list goes on.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::client::Database;
use super::config::{Paging, Words};
use super::rows::Answer;
use super::session::{Asked, keyset};
use super::statement::Statement;
use super::tables::{Entity, table};
use crate::domain::{Page, SharedIdRule};
use crate::systems::declared::collect::in_order;
use crate::systems::declared::map::Setting;
use crate::systems::declared::path::Path;
use crate::systems::declared::read::Key;
use crate::systems::declared::row::{self, OnRow, Refused, Reject, Row, Wanted};
use crate::systems::{Batch, Call, ErrorKind, SystemError};

/// Rows of a page of which Spine keeps only some.
const SIFTED: u64 = 500;

/// A query and how its rows are read.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) statement: Statement,
    /// The column that says which key a row is for.
    pub(super) key: Path,
    pub(super) key_name: &'static str,
    pub(super) words: Arc<Words>,
    /// How a list goes on.
    pub(super) paging: Paging,
}

/// The database and what all its rows are read by.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) database: Arc<Database>,
    /// How shared IDs are spelled.
    pub(super) rule: SharedIdRule,
    /// Zone of dates and times that name none.
    pub(super) zone: TimeZone,
    /// Keys of one query.
    pub(super) batch: usize,
    /// Largest number of pages of one read.
    pub(super) max_pages: usize,
}

/// Keys of one read, and where each stands.
pub(super) struct Places<'k, K> {
    keys: &'k [K],
    index: HashMap<&'k str, usize>,
    rule: &'k SharedIdRule,
}

impl<'k, K: Key> Places<'k, K> {
    fn new(keys: &'k [K], rule: &'k SharedIdRule) -> Self {
        let index = keys.iter().enumerate().map(|(place, key)| (key.text(), place)).collect();
        Self { keys, index, rule }
    }

    /// The key of a spelling, and its place; none if it was not asked for.
    pub(super) fn find(&self, text: &str) -> Option<(usize, &'k K)> {
        let canonical = || self.index.get(K::canonical(text, self.rule)?.as_str());
        let place = *self.index.get(text).or_else(canonical)?;
        Some((place, self.keys.get(place)?))
    }

    /// The keys as they are sent. One that no database can hold is in none: it would fail the others.
    fn sent(&self) -> Vec<&'k str> {
        let can_be = |key: &&str| !key.is_empty() && key.len() <= 500 && !key.chars().any(char::is_control);
        self.keys.iter().map(Key::text).filter(can_be).collect()
    }
}

impl Source {
    /// What all rows of the connection are read by.
    pub(super) fn setting(&self) -> Setting<'_> {
        Setting { zone: &self.zone, rule: &self.rule }
    }

    /// An error with a word for the log.
    pub(super) fn error(&self, operation: &'static str, kind: ErrorKind, detail: impl Into<Arc<str>>) -> SystemError {
        SystemError { detail: Some(detail.into()), ..self.database.error(operation, kind) }
    }

    /// A query that the configuration does not have.
    pub(super) fn required<'q>(
        &self,
        operation: &'static str,
        query: Option<&'q Query>,
    ) -> Result<&'q Query, SystemError> {
        let why = "the configuration has no query for this";
        query.ok_or_else(|| self.error(operation, ErrorKind::BadRequest, why))
    }

    /// Reads what rows hold for keys, in the order of the keys. `read` puts the records of a row where they belong.
    pub(super) async fn gather<E: Entity, K: Key, T: Send>(
        &self,
        call: &Call,
        query: &Query,
        keys: &[K],
        read: impl Fn(&E, &Row<'_>, &Places<'_, K>, &mut [Vec<T>]) -> Result<(), Reject> + Send + Sync,
    ) -> Result<Vec<Vec<T>>, SystemError> {
        let places = Places::new(keys, &self.rule);
        let mut found: Vec<Vec<T>> = std::iter::repeat_with(Vec::new).take(keys.len()).collect();
        let sent = places.sent();
        if sent.is_empty() {
            return Ok(found);
        }
        let answer = self.database.ask(call, &query.statement, Asked::Keys(&sent)).await?;
        let table = self.table::<E>(query, &answer)?;
        self.rows(query, &answer, &mut |row| read(&table, row, &places, &mut found))?;
        Ok(found)
    }

    /// Reads the records of keys, each row being one of one key.
    pub(super) async fn records<E: Entity, K: Key, T: Send>(
        &self,
        call: &Call,
        query: &Query,
        keys: &[K],
        read: impl Fn(&E, &Row<'_>, &K) -> Result<Option<T>, Reject> + Send + Sync,
    ) -> Result<Vec<Vec<T>>, SystemError> {
        self.gather(call, query, keys, |table, row, places, found| {
            let text = row.get(&query.key).and_then(crate::systems::declared::json::Raw::scalar);
            let text = text.ok_or_else(|| Reject::new(format!("a row without `{}`", query.key_name)))?;
            if let Some((place, key)) = places.find(&text)
                && let Some(record) = read(table, row, key)?
                && let Some(list) = found.get_mut(place)
            {
                list.push(record);
            }
            Ok(())
        })
        .await
    }

    /// Each key with its one record. Two records for a key are a conflict of that key.
    pub(super) fn single<K: Key, T>(&self, query: &Query, keys: &[K], found: Vec<Vec<T>>) -> Batch<K, T> {
        let mut batch = Batch::default();
        for (key, mut records) in keys.iter().zip(found) {
            match (records.pop(), records.is_empty()) {
                (Some(record), true) => drop(batch.found.insert(key.clone(), record)),
                (Some(_), false) => drop(batch.failed.insert(key.clone(), self.conflict(query))),
                (None, _) => {}
            }
        }
        batch
    }

    /// Each key with its records, in the order of `sort`. A record that comes twice for a key is a conflict of that key.
    pub(super) fn many<K: Key, T>(
        &self,
        query: &Query,
        keys: &[K],
        found: Vec<Vec<T>>,
        id: impl Fn(&T) -> Option<&str>,
        sort: impl Fn(&T, &T) -> Ordering,
    ) -> Batch<K, Vec<T>> {
        in_order(keys.iter().zip(found), id, sort, || self.conflict(query))
    }

    /// A page of a list. `sifts` says that `keep` may leave rows out, so that more have to be read than are wanted.
    pub(super) async fn page<E: Entity, T: Send>(
        &self,
        call: &Call,
        query: &Query,
        (after, limit): (Option<&str>, usize),
        sifts: bool,
        keep: impl Fn(&E, &Row<'_>) -> Result<Option<T>, Reject> + Send + Sync,
    ) -> Result<Page<T>, SystemError> {
        let operation = query.statement.operation;
        let limit = limit.max(1);
        let mut at = Position::of(query.paging, after)
            .ok_or_else(|| self.error(operation, ErrorKind::BadRequest, "a cursor that is not of this list"))?;
        let mut items: Vec<T> = Vec::new();
        for _ in 0..self.max_pages.max(1) {
            let left = u64::try_from(limit.saturating_sub(items.len())).unwrap_or(u64::MAX);
            // One more than is wanted says whether there is more.
            let rows = if sifts { left.max(SIFTED) } else { left }.saturating_add(1);
            let answer = self.database.ask(call, &query.statement, at.asked(rows)).await?;
            let table = self.table::<E>(query, &answer)?;
            let by = self.path(operation, keyset(answer.columns.iter().map(String::as_str)))?;
            let (mut seen, mut more) = (0_u64, false);
            self.rows(query, &answer, &mut |row| {
                seen += 1;
                more |= items.len() == limit || seen >= rows;
                if more {
                    return Ok(());
                }
                at.pass(row, &by)?;
                items.extend(keep(&table, row)?);
                Ok(())
            })?;
            if seen > rows {
                return Err(self.error(operation, ErrorKind::Truncated, "a page with more rows than were asked for"));
            }
            if !more {
                return Ok(Page { items, next: None, total: None });
            }
            if items.len() == limit {
                return Ok(Page { items, next: Some(at.token()), total: None });
            }
        }
        Err(self.error(operation, ErrorKind::Truncated, "more pages than `max_pages`"))
    }

    fn path(&self, operation: &'static str, column: &str) -> Result<Path, SystemError> {
        Path::parse(column).map_err(|why| self.error(operation, ErrorKind::Internal, why))
    }

    fn conflict(&self, query: &Query) -> SystemError {
        self.database.error(query.statement.operation, ErrorKind::Conflict)
    }

    /// The table whose fields are the columns of an answer.
    fn table<E: Entity>(&self, query: &Query, answer: &Answer) -> Result<E, SystemError> {
        table(&answer.columns, &query.words, query.key_name).map_err(|why| {
            let operation = query.statement.operation;
            tracing::warn!(
                upstream.operation = operation,
                upstream.detail = why,
                "a query has columns that cannot be used"
            );
            self.error(operation, ErrorKind::BadRequest, why)
        })
    }

    fn rows(&self, query: &Query, answer: &Answer, on_row: &mut OnRow<'_>) -> Result<(), SystemError> {
        let operation = query.statement.operation;
        let all = Path::default();
        let wanted = Wanted { rows: &all, single: false, next: None, total: None, more: None, error: None };
        match row::read(&answer.body, wanted, on_row) {
            Ok(_) => self.database.decoded(operation, Ok(())),
            Err(Refused::Body(reject)) => self.database.decoded(operation, Err(reject.why.into_owned())),
            Err(Refused::Row(reject)) => {
                tracing::warn!(
                    upstream.operation = operation,
                    upstream.detail = &*reject.why,
                    "a row is not what the configuration says"
                );
                Err(self.error(operation, ErrorKind::BadResponse, &*reject.why))
            }
        }
    }
}

/// Where a list goes on.
#[derive(Debug)]
enum Position {
    /// After the row with this `id`; at the start if none.
    After(Option<String>),
    /// After as many rows.
    Over(u64),
}

impl Position {
    /// A cursor comes back from outside: it is a value like any other.
    fn of(paging: Paging, token: Option<&str>) -> Option<Self> {
        match (paging, token) {
            (Paging::Keyset, None) => Some(Self::After(None)),
            (Paging::Keyset, Some(token)) => {
                let id =
                    token.strip_prefix("after:").filter(|id| id.len() <= 500 && !id.chars().any(char::is_control))?;
                Some(Self::After(Some(id.to_owned())))
            }
            (Paging::Offset, None) => Some(Self::Over(0)),
            (Paging::Offset, Some(token)) => token.strip_prefix("over:")?.parse().ok().map(Self::Over),
        }
    }

    fn asked(&self, rows: u64) -> Asked<'_> {
        match self {
            Self::After(id) => Asked::After(id.as_deref(), rows),
            Self::Over(over) => Asked::Offset(rows, *over),
        }
    }

    /// Passes a row. Its `id` must go on: a query that does not begin after the last one would never end.
    fn pass(&mut self, row: &Row<'_>, id: &Path) -> Result<(), Reject> {
        match self {
            Self::After(last) => {
                let id = row.get(id).and_then(crate::systems::declared::json::Raw::scalar);
                let id = id.ok_or_else(|| Reject::new("a row without `id`"))?;
                if last.as_deref() == Some(&*id) {
                    return Err(Reject::cut(
                        "a list with one `id` twice in a row: order it by `id`, and begin after it",
                    ));
                }
                *last = Some(id.into_owned());
            }
            Self::Over(over) => *over += 1,
        }
        Ok(())
    }

    fn token(&self) -> String {
        match self {
            Self::After(id) => format!("after:{}", id.as_deref().unwrap_or_default()),
            Self::Over(over) => format!("over:{over}"),
        }
    }
}
