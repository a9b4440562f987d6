//! `pidima bench`: measures what the service costs, on services that it starts for itself. Results go to standard output,
//! progress to standard error.

mod peers;
mod percentiles;
mod process;
mod service;
mod stand_in;
mod stream;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Measure what a streamed answer costs beyond the model's own time
    Stream(stream::StreamArgs),
}

pub async fn run(command: BenchCommand) -> anyhow::Result<()> {
    match command {
        BenchCommand::Stream(args) => Box::pin(stream::run(&args)).await,
    }
}

/// Load of the machine, which says how far the figures can be trusted.
fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
