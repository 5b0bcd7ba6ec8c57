//! Behaviour: what a reader of Spine can rely on, over real HTTP where HTTP is in it.

#[path = "../redmine/expectations.rs"]
mod expectations;
#[path = "../redmine/facts.rs"]
mod facts;
mod redmine;
mod schema;
mod support;
