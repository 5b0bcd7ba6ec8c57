//! One page of an owner's list.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use jiff::Timestamp;

use super::Place;
use crate::domain::Page;
use crate::reads::{Owner, ReadOptions, Reader};
use crate::reports::ReportError;
use crate::systems::{ErrorKind, SystemError};

/// Rows of an owner's page.
const PAGE: usize = 200;

/// Reads pages: which rows, from where, how many.
type PageReader<Q, T> = Reader<(Q, Option<String>, usize), Page<Arc<T>>>;

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
    let next = value.and_then(|page| page.next.clone()).filter(|next| !next.is_empty());
    if next.is_some() && next == place.page {
        // The owner sends us round in a circle.
        return Err(ReportError::System(Arc::new(SystemError {
            connection: owner.connection.clone(),
            system: owner.system,
            operation: "list",
            kind: ErrorKind::Truncated,
            retry_after: None,
            detail: None,
        })));
    }
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
