//! The graph: one file per type, resolvers only. What is read comes from [`reads`](crate::reads), what is computed from
//! [`finance`](crate::finance).

#![expect(clippy::unused_async, reason = "async-graphql takes asynchronous resolvers alone")]

pub mod client;
mod context;
pub mod cost;
pub mod deal;
mod errors;
pub mod filters;
pub mod financials;
pub mod guard;
pub mod invoice;
pub mod money;
mod owner;
pub mod paging;
pub mod person;
mod prefetch;
pub mod project;
mod query;
pub mod scalars;
pub mod source;
pub mod system;
pub mod ticket;

pub use context::Spine;
pub use errors::{Code, coalesce};
pub use owner::{OwnerDomain, Ownership};
pub use query::{Node, Query};

use std::sync::Arc;

use async_graphql::{EmptyMutation, EmptySubscription, SDLExportOptions};

use crate::domain::{Clock, SharedIdRule};
use crate::reads::Reads;
use crate::systems::Connection;

/// The schema, with all it stands on.
pub type Schema = async_graphql::Schema<Query, EmptyMutation, EmptySubscription>;

/// Builds the graph over the readers of all owners.
pub fn schema(reads: Reads, connections: Vec<Connection>, shared_id: SharedIdRule, clock: Arc<dyn Clock>) -> Schema {
    let ownership = owner::ownership(&sdl(), &reads);
    builder().data(Arc::new(Spine { reads, shared_id, clock, connections, ownership })).finish()
}

/// The printed contract: `schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().federation().compose_directive();
    builder().finish().sdl_with_options(options)
}

fn builder() -> async_graphql::SchemaBuilder<Query, EmptyMutation, EmptySubscription> {
    async_graphql::Schema::build(Query, EmptyMutation, EmptySubscription).enable_federation().disable_suggestions()
}
