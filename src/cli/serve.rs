//! `pidima serve`.

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;

use super::run_server;
use crate::app::{App, Renewal, Sources, sign_in};
use crate::config::{Config, Env};

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Leave the worker to `pidima worker`
    #[arg(long)]
    without_worker: bool,
}

pub async fn run(args: ServeArgs, env: Env, sources: Sources) -> anyhow::Result<()> {
    let mut config = Config::from_env(&env)?;
    sign_in(&mut config.database, &config.aws).await?;
    let stop = run_server::stop_signal()?;
    let app = App::connect(&config).await?;
    run_server::check(&app).await?;
    let listener = TcpListener::bind(config.http.listen)
        .await
        .with_context(|| format!("PIDIMA_LISTEN: cannot listen on {}", config.http.listen))?;
    let metrics = run_server::tell_metrics(&app).await?;
    tracing::info!(address = %config.http.listen, "serving");
    let renewal = Renewal::new(sources, env, config);
    let serving =
        run_server::serve(app, listener, !args.without_worker, Some(renewal), metrics, stop);
    Box::pin(serving).await
}
