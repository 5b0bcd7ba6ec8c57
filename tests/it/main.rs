//! Behaviour, over real HTTP.
