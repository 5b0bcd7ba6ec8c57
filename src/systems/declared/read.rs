//! Reads by keys and reads of lists: which keys travel together, which row belongs to which key, and where a list goes on.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use foldhash::fast::RandomState;
use futures_util::{StreamExt, stream};

use super::client::{Api, Ask, Extra, Position, Whole};
use super::collect::{Collect, Gathered, One, in_order, nothing};
use super::json::Raw;
use super::lists::Params;
use super::path::Path;
use super::row::{Reject, Row};
use super::template::{Between, Param, Placeholder};
use super::value::Text;
use super::ways::{Listing, Lookup, Paging};
use crate::domain::{ClientId, DealId, InvoiceId, Page, ProjectId, SharedIdRule, TicketId};
use crate::systems::{Batch, Call, ErrorKind, SystemError};

/// Rows of a page for which a list has room before they come.
const ROWS_AHEAD: u64 = 256;

/// Longest URL, in bytes. Many proxies stop at 8,190.
const LONGEST_URL: usize = 6000;

/// A key of a read.
pub(in crate::systems) trait Key: Clone + Eq + Hash + Send + Sync + 'static {
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
pub(in crate::systems) struct Asked<'k, K> {
    keys: Vec<&'k K>,
    index: HashMap<&'k str, usize, RandomState>,
    rule: &'k SharedIdRule,
    /// Whether the key is the only one of the call, and rows need not name it.
    implied: bool,
    /// Whether a row that names no key is a row of nobody (in a list of everything), or a defect.
    anyone: bool,
    /// The place that was found last.
    last: usize,
    /// For [`all_of`](Self::all_of).
    pub(in crate::systems) places: Vec<usize>,
}

impl<'k, K: Key> Asked<'k, K> {
    fn new(keys: Vec<&'k K>, rule: &'k SharedIdRule, implied: bool, anyone: bool) -> Self {
        let index = keys.iter().enumerate().map(|(place, key)| (key.text(), place)).collect();
        Self { keys, index, rule, implied, anyone, last: 0, places: Vec::new() }
    }

    /// The place of a key in the call, by any spelling.
    pub(in crate::systems) fn find(&mut self, text: &str) -> Option<usize> {
        // Rows mostly come in the order in which their keys were asked for, each key's together.
        let is_it = |place: &usize| self.keys.get(*place).is_some_and(|key| key.text() == text);
        let near = [self.last, self.last + 1].into_iter().find(is_it).filter(|_| self.index.len() == self.keys.len());
        // The canonical spelling is by far the most common one, and the only one that costs nothing.
        let canonical = || self.index.get(K::canonical(text, self.rule)?.as_str());
        let place = near.or_else(|| self.index.get(text).or_else(canonical).copied())?;
        self.last = place;
        Some(place)
    }

    /// The place of the key that a row is for; none if it was not asked for. A row for several is refused: nobody can say
    /// which of them has how much of it.
    pub(in crate::systems) fn of(&mut self, row: &Row<'_>, key: By<'_>) -> Result<Option<usize>, Reject> {
        let several = |path: &Path| Reject::new(format!("a row for several keys at `{path}`, where it can be for one"));
        Ok(match key {
            By::Implied => self.implied.then_some(0),
            By::Path(path) => {
                let (mut first, mut number) = (None, 0_usize);
                if let Some(value) = self.present(row, path)? {
                    value.each_scalar(|text| {
                        number += 1;
                        first = first.take().or(Some(text));
                    });
                }
                if number > 1 {
                    return Err(several(path));
                }
                first.and_then(|text| self.find(&text))
            }
            By::Text(text) => {
                if let Some(path) = &text.path
                    && let Some(value) = self.present(row, path)?
                    && !value.is_null()
                    && value.scalar().is_none()
                {
                    return Err(several(path));
                }
                text.read(row).and_then(|text| self.find(&text))
            }
        })
    }

    /// Puts the places of all keys that a row is for into `places`.
    pub(in crate::systems) fn all_of(
        &mut self,
        row: &Row<'_>,
        key: By<'_>,
        places: &mut Vec<usize>,
    ) -> Result<(), Reject> {
        match key {
            By::Path(path) => {
                if let Some(value) = self.present(row, path)? {
                    value.each_scalar(|text| places.extend(self.find(&text)));
                }
            }
            other => places.extend(self.of(row, other)?),
        }
        Ok(())
    }

    pub(in crate::systems) fn key(&self, place: usize) -> Option<&'k K> {
        self.keys.get(place).copied()
    }

    fn present<'a>(&self, row: &Row<'a>, path: &Path) -> Result<Option<Raw<'a>>, Reject> {
        match row.find(path) {
            None if self.anyone => Ok(None),
            // A wrong path would otherwise make every row a row of nobody, and every sum zero.
            None => Err(Reject::new(format!("a row without its key at `{path}`"))),
            value => Ok(value),
        }
    }
}

