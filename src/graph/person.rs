//! Colleagues, as the graph shows them.

use std::sync::Arc;

use async_graphql::Object;

use crate::domain;

/// A colleague: owner of a deal, assignee of a ticket, manager of a project.
#[derive(Debug, Clone)]
pub struct Person(pub(super) Arc<domain::Person>);

/// A colleague: owner of a deal, assignee of a ticket, manager of a project. Owned by whoever owns the field it stands in.
#[Object]
impl Person {
    /// Full name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Work address; null if the owner states none.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }
}
