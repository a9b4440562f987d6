//! Serving until asked to stop: shared by `serve` and `demo`.

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, Renewal};
use crate::knowledge::claim_embedding_space;
use crate::server;

/// Refuses to go on when the database is not as it must be.
pub async fn check(app: &App) -> anyhow::Result<()> {
    let faults = app.services.readiness.faults(&app.services.db).await;
    anyhow::ensure!(faults.is_empty(), "the database is not fit to serve:\n{}", faults.join("\n"));
    claim_embedding_space(&app.services.db, &*app.embedder).await?;
    Ok(())
}

/// Serves, and works when `with_worker`, with settings that are read again where there is a `renewal`, until `stop`; then ends in order: answers are made or cut, requests, jobs, database.
pub async fn serve(
    app: App,
    listener: TcpListener,
    with_worker: bool,
    renewal: Option<Renewal>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let tasks = TaskTracker::new();
    if with_worker {
        tasks.spawn(app.worker.clone().run(stop.clone()));
    }
    tasks.spawn(app.clone().follow_models(stop.clone()));
    if let Some(renewal) = renewal {
        tasks.spawn(app.clone().follow_settings(renewal, stop.clone()));
    }
    let (services, stopping) = (app.services.clone(), stop.clone());
    tasks.spawn(async move {
        stopping.cancelled().await;
        services.leaving.cancel();
        services.chat.drain().await;
    });
    let endpoint = server::endpoint(app.services.clone(), app.server.clone())?;
    server::serve(listener, endpoint, app.server.times, stop).await.context("serving HTTP")?;
    tasks.close();
    tasks.wait().await;
    app.close().await;
    Ok(())
}

/// A token that Ctrl-C and SIGTERM cancel.
pub fn stop_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .context("listening for SIGTERM")?;
    TaskTracker::new().spawn(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        cancel.cancel();
    });
    Ok(stop)
}
