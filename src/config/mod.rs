//! `spine.toml`: one file per section. Everything is validated before a port opens.

mod duration;
mod secret;
mod traffic;

pub use duration::Seconds;
pub use secret::SecretRef;
pub use traffic::Traffic;
