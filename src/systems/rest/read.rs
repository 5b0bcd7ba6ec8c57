//! Reads by keys and reads of lists: which keys travel together, which row belongs to which key, and where a list goes on.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use futures_util::{StreamExt, stream};

use super::client::{Api, Ask, Extra, Position};
use super::config::{Listing, Lookup, Paging};
use super::path::Path;
use super::row::{Reject, Row, scalars};
use super::template::{Between, Placeholder, between_keys, encode};
use super::value::Text;
use crate::domain::{ClientId, DealId, InvoiceId, Page, ProjectId, SharedIdRule, TicketId};
use crate::systems::{Batch, Call, ErrorKind, SystemError};

/// Longest URL, in bytes. Many proxies stop at 8,190.
const LONGEST_URL: usize = 6000;

/// A key of a read.
pub(super) trait Key: Clone + Eq + Hash + Send + Sync + 'static {
    /// As it is sent.
    fn text(&self) -> &str;

    /// The spelling under which one that an owner writes is a key, if there is one rule for that.
    fn canonical(text: &str, rule: &SharedIdRule) -> Option<String> {
        let _ = (text, rule);
        None
    }
}

impl Key for ProjectId {
    fn text(&self) -> &str {
        self.as_str()
    }

    fn canonical(text: &str, rule: &SharedIdRule) -> Option<String> {
        rule.parse(text).ok().map(|id| id.as_str().to_owned())
    }
}

macro_rules! record_keys {
    ($($id:ident),+) => {$(
        impl Key for $id {
            fn text(&self) -> &str {
                self.as_str()
            }
        }
    )+};
}

record_keys!(DealId, ClientId, TicketId, InvoiceId);

/// The keys of one call.
pub(super) struct Asked<'k, K> {
    keys: &'k [K],
    index: HashMap<&'k str, usize>,
    rule: &'k SharedIdRule,
    /// The key, if it is the only one of the call, and rows need not name it.
    implied: Option<usize>,
    /// Whether a row that names no key is a row of nobody (in a list of everything), or a defect.
    anyone: bool,
}

impl<K: Key> Asked<'_, K> {
    /// The place of a key in the batch, by any spelling.
    pub(super) fn find(&self, text: &str) -> Option<usize> {
        // The canonical spelling is by far the most common one, and the only one that costs nothing.
        self.index.get(text).or_else(|| self.index.get(K::canonical(text, self.rule)?.as_str())).copied()
    }

    /// The place of the key that a row is for; none if it was not asked for.
    pub(super) fn of(&self, row: &Row<'_>, key: By<'_>) -> Result<Option<usize>, Reject> {
        Ok(match key {
            By::Implied => self.implied,
            By::Path(path) => self.present(row, path)?.first().and_then(|text| self.find(text)),
            By::Text(text) => {
                if let Some(path) = &text.path {
                    self.present(row, path)?;
                }
                text.read(row).and_then(|text| self.find(&text))
            }
        })
    }

    /// The places of all keys that a row is for.
    pub(super) fn all_of(&self, row: &Row<'_>, key: By<'_>, found: &mut Vec<usize>) -> Result<(), Reject> {
        match key {
            By::Path(path) => found.extend(self.present(row, path)?.iter().filter_map(|text| self.find(text))),
            other => found.extend(self.of(row, other)?),
        }
        Ok(())
    }

    pub(super) fn key(&self, place: usize) -> Option<&K> {
        self.keys.get(place)
    }

    fn present<'a>(&self, row: &Row<'a>, path: &Path) -> Result<Vec<std::borrow::Cow<'a, str>>, Reject> {
        match row.find(path) {
            Some(value) => Ok(scalars(value)),
            None if self.anyone => Ok(Vec::new()),
            // A wrong path would otherwise make every row a row of nobody, and every sum zero.
            None => Err(Reject::new(format!("a row without its key at `{path}`"))),
        }
    }
}

