//! The read engine: every value that leaves Spine was read through it, from its owner, a short while ago at most.
//!
//! One [`Reader`] per owner and kind of record, for the whole process: time-to-live cache, single flight per key, and
//! batches across requests. A reader knows nothing of deals or invoices; [`Reads`] says which readers there are.

mod options;
mod owned;
mod reader;

pub use options::{Freshness, Observed, ReadOptions};
pub use owned::{
    Commercial, Costs, DealDetails, DealPageKey, Delivery, InvoicePageKey, Invoices, Owner, ProjectPageKey, Reads,
    Tickets,
};
pub use reader::{Fetch, Fresh, Key, Read, Reader};
