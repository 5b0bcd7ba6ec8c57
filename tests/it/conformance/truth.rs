//! What each port must answer, straight from the seeded company: no vendor, no connector and no mapping of theirs in between.

// Their places are said because this file is also a part of `tests/sql/conformance.rs`.
#[path = "truth/books.rs"]
mod books;
#[path = "truth/commercial.rs"]
mod commercial;
#[path = "truth/delivery.rs"]
mod delivery;

use std::collections::BTreeMap;

use spine::demo::company::model::Company;
use spine::domain::ProjectId;
use spine::systems::ErrorKind;

pub(super) use self::books::{Side, code, journal_cost, line_project};

use super::{RULE, System};

/// The lines that answer each key, or why it has none. A key that is not in it is not known.
pub(super) type Answers = BTreeMap<String, Result<Vec<String>, ErrorKind>>;

/// The truth about a company, as a system that holds it must tell it.
pub(super) struct Truth<'a> {
    pub(super) company: &'a Company,
    pub(super) system: &'a System,
}

/// The shared ID that somebody typed, if it is one.
fn shared_id(typed: Option<&String>) -> Option<ProjectId> {
    RULE.parse(typed?).ok()
}

fn unknown(raw: &str) -> String {
    format!("Unknown({raw:?})")
}

/// All that is said of these keys. A key without anything is known all the same.
fn grouped(
    keys: impl IntoIterator<Item = ProjectId>,
    rows: impl IntoIterator<Item = (ProjectId, String)>,
) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = keys.into_iter().map(|key| (key.to_string(), Vec::new())).collect();
    for (key, row) in rows {
        groups.entry(key.to_string()).or_default().push(row);
    }
    groups
}

fn answers(groups: BTreeMap<String, Vec<String>>) -> Answers {
    groups.into_iter().map(|(key, lines)| (key, Ok(lines))).collect()
}

impl Truth<'_> {
    /// The name of a colleague.
    fn person(&self, id: Option<u32>) -> Option<String> {
        let person = self.company.people.iter().find(|person| Some(person.id) == id)?;
        Some(format!("{} {}", person.first, person.last))
    }
}
