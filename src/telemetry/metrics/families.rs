//! The families of metrics, and the few calls that feed them.

use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{
    CounterVec, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, Opts, Registry,
};

/// From a page of the cache to an answer that hardly came, in seconds.
const TIMES: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// The same for what takes longer: an answer, a stage of a document.
const LONG_TIMES: [f64; 13] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0];

/// Every family, registered.
pub struct Families {
    pub(super) registry: Registry,
    http_requests: IntCounterVec,
    http_duration: HistogramVec,
    streams_open: IntGauge,
    runs: IntCounterVec,
    run_duration: HistogramVec,
    first_token: HistogramVec,
    tokens: IntCounterVec,
    cost: CounterVec,
    retrievals: IntCounterVec,
    retrieval_duration: HistogramVec,
    jobs: IntCounterVec,
    ingestion_attempts: IntCounterVec,
    ingestion_duration: HistogramVec,
    queue_messages: GaugeVec,
    queue_age: Gauge,
    connections: GaugeVec,
    connections_most: Gauge,
    connection_wait: Histogram,
    cache_reads: IntCounterVec,
    /// Spans that the collector took.
    pub spans_exported: IntCounter,
    /// Spans that found no room or were not taken.
    pub spans_dropped: IntCounter,
    log_lines_dropped: IntCounter,
    log_lines_told: Mutex<u64>,
}

/// The end of a run, as far as it is counted.
#[derive(Clone, Debug)]
pub struct RunFigures<'a> {
    /// answered, partial, no_answer, clarification, blocked or failed.
    pub outcome: &'static str,
    /// Provider that answered, as the operator named it.
    pub provider: &'a str,
    /// Its model.
    pub model: &'a str,
    /// Milliseconds until the first text; absent where there was none.
    pub first_token_ms: Option<i32>,
    /// Milliseconds in all.
    pub total_ms: i32,
    /// Tokens of the prompt, those of the answer, and those of the prompt that came from the provider's cache.
    pub tokens: [Option<i64>; 3],
    /// Price, in millionths of a US dollar; absent when none is known.
    pub cost_micro_usd: Option<i64>,
}

/// The waiting line, as it is now.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueueState {
    /// Messages that wait for their turn.
    pub waiting: u64,
    /// Messages that are in the queue or in hand.
    pub handed: u64,
    /// Age of the oldest of both, in seconds.
    pub oldest_seconds: f64,
}

/// The connections to the database, as they are now.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolState {
    /// Used by somebody.
    pub in_use: u32,
    /// Used by nobody.
    pub idle: u32,
    /// Open ones at most.
    pub most: u32,
}

impl Families {
    pub(super) fn new() -> Self {
        let registry = Registry::new_custom(Some("pidima".to_owned()), None).unwrap_or_default();
        let r = &registry;
        Self {
            http_requests: counts(
                r,
                "http_requests_total",
                "Requests by operation and status",
                &["operation", "status"],
            ),
            http_duration: times(
                r,
                "http_request_duration_seconds",
                "Time to the head of the response",
                &["operation"],
                &TIMES,
            ),
            streams_open: known(
                r,
                IntGauge::new("streams_open", "Streams of events that a client reads"),
            ),
            runs: counts(r, "runs_total", "Questions by outcome", &["outcome"]),
            run_duration: times(
                r,
                "run_duration_seconds",
                "Time from question to stored answer",
                &["outcome"],
                &LONG_TIMES,
            ),
            first_token: times(
                r,
                "first_token_seconds",
                "Time from question to the first text",
                &["provider"],
                &TIMES,
            ),
            tokens: counts(
                r,
                "model_tokens_total",
                "Tokens by direction: input, output, cached_input (a part of input)",
                &["provider", "model", "direction"],
            ),
            cost: known(
                r,
                CounterVec::new(
                    opts("model_cost_usd_total", "Price of answers, where one is known"),
                    &["provider", "model"],
                ),
            ),
            retrievals: counts(
                r,
                "retrievals_total",
                "Searches by mode: exact (both searches), lexical_only, dense_only, empty",
                &["mode"],
            ),
            retrieval_duration: times(
                r,
                "retrieval_duration_seconds",
                "Time of a search by stage: embed, dense, lexical, read",
                &["stage"],
                &TIMES,
            ),
            jobs: counts(
                r,
                "jobs_total",
                "Jobs by kind and outcome: done, again, buried",
                &["kind", "outcome"],
            ),
            ingestion_attempts: counts(
                r,
                "ingestion_attempts_total",
                "Attempts to read a document: ready, failed, again, lost",
                &["outcome"],
            ),
            ingestion_duration: times(
                r,
                "ingestion_stage_duration_seconds",
                "Time of a document by stage: parse, chunk, embed, index",
                &["stage"],
                &LONG_TIMES,
            ),
            queue_messages: known(
                r,
                GaugeVec::new(
                    opts("queue_messages", "Messages in the line by state: waiting, handed"),
                    &["state"],
                ),
            ),
            queue_age: known(
                r,
                Gauge::new(
                    "queue_oldest_message_age_seconds",
                    "Age of the oldest message in the line",
                ),
            ),
            connections: known(
                r,
                GaugeVec::new(
                    opts("db_connections", "Connections to the database by state: in_use, idle"),
                    &["state"],
                ),
            ),
            connections_most: known(
                r,
                Gauge::new("db_connections_max", "Connections to the database at most"),
            ),
            connection_wait: known(
                r,
                Histogram::with_opts(
                    HistogramOpts::new(
                        "db_connection_wait_seconds",
                        "Time until a connection was there and ready",
                    )
                    .buckets(TIMES.to_vec()),
                ),
            ),
            cache_reads: counts(
                r,
                "session_cache_reads_total",
                "Looks for a session that is kept near: hit, miss",
                &["outcome"],
            ),
            spans_exported: known(
                r,
                IntCounter::new("spans_exported_total", "Spans that the collector took"),
            ),
            spans_dropped: known(
                r,
                IntCounter::new(
                    "spans_dropped_total",
                    "Spans that found no room or were not taken",
                ),
            ),
            log_lines_told: Mutex::default(),
            log_lines_dropped: known(
                r,
                IntCounter::new(
                    "log_lines_dropped_total",
                    "Log lines that found no room, as nobody took them",
                ),
            ),
            registry,
        }
    }

