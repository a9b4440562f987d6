//! `pidima eval`: measures search and answers on question sets, through a running service (`PIDIMA_URL`,
//! `PIDIMA_API_KEY`). Results go to standard output, progress to standard error.

mod answers;
mod ask;
mod chunking;
mod code;
mod docs;
mod refusals;
mod retrieval;
mod scores;
mod table;

use clap::Subcommand;

use super::client::Client;
use crate::config::Env;

#[derive(Debug, Subcommand)]
pub enum EvalCommand {
    /// Measure search on public question sets with their right passages
    Retrieval(retrieval::RetrievalArgs),
    /// Measure answers on questions of your own with their right pages
    Answers(answers::AnswersArgs),
    /// Measure when answers say "I do not know", on a public documentation set cut in two
    Refusals(refusals::RefusalsArgs),
}

pub async fn run(command: EvalCommand, env: &Env) -> anyhow::Result<()> {
    let client = Client::from_env(env)?;
    match command {
        EvalCommand::Retrieval(args) => retrieval::run(&args, &client).await,
        EvalCommand::Answers(args) => answers::run(&args, &client).await,
        EvalCommand::Refusals(args) => refusals::run(&args, &client).await,
    }
}
