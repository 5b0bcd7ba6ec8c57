//! An embedded Redmine.
