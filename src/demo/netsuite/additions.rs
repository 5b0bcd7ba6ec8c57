//! What is put into the account beside the company's books, and what its role does not see: cases that the books of another
//! ledger would not have.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sql::Value;
use super::tables::Tables;

/// Rows that are added to the tables, and rows that are left out of them. A clone shares it.
#[derive(Debug, Clone, Default)]
pub struct Additions(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    added: Vec<(&'static str, Vec<(&'static str, String)>)>,
    hidden: Vec<(&'static str, i64)>,
}

impl Additions {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a row. What can be read as a number or a date is one, and an empty text is nothing.
    pub fn add(&self, table: &'static str, columns: &[(&'static str, &str)]) {
        let columns = columns.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        self.state().added.push((table, columns));
    }

    /// Leaves a row out, as where a role may not see it.
    pub fn hide(&self, table: &'static str, id: i64) {
        self.state().hidden.push((table, id));
    }

    /// How much there is: it only grows.
    pub(super) fn size(&self) -> usize {
        let state = self.state();
        state.added.len() + state.hidden.len()
    }

    pub(super) fn apply(&self, tables: &mut Tables) {
        let state = self.state();
        for (table, columns) in &state.added {
            tables.add(table, columns.iter().map(|(name, text)| (*name, value(text))));
        }
        for (table, id) in &state.hidden {
            tables.hide(table, *id);
        }
    }
}

fn value(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    let whole = text.parse().map(Value::Int).ok();
    let number = || text.parse().map(Value::Number).ok();
    let date = || text.parse().map(Value::Date).ok();
    whole.or_else(number).or_else(date).unwrap_or_else(|| Value::text(text))
}
