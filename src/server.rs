//! The HTTP server: route table and layer order.

mod acceptor;
mod allow;
mod body_limit;
mod client_address;
mod connections;
mod cors;
mod detach;
mod docs;
mod limit_addresses;
mod observe;
mod ops;
mod pages;
mod problems;
mod readiness;
mod routes;
mod security_headers;
mod stall;
mod time_limit;

use std::net::SocketAddr;
use std::time::Duration;

use poem::listener::TcpAcceptor;
use poem::{Endpoint, EndpointExt, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use ops::{Gauges, serve_metrics, write_emf};
pub use readiness::Readiness;
pub use routes::{PeopleSettings, Services, openapi_document};

use self::connections::{Connections, Patience};
use crate::web::body::MaxJsonDepth;
use crate::web::idempotency::IdempotencyLifetime;
use crate::web::origin::PublicUrl;

/// What the server accepts and how long it waits.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Address of this server as browsers see it.
    pub public_url: Option<String>,
    /// Proxies in front whose word about the client's address counts.
    pub trusted_proxies: u32,
    /// How long browsers remember to come by TLS alone, in seconds.
    pub hsts_seconds: u64,
    /// Largest upload, in bytes.
    pub max_upload_bytes: u64,
    /// Largest part of an upload that is sent to us, in bytes.
    pub max_part_bytes: u64,
    /// Largest body of any other request, in bytes.
    pub max_body_bytes: u64,
    /// Longest question, in characters.
    pub max_question_chars: u32,
    /// Deepest nesting of a JSON body.
    pub max_json_depth: u32,
    /// How long the answer to a request is kept under its `Idempotency-Key`.
    pub idempotency_lifetime: Duration,
    /// Time for a request that is neither upload nor answer.
    pub request_timeout: Duration,
    /// Time for an upload.
    pub upload_timeout: Duration,
    /// How long it waits for its clients.
    pub times: ServerTimes,
}

/// How long the server waits for its clients.
#[derive(Clone, Copy, Debug)]
pub struct ServerTimes {
    /// For the head of a request.
    pub head: Duration,
    /// How long a client may take nothing of a response.
    pub write_stall: Duration,
    /// Time for requests in flight when asked to stop.
    pub shutdown: Duration,
}

/// How long a connection lives without a request. Longer than the 60 seconds after which load balancers let go of theirs:
/// else they would send a request into a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(75);

/// The whole application as one endpoint: what is served, and what the tests call.
///
/// # Errors
/// The OpenAPI document cannot be made: two operations or types have one name.
pub fn endpoint(
    services: Services,
    settings: ServerSettings,
) -> anyhow::Result<impl Endpoint<Output = Response> + 'static> {
    let verifier = services.verifier.clone();
    let tasks = services.tasks.clone();
    let limiter = services.limiter.clone();
    let known = cors::KnownOrigins::new(services.db.clone());
    let security_headers = security_headers::SecurityHeaders::new(
        settings.public_url.as_deref(),
        settings.hsts_seconds,
    );
    let (table, allowed) = routes::table(services, settings.clone())?;
    // From the inside out: the last one sees a request first.
    // Boxed, as the type of the whole would be deeper than compilers follow.
    Ok(table
        .boxed()
        .data(verifier)
        .data(limiter.clone())
        .data(MaxJsonDepth(settings.max_json_depth))
        .data(IdempotencyLifetime(settings.idempotency_lifetime))
        .data(PublicUrl(settings.public_url))
        .with(detach::DetachWrites { tasks })
        .with(problems::Problems { allowed: allowed.clone() })
        .with(body_limit::BodyLimit {
            upload: settings.max_upload_bytes,
            part: settings.max_part_bytes,
            other: settings.max_body_bytes,
        })
        .with(time_limit::TimeLimit {
            upload: settings.upload_timeout,
            other: settings.request_timeout,
        })
        .with(cors::Preflights { known: known.clone(), allowed })
        .with(limit_addresses::LimitAddresses { limiter })
        .with(cors::Cors { known })
        .with(observe::Observe { trusted_proxies: settings.trusted_proxies })
        .with(security_headers))
}

/// Serves until `stop`, then lets requests in flight finish for the time of the settings.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    app: impl Endpoint + 'static,
    times: ServerTimes,
    stop: CancellationToken,
) -> std::io::Result<SocketAddr> {
    let address = listener.local_addr()?;
    let connections = Connections::default();
    let app = connections.endpoint(app);
    let acceptor = acceptor::WatchedAcceptor {
        inner: TcpAcceptor::from_tokio(listener)?,
        connections,
        patience: Patience { head: times.head, idle: IDLE },
        write_stall: times.write_stall,
    };
    poem::Server::new_with_acceptor(acceptor)
        .idle_timeout(IDLE)
        .run_with_graceful_shutdown(app, stop.cancelled_owned(), Some(times.shutdown))
        .await?;
    Ok(address)
}
