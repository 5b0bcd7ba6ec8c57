//! The seeded company behind the embedded systems.

pub mod correct;
pub mod model;
pub mod words;