/// Where a row names its key.
#[derive(Debug, Clone, Copy)]
pub(super) enum By<'e> {
    /// There.
    Path(&'e Path),
    /// In the field that is mapped.
    Text(&'e Text),
    /// Nowhere: the call had one key.
    Implied,
}

impl<'e> By<'e> {
    /// By what is configured for a lookup; none if nothing is.
    pub(super) fn of(lookup: &'e Lookup, mapped: Option<Self>) -> Option<Self> {
        let implied = (lookup.placeholder() == Some(Placeholder::One)).then_some(Self::Implied);
        lookup.key.as_ref().map(Self::Path).or(mapped).or(implied)
    }
}

/// The record that a row holds for a key; none if the row is left out.
pub(super) type Read<'f, K, T> = dyn Fn(&Row<'_>, &K) -> Result<Option<T>, Reject> + Send + Sync + 'f;

/// The record that a row of a list holds; none if it is left out.
pub(super) type Keep<'f, T> = dyn Fn(&Row<'_>) -> Result<Option<T>, Reject> + Send + Sync + 'f;

/// What is done with a row: its record is added for each key that it is for.
pub(super) type Each<'f, K, T> =
    dyn Fn(&Row<'_>, &Asked<'_, K>, &mut Vec<(usize, T)>) -> Result<(), Reject> + Send + Sync + 'f;

/// The records of a batch, by the place of their key.
#[derive(Debug)]
pub(super) struct Gathered<T> {
    hits: Vec<(usize, T)>,
    failed: Vec<(Vec<usize>, SystemError)>,
}

impl Api {
    /// A way to ask that the configuration does not declare.
    pub(super) fn not_configured(&self, operation: &'static str) -> SystemError {
        self.error(operation, ErrorKind::BadRequest, "the configuration does not say how to ask for this")
    }

    /// Reads what belongs to keys, in as many calls as it takes.
    pub(super) async fn gather<K: Key, T: Send>(
        &self,
        call: &Call,
        operation: &'static str,
        lookup: &Lookup,
        keys: &[K],
        each: &Each<'_, K, T>,
    ) -> Gathered<T> {
        let ask = Ask::lookup(operation, lookup);
        let one = lookup.placeholder() == Some(Placeholder::One);
        let calls = self.chunks(lookup, keys).into_iter().map(|places| async move {
            let texts: Vec<&str> = places.iter().filter_map(|place| keys.get(*place)).map(Key::text).collect();
            let asked = Asked {
                keys,
                index: texts.iter().copied().zip(places.iter().copied()).collect(),
                rule: &self.rule,
                implied: places.first().copied().filter(|_| one),
                anyone: false,
            };
            let mut hits = Vec::new();
            let read = self.all(call, ask, &texts, &[], &mut |row| each(row, &asked, &mut hits)).await;
            read.map(|()| hits).map_err(|error| (places, error))
        });
        let mut calls = stream::iter(calls).buffer_unordered(self.concurrency.max(1));
        let mut gathered = Gathered { hits: Vec::new(), failed: Vec::new() };
        while let Some(read) = calls.next().await {
            match read {
                Ok(hits) if gathered.hits.is_empty() => gathered.hits = hits,
                Ok(hits) => gathered.hits.extend(hits),
                Err(failed) => gathered.failed.push(failed),
            }
        }
        gathered
    }

    /// Finds what belongs to keys in the list of everything, for a system that cannot be asked by them.
    pub(super) async fn gather_from_list<K: Key, T: Send>(
        &self,
        call: &Call,
        operation: &'static str,
        listing: &Listing,
        keys: &[K],
        each: &Each<'_, K, T>,
    ) -> Result<Gathered<T>, SystemError> {
        let index = keys.iter().enumerate().map(|(place, key)| (key.text(), place)).collect();
        let asked = Asked { keys, index, rule: &self.rule, implied: None, anyone: true };
        let mut hits = Vec::new();
        let ask = Ask::listing(operation, listing);
        self.all(call, ask, &[], &[], &mut |row| each(row, &asked, &mut hits)).await?;
        Ok(Gathered { hits, failed: Vec::new() })
    }

