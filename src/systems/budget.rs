//! How many calls to systems one operation may make. A question that fans out must not use up the quota of a vendor's account,
//! which all who ask share.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::Limits;

/// Operations among which one that waits already is looked for.
const RECENT: usize = 64;

/// The calls of one operation.
#[derive(Debug)]
pub struct Budget {
    allowed: u32,
    setting: &'static str,
    enforced: bool,
    made: AtomicU32,
}

/// A budget that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exhausted {
    /// Calls that it had.
    pub allowed: u32,
    /// Where that is set: a name in `[limits]`.
    pub setting: &'static str,
}

impl Budget {
    /// That of one operation, by `[limits]`.
    pub fn of(limits: &Limits, is_report: bool) -> Arc<Self> {
        let (allowed, setting) =
            if is_report { (limits.report_calls, "report_calls") } else { (limits.upstream_calls, "upstream_calls") };
        Self::new(allowed, setting, !limits.only_measures(setting))
    }

    /// So many calls, by a setting of `[limits]`. One that is not enforced is only counted.
    pub fn new(allowed: u32, setting: &'static str, enforced: bool) -> Arc<Self> {
        Arc::new(Self { allowed, setting, enforced, made: AtomicU32::new(0) })
    }

    /// Calls that it has.
    pub fn allowed(&self) -> u32 {
        self.allowed
    }

    /// The name of its setting in `[limits]`.
    pub fn setting(&self) -> &'static str {
        self.setting
    }

    /// Calls made so far.
    pub fn made(&self) -> u32 {
        self.made.load(Ordering::Relaxed)
    }

    fn has_any(&self) -> bool {
        !self.enforced || self.made() < self.allowed
    }

    /// Takes a call, if there is one left.
    fn spend(&self) -> bool {
        let one_more = |made: u32| (!self.enforced || made < self.allowed).then(|| made.saturating_add(1));
        self.made.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }
}

/// Who pays for the calls of one read: the operations that wait for it, the first one first. While one of them has a call
/// left the read goes on, so that nobody is denied an answer by somebody else's budget.
#[derive(Debug, Default)]
pub struct Payers(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// One of them has no budget, and all it wants.
    unlimited: bool,
    budgets: Vec<Arc<Budget>>,
}

impl Payers {
    /// Adds an operation that waits; none is one without a budget.
    pub fn add(&self, budget: Option<&Arc<Budget>>) {
        let mut waiting = self.waiting();
        match budget {
            None => waiting.unlimited = true,
            // One that is there twice pays no more than once for a call. So only those that came last are looked through: ten
            // thousand may wait for one read.
            Some(budget) if waiting.budgets.iter().rev().take(RECENT).any(|known| Arc::ptr_eq(known, budget)) => {}
            Some(budget) => waiting.budgets.push(Arc::clone(budget)),
        }
    }

    /// Whether a call can be paid for. Where nobody was added it can.
    pub(super) fn can_pay(&self) -> Result<(), Exhausted> {
        self.first_that(Budget::has_any)
    }

    /// Pays for a call.
    pub(super) fn pay(&self) -> Result<(), Exhausted> {
        self.first_that(Budget::spend)
    }

    fn first_that(&self, does: impl Fn(&Budget) -> bool) -> Result<(), Exhausted> {
        let waiting = self.waiting();
        let Some(last) = waiting.budgets.last() else { return Ok(()) };
        if waiting.budgets.iter().any(|budget| does(budget)) || waiting.unlimited {
            return Ok(());
        }
        Err(Exhausted { allowed: last.allowed, setting: last.setting })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_call_by_call_and_then_nothing_more() {
        let (budget, payers) = (Budget::new(2, "upstream_calls", true), Payers::default());
        payers.add(Some(&budget));
        assert_eq!((payers.pay(), payers.can_pay(), payers.pay()), (Ok(()), Ok(()), Ok(())));
        let exhausted = Err(Exhausted { allowed: 2, setting: "upstream_calls" });
        assert_eq!((payers.can_pay(), payers.pay(), budget.made()), (exhausted, exhausted, 2));
    }

    #[test]
    fn one_that_is_only_measured_counts_on() {
        let (budget, payers) = (Budget::new(1, "upstream_calls", false), Payers::default());
        payers.add(Some(&budget));
        assert!((0..5).all(|_| payers.can_pay().is_ok() && payers.pay().is_ok()));
        assert_eq!((budget.made(), budget.allowed()), (5, 1));
    }

    #[test]
    fn whoever_waits_too_pays_when_the_first_cannot_anymore() {
        let (first, second) = (Budget::new(1, "upstream_calls", true), Budget::new(2, "report_calls", true));
        let payers = Payers::default();
        for budget in [&first, &second, &first] {
            payers.add(Some(budget));
        }
        assert!((0..3).all(|_| payers.pay().is_ok()));
        assert_eq!((first.made(), second.made()), (1, 2));
        assert_eq!(payers.pay(), Err(Exhausted { allowed: 2, setting: "report_calls" }));
        payers.add(None);
        assert_eq!((payers.can_pay(), payers.pay()), (Ok(()), Ok(())));
    }

    #[test]
    fn a_read_that_nobody_is_known_to_wait_for_is_not_held_up() {
        assert_eq!((Payers::default().can_pay(), Payers::default().pay()), (Ok(()), Ok(())));
    }
}
