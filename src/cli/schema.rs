//! `spine schema`: prints the contract.

use super::{Exit, say};
use crate::graph;

pub(super) fn run() -> Exit {
    say(graph::sdl().trim_end());
    Exit::Ok
}