/// Where a row names its key.
#[derive(Debug, Clone, Copy)]
pub(in crate::systems) enum By<'e> {
    /// There.
    Path(&'e Path),
    /// In the field that is mapped.
    Text(&'e Text),
    /// Nowhere: the call had one key.
    Implied,
}

impl<'e> By<'e> {
    /// By what is configured for a lookup; none if nothing is.
    pub(in crate::systems) fn of(lookup: &'e Lookup, mapped: Option<Self>) -> Option<Self> {
        let implied = (lookup.placeholder() == Some(Placeholder::One)).then_some(Self::Implied);
        lookup.key.as_ref().map(Self::Path).or(mapped).or(implied)
    }
}

/// The record that a row holds for a key; none if the row is left out.
pub(in crate::systems) type Read<'f, K, T> = dyn Fn(&Row<'_>, &K) -> Result<Option<T>, Reject> + Send + Sync + 'f;

/// The record that a row of a list holds; none if it is left out.
pub(in crate::systems) type Keep<'f, T> = dyn Fn(&Row<'_>) -> Result<Option<T>, Reject> + Send + Sync + 'f;

/// What is done with a row: its record is added for each key that it is for, by the key's place in the call.
pub(in crate::systems) type Each<'f, K, C> =
    dyn Fn(&Row<'_>, &mut Asked<'_, K>, &mut [C]) -> Result<(), Reject> + Send + Sync + 'f;

impl Api {
    /// A way to ask that the configuration does not declare.
    pub(in crate::systems) fn not_configured(&self, operation: &'static str) -> SystemError {
        self.error(operation, ErrorKind::BadRequest, "the configuration does not say how to ask for this")
    }

    /// Reads what belongs to keys, in as many calls as it takes.
    pub(in crate::systems) async fn gather<K: Key, C: Default + Send>(
        &self,
        call: &Call,
        operation: &'static str,
        lookup: &Lookup,
        keys: &[K],
        each: &Each<'_, K, C>,
    ) -> Gathered<C> {
        let ask = Ask::lookup(operation, lookup);
        let one = lookup.placeholder() == Some(Placeholder::One);
        let read = |places: Vec<usize>| async move {
            let asked: Vec<&K> = places.iter().filter_map(|place| keys.get(*place)).collect();
            let texts: Vec<&str> = asked.iter().map(|key| key.text()).collect();
            let mut found = nothing(asked.len());
            let mut asked = Asked::new(asked, &self.rule, one, false);
            let read = self.all(call, ask, &texts, &[], &mut |row| each(row, &mut asked, &mut found)).await;
            (places, read.map(|known| known.then_some(found)))
        };
        let mut chunks = self.chunks(lookup, keys);
        let mut gathered = Gathered { found: Vec::new(), unknown: Vec::new(), failed: Vec::new() };
        if chunks.iter().map(Vec::len).sum::<usize>() < keys.len() {
            let asked: HashSet<usize> = chunks.iter().flatten().copied().collect();
            gathered.unknown.extend((0..keys.len()).filter(|place| !asked.contains(place)));
        }
        let only = if chunks.len() == 1 { chunks.pop() } else { None };
        let mut take = |(places, read): (Vec<usize>, Result<Option<Vec<C>>, SystemError>)| match read {
            Ok(None) => gathered.unknown.extend(places),
            Ok(Some(found)) if found.len() == keys.len() => gathered.found = found,
            Ok(Some(found)) => {
                if gathered.found.is_empty() {
                    gathered.found = nothing(keys.len());
                }
                for (place, found) in places.into_iter().zip(found) {
                    if let Some(slot) = gathered.found.get_mut(place) {
                        *slot = found;
                    }
                }
            }
            Err(error) => gathered.failed.push((places, error)),
        };
        if let Some(places) = only {
            take(read(places).await);
        } else {
            let mut calls = stream::iter(chunks.into_iter().map(read)).buffer_unordered(self.concurrency.max(1));
            while let Some(done) = calls.next().await {
                take(done);
            }
        }
        if gathered.found.is_empty() {
            gathered.found = nothing(keys.len());
        }
        gathered
    }

    /// Finds what belongs to keys in the list of everything, for a system that cannot be asked by them.
    pub(in crate::systems) async fn gather_from_list<K: Key, C: Default + Send>(
        &self,
        call: &Call,
        operation: &'static str,
        listing: &Listing,
        keys: &[K],
        each: &Each<'_, K, C>,
    ) -> Result<Gathered<C>, SystemError> {
        let mut asked = Asked::new(keys.iter().collect(), &self.rule, false, true);
        let mut found = nothing(keys.len());
        let ask = Ask::listing(operation, listing);
        let params = Params::new(listing).finish();
        self.all(call, ask, &[], &params, &mut |row| each(row, &mut asked, &mut found)).await?;
        Ok(Gathered { found, unknown: Vec::new(), failed: Vec::new() })
    }