    /// Reads the records that rows hold for keys: by a lookup, or out of the list of everything where there is none.
    pub(super) async fn records<K: Key, T: Send>(
        &self,
        call: &Call,
        operation: &'static str,
        (lookup, list): (Option<&Lookup>, Option<&Listing>),
        mapped: Option<By<'_>>,
        keys: &[K],
        read: &Read<'_, K, T>,
    ) -> Result<Gathered<T>, SystemError> {
        let each = |by| {
            move |row: &Row<'_>, asked: &Asked<'_, K>, found: &mut Vec<(usize, T)>| {
                let Some(place) = asked.of(row, by)? else { return Ok(()) };
                let Some(key) = asked.keys.get(place) else { return Ok(()) };
                found.extend(read(row, key)?.map(|record| (place, record)));
                Ok(())
            }
        };
        match (lookup, list, mapped) {
            (Some(lookup), _, _) => {
                let by = By::of(lookup, mapped).unwrap_or(By::Implied);
                Ok(self.gather(call, operation, lookup, keys, &each(by)).await)
            }
            (None, Some(list), Some(by)) => self.gather_from_list(call, operation, list, keys, &each(by)).await,
            _ => Err(self.not_configured(operation)),
        }
    }

    /// Cuts keys into calls: by number and by length of the URL. Keys that cannot be asked for are in none.
    fn chunks<K: Key>(&self, lookup: &Lookup, keys: &[K]) -> Vec<Vec<usize>> {
        let batch = lookup.batch();
        let in_path = lookup.path.placeholder().is_some();
        let (separator, between) = match lookup.between() {
            Between::Separator(separator) => (in_path.then_some(separator), between_keys(separator).len()),
            Between::Repeat => (None, lookup.path.between_repeated()),
        };
        let empty = self.base.as_str().len() + lookup.path.len();
        let (mut chunks, mut chunk, mut length) = (Vec::new(), Vec::new(), empty);
        for (place, key) in keys.iter().enumerate() {
            let text = key.text();
            if !lookup.can_ask(text) {
                continue;
            }
            if batch > 1 && separator.is_some_and(|separator| text.contains(separator)) {
                chunks.push(vec![place]);
                continue;
            }
            let added = if in_path { encode(text).map(str::len).sum::<usize>() + between } else { 0 };
            if !chunk.is_empty() && (chunk.len() >= batch || length + added > LONGEST_URL) {
                chunks.push(std::mem::take(&mut chunk));
                length = empty;
            }
            chunk.push(place);
            length += added;
        }
        if !chunk.is_empty() {
            chunks.push(chunk);
        }
        chunks
    }

    /// Each key with its one record. Two records for a key are a conflict of that key.
    pub(super) fn single<K: Key, T>(&self, operation: &'static str, keys: &[K], gathered: Gathered<T>) -> Batch<K, T> {
        let mut batch = Batch::default();
        for (place, record) in gathered.hits {
            if let Some(key) = keys.get(place)
                && !batch.failed.contains_key(key)
                && batch.found.insert(key.clone(), record).is_some()
            {
                batch.found.remove(key);
                batch.failed.insert(key.clone(), self.http.error(operation, ErrorKind::Conflict));
            }
        }
        fail(&mut batch, keys, gathered.failed);
        batch
    }

    /// Each key with its records, in the order of `sort`. A key without any has an empty list; a record that comes twice
    /// for a key is a conflict of that key, since nobody can say whether it counts once or twice.
    pub(super) fn many<K: Key, T>(
        &self,
        operation: &'static str,
        keys: &[K],
        gathered: Gathered<T>,
        id: impl Fn(&T) -> Option<&str>,
        sort: impl Fn(&T, &T) -> Ordering,
    ) -> Batch<K, Vec<T>> {
        let mut lists: Vec<Vec<T>> = keys.iter().map(|_| Vec::new()).collect();
        for (place, record) in gathered.hits {
            if let Some(list) = lists.get_mut(place) {
                list.push(record);
            }
        }
        let mut batch = Batch::default();
        for (key, mut list) in keys.iter().zip(lists) {
            let mut seen = HashSet::new();
            if list.iter().filter_map(&id).all(|id| seen.insert(id)) {
                drop(seen);
                list.sort_by(&sort);
                batch.found.insert(key.clone(), list);
            } else {
                batch.failed.insert(key.clone(), self.http.error(operation, ErrorKind::Conflict));
            }
        }
        fail(&mut batch, keys, gathered.failed);
        batch
    }

