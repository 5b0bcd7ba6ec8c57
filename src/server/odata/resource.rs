//! What an address names.

use percent_encoding::percent_decode_str;

use super::filter;
use super::problem::Problem;
use crate::reports::Cell;
use crate::reports::entities::EntitySet;

/// A resource of the feed.
#[derive(Debug, Clone)]
pub(super) enum Resource {
    /// Which sets there are.
    Service,
    /// What is in them.
    Metadata,
    /// The rows of a set.
    Set(EntitySet),
    /// How many there are.
    Count(EntitySet),
    /// The row with a key.
    Row(EntitySet, Cell),
}

impl Resource {
    /// Reads the part of an address behind `/odata`.
    pub(super) fn parse(path: &str, sets: impl FnOnce() -> Vec<EntitySet>) -> Result<Self, Problem> {
        let segments: Result<Vec<_>, _> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| percent_decode_str(part).decode_utf8())
            .collect();
        let segments = segments.map_err(|_| Problem::bad_request("the address is not UTF-8 in its escapes"))?;
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let (first, rest) = match segments.as_slice() {
            [] => return Ok(Self::Service),
            ["$metadata"] => return Ok(Self::Metadata),
            ["$batch" | "$all" | "$entity" | "$query", ..] => {
                return Err(Problem::not_implemented(
                    "this feed has sets and their rows, and no `$batch`, `$all`, `$entity`",
                ));
            }
            [first, rest @ ..] => (*first, rest),
        };
        let (name, key) = match first.split_once('(') {
            Some((name, key)) => (name, Some(key)),
            None => (first, None),
        };
        if name.starts_with("$crossjoin") {
            return Err(Problem::not_implemented("`$crossjoin` is not supported"));
        }
        let Some(set) = sets().into_iter().find(|set| set.name == name) else {
            return Err(Problem::not_found("there is no such set: `/odata/` lists them all"));
        };
        let Some(key) = key else {
            return match rest {
                [] => Ok(Self::Set(set)),
                ["$count"] => Ok(Self::Count(set)),
                _ => Err(Problem::not_found(format!("there is nothing of that name in `{}`", set.name))),
            };
        };
        if !rest.is_empty() {
            return Err(Problem::not_implemented("a row is given as a whole: choose properties with `$select`"));
        }
        let key = Self::key(&set, key)?;
        Ok(Self::Row(set, key))
    }

    /// `'abc')`, or `id='abc')`.
    fn key(set: &EntitySet, text: &str) -> Result<Cell, Problem> {
        let wrong = || {
            let is_text = set.columns.first().is_some_and(|column| column.kind == crate::reports::ColumnKind::Text);
            let example = if is_text { "'…'" } else { "1" };
            Problem::bad_request(format!("a key is written `{}({example})`", set.name))
        };
        let text = text.strip_suffix(')').ok_or_else(wrong)?.trim();
        let named = text.strip_prefix(set.key).and_then(|rest| rest.trim_start().strip_prefix('='));
        let cell = filter::literal(named.unwrap_or(text)).map_err(|_| wrong())?;
        match (cell, set.columns.first().map(|column| column.kind)) {
            (Cell::Text(text), Some(crate::reports::ColumnKind::Text)) => Ok(Cell::Text(text)),
            (Cell::Decimal(number), Some(crate::reports::ColumnKind::Count)) => {
                u64::try_from(number).ok().filter(|_| number.is_integer()).map(Cell::Count).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }
}
