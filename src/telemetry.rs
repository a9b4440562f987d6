//! What the process says of itself: log lines, traces for a collector, numbers for whoever counts them.
//!
//! None of it may hold up a request: lines and spans go through queues of a fixed length, and what finds no place is dropped
//! and counted. Logs go to stderr: stdout is for output, and for metrics where a setting asks for them there.

mod context;
mod logs;
pub mod metrics;
mod spans;
mod traces;

use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

pub use context::TraceContext;
pub use logs::{LineWriter, LogSettings};
pub use spans::{
    OpenSpan, REQUEST, Request, TRACED, caller, continue_trace, current, detached, is_in_trace,
    request,
};
pub(crate) use spans::{traced, traced_apart};
pub use traces::{
    CollectorHeaders, CollectorUrl, SampleRatio, Traces, check_collector, degraded, tell_to,
};

use self::logs::Logs;

/// What is told, how, and to whom.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// Logs.
    pub logs: LogSettings,
    /// Traces; none are made when absent.
    pub traces: Option<TraceSettings>,
}

/// Where traces go.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// Where the collector is.
    pub endpoint: CollectorUrl,
    /// Headers of each request to it.
    pub headers: CollectorHeaders,
    /// Name of this service.
    pub service: String,
    /// Part of the traces that begin here which is told.
    pub ratio: SampleRatio,
    /// Spans that wait at most; more are dropped.
    pub queue_spans: usize,
    /// Spans of one request at most.
    pub batch_spans: usize,
    /// How long a span waits for others.
    pub interval: Duration,
    /// Time for one request.
    pub timeout: Duration,
    /// Time for what still waits when the process ends.
    pub flush: Duration,
}

/// Logging and tracing while this is held.
#[must_use]
pub struct Telemetry {
    traces: Option<Traces>,
    /// Writes what waits when it goes.
    _logs: Logs,
}

/// Starts logging and tracing. The first call of a process decides; later ones change nothing.
///
/// # Errors
/// There is no way to make requests.
pub fn start(settings: &TelemetrySettings) -> anyhow::Result<Telemetry> {
    let traces = settings.traces.as_ref().map(Traces::start).transpose()?;
    let (lines, logs) = Logs::start(&settings.logs);
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = Vec::new();
    if let Some(traces) = &traces {
        layers.push(traces.layer());
    }
    layers.push(logs::layer(&settings.logs, lines));
    // Another subscriber is there already, as in tests.
    drop(tracing_subscriber::registry().with(layers).try_init());
    Ok(Telemetry { traces, _logs: logs })
}

impl Telemetry {
    /// Sends the spans that still wait, for the time of the settings at most.
    pub async fn flush(&self) {
        if let Some(traces) = &self.traces {
            traces.flush().await;
        }
    }
}
