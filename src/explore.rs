//! Runs a model under many schedules of its threads: some chosen at random, some with few changes of threads at places chosen
//! at random. A failure prints its schedule, for `shuttle::replay`. `SPINE_SCHEDULES=100000` explores more of them.

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

/// Schedules of each kind.
const USUAL: usize = 300;

/// Changes of threads in a schedule of the second kind: most defects need no more.
const CHANGES: usize = 3;

/// A future with a debugger's frames does not fit what is usual.
const STACK: usize = 512 * 1024;

/// Explores a model. It must fail by a panic.
pub(crate) fn explore(model: fn()) {
    let wanted = std::env::var_os("SPINE_SCHEDULES").and_then(|count| count.to_str()?.parse().ok());
    let schedules = wanted.unwrap_or(USUAL);
    let config = || {
        let mut config = Config::new();
        config.stack_size = STACK;
        config.silence_warnings = true;
        config
    };
    Runner::new(RandomScheduler::new(schedules), config()).run(model);
    Runner::new(PctScheduler::new(CHANGES, schedules), config()).run(model);
}
