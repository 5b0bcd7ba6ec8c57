//! What a replica has still to be told: which records to forget, and never what is in them.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::domain::{ConnectionName, RecordKind};
use crate::reads::{Changed, Records};

/// The most records of a kind that are named one by one. More of them are all.
const MOST_IDS: usize = 1_000;

/// Changes that were not told yet, each kind of record of each connection once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pending(BTreeMap<(ConnectionName, RecordKind), Records>);

/// What is sent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Message {
    /// Which process says it: who hears itself does nothing.
    pub(super) from: String,
    /// Counts its messages, so that no two of them are alike.
    pub(super) number: u64,
    /// What to forget.
    pub(super) changed: Vec<Told>,
}

/// Some records to forget.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    connection: String,
    kind: String,
    /// Which of them; all if that is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<BTreeSet<String>>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many kinds of record it is about.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn add(&mut self, changed: &Changed) {
        let Changed { connection, kind, records } = changed;
        let everything = (connection.clone(), RecordKind::Everything);
        if self.0.contains_key(&everything) {
            return;
        }
        if *kind == RecordKind::Everything {
            self.0.retain(|(of, _), _| of != connection);
        }
        let key = (connection.clone(), *kind);
        let both = match self.0.remove(&key) {
            Some(before) => before.and(records.clone()),
            None => records.clone(),
        };
        let both = match both {
            Records::These(ids) if ids.len() > MOST_IDS => Records::All,
            both => both,
        };
        self.0.insert(key, both);
    }

    /// Those and these.
    pub(super) fn and(mut self, others: Self) -> Self {
        for ((connection, kind), records) in others.0 {
            self.add(&Changed { connection, kind, records });
        }
        self
    }

    /// Everything of each connection: more than was asked for, and shorter to say.
    fn widened(&self) -> Self {
        let connections = self.0.keys().map(|(connection, _)| (connection.clone(), RecordKind::Everything));
        Self(connections.map(|key| (key, Records::All)).collect())
    }

    /// The message that says it, in at most so many bytes if that can be.
    pub(super) fn message(&self, from: &str, number: u64, most: usize) -> Vec<u8> {
        let body = self.written(from, number);
        if body.len() <= most { body } else { self.widened().written(from, number) }
    }

    fn written(&self, from: &str, number: u64) -> Vec<u8> {
        let told = |((connection, kind), records): (&(ConnectionName, RecordKind), &Records)| Told {
            connection: connection.as_str().to_owned(),
            // A unit variant is a word.
            kind: serde_json::to_value(kind).ok().and_then(|word| Some(word.as_str()?.to_owned())).unwrap_or_default(),
            ids: match records {
                Records::All => None,
                Records::These(ids) => Some(ids.iter().map(CompactString::to_string).collect()),
            },
        };
        let message = Message { from: from.to_owned(), number, changed: self.0.iter().map(told).collect() };
        serde_json::to_vec(&message).unwrap_or_default()
    }
}

impl Told {
    /// What to forget because of it. A kind that a newer replica knows and this one does not is everything.
    pub(super) fn changed(self) -> Changed {
        let kind = serde_json::from_value(self.kind.into()).unwrap_or(RecordKind::Everything);
        let records = match self.ids {
            Some(ids) if kind != RecordKind::Everything => {
                Records::These(ids.into_iter().map(CompactString::from).collect())
            }
            _ => Records::All,
        };
        Changed { connection: ConnectionName::new(self.connection), kind, records }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(connection: &str, kind: RecordKind, ids: &[&str]) -> Changed {
        let records = match ids {
            [] => Records::All,
            ids => Records::These(ids.iter().map(CompactString::new).collect()),
        };
        Changed { connection: ConnectionName::new(connection), kind, records }
    }

    fn of(all: &[Changed]) -> Pending {
        let mut pending = Pending::default();
        for changed in all {
            pending.add(changed);
        }
        pending
    }

    fn heard(pending: &Pending, most: usize) -> Pending {
        let message: Message = serde_json::from_slice(&pending.message("a", 1, most)).unwrap();
        of(&message.changed.into_iter().map(Told::changed).collect::<Vec<_>>())
    }

    #[test]
    fn changes_add_up_and_what_is_said_is_what_is_heard() {
        use RecordKind::{Bill, Deal, Everything, Invoice};
        let pending =
            of(&[changed("erp", Invoice, &["1"]), changed("erp", Invoice, &["2"]), changed("crm", Deal, &["7"])]);
        assert_eq!(pending, of(&[changed("crm", Deal, &["7"]), changed("erp", Invoice, &["1", "2"])]));
        assert_eq!(heard(&pending, 10_000), pending);
        assert_eq!(heard(&of(&[changed("erp", Bill, &[])]), 10_000), of(&[changed("erp", Bill, &[])]));
        // Everything of a connection holds all kinds of it, before and after, and of no other.
        let all = of(&[changed("erp", Invoice, &["1"]), changed("erp", Everything, &[]), changed("erp", Bill, &[])]);
        assert_eq!(all, of(&[changed("erp", Everything, &[])]));
        assert_eq!(pending.clone().and(all).len(), 2);
        // Too long to say is everything.
        assert_eq!(heard(&pending, 60), of(&[changed("crm", Everything, &[]), changed("erp", Everything, &[])]));
    }

    #[test]
    fn more_records_than_are_worth_naming_are_all() {
        let mut pending = Pending::default();
        for id in 0..=MOST_IDS {
            pending.add(&changed("erp", RecordKind::Invoice, &[&id.to_string()]));
        }
        assert_eq!(pending, of(&[changed("erp", RecordKind::Invoice, &[])]));
    }

    #[test]
    fn a_kind_of_a_newer_replica_is_everything() {
        let told: Told = serde_json::from_str(r#"{"connection":"erp","kind":"shipment","ids":["1"],"new":1}"#).unwrap();
        assert_eq!(told.changed(), changed("erp", RecordKind::Everything, &[]));
    }
}
