//! What the process says of itself: logs, traces, metrics.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::Env;
use crate::telemetry::{
    CollectorHeaders, CollectorUrl, LogSettings, SampleRatio, TelemetrySettings, TraceSettings,
};

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("give text or json".to_owned()),
        }
    }
}

/// What is logged and traced, and how.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// `PIDIMA_LOG`: filter as in `info,pidima=debug`; default `info,sqlx=warn`.
    pub filter: String,
    /// `PIDIMA_LOG_FORMAT`: text or json; default text.
    pub format: LogFormat,
    /// `PIDIMA_LOG_BUFFER_LINES`: lines that wait at most when nobody takes them; default 10000.
    pub buffer_lines: usize,
    /// `PIDIMA_SERVICE_NAME`: name of this service in traces and metrics; default `pidima`.
    pub service: String,
    /// `PIDIMA_OTLP_ENDPOINT`: collector that is told of traces, over HTTP; none are made without it.
    pub otlp_endpoint: Option<CollectorUrl>,
    /// `PIDIMA_OTLP_HEADERS`: headers of each request to it, as `name=value,name=value`.
    pub otlp_headers: CollectorHeaders,
    /// `PIDIMA_OTLP_TIMEOUT_MS`: time for one request to it; default 5000.
    pub otlp_timeout: Duration,
    /// `PIDIMA_OTLP_QUEUE_SPANS`: spans that wait at most; default 4096.
    pub otlp_queue_spans: usize,
    /// `PIDIMA_OTLP_BATCH_SPANS`: spans of one request at most; default 512.
    pub otlp_batch_spans: usize,
    /// `PIDIMA_OTLP_INTERVAL_MS`: how long a span waits for others; default 1000.
    pub otlp_interval: Duration,
    /// `PIDIMA_OTLP_FLUSH_MS`: time for spans that still wait when the process ends; default 3000.
    pub otlp_flush: Duration,
    /// `PIDIMA_TRACE_RATIO`: part of the traces that begin here which is told, 0 to 1; default 1.0.
    pub trace_ratio: SampleRatio,
}

impl TelemetryConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            filter: env.text("PIDIMA_LOG").unwrap_or_else(|| "info,sqlx=warn".to_owned()),
            format: env.parse("PIDIMA_LOG_FORMAT", LogFormat::Text),
            buffer_lines: env.number("PIDIMA_LOG_BUFFER_LINES", 10_000, 1, 1_000_000),
            service: service(env),
            otlp_endpoint: endpoint(env),
            otlp_headers: headers(env),
            otlp_timeout: env.millis("PIDIMA_OTLP_TIMEOUT_MS", 5_000, 100, 60_000),
            otlp_queue_spans: env.number("PIDIMA_OTLP_QUEUE_SPANS", 4_096, 1, 1_000_000),
            otlp_batch_spans: env.number("PIDIMA_OTLP_BATCH_SPANS", 512, 1, 10_000),
            otlp_interval: env.millis("PIDIMA_OTLP_INTERVAL_MS", 1_000, 10, 60_000),
            otlp_flush: env.millis("PIDIMA_OTLP_FLUSH_MS", 3_000, 0, 60_000),
            trace_ratio: env.parse("PIDIMA_TRACE_RATIO", SampleRatio::ALL),
        }
    }

    /// The same for who logs and traces.
    pub fn settings(&self) -> TelemetrySettings {
        let traces = self.otlp_endpoint.clone().map(|endpoint| TraceSettings {
            endpoint,
            headers: self.otlp_headers.clone(),
            service: self.service.clone(),
            ratio: self.trace_ratio,
            queue_spans: self.otlp_queue_spans,
            batch_spans: self.otlp_batch_spans,
            interval: self.otlp_interval,
            timeout: self.otlp_timeout,
            flush: self.otlp_flush,
        });
        TelemetrySettings {
            logs: LogSettings {
                filter: self.filter.clone(),
                is_json: self.format == LogFormat::Json,
                buffer_lines: self.buffer_lines,
            },
            traces,
        }
    }
}

/// Who may read metrics, and where.
#[derive(Clone, Debug)]
pub struct MetricsConfig {
    /// `PIDIMA_OPS_LISTEN`: address and port of the page `/metrics`, never that of the API; there is none without it.
    pub ops_listen: Option<SocketAddr>,
    /// `PIDIMA_METRICS_EMF_SECONDS`: how often metrics are written to standard output for CloudWatch; default 0: never.
    pub emf_interval: Duration,
    /// `PIDIMA_METRICS_EMF_NAMESPACE`: their namespace; default `Pidima`.
    pub emf_namespace: String,
    /// `PIDIMA_METRICS_EMF_BUFFER_LINES`: lines that wait at most when nobody takes them; default 2000.
    pub emf_buffer_lines: usize,
    /// `PIDIMA_METRICS_MAX_AGE_MS`: how long counts of the database are good; default 5000.
    pub max_age: Duration,
    /// `PIDIMA_SERVICE_NAME`: as in traces.
    pub service: String,
}

impl MetricsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let listen = env.text("PIDIMA_OPS_LISTEN");
        Self {
            ops_listen: listen.and_then(|text| {
                let read = text.parse::<SocketAddr>();
                let fault = "give an address and a port, such as 127.0.0.1:9464";
                read.map_err(|_| env.fault(format!("PIDIMA_OPS_LISTEN is \"{text}\": {fault}")))
                    .ok()
            }),
            emf_interval: Duration::from_secs(env.number(
                "PIDIMA_METRICS_EMF_SECONDS",
                0,
                0,
                3_600,
            )),
            emf_namespace: env
                .text("PIDIMA_METRICS_EMF_NAMESPACE")
                .unwrap_or_else(|| "Pidima".to_owned()),
            emf_buffer_lines: env.number("PIDIMA_METRICS_EMF_BUFFER_LINES", 2_000, 1, 100_000),
            max_age: env.millis("PIDIMA_METRICS_MAX_AGE_MS", 5_000, 0, 600_000),
            service: service(env),
        }
    }
}

fn endpoint(env: &Env) -> Option<CollectorUrl> {
    let read = env.text("PIDIMA_OTLP_ENDPOINT")?.parse::<CollectorUrl>();
    // Without the value: it may hold a password.
    read.map_err(|why| env.fault(format!("PIDIMA_OTLP_ENDPOINT can not be used: {why}"))).ok()
}

fn headers(env: &Env) -> CollectorHeaders {
    let Some(given) = env.secret("PIDIMA_OTLP_HEADERS") else { return CollectorHeaders::default() };
    given.expose_secret().parse::<CollectorHeaders>().unwrap_or_else(|why| {
        env.fault(format!("PIDIMA_OTLP_HEADERS can not be used: {why}"));
        CollectorHeaders::default()
    })
}

fn service(env: &Env) -> String {
    env.text("PIDIMA_SERVICE_NAME").unwrap_or_else(|| "pidima".to_owned())
}
