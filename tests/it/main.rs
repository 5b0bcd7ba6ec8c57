//! Behaviour, over real HTTP.

#[cfg(test)]
#[path = "../redmine/expectations.rs"]
mod expectations;
#[cfg(test)]
#[path = "../redmine/facts.rs"]
mod facts;
#[cfg(test)]
mod redmine;
