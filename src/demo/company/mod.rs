//! The seeded company behind the embedded systems.

pub mod model;
