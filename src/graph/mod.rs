//! The graph: what people and programs ask.

pub mod guard;
