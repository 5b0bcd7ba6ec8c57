//! The graph: one file per type, resolvers only. What is read comes from [`reads`](crate::reads), what is computed from
//! [`finance`](crate::finance).

mod client;
mod context;
mod cost;
mod deal;
mod errors;
mod filters;
mod financials;
pub mod guard;
mod invoice;
mod money;
mod owner;
mod paging;
mod person;
mod prefetch;
mod project;
mod query;
mod scalars;
mod source;
mod system;
mod ticket;

pub use context::Spine;
pub use errors::{Code, coalesce};
pub use owner::{OwnerDomain, Ownership};
pub use query::Query;

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
