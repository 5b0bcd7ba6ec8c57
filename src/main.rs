//! Spine's command line: see `spine help`.

/// Answers are made of many small texts that live for milliseconds: this allocator gives out first what was freed last, which the
/// processor still has at hand.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    spine::cli::run()
}
