//! Identifiers. The shared ID is the only join key; a record's own ID is known to its owner alone.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;
use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::Weigh;

/// The shared ID of a project, in its canonical form. Only a [`SharedIdRule`] makes one, so that two spellings of one
/// ID can never be two keys.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectId(CompactString);

macro_rules! record_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(CompactString);

        impl $name {
            /// Takes the ID as its owner writes it.
            pub fn new(id: impl Into<CompactString>) -> Self {
                Self(id.into())
            }
        }

        id_text!($name);
    )+};
}

macro_rules! id_text {
    ($name:ident) => {
        impl $name {
            /// The ID as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl Weigh for $name {
            fn heap_bytes(&self) -> usize {
                self.0.heap_bytes()
            }
        }
    };
}

id_text!(ProjectId);

record_id! {
    /// A deal, as the commercial owner numbers it.
    DealId,
    /// A client, as the commercial owner numbers it.
    ClientId,
    /// A contact, as the commercial owner numbers it.
    ContactId,
    /// A ticket, as the owner of tickets numbers it.
    TicketId,
    /// An invoice or bill, as its owner numbers it; connectors of systems that number per document kind put the kind
    /// into it, e.g. `13-91`.
    InvoiceId,
    /// A connection of the configuration, e.g. `hubspot`.
    ConnectionName,
}

/// How shared IDs are spelled: which form is well-formed, and what is done to a spelling first.
#[derive(Debug, Clone)]
pub struct SharedIdRule {
    pattern: Regex,
    trim: bool,
    nfkc: bool,
    case: Case,
}

/// What becomes of upper and lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Kept,
    Upper,
    Lower,
}

/// Why a text is not a shared ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed project ID: it must match {pattern}")]
pub struct SharedIdError {
    /// The configured pattern.
    pub pattern: String,
}

impl SharedIdRule {
    /// A rule with the pattern of well-formed IDs and the steps applied before it is asked: `trim`, `nfkc`,
    /// `uppercase`, `lowercase`. Unknown steps are the configuration's business and ignored here.
    pub fn new(pattern: Regex, steps: &[&str]) -> Self {
        let has = |step| steps.contains(&step);
        let case = match (has("uppercase"), has("lowercase")) {
            (true, _) => Case::Upper,
            (false, true) => Case::Lower,
            (false, false) => Case::Kept,
        };
        Self { pattern, trim: has("trim"), nfkc: has("nfkc"), case }
    }

    /// What canonical IDs look like: they match all of these.
    pub fn patterns(&self) -> Vec<Regex> {
        let case = match self.case {
            Case::Kept => None,
            Case::Upper => Regex::new("^[^a-z]*$").ok(),
            Case::Lower => Regex::new("^[^A-Z]*$").ok(),
        };
        std::iter::once(self.pattern.clone()).chain(case).collect()
    }

    /// The canonical form of a spelling, or why it is none.
    pub fn parse(&self, text: &str) -> Result<ProjectId, SharedIdError> {
        let canonical = self.normalize(text);
        if canonical.len() <= 200 && self.pattern.is_match(&canonical) {
            Ok(ProjectId((*canonical).into()))
        } else {
            Err(SharedIdError { pattern: self.pattern.as_str().to_owned() })
        }
    }

    /// The canonical spelling. Most texts are spelled so already, and are not copied.
    fn normalize<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut out = self.compose(Cow::Borrowed(text));
        if self.trim {
            out = match out {
                Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
                Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
            };
        }
        let ascii = out.is_ascii();
        match self.case {
            Case::Kept => out,
            Case::Upper if ascii && !out.bytes().any(|byte| byte.is_ascii_lowercase()) => out,
            Case::Lower if ascii && !out.bytes().any(|byte| byte.is_ascii_uppercase()) => out,
            // A letter in another case may be another sequence of signs, which has a normal form of its own.
            Case::Upper => self.compose(Cow::Owned(out.to_uppercase())),
            Case::Lower => self.compose(Cow::Owned(out.to_lowercase())),
        }
    }

    fn compose<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        // ASCII is its own normal form.
        if self.nfkc && !text.is_ascii() { Cow::Owned(text.nfkc().collect()) } else { text }
    }
}

/// Kinds of record that have an ID of their own in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdNode {
    /// A deal.
    Deal,
    /// A client.
    Client,
    /// A ticket.
    Ticket,
    /// An invoice to a client.
    Invoice,
    /// A bill of a vendor. Some systems number bills and invoices each by themselves, so one word for both would not tell
    /// them apart.
    Bill,
}

impl IdNode {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Deal, "deal"),
        (Self::Client, "client"),
        (Self::Ticket, "ticket"),
        (Self::Invoice, "invoice"),
        (Self::Bill, "bill"),
    ];

    /// The word that stands for it in a global ID.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// An ID that is unique over all systems: `deal:hubspot:900001`, i.e. kind, connection and record. A project needs none:
/// its shared ID is unique by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GlobalId {
    /// The kind of record.
    pub node: IdNode,
    /// The connection that owns it.
    pub connection: ConnectionName,
    /// The ID in that system.
    pub record: String,
}

impl fmt::Display for GlobalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.node.as_str(), self.connection, self.record)
    }
}

impl FromStr for GlobalId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, ':');
        let (Some(kind), Some(connection), Some(record)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(());
        };
        let node = IdNode::ALL.iter().find(|(_, name)| *name == kind).map(|(node, _)| *node).ok_or(())?;
        if connection.is_empty() || record.is_empty() {
            return Err(());
        }
        Ok(Self { node, connection: ConnectionName::new(connection), record: record.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule() -> SharedIdRule {
        SharedIdRule::new(Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap(), &["trim", "nfkc", "uppercase"])
    }

    #[test]
    fn spellings_of_one_id_are_one_id() {
        let canonical = rule().parse("PRJ-2025-014").unwrap();
        for spelling in ["prj-2025-014", " PRJ-2025-014 ", "\u{a0}PRJ-2025-014", "ＰＲＪ-２０２５-０１４"] {
            assert_eq!(rule().parse(spelling).unwrap(), canonical, "{spelling:?}");
        }
        for wrong in ["", "PRJ-25-014", "PRJ-2025-014' or '1'='1", "PRJ-2025-014\n1", "PRJ 2025 014"] {
            assert!(rule().parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_letter_that_falls_apart_in_upper_case_is_put_together_again() {
        let once = rule().normalize("\u{1fd2}").into_owned();
        assert_eq!(rule().normalize(&once), once.as_str());
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = rule().normalize(&text).into_owned();
            prop_assert_eq!(rule().normalize(&once), once.as_str());
        }

        #[test]
        fn a_global_id_survives_its_text(connection in "[a-z][a-z0-9_]{0,10}", record in "[!-~]{1,30}") {
            let id = GlobalId { node: IdNode::Invoice, connection: ConnectionName::new(connection), record };
            prop_assert_eq!(id.to_string().parse::<GlobalId>().unwrap(), id);
        }
    }
}
