//! What Redmine sends. Numbers may come as JSON numbers or as JSON strings; they are kept as their text, so that hours
//! are never rounded by a float.

use serde::de::{self, Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A page of a list: `{"projects": [...], "total_count": 230, "offset": 0, "limit": 100}`.
#[derive(Debug, serde::Deserialize)]
pub(super) struct List<T> {
    #[serde(alias = "projects", alias = "issues", alias = "time_entries", alias = "versions")]
    pub(super) rows: Vec<T>,
    /// How many rows there are on all pages.
    pub(super) total_count: Scalar,
}

impl<T> List<T> {
    /// A list with nothing in it.
    pub(super) fn empty() -> Self {
        Self { rows: Vec::new(), total_count: Scalar("0".to_owned()) }
    }
}

/// A single project: `{"project": {...}}`.
#[derive(Debug, serde::Deserialize)]
pub(super) struct ProjectAnswer {
    pub(super) project: Project,
}

/// A project.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Project {
    pub(super) id: Scalar,
    pub(super) name: Option<String>,
    pub(super) identifier: String,
    /// 1 active, 5 closed, 9 archived.
    pub(super) status: Scalar,
    #[serde(default)]
    pub(super) custom_fields: Vec<CustomField>,
}

/// A custom field with its value.
#[derive(Debug, serde::Deserialize)]
pub(super) struct CustomField {
    pub(super) id: Scalar,
    pub(super) name: String,
    /// A text, a list of texts, or null if it was never set; empty if it was cleared.
    #[serde(default)]
    value: Option<Box<RawValue>>,
}

impl CustomField {
    /// The value: one text, trimmed, or several with commas between them; none if there is nothing in it.
    pub(super) fn text(&self) -> Option<String> {
        let raw = self.value.as_ref()?.get();
        let list: Vec<Option<Scalar>> = match serde_json::from_str(raw) {
            Ok(list) => list,
            Err(_) => vec![serde_json::from_str(raw).ok()?],
        };
        let words: Vec<String> = list.into_iter().flatten().map(|word| word.0.trim().to_owned()).collect();
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// An issue.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Issue {
    pub(super) id: Scalar,
    pub(super) project: Named,
    pub(super) tracker: Option<Named>,
    pub(super) status: Option<Status>,
    pub(super) priority: Option<Named>,
    pub(super) assigned_to: Option<Named>,
    pub(super) subject: Option<String>,
    pub(super) parent: Option<Parent>,
    /// Percent done; Redmine computes that of a parent from its children.
    pub(super) done_ratio: Option<Scalar>,
    /// Its own estimate, without those below it.
    pub(super) estimated_hours: Option<Scalar>,
    pub(super) created_on: Option<String>,
    /// When it was last closed; stays when it is opened again.
    pub(super) closed_on: Option<String>,
    /// Hours on the issue itself, without those below it; left out for a user who may not see hours.
    pub(super) spent_hours: Option<Scalar>,
    #[serde(default)]
    pub(super) custom_fields: Vec<CustomField>,
}

/// The issue above an issue.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Parent {
    pub(super) id: Scalar,
}

/// Status of an issue.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Status {
    pub(super) name: String,
    /// Not sent before Redmine 5.0.
    #[serde(default)]
    pub(super) is_closed: bool,
}

/// A version of a project.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Version {
    pub(super) id: Scalar,
    pub(super) project: Named,
    pub(super) name: Option<String>,
    pub(super) status: Option<String>,
    pub(super) due_date: Option<String>,
}

/// A time entry.
#[derive(Debug, serde::Deserialize)]
pub(super) struct TimeEntry {
    pub(super) id: Scalar,
    pub(super) project: Named,
    pub(super) user: Option<Named>,
    pub(super) hours: Scalar,
}

/// A relation.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Named {
    pub(super) id: Scalar,
    #[serde(default)]
    pub(super) name: String,
}

/// The text of a JSON number or a JSON string.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Scalar(pub(super) String);

impl Scalar {
    /// As a count or a record number.
    pub(super) fn number(&self) -> Option<u64> {
        self.0.parse().ok()
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map(Self).map_err(de::Error::custom),
            Some(b'-' | b'0'..=b'9') => Ok(Self(text.to_owned())),
            _ => Err(de::Error::invalid_type(de::Unexpected::Other("something else"), &"a number or a text")),
        }
    }
}

/// What can be told apart from others of its kind by its number.
pub(super) trait Record {
    fn id(&self) -> &Scalar;
}

macro_rules! record {
    ($($name:ident),+) => {$(
        impl Record for $name {
            fn id(&self) -> &Scalar {
                &self.id
            }
        }
    )+};
}

record!(Project, Issue, TimeEntry);
