//! What purchases and journal entries are posted on: the accounts of the chart, and the items that name one.
//!
//! Whether a line is a cost depends on its account alone: a purchase on an asset (prepaid, stock, equipment) is none yet, and
//! a journal entry makes it one, bit by bit. Lines on accounts name theirs. Lines of items do not: theirs is the expense account
//! of the item, or the stock.

use std::collections::{BTreeSet, HashMap};

use super::map::detail;
use super::wire::{self, Ref};

/// What a line does to costs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Posting<'a> {
    /// It is on an account of cost.
    Cost(&'a wire::Account),
    /// It is on another account.
    NoCost,
    /// It goes to stock. What it will cost is posted when it is sold, and the API shows that in reports only.
    Stock,
    /// Nobody can say: its account is not in the chart, or has no classification, or its item names none.
    Unknown,
}

/// Accounts and items, by their IDs.
#[derive(Debug, Default)]
pub(super) struct Chart {
    accounts: HashMap<String, wire::Account>,
    items: HashMap<String, wire::Item>,
}

impl Chart {
    pub(super) fn new(accounts: Vec<wire::Account>, items: Vec<wire::Item>) -> Self {
        Self {
            accounts: accounts.into_iter().map(|account| (account.id.clone(), account)).collect(),
            items: items.into_iter().map(|item| (item.id.clone(), item)).collect(),
        }
    }

    /// What is posted on an account. QuickBooks calls all accounts of costs `Expense`, also those of cost of goods sold.
    pub(super) fn account(&self, account: Option<&Ref>) -> Posting<'_> {
        let Some(account) = value(account).and_then(|id| self.accounts.get(id)) else { return Posting::Unknown };
        match account.classification.as_deref() {
            Some("Expense") => Posting::Cost(account),
            Some("Asset" | "Equity" | "Liability" | "Revenue") => Posting::NoCost,
            _ => Posting::Unknown,
        }
    }

    /// What a line of a purchase is posted on: the account on it, else that of its item.
    pub(super) fn line(&self, line: &wire::Line) -> Posting<'_> {
        let Some(detail) = detail(line) else { return Posting::Unknown };
        if let Some(account) = stated(detail) {
            return self.account(Some(account));
        }
        let Some(item) = value(detail.item_ref.as_ref()).and_then(|id| self.items.get(id)) else {
            return Posting::Unknown;
        };
        match item.kind.as_deref() {
            Some("Inventory" | "Assembly") => Posting::Stock,
            _ => self.account(item.expense_account_ref.as_ref()),
        }
    }
}

/// The items of lines that name no account, of which the item has to be asked.
pub(super) fn items_of<'a>(lines: impl Iterator<Item = &'a wire::Line>) -> BTreeSet<&'a str> {
    let details = lines.filter_map(detail).filter(|detail| stated(detail).is_none());
    details.filter_map(|detail| value(detail.item_ref.as_ref())).collect()
}

/// The account on a line: its own, or the one that it has instead of its item's.
fn stated(detail: &wire::Detail) -> Option<&Ref> {
    let accounts = [&detail.account_ref, &detail.item_account_ref];
    accounts.into_iter().flatten().find(|account| value(Some(account)).is_some())
}

fn value(reference: Option<&Ref>) -> Option<&str> {
    reference?.value.as_deref().map(str::trim).filter(|value| !value.is_empty())
}
