//! Spans that the collector is told of. They are made only inside a trace, and only while a collector is set: else the macros
//! below cost the look at one flag. Their fields are names, counts and ids that we gave, never a text of a tenant.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan;
use uuid::Uuid;

use super::TraceContext;

/// Target of spans that only the collector is told of.
pub const TRACED: &str = "pidima::traced";
/// Target of the span of a request, which log lines carry too.
pub const REQUEST: &str = "pidima::request";

thread_local! {
    /// The context that the span which is being started continues.
    static ARRIVED: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

/// What the span that is being started on this thread continues.
pub(super) fn arrived() -> Option<TraceContext> {
    ARRIVED.get()
}

/// A span inside the current trace: a name and fields as `tracing::info_span!` takes them. Outside a trace it is none.
macro_rules! traced {
    ($($span:tt)+) => {
        if $crate::telemetry::is_in_trace() {
            tracing::info_span!(target: $crate::telemetry::TRACED, $($span)+)
        } else {
            tracing::Span::none()
        }
    };
}
pub(crate) use traced;

/// The same for a task that may outlive the current span: it goes on with the trace and holds nothing of the span.
macro_rules! traced_apart {
    ($($span:tt)+) => {
        $crate::telemetry::detached(|| {
            tracing::info_span!(target: $crate::telemetry::TRACED, parent: None, $($span)+)
        })
    };
}
pub(crate) use traced_apart;

/// Whether spans go to a collector at all. `tracing::span_enabled!` would ask the same of each layer, and with filters of their
/// own these keep the answer for the next span of the thread, which then is missing in the log.
static IS_TOLD: AtomicBool = AtomicBool::new(false);

/// From now on spans are made.
pub(super) fn tell() {
    IS_TOLD.store(true, Ordering::Relaxed);
}

fn is_told() -> bool {
    IS_TOLD.load(Ordering::Relaxed)
}

/// Whether there is a trace that a new span would belong to.
pub fn is_in_trace() -> bool {
    is_told() && !Span::current().is_none()
}

/// The place in the current trace, if there is one.
pub fn current() -> Option<TraceContext> {
    if !is_told() {
        return None;
    }
    place_of(&Span::current())
}

fn place_of(span: &Span) -> Option<TraceContext> {
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| TraceContext {
        trace_id: u128::from_be_bytes(span.trace_id().to_bytes()),
        span_id: Some(u64::from_be_bytes(span.span_id().to_bytes())),
        is_sampled: Some(span.is_sampled()),
    })
}

/// A span of its own that goes on with the current trace. Where no collector is set it only carries the request, for log lines
/// and for [`caller`]; outside a request it is none.
pub fn detached(make: impl FnOnce() -> Span) -> Span {
    if let Some(context) = current() {
        let span = make();
        continue_trace(&span, Some(&context));
        return span;
    }
    let Some(caller) = carried() else { return Span::none() };
    let id = caller.request_id.simple();
    let span = tracing::info_span!(target: REQUEST, parent: None, "apart", request.id = %id);
    caller.carry(&span);
    span
}

/// The request that work is done for.
#[derive(Clone, Copy)]
struct Caller {
    request_id: Uuid,
    trace_id: Option<u128>,
}

impl Caller {
    /// Keeps it with a span, for whatever runs inside. It is lost where the level of the log leaves out spans of requests.
    fn carry(self, span: &Span) {
        span.with_subscriber(|(id, dispatch)| {
            let kept = dispatch.downcast_ref::<Registry>().and_then(|registry| registry.span(id));
            if let Some(kept) = kept {
                kept.extensions_mut().insert(self);
            }
        });
    }
}

fn carried() -> Option<Caller> {
    let found = Span::current().with_subscriber(|(id, dispatch)| {
        let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
        span.scope().find_map(|span| span.extensions().get::<Caller>().copied())
    });
    found.flatten()
}

/// What the current work is known by outside: the trace, also one that arrived where no collector is set, or else the id of
/// the request. Log lines carry both.
pub fn caller() -> Option<u128> {
    if let Some(context) = current() {
        return Some(context.trace_id);
    }
    carried().map(|caller| caller.trace_id.unwrap_or_else(|| caller.request_id.as_u128()))
}

/// Starts a span that has no parent here: as part of the trace that arrived, or of a new one.
pub fn continue_trace(span: &Span, context: Option<&TraceContext>) {
    if let Some(context) = context
        && let Some(span_id) = context.span_id
    {
        let flags = TraceFlags::default().with_sampled(context.is_sampled.unwrap_or_default());
        let remote = SpanContext::new(
            TraceId::from_bytes(context.trace_id.to_be_bytes()),
            SpanId::from_bytes(span_id.to_be_bytes()),
            flags,
            true,
            TraceState::default(),
        );
        // It fails where no collector is set.
        let _set = span.set_parent(Context::new().with_remote_span_context(remote));
    }
    // Read by the sampler and the maker of ids, which are asked by the next call.
    ARRIVED.set(context.copied());
    let _started = span.context();
    ARRIVED.set(None);
}

/// The span of a request.
#[derive(Clone)]
pub struct Request(Span);

/// Begins the span of a request, which log lines carry with its id and that of its trace.
pub fn request(request_id: Uuid, arrived: Option<&TraceContext>) -> Request {
    let span = tracing::info_span!(
        target: REQUEST,
        parent: None,
        "http",
        otel.kind = "server",
        request.id = %request_id.simple(),
        trace_id = tracing::field::Empty,
    );
    continue_trace(&span, arrived);
    let made = current_trace_of(&span).or(arrived.map(|context| context.trace_id));
    if let Some(trace_id) = made {
        span.record("trace_id", format!("{trace_id:032x}"));
    }
    Caller { request_id, trace_id: made }.carry(&span);
    Request(span)
}

fn current_trace_of(span: &Span) -> Option<u128> {
    Some(place_of(span)?.trace_id)
}

impl Request {
    /// The span itself.
    pub fn span(&self) -> &Span {
        &self.0
    }

    /// Says what was asked, by names of the API, and how it was answered.
    pub fn answered(&self, method: &str, operation: &str, status: u16) {
        if !is_told() {
            return;
        }
        let context = self.0.context();
        let span = context.span();
        if !span.is_recording() {
            return;
        }
        span.update_name(format!("{method} {operation}"));
        self.0.set_attribute("http.request.method", method.to_owned());
        self.0.set_attribute("http.response.status_code", i64::from(status));
        self.0.set_attribute("pidima.operation", operation.to_owned());
        if status >= 500 {
            self.0.set_status(Status::error(""));
        }
    }
}

/// A span that lasts until this is dropped, for work that begins and ends in different functions.
#[derive(Debug)]
pub struct OpenSpan(Span);

impl OpenSpan {
    /// Holds a span.
    pub fn new(span: Span) -> Self {
        Self(span)
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        // A span ends when it was left last.
        self.0.in_scope(|| ());
    }
}
