//! The SQL connector against a real `PostgreSQL` and a real `MariaDB`, set up by `tests/sql/setup.sh up`, which prints the variables:
//!
//! ```sh
//! eval "$(tests/sql/setup.sh up)" && cargo test --test real_sql
//! ```
//!
//! Without them the tests fail: a test that quietly does nothing is no test.

#[cfg(test)]
#[path = "sql/conformance.rs"]
mod conformance;
#[cfg(test)]
#[path = "sql/mod.rs"]
mod sql;
