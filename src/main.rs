//! Runs a command of Pidima: `pidima help` lists them.

use std::process::ExitCode;

fn main() -> ExitCode {
    pidima::cli::run()
}
