//! The Tryton connector against a real Tryton that holds the demo's company, set up by `tests/tryton/setup.sh up`, which prints
//! the variables that are read here:
//!
//! ```sh
//! eval "$(tests/tryton/setup.sh up)" && cargo test --test real_tryton
//! ```
//!
//! Without them the tests fail: a test that quietly does nothing is no test.

#[cfg(test)]
#[path = "tryton/cases.rs"]
mod cases;
#[cfg(test)]
#[path = "tryton/company.rs"]
mod company;
#[cfg(test)]
#[path = "tryton/protocol.rs"]
mod protocol;
#[cfg(test)]
#[path = "tryton/server.rs"]
mod server;
#[cfg(test)]
#[path = "tryton/target.rs"]
mod target;
