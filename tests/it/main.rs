//! Behaviour: what a reader of Spine can rely on, over real HTTP where HTTP is in it.

#[path = "../redmine/expectations.rs"]
mod expectations;
#[path = "../redmine/facts.rs"]
mod facts;
mod redmine;
mod absence;
mod batching;
mod command_line;
mod freshness;
mod generated;
mod input;
mod oracle;
mod schema;
mod support;
