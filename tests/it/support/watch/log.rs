//! What this process logs and what it would tell a collector of traces, kept whole: all tests log into it, and each looks
//! through what came since it began.

use std::io;
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use pidima::telemetry;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static SPANS: Mutex<String> = Mutex::new(String::new());

/// How much there was of each when a test began.
#[derive(Clone, Copy)]
pub struct Place {
    lines: usize,
    spans: usize,
}

/// Starts keeping, once; where log and spans stand now.
pub fn start() -> Place {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // Finer than anybody sets it in production. Drivers tell the statements, which hold no values.
        let filter = EnvFilter::new("debug,pidima=trace,sqlx=info");
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Keep);
        let layers = vec![telemetry::tell_to(KeepSpans), layer.with_filter(filter).boxed()];
        tracing_subscriber::registry().with(layers).try_init().unwrap();
    });
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner).len();
    let spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner).len();
    Place { lines, spans }
}

/// What was logged since.
pub fn since(start: Place) -> String {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&lines[start.lines..]).into_owned()
}

/// What a collector would have been told since.
pub fn spans_since(start: Place) -> String {
    SPANS.lock().unwrap_or_else(PoisonError::into_inner)[start.spans..].to_owned()
}

/// Keeps of each span what a tenant could have had a hand in.
#[derive(Debug)]
struct KeepSpans;

impl SpanProcessor for KeepSpans {
    fn on_start(&self, _span: &mut Span, _context: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        let SpanData { name, attributes, events, status, .. } = span;
        let mut spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner);
        spans.push_str(&format!("{name} {attributes:?} {events:?} {status:?}\n"));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

struct Keep;

impl io::Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Keep {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}
