//! The connector against the embedded Service Layer.
