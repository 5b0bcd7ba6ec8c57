//! Behaviour: what a reader of Spine can rely on, over real HTTP where HTTP is in it.

// So that clippy takes the helpers of tests for what they are.
#![cfg(test)]

mod absence;
mod access;
mod answers;
mod audit;
mod batching;
mod books;
mod canaries;
mod card;
mod clock;
mod command_line;
mod conformance;
mod doctor;
#[path = "../redmine/expectations.rs"]
mod expectations;
#[path = "../redmine/facts.rs"]
mod facts;
mod fairness;
mod found;
mod freshness;
mod gaps;
mod generated;
mod handover;
mod input;
mod live;
mod odata;
mod operations;
mod oracle;
mod overload;
mod owners;
mod process;
mod profitability;
mod random;
mod redmine;
mod reload;
mod repeats;
mod replicas;
mod reports;
mod schema;
mod sign_in;
mod simulation;
mod sql;
#[path = "../sql/sqlserver/mod.rs"]
mod sqlserver;
mod support;
mod tryton;
mod waves;
mod ways;
mod webhooks;
