//! Runs a command of Pidima: `pidima help` lists them.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    pidima::cli::run().await
}
