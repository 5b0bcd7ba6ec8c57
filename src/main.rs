//! Spine's command line: see `spine help`.

/// Answers are made of many small texts that live for milliseconds: this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    spine::cli::run()
}
