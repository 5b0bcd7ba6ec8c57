//! The graph: one file per type, resolvers only. What is read comes from [`reads`](crate::reads), what is computed from
//! [`finance`](crate::finance).

#![expect(clippy::unused_async, reason = "async-graphql takes asynchronous resolvers alone")]

pub mod client;
mod context;
pub mod cost;
pub mod deal;
mod direct;
mod errors;
pub mod filters;
pub mod financials;
pub mod guard;
pub mod handover;
pub mod invoice;
mod listed;
mod mask;
pub mod metric;
pub mod money;
mod needs;
mod owner;
pub mod paging;
pub mod person;
mod plan;
pub mod profitability;
pub mod project;
mod query;
mod records;
pub mod scalars;
pub mod source;
mod subscription;
pub mod system;
pub mod ticket;
mod trusting;
mod wave;

pub use context::Spine;
pub use direct::{Json, LongWay, Selections, Text, roots_alone, wrote_itself};
pub use errors::{Code, coalesce, system_error};
pub use mask::{Masked, Masks, is_marked};
pub use needs::FactClass;
pub use owner::{OwnerDomain, Ownership};
pub use plan::{Plan, Step, asks_for_a_report, longest_list};
pub use query::{Node, Query};
pub use subscription::Subscription;

use std::fmt;
use std::sync::Arc;

use async_graphql::{EmptyMutation, Request, SDLExportOptions, Variables};

use crate::access::Catalogue;
use crate::reports::Reports;
use crate::systems::Connection;
use needs::Fields;
use trusting::Trusting;

/// The schema, with all it stands on.
pub type Schema = async_graphql::Schema<Query, EmptyMutation, Subscription>;

/// The graph over the readers of all owners.
#[derive(Clone)]
pub struct Graph {
    /// Validates each document, and executes it.
    pub checking: Schema,
    /// Executes documents that are known to be valid.
    pub trusting: Schema,
    /// Takes out of documents what a viewer may not see.
    pub masks: Arc<Masks>,
    /// What a role must be given for each field.
    pub catalogue: Catalogue,
}

impl Graph {
    /// Builds the graph.
    pub fn new(reports: Arc<Reports>) -> Self {
        let Reports { reads, shared_id, clock, .. } = reports.as_ref();
        let (reads, shared_id, clock) = (Arc::clone(reads), shared_id.clone(), Arc::clone(clock));
        let fields = Fields::of(&sdl());
        let ownership = owner::ownership(&fields, &reads);
        let catalogue = fields.catalogue();
        let spine = Arc::new(Spine { reads, reports, shared_id, clock, ownership });
        let checking = builder().data(Arc::clone(&spine)).finish();
        let trusting = builder().data(spine).extension(Trusting).finish();
        Self { checking, trusting, masks: Arc::new(Masks::new(fields)), catalogue }
    }
}

impl Graph {
    /// Validates an operation, without executing it. The errors are in words.
    pub async fn validate(&self, query: &str, name: Option<&str>, variables: Variables) -> Result<(), Vec<String>> {
        let mut request = Request::new(query).variables(variables).only_introspection();
        request.operation_name = name.map(str::to_owned);
        let response = self.checking.execute(request).await;
        let mut messages: Vec<String> = response.errors.into_iter().map(|error| error.message).collect();
        messages.dedup();
        if messages.is_empty() { Ok(()) } else { Err(messages) }
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").finish_non_exhaustive()
    }
}

/// The fields that are null, or not whole, while a connection cannot be read.
pub fn affected(reports: &Reports, connection: &Connection) -> Vec<String> {
    let ownership = owner::ownership(&Fields::of(&sdl()), &reports.reads);
    owner::affected_by(&ownership, &reports.owned_by(connection), connection.name.as_str())
}

/// The printed contract: `schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().federation().compose_directive();
    builder().finish().sdl_with_options(options)
}

fn builder() -> async_graphql::SchemaBuilder<Query, EmptyMutation, Subscription> {
    async_graphql::Schema::build(Query, EmptyMutation, Subscription)
        .enable_federation()
        .enable_subscription_in_federation()
        .disable_suggestions()
}
