//! One page of an owner's list.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use jiff::Timestamp;

use super::Place;
use crate::reads::{Owner, PageReader, ReadOptions};
use crate::reports::portfolio::next_of;
use crate::reports::{PAGE, ReportError};

/// A page, whose it is, and where the next is.
pub(super) struct OwnerPage<'o, T> {
    pub(super) owner: &'o Owner,
    pub(super) items: Vec<Arc<T>>,
    pub(super) as_of: Timestamp,
    pub(super) next: Option<Place>,
}

/// Reads the page at a place, of the lists of all owners one after the other. None behind the last.
pub(super) async fn page<'o, Q, T>(
    readers: &[(&'o Owner, &PageReader<Q, T>)],
    query: Q,
    place: &Place,
    options: &ReadOptions,
) -> Result<Option<OwnerPage<'o, T>>, ReportError>
where
    Q: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    let Some((owner, reader)) = readers.get(place.owner) else { return Ok(None) };
    let key = (query, place.page.clone(), PAGE);
    let read = reader.get(options, &key).await.map_err(ReportError::System)?;
    let value = read.value.as_deref();
    let next = next_of(reader, value, place.page.as_deref())?;
    let next = match next {
        Some(next) => {
            // Whoever loads a set asks for the next page next. What must be read anew for each request cannot be ahead.
            if options.max_age.is_none() {
                reader.read_ahead(options, &(key.0, Some(next.clone()), PAGE));
            }
            Some(Place { owner: place.owner, page: Some(next) })
        }
        None => Some(Place { owner: place.owner + 1, page: None }).filter(|next| next.owner < readers.len()),
    };
    let items = value.map(|page| page.items.clone()).unwrap_or_default();
    Ok(Some(OwnerPage { owner, items, as_of: read.as_of, next }))
}
