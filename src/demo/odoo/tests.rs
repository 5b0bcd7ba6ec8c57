//! The embedded system's own manners.
