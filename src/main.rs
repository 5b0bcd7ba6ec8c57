//! Spine's command line.

fn main() {}
