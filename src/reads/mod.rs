//! The read engine: every value that leaves Spine was read through it, from its owner, a short while ago at most.
//!
//! One [`Reader`] per owner and kind of record, for the whole process. What it read lies in one [`Store`] that all share;
//! what it is asked for and does not hold travels in batches across requests, each key once. A reader knows nothing of
//! deals or invoices; [`Reads`] says which readers there are.

mod at_hand;
mod by_owner;
mod entry;
mod evict;
mod freshness;
mod links;
mod observed;
mod options;
mod owned;
mod reader;
mod store;
mod sync;
#[cfg(test)]
mod tests;
mod touched;
mod trace;
mod turns;
mod upstream;
mod wave;

pub use at_hand::AtHand;
pub use by_owner::ByOwner;
pub use entry::{Fresh, Read};
pub use evict::{Changed, Records};
pub use freshness::Freshness;
pub use links::Links;
pub use observed::Observed;
pub use options::ReadOptions;
pub use owned::{Commercial, Costs, DealDetails, Delivery, Invoices, Owner, PageKey, PageReader, Reads, Tickets};
pub use reader::{Key, Reader};
pub use store::Store;
pub use touched::{Touched, TouchedReads};
pub use trace::{BatchTrace, ReadTrace, Trace};
pub use turns::Turns;
pub use upstream::{Fetch, Kind};
