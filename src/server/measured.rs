//! Limits that are measured and not enforced: what would have been refused, in the log and counted. Without texts: a query
//! may hold what is nobody's business.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::audit;
use super::request_id::RequestId;
use crate::access::Viewer;
use crate::config::Limits;
use crate::graph::guard::Excess;
use crate::systems::Budget;

/// What was over such a limit since the start.
#[derive(Debug)]
pub(super) struct Measured {
    is_on: bool,
    operations: Mutex<BTreeMap<&'static str, u64>>,
}

/// An operation that is measured, until it is over.
pub(super) struct Operation<'m> {
    measured: &'m Measured,
    id: RequestId,
    name: Option<String>,
    document: Option<String>,
    subject: String,
    budget: Option<Arc<Budget>>,
}

impl Measured {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { is_on: !limits.measure_only.is_empty(), operations: Mutex::default() }
    }

    /// Measures an operation, by its name and its document's text; none if no limit is only measured. If it makes more calls
    /// than its budget has, that is told when it is over.
    pub(super) fn operation(
        &self,
        id: &RequestId,
        viewer: &Viewer,
        name: Option<&str>,
        document: Option<&str>,
        budget: Option<&Arc<Budget>>,
    ) -> Option<Operation<'_>> {
        self.is_on.then(|| Operation {
            measured: self,
            id: id.clone(),
            name: name.map(str::to_owned),
            document: document.map(audit::hash),
            subject: viewer.principal.subject.clone(),
            budget: budget.cloned(),
        })
    }
}

impl Operation<'_> {
    /// It has too much of something.
    pub(super) fn exceeds(&self, excess: &Excess) {
        let total = {
            let mut operations = self.measured.operations.lock().unwrap_or_else(PoisonError::into_inner);
            let total = operations.entry(excess.limit).or_default();
            *total += 1;
            *total
        };
        tracing::warn!(
            request.id = %self.id,
            limit = excess.limit,
            allowed = excess.allowed,
            measured = excess.measured,
            graphql.operation = self.name.as_deref().unwrap_or_default(),
            graphql.document = self.document.as_deref(),
            user.id = self.subject,
            total,
            "over a limit that is only measured"
        );
    }
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        let Some(budget) = self.budget.take() else { return };
        let count = |calls: u32| usize::try_from(calls).unwrap_or(usize::MAX);
        let (allowed, measured) = (count(budget.allowed()), count(budget.made()));
        if measured > allowed {
            self.exceeds(&Excess { limit: budget.setting(), allowed, measured });
        }
    }
}
