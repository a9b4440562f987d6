//! The page of metrics, at an address of its own that is none of the API's, and the lines of metrics for CloudWatch. Whoever
//! operates the service reads them; nothing in them is a tenant's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use poem::http::StatusCode;
use poem::listener::TcpAcceptor;
use poem::web::Data;
use poem::{EndpointExt, Response, Route, get, handler};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::db::{self, Db};
use crate::telemetry::metrics::{EmfWriter, PAGE_TYPE, metrics, page};

/// Time for the database to tell what waits: a page without it is better than none.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a connection may be open with nothing asked: whoever collects metrics comes more often.
const IDLE: Duration = Duration::from_secs(120);
/// Time for a page that is being read when we are asked to stop.
const LAST_PAGE: Duration = Duration::from_secs(1);

/// What is measured by looking, as it was when last looked.
#[derive(Clone)]
pub struct Gauges {
    db: Db,
    /// How long a look at the database is good.
    max_age: Duration,
    looked: Arc<Mutex<Option<Instant>>>,
}

impl Gauges {
    /// The gauges of a process with this database.
    pub fn new(db: Db, max_age: Duration) -> Self {
        Self { db, max_age, looked: Arc::default() }
    }

    /// Looks again, unless that was just done.
    async fn refresh(&self) {
        metrics().pool(self.db.pool_state());
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < self.max_age) {
            return;
        }
        let counted = tokio::time::timeout(PATIENCE, self.queue_state()).await;
        // Also when it was in vain: those who come meanwhile do not wait as long once more.
        *looked = Some(Instant::now());
        match counted {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "what waits in the line could not be counted");
            }
            Err(_) => tracing::warn!("what waits in the line was not counted in time"),
        }
        metrics().queue_unknown();
    }

    async fn queue_state(&self) -> db::Result<()> {
        metrics().queue(self.db.system().await?.queue_state().await?);
        Ok(())
    }
}

/// Serves `/metrics` and nothing else until `stop`.
///
/// # Errors
/// The listener failed.
pub async fn serve_metrics(
    listener: TcpListener,
    gauges: Gauges,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let routes = Route::new().at("/metrics", get(show)).data(gauges);
    poem::Server::new_with_acceptor(TcpAcceptor::from_tokio(listener)?)
        .idle_timeout(IDLE)
        .run_with_graceful_shutdown(routes, stop.cancelled_owned(), Some(LAST_PAGE))
        .await
}

#[handler]
async fn show(gauges: Data<&Gauges>) -> Response {
    gauges.refresh().await;
    match page() {
        Ok(text) => Response::builder().content_type(PAGE_TYPE).body(text),
        Err(error) => {
            tracing::error!(%error, "the page of metrics could not be written");
            Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).finish()
        }
    }
}

/// Writes lines for CloudWatch as often as `every` says, and once more at `stop`.
pub async fn write_emf(
    mut writer: EmfWriter,
    every: Duration,
    gauges: Gauges,
    stop: CancellationToken,
) {
    loop {
        let is_last = tokio::select! {
            () = tokio::time::sleep(every) => false,
            () = stop.cancelled() => true,
        };
        if !is_last {
            gauges.refresh().await;
        }
        writer.write(chrono::Utc::now().timestamp_millis());
        if is_last {
            return;
        }
    }
}
