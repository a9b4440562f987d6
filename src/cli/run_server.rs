//! Serving until asked to stop: shared by `serve` and `demo`.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, Renewal};
use crate::knowledge::{check_embedding_models, claim_embedding_space};
use crate::server::{self, Gauges, serve_metrics, write_emf};
use crate::telemetry::metrics::EmfWriter;

/// Refuses to go on when the database is not as it must be.
pub async fn check(app: &App) -> anyhow::Result<()> {
    let faults = app.services.readiness.faults(&app.services.db).await;
    anyhow::ensure!(faults.is_empty(), "the database is not fit to serve:\n{}", faults.join("\n"));
    claim_embedding_space(&app.services.db, &**app.embedders.own()).await?;
    check_embedding_models(&app.services.db, &app.embedders).await?;
    Ok(())
}

/// Metrics that are told, until [`Telling::end`].
#[must_use]
pub struct Telling {
    /// Address of their page, if there is one.
    pub address: Option<SocketAddr>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Telling {
    /// Tells what was counted last. To be called when nothing counts any more: what ends while the process stops counts too.
    pub async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Tells metrics where the settings say so.
pub async fn tell_metrics(app: &App) -> anyhow::Result<Telling> {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let settings = &app.metrics;
    let gauges = Gauges::new(app.services.db.clone(), settings.max_age);
    if !settings.emf_interval.is_zero() {
        let (namespace, service) = (settings.emf_namespace.clone(), settings.service.clone());
        let writer = EmfWriter::new(namespace, service, settings.emf_buffer_lines);
        tasks.spawn(write_emf(writer, settings.emf_interval, gauges.clone(), stop.clone()));
    }
    let Some(listen) = settings.ops_listen else {
        return Ok(Telling { address: None, tasks, stop });
    };
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("PIDIMA_OPS_LISTEN: cannot listen on {listen}"))?;
    let address = listener.local_addr().context("PIDIMA_OPS_LISTEN")?;
    let serving = serve_metrics(listener, gauges, stop.clone());
    tasks.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "metrics are no longer served");
        }
    });
    tracing::info!(%address, "serving metrics");
    Ok(Telling { address: Some(address), tasks, stop })
}

/// Serves, and works when `with_worker`, with settings that are read again where there is a `renewal`, until `stop`; then ends
/// in order: answers are made or cut, requests, jobs, metrics, database.
pub async fn serve(
    app: App,
    listener: TcpListener,
    with_worker: bool,
    renewal: Option<Renewal>,
    metrics: Telling,
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
    metrics.end().await;
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
