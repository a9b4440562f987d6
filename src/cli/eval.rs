//! `pidima eval`: measures search on question sets, through a running service.
use crate::config::Env;
use clap::Subcommand;
#[derive(Debug, Subcommand)]
pub enum EvalCommand {
    /// x
    Retrieval,
}
pub async fn run(_command: EvalCommand, _env: &Env) -> anyhow::Result<()> {
    Ok(())
}
