//! Redmine.