    /// A page of a list. `complete` says that `keep` keeps every row, so that the system's pages can be cut to size.
    #[expect(clippy::too_many_arguments, reason = "a question for a list has as many parts")]
    pub(super) async fn list<T: Send>(
        &self,
        call: &Call,
        operation: &'static str,
        listing: &Listing,
        params: &[(&str, super::template::Param)],
        complete: bool,
        (after, limit): (Option<&str>, usize),
        keep: &Keep<'_, T>,
    ) -> Result<Page<T>, SystemError> {
        let ask = Ask::listing(operation, listing);
        let limit = limit.max(1);
        let (mut skip, mut position) = match after {
            None => (0, Position::Start),
            Some(after) => resume(after, listing)
                .ok_or_else(|| self.error(operation, ErrorKind::BadRequest, "a cursor that is not of this list"))?,
        };
        let mut items: Vec<T> = Vec::new();
        for _ in 0..self.max_pages.max(1) {
            let left = u64::try_from(limit - items.len()).unwrap_or(u64::MAX);
            let size = match &listing.paging {
                Paging::Cursor { size, .. } | Paging::Offset { size, .. } if complete && skip == 0 => {
                    Some(left.min(*size))
                }
                _ => None,
            };
            let (mut row_number, mut full_at) = (0_usize, None);
            let mut on_row = |row: &Row<'_>| {
                row_number += 1;
                if row_number <= skip || full_at.is_some() {
                    return Ok(());
                }
                if items.len() == limit {
                    full_at = Some(row_number - 1);
                } else if let Some(item) = keep(row)? {
                    items.push(item);
                }
                Ok(())
            };
            let end = self.page(call, ask, &[], &position, Extra { params, size }, &mut on_row).await?;
            let total = end.total.filter(|_| complete);
            if let Some(at) = full_at {
                return Ok(Page { items, next: Some(token(at, &position)), total });
            }
            let Some(next) = end.next else { return Ok(Page { items, next: None, total }) };
            if next == position {
                return Err(self.error(operation, ErrorKind::Truncated, "the next page is this page"));
            }
            if items.len() == limit {
                return Ok(Page { items, next: Some(token(0, &next)), total });
            }
            (position, skip) = (next, 0);
        }
        Err(self.error(operation, ErrorKind::Truncated, "more pages than `max_pages`"))
    }
}

fn fail<K: Key, V>(batch: &mut Batch<K, V>, keys: &[K], failed: Vec<(Vec<usize>, SystemError)>) {
    for (places, error) in failed {
        for key in places.into_iter().filter_map(|place| keys.get(place)) {
            batch.found.remove(key);
            batch.failed.insert(key.clone(), error.clone());
        }
    }
}

/// Where a list goes on: after so many rows of the page that begins there.
fn token(skip: usize, position: &Position) -> String {
    match position {
        Position::Start => format!("{skip}:"),
        Position::Number(number) => format!("{skip}:{number}"),
        Position::Cursor(text) | Position::Link(text) => format!("{skip}:{text}"),
    }
}

/// The inverse of [`token`]. It comes back from outside, so it may hold anything: as a cursor it is a value like any
/// other, as a link it must be one of this list.
fn resume(token: &str, listing: &Listing) -> Option<(usize, Position)> {
    let (skip, at) = token.split_once(':').filter(|_| token.len() <= LONGEST_URL / 2)?;
    let skip = skip.parse().ok()?;
    let position = match &listing.paging {
        _ if at.is_empty() => Position::Start,
        Paging::None => return None,
        Paging::Cursor { .. } => Position::Cursor(at.to_owned()),
        Paging::Page { .. } | Paging::Offset { .. } => Position::Number(at.parse().ok()?),
        Paging::NextLink { .. } => {
            let path = at.split('?').next().unwrap_or_default();
            let clean = !at.chars().any(|sign| sign.is_control() || sign.is_whitespace() || sign == '#');
            (clean && path == listing.path.pattern()).then(|| Position::Link(at.to_owned()))?
        }
    };
    Some((skip, position))
}

/// The order of record IDs: numbers by their value, then texts.
pub(super) fn by_id(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(x), Ok(y)) => x.cmp(&y).then_with(|| a.cmp(b)),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    }
}
