//! Our words: the names by which a configuration maps the owner's words to them.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::domain::{
    CommunicationKind, CostKind, CostState, DealStatus, Health, InvoiceKind, InvoiceState, MilestoneStatus, Priority,
    ProjectStatus, TicketCategory, TicketStatus,
};

/// A set of words of ours.
pub trait Words: Clone + Send + Sync + 'static {
    /// Name of the set, for the schema of the configuration.
    const SET: &'static str;
    /// The names, as they are written in the configuration.
    const NAMES: &'static [&'static str];

    /// The word of that name.
    fn named(name: &str) -> Option<Self>;

    /// What a word of the owner is that nobody has mapped; none where there is nothing to keep it in.
    fn unknown(raw: &str) -> Option<Self> {
        let _ = raw;
        None
    }
}

macro_rules! words {
    ($set:ident { $($name:literal => $word:ident),+ $(,)? } $(, unknown = $unknown:ident)?) => {
        impl Words for $set {
            const SET: &'static str = stringify!($set);
            const NAMES: &'static [&'static str] = &[$($name),+];

            fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$word),)+
                    _ => None,
                }
            }

            $(fn unknown(raw: &str) -> Option<Self> {
                Some(Self::$unknown(raw.to_owned()))
            })?
        }
    };
}

words!(DealStatus { "OPEN" => Open, "WON" => Won, "LOST" => Lost });
words!(ProjectStatus {
    "PLANNED" => Planned, "ACTIVE" => Active, "ON_HOLD" => OnHold, "COMPLETED" => Completed, "CANCELLED" => Cancelled,
}, unknown = Unknown);
words!(Health { "GREEN" => Green, "AMBER" => Amber, "RED" => Red }, unknown = Unknown);
words!(MilestoneStatus { "OPEN" => Open, "LOCKED" => Locked, "CLOSED" => Closed }, unknown = Unknown);
words!(TicketStatus {
    "NEW" => New, "IN_PROGRESS" => InProgress, "WAITING" => Waiting, "CLOSED" => Closed,
}, unknown = Unknown);
words!(Priority { "LOW" => Low, "NORMAL" => Normal, "HIGH" => High, "CRITICAL" => Critical }, unknown = Unknown);
words!(TicketCategory {
    "INCIDENT" => Incident, "CHANGE_REQUEST" => ChangeRequest, "SUPPORT" => Support, "TASK" => Task,
}, unknown = Unknown);
words!(InvoiceKind { "INVOICE" => Invoice, "CREDIT_NOTE" => CreditNote });
words!(InvoiceState {
    "DRAFT" => Draft, "OPEN" => Open, "CLOSED" => Closed, "VOID" => Void,
    // What people call these states; whether one is overdue or partly paid is worked out from its dates and amounts.
    "PAID" => Closed, "OVERDUE" => Open, "PARTIALLY_PAID" => Open,
}, unknown = Unknown);
words!(CostKind {
    "LABOUR" => Labour, "VENDOR" => Vendor, "EXPENSE" => Expense, "OTHER" => Other,
}, unknown = Unknown);
words!(CostState { "ACTUAL" => Actual, "COMMITTED" => Committed });
words!(CommunicationKind { "NOTE" => Note, "CALL" => Call, "EMAIL" => Email, "MEETING" => Meeting });

/// One of our words in the configuration, e.g. `"CLOSED"`.
#[derive(Debug, Clone)]
pub struct Ours<E>(pub(in crate::systems) E);

impl<E: Words> Ours<E> {
    /// The word of this name.
    pub fn named(name: &str) -> Option<Self> {
        E::named(name).map(Self)
    }

    /// The word itself.
    pub fn ours(&self) -> E {
        self.0.clone()
    }
}

impl<'de, E: Words> Deserialize<'de> for Ours<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        E::named(&name).map(Self).ok_or_else(|| D::Error::unknown_variant(&name, E::NAMES))
    }
}

impl<E: Words> schemars::JsonSchema for Ours<E> {
    fn schema_name() -> Cow<'static, str> {
        E::SET.into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "enum": E::NAMES })
    }
}
