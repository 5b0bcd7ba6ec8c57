//! What is looked at: a file each, and in it what must hold whatever the input is.

pub mod config;
pub mod connector;
pub mod cursor;
pub mod guard;
pub mod odata;
pub mod request;
pub mod retry_after;
pub mod sign_in;
pub mod webhook;

/// Looks at one input.
type Run = fn(&[u8]);

/// All of them by their names.
pub const ALL: [(&str, Run); 9] = [
    ("config", config::run),
    ("connector", connector::run),
    ("cursor", cursor::run),
    ("guard", guard::run),
    ("odata", odata::run),
    ("request", request::run),
    ("retry_after", retry_after::run),
    ("sign_in", sign_in::run),
    ("webhook", webhook::run),
];