    /// A request was answered.
    pub fn request(&self, operation: &str, status: u16, seconds: f64) {
        self.http_requests.with_label_values(&[operation, &status.to_string()]).inc();
        self.http_duration.with_label_values(&[operation]).observe(seconds);
    }

    /// A run ended.
    pub fn run(&self, run: &RunFigures<'_>) {
        let seconds = |millis: i32| f64::from(millis) / 1_000.0;
        self.runs.with_label_values(&[run.outcome]).inc();
        self.run_duration.with_label_values(&[run.outcome]).observe(seconds(run.total_ms));
        if let Some(millis) = run.first_token_ms {
            self.first_token.with_label_values(&[run.provider]).observe(seconds(millis));
        }
        for (direction, tokens) in ["input", "output", "cached_input"].into_iter().zip(run.tokens) {
            let tokens = tokens.and_then(|tokens| u64::try_from(tokens).ok()).unwrap_or_default();
            if tokens > 0 {
                let labels = [run.provider, run.model, direction];
                self.tokens.with_label_values(&labels).inc_by(tokens);
            }
        }
        if let Some(micros) = run.cost_micro_usd.filter(|micros| *micros > 0) {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let dollars = micros as f64 / 1_000_000.0;
            self.cost.with_label_values(&[run.provider, run.model]).inc_by(dollars);
        }
    }

    /// A search ended, with the candidates of both of its ways and the milliseconds of its stages.
    pub fn retrieval(&self, dense: usize, lexical: usize, times_ms: [f64; 4]) {
        let mode = match (dense, lexical) {
            (0, 0) => "empty",
            (0, _) => "lexical_only",
            (_, 0) => "dense_only",
            _ => "exact",
        };
        self.retrievals.with_label_values(&[mode]).inc();
        for (stage, millis) in ["embed", "dense", "lexical", "read"].into_iter().zip(times_ms) {
            self.retrieval_duration.with_label_values(&[stage]).observe(millis / 1_000.0);
        }
    }

    /// A job was left: done, to come again, or set aside. The kind is one of ours.
    pub fn job(&self, kind: &'static str, outcome: &'static str) {
        self.jobs.with_label_values(&[kind, outcome]).inc();
    }

    /// An attempt on a document ended, with the milliseconds of its stages as far as it came.
    pub fn ingestion(&self, outcome: &'static str, stages_ms: [Option<i32>; 4]) {
        self.ingestion_attempts.with_label_values(&[outcome]).inc();
        for (stage, millis) in ["parse", "chunk", "embed", "index"].into_iter().zip(stages_ms) {
            if let Some(millis) = millis {
                let seconds = f64::from(millis) / 1_000.0;
                self.ingestion_duration.with_label_values(&[stage]).observe(seconds);
            }
        }
    }

    /// The waiting line is like this now.
    pub fn queue(&self, state: QueueState) {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        for (name, count) in [("waiting", state.waiting as f64), ("handed", state.handed as f64)] {
            self.queue_messages.with_label_values(&[name]).set(count);
        }
        self.queue_age.set(state.oldest_seconds);
    }

    /// What waits is not known now: it was not counted in time.
    pub fn queue_unknown(&self) {
        self.queue_messages.reset();
        self.queue_age.set(f64::NAN);
    }

    /// So many log lines were dropped since the process began, as far as this was told before. Two may ask at once.
    pub(super) fn lines_dropped(&self, all: u64) {
        let mut told = self.log_lines_told.lock().unwrap_or_else(PoisonError::into_inner);
        self.log_lines_dropped.inc_by(all.saturating_sub(*told));
        *told = all.max(*told);
    }

    /// The pool is like this now.
    pub fn pool(&self, state: PoolState) {
        self.connections.with_label_values(&["in_use"]).set(state.in_use.into());
        self.connections.with_label_values(&["idle"]).set(state.idle.into());
        self.connections_most.set(state.most.into());
    }

    /// A connection to the database was there after that long.
    pub fn connection(&self, seconds: f64) {
        self.connection_wait.observe(seconds);
    }

    /// It was looked for a session that is kept near.
    pub fn cache_read(&self, is_hit: bool) {
        self.cache_reads.with_label_values(&[if is_hit { "hit" } else { "miss" }]).inc();
    }

    /// A client reads a stream, until what is given back is dropped.
    pub fn open_stream(&self) -> OpenStream {
        self.streams_open.inc();
        OpenStream(self.streams_open.clone())
    }
}

/// Counts a stream while it is held.
pub struct OpenStream(IntGauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help)
}

fn counts(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    known(registry, IntCounterVec::new(opts(name, help), labels))
}

fn times(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    buckets: &[f64],
) -> HistogramVec {
    let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    known(registry, HistogramVec::new(options, labels))
}

/// Registers a family. Names and labels are those above: they are valid and differ, which a test of this page shows.
#[expect(clippy::expect_used, reason = "fixed names, tried by a test")]
fn known<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let family = made.expect("a valid family");
    registry.register(Box::new(family.clone())).expect("a name of its own");
    family
}
