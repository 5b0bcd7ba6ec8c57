//! Databases of the tests, and what is peculiar to databases.

pub(crate) mod company;
mod databases;
mod server;

pub(crate) use server::{Database, Engine, Reached, queries};
