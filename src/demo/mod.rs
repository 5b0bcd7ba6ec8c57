//! The embedded systems: real HTTP on loopback, the vendors' own protocols, one seeded company.

pub mod company;
pub mod control;
pub mod facts;
pub mod hubspot;
pub mod redmine;
pub mod sap;
pub mod server;
