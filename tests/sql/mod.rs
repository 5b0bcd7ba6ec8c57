//! Databases of the tests, and what is peculiar to databases.

pub(crate) mod company;
mod config;
mod databases;
mod server;
mod sums;

pub(crate) use server::{Database, Engine, Reached, queries};