    /// Reads the records that rows hold for keys: by a lookup, or out of the list of everything where there is none.
    pub(in crate::systems) async fn records<K: Key, T: Send, C: Collect<T>>(
        &self,
        call: &Call,
        operation: &'static str,
        (lookup, list): (Option<&Lookup>, Option<&Listing>),
        mapped: Option<By<'_>>,
        keys: &[K],
        read: &Read<'_, K, T>,
    ) -> Result<Gathered<C>, SystemError> {
        let each = |by| {
            move |row: &Row<'_>, asked: &mut Asked<'_, K>, found: &mut [C]| {
                let Some(place) = asked.of(row, by)? else { return Ok(()) };
                if let Some(key) = asked.key(place)
                    && let Some(record) = read(row, key)?
                    && let Some(slot) = C::at(found, place)
                {
                    slot.add(record);
                }
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
        let (batch, between) = (lookup.batch(), lookup.between());
        let separator = match between {
            Between::Separator(separator) if lookup.path.parts_by_sign() => Some(separator),
            _ => None,
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
            let added = lookup.path.added(text, between);
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
    pub(in crate::systems) fn single<K: Key, T>(
        &self,
        operation: &'static str,
        keys: &[K],
        gathered: Gathered<One<T>>,
    ) -> Batch<K, T> {
        let mut batch = Batch { found: HashMap::with_capacity(keys.len()), failed: HashMap::new() };
        for (key, one) in keys.iter().zip(gathered.found) {
            match one {
                One::None => {}
                One::Record(record) => {
                    batch.found.insert(key.clone(), record);
                }
                One::Several => {
                    batch.failed.insert(key.clone(), self.http.error(operation, ErrorKind::Conflict));
                }
            }
        }
        fail(&mut batch, keys, gathered.failed);
        batch
    }

    /// Each key with its records, in the order of `sort`. A key without any has an empty list, unless it is not known; a
    /// record that comes twice for a key is a conflict of that key, since nobody can say whether it counts once or twice.
    pub(in crate::systems) fn many<K: Key, T>(
        &self,
        operation: &'static str,
        keys: &[K],
        gathered: Gathered<Vec<T>>,
        id: impl Fn(&T) -> Option<&str>,
        sort: impl Fn(&T, &T) -> Ordering,
    ) -> Batch<K, Vec<T>> {
        let rows = keys.iter().zip(gathered.found).enumerate();
        let known = rows.filter(|(place, _)| !gathered.unknown.contains(place)).map(|(_, row)| row);
        let mut batch = in_order(known, id, sort, || self.http.error(operation, ErrorKind::Conflict));
        fail(&mut batch, keys, gathered.failed);
        batch
    }

    /// A page of a list. `complete` says that `keep` keeps every row, so that the system's pages can be cut to size.
    #[expect(clippy::too_many_arguments, reason = "a question for a list has as many parts")]
    pub(in crate::systems) async fn list<T: Send>(
        &self,
        call: &Call,
        operation: &'static str,
        listing: &Listing,
        params: &[(&str, Param)],
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
        let mut whole = Whole::default();
        for _ in 0..self.max_pages.max(1) {
            let left = u64::try_from(limit - items.len()).unwrap_or(u64::MAX);
            let size = match &listing.paging {
                Paging::Cursor { size, .. } | Paging::Offset { size, .. } if complete && skip == 0 => {
                    Some(left.min(*size))
                }
                _ => None,
            };
            items.reserve(usize::try_from(size.unwrap_or_default().min(ROWS_AHEAD)).unwrap_or_default());
            let (mut row_number, mut full_at) = (0_usize, None);
            let mut on_row = |row: &Row<'_>| {
                whole.row(row);
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
            whole
                .page(&end, ask.tells_total(&position))
                .map_err(|why| self.error(operation, ErrorKind::Truncated, why))?;
            let total = end.total.filter(|_| complete);
            if let Some(at) = full_at {
                return Ok(Page { items, next: Some(token(at, &position)), total });
            }
            let Some(next) = end.next else {
                // From a cursor on, nobody knows how many rows came before it.
                if after.is_none() {
                    whole.end().map_err(|why| self.error(operation, ErrorKind::Truncated, why))?;
                }
                return Ok(Page { items, next: None, total });
            };
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
        Paging::NextLink { .. } | Paging::LinkHeader {} => {
            let path = at.split('?').next().unwrap_or_default();
            let clean = !at.chars().any(|sign| sign.is_control() || sign.is_whitespace() || sign == '#');
            (clean && path == listing.path.pattern()).then(|| Position::Link(at.to_owned()))?
        }
    };
    Some((skip, position))
}
