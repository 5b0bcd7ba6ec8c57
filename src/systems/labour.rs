//! Where the cost of people's time is read in systems that keep it in timesheets and in the journal.

use serde::Deserialize;

use super::ConnectionProblem;

/// Where labour is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Labour {
    /// Timesheets.
    #[default]
    Timesheets,
    /// What is posted on accounts for labour.
    Journal,
    /// Nowhere: it is no cost, or posted as an expense.
    None,
}

/// What hours at a cost of 0 mean, which is what such systems keep where nobody stated one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HoursWithoutCost {
    /// Nobody stated what the employee costs: the costs of the project are unknown.
    #[default]
    Unknown,
    /// They cost nothing.
    Free,
}

impl Labour {
    /// Checks what else a connection says of labour: the beginnings of the codes of accounts for it, and what hours without a
    /// cost mean.
    pub(super) fn check(self, accounts: &[String], hours: HoursWithoutCost) -> Result<(), ConnectionProblem> {
        let problem = |key: &str, message: &str| Err(ConnectionProblem::new(key, message));
        if self == Self::Journal && accounts.is_empty() {
            return problem("labour_accounts", "is empty: `labour = \"journal\"` needs the accounts that hold labour");
        }
        if self == Self::None && !accounts.is_empty() {
            return problem("labour_accounts", "has no effect: `labour` is \"none\"");
        }
        if self != Self::Timesheets && hours == HoursWithoutCost::Free {
            return problem("hours_without_cost", "has no effect: `labour` is not \"timesheets\"");
        }
        if accounts.iter().any(|prefix| prefix.trim().is_empty()) {
            return problem("labour_accounts", "an empty beginning would take in every account; remove it");
        }
        Ok(())
    }
}
