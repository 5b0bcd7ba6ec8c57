//! The far side of a batch: hands it to the owner and matches what comes back to the keys, each by itself.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use futures_util::future::BoxFuture;

use super::Key;
use super::entry::Outcome;
use crate::domain::ConnectionName;
use crate::systems::{BatchResult, Call, ErrorKind, SystemError};

/// What a reader reads, and of whom.
#[derive(Debug, Clone)]
pub struct Kind {
    /// The connection that is asked.
    pub connection: ConnectionName,
    /// Kind of system, e.g. `hubspot`.
    pub system: &'static str,
    /// What is read, e.g. `deals`.
    pub name: &'static str,
    /// How many keys one call takes.
    pub limit: usize,
}

impl Kind {
    /// An error of this kind of read, of Spine's own making.
    pub(super) fn error(&self, kind: ErrorKind, detail: Option<&'static str>) -> SystemError {
        SystemError {
            connection: self.connection.clone(),
            system: self.system,
            operation: self.name,
            kind,
            retry_after: None,
            detail: detail.map(Arc::from),
        }
    }
}

/// How a batch of keys is asked of the owner.
pub type Fetch<K, V> = Box<dyn Fn(Call, Vec<K>) -> BoxFuture<'static, BatchResult<K, V>> + Send + Sync>;

/// What the owner said of each key that it knows, as it is kept.
type Outcomes<K, V> = Result<HashMap<K, Outcome<V>>, Arc<SystemError>>;

/// How a batch of keys is asked of the owner, for what is kept of the answer.
pub(super) type Load<K, V> = Box<dyn Fn(Call, Vec<K>) -> BoxFuture<'static, Outcomes<K, V>> + Send + Sync>;

/// Asks by `fetch`, and makes of each record what is kept of it.
pub(super) fn load<K: Key, P: Send + 'static, V: From<P> + Send + Sync + 'static>(fetch: Fetch<K, P>) -> Load<K, V> {
    Box::new(move |call, keys| {
        let asked = fetch(call, keys);
        Box::pin(async move {
            let batch = asked.await?;
            let found = batch.found.into_iter().map(|(key, record)| (key, Ok(Some(Arc::new(V::from(record))))));
            let failed = batch.failed.into_iter().map(|(key, error)| (key, Err(Arc::new(error))));
            Ok(found.chain(failed).collect())
        })
    })
}

/// One batch as the owner gets it.
pub(super) struct Asked<K, V> {
    pub(super) load: Arc<Load<K, V>>,
    pub(super) call: Call,
}

impl<K: Key, V: Send + Sync + 'static> Loader<K> for Asked<K, V> {
    type Value = Outcome<V>;
    type Error = Arc<SystemError>;

    async fn load(&self, keys: &[K]) -> Outcomes<K, V> {
        (self.load)(self.call.clone(), keys.to_vec()).await
    }
}
