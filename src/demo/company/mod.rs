//! The seeded company behind the embedded systems.

pub(in crate::demo) mod amounts;
pub mod correct;
pub mod grow;
pub mod model;
#[cfg(test)]
mod tests;
pub mod words;
