//! Traces: spans go through a queue of a fixed length to a task that hands them to an OpenTelemetry collector (OTLP over HTTP,
//! as protobuf). A request never waits for any of it: a span that finds no room is dropped and counted.

mod collector;
mod destination;
mod sampling;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Metadata;
use tracing::subscriber::Interest;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::{Layer, Registry};

pub use destination::{CollectorHeaders, CollectorUrl};
pub use sampling::SampleRatio;

use self::collector::Collector;
use self::sampling::{ArrivedIds, Sampling};
use super::TraceSettings;
use super::metrics::metrics;
use super::spans::{self, REQUEST, TRACED};

/// Whether the collector takes spans now; absent where there is none.
static COLLECTOR: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// What is wrong with the collector, for `/readyz`.
pub fn degraded() -> Option<&'static str> {
    let is_away = COLLECTOR.get()?.load(Ordering::Relaxed);
    is_away.then_some(
        "traces: the collector takes none or not as fast as they come, and they are dropped; check PIDIMA_OTLP_ENDPOINT",
    )
}

/// Whether the collector takes spans.
///
/// # Errors
/// It does not, for this reason.
pub async fn check_collector(settings: &TraceSettings) -> Result<(), String> {
    let collector = Collector::new(settings, Arc::default()).map_err(|error| error.to_string())?;
    collector.check().await
}

/// Spans on their way to the collector.
pub struct Traces {
    provider: SdkTracerProvider,
    tasks: TaskTracker,
    stop: CancellationToken,
    flush: Duration,
}

impl Traces {
    /// Starts the task that hands spans over.
    ///
    /// # Errors
    /// There is no way to make requests.
    pub fn start(settings: &TraceSettings) -> anyhow::Result<Self> {
        let is_away = Arc::new(AtomicBool::new(false));
        let collector = Collector::new(settings, Arc::clone(&is_away))?;
        let (sender, spans) = mpsc::channel(settings.queue_spans);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(collector.run(spans, stop.clone()));
        tasks.close();
        // The first one of a process decides, as with logs.
        let _first = COLLECTOR.set(Arc::clone(&is_away));
        let provider = provider(Outbox { sender, is_away }, settings.ratio);
        Ok(Self { provider, tasks, stop, flush: settings.flush })
    }

    /// Makes spans of those that are meant for the collector. Log lines are not told to it: they have a way of their own.
    pub fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        layer(&self.provider)
    }

    /// Hands over what waits and ends.
    pub async fn flush(&self) {
        self.stop.cancel();
        if tokio::time::timeout(self.flush, self.tasks.wait()).await.is_err() {
            tracing::warn!("spans were not handed over in time and are lost");
        }
    }
}

/// Tells every span to a processor of the caller's instead of a collector, from now on: for whoever looks into what is told.
pub fn tell_to(processor: impl SpanProcessor + 'static) -> Box<dyn Layer<Registry> + Send + Sync> {
    layer(&provider(processor, SampleRatio::ALL))
}

fn provider(processor: impl SpanProcessor + 'static, ratio: SampleRatio) -> SdkTracerProvider {
    spans::tell();
    SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_sampler(Sampling(ratio))
        .with_id_generator(ArrivedIds::default())
        .build()
}

fn layer(provider: &SdkTracerProvider) -> Box<dyn Layer<Registry> + Send + Sync> {
    tracing_opentelemetry::layer::<Registry>()
        .with_tracer(provider.tracer("pidima"))
        .with_context_activation(false)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(dynamic_filter_fn(|metadata, _| is_meant(metadata)).with_callsite_filter(
            // Asked each time: a filter that always says yes is not asked, and what it said of another span may stand.
            |metadata| {
                if is_meant(metadata) { Interest::sometimes() } else { Interest::never() }
            },
        ))
        .boxed()
}

/// Whether a span is for the collector.
fn is_meant(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && matches!(metadata.target(), TRACED | REQUEST)
}

/// Where spans that have ended are put.
#[derive(Debug)]
struct Outbox {
    sender: mpsc::Sender<SpanData>,
    is_away: Arc<AtomicBool>,
}

impl SpanProcessor for Outbox {
    fn on_start(&self, _span: &mut Span, _context: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        match self.sender.try_send(span) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                metrics().spans_dropped.inc();
                self.is_away.store(true, Ordering::Relaxed);
            }
            // The process is ending.
            Err(mpsc::error::TrySendError::Closed(_)) => metrics().spans_dropped.inc(),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
