//! Documents that were found to be valid before are not validated again.
//!
//! async-graphql walks through a document on each request, in its fast mode too, with a look into the registry for each field: of
//! the instructions that a deal card takes without its reads that is a seventh. An extension is asked in place of the validator,
//! and does not ask it.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation};
use async_graphql::{CacheControl, ServerError, ValidationResult};
use async_trait::async_trait;

/// For a schema whose documents another one has validated.
#[derive(Debug)]
pub(super) struct Trusting;

impl ExtensionFactory for Trusting {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for Trusting {
    async fn validation(
        &self,
        _: &ExtensionContext<'_>,
        _: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        // Nothing is made of these: the guard measures documents, and answers say themselves how long they may be kept.
        Ok(ValidationResult { cache_control: CacheControl::default(), complexity: 0, depth: 0 })
    }
}
