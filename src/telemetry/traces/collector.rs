//! The task that hands spans to the collector: in batches, each tried a few times, with a limit on the time of a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

use super::super::TraceSettings;
use super::super::metrics::metrics;

/// Tries of a batch before it is dropped.
const TRIES: u32 = 3;

pub(super) struct Collector {
    http: Client,
    url: Url,
    resource: ResourceAttributesWithSchema,
    batch: usize,
    interval: Duration,
    is_away: Arc<AtomicBool>,
}

impl Collector {
    /// A collector that nobody has asked yet.
    ///
    /// # Errors
    /// There is no way to make requests.
    pub fn new(settings: &TraceSettings, is_away: Arc<AtomicBool>) -> anyhow::Result<Self> {
        let http = Client::builder()
            .timeout(settings.timeout)
            .default_headers(settings.headers.to_map())
            // What goes to the collector goes to nobody else.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let resource = Resource::builder_empty()
            .with_service_name(settings.service.clone())
            .with_attribute(opentelemetry::KeyValue::new(
                "service.version",
                env!("CARGO_PKG_VERSION"),
            ))
            .build();
        Ok(Self {
            http,
            url: settings.endpoint.traces(),
            resource: (&resource).into(),
            batch: settings.batch_spans,
            interval: settings.interval,
            is_away,
        })
    }

    /// Whether it takes spans: it is sent none.
    ///
    /// # Errors
    /// It does not, for this reason.
    pub async fn check(&self) -> Result<(), String> {
        // An empty message is a message without spans.
        self.send(Vec::new()).await.map_err(|refusal| refusal.reason)
    }

    /// Hands over until `stop`, then what is left.
    pub async fn run(self, mut spans: Receiver<SpanData>, stop: CancellationToken) {
        let mut batch = Vec::new();
        while !stop.is_cancelled() {
            tokio::select! {
                () = self.collect(&mut spans, &mut batch) => {}
                () = stop.cancelled() => break,
            }
            self.hand_over(std::mem::take(&mut batch), &stop).await;
            if spans.is_closed() && spans.is_empty() {
                return;
            }
        }
        spans.close();
        loop {
            self.hand_over(std::mem::take(&mut batch), &stop).await;
            if spans.recv_many(&mut batch, self.batch).await == 0 {
                return;
            }
        }
    }

    /// Waits for a span, then for others until the interval is over or a request is full.
    async fn collect(&self, spans: &mut Receiver<SpanData>, batch: &mut Vec<SpanData>) {
        batch.extend(spans.recv().await);
        let due = tokio::time::sleep(self.interval);
        tokio::pin!(due);
        while batch.len() < self.batch {
            tokio::select! {
                span = spans.recv() => match span {
                    Some(span) => batch.push(span),
                    None => return,
                },
                () = &mut due => return,
            }
        }
    }

    async fn hand_over(&self, batch: Vec<SpanData>, stop: &CancellationToken) {
        if batch.is_empty() {
            return;
        }
        let count = batch.len() as u64;
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        for number in 1..=TRIES {
            match self.send(body.clone()).await {
                Ok(()) => {
                    metrics().spans_exported.inc_by(count);
                    if self.is_away.swap(false, Ordering::Relaxed) {
                        tracing::info!("the collector of traces takes spans again");
                    }
                    return;
                }
                Err(Refusal { reason, is_final }) => {
                    if !self.is_away.swap(true, Ordering::Relaxed) {
                        tracing::warn!(reason, "the collector of traces does not take spans");
                    }
                    if is_final || number == TRIES || stop.is_cancelled() {
                        break;
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.interval * number) => {}
                () = stop.cancelled() => {}
            }
        }
        metrics().spans_dropped.inc_by(count);
    }

    async fn send(&self, body: Vec<u8>) -> Result<(), Refusal> {
        let request = self.http.post(self.url.clone()).body(body);
        let request = request.header(CONTENT_TYPE, "application/x-protobuf");
        let status = match request.send().await {
            Ok(response) => response.status(),
            // The library's words hold the address, which may hold a password.
            Err(error) => {
                let reason = if error.is_timeout() { "it is too slow" } else { "it is away" };
                return Err(Refusal { reason: reason.to_owned(), is_final: false });
            }
        };
        if status.is_success() {
            return Ok(());
        }
        // As OTLP says: these and no others are tried again.
        let is_final = !matches!(status.as_u16(), 429 | 502 | 503 | 504);
        Err(Refusal { reason: format!("it answers {}", status.as_u16()), is_final })
    }
}

/// Why spans were not taken.
struct Refusal {
    reason: String,
    is_final: bool,
}
