//! Spine's command line: see `spine help`.

fn main() -> std::process::ExitCode {
    spine::cli::run()
}
