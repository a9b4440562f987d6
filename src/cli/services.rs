//! `pidima services`: the embedded servers, for the demo and the tests, which hold our standard input open.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::devservices::{GuardOptions, run_guard};

#[derive(Debug, Args)]
#[group(required = true, multiple = false, id = "where")]
pub struct ServicesArgs {
    /// Folder that keeps the data
    #[arg(long, group = "where")]
    data: Option<PathBuf>,
    /// Keep the data in a temporary folder that goes at the end
    #[arg(long, group = "where")]
    ephemeral: bool,
    /// Start PostgreSQL only
    #[arg(long)]
    without_valkey: bool,
}

pub async fn run(args: ServicesArgs) -> ExitCode {
    let options = GuardOptions { data: args.data, valkey: !args.without_valkey };
    run_guard(options, std::io::stdin()).await
}
