//! `pidima services`: the embedded servers, for the demo and the tests, which hold our standard input open.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::devservices::{GuardOptions, run_guard};

#[derive(Debug, Args)]
pub struct ServicesArgs {
    /// Folder that keeps the data
    #[arg(long, required_unless_present = "ephemeral")]
    data: Option<PathBuf>,
    /// Keep the data in a temporary folder that goes at the end
    #[arg(long, conflicts_with = "data")]
    ephemeral: bool,
    /// Start PostgreSQL only
    #[arg(long)]
    without_valkey: bool,
}

pub async fn run(args: ServicesArgs) -> ExitCode {
    debug_assert!(args.ephemeral || args.data.is_some(), "clap asks for one of them");
    let options = GuardOptions { data: args.data, valkey: !args.without_valkey };
    run_guard(options, std::io::stdin()).await
}
