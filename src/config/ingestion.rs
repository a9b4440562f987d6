//! Reading documents: how many at once, how large, how often tried.

use std::time::Duration;

use super::Env;

/// Limits of ingestion.
#[derive(Clone, Debug)]
pub struct IngestionConfig {
    /// `PIDIMA_INGESTION_CONCURRENCY`: documents processed at once by this process; default 2.
    pub concurrency: usize,
    /// `PIDIMA_WORKER_NICE`: how far `pidima worker` stands back for other programs that want a processor; default 10.
    pub nice: i32,
    /// `PIDIMA_INGESTION_MAX_TEXT_CHARS`: longest extracted text, in characters; default 10000000.
    pub max_text_chars: usize,
    /// `PIDIMA_INGESTION_MAX_NESTING`: deepest nesting of elements in HTML; default 512.
    pub max_nesting: usize,
    /// `PIDIMA_INGESTION_MAX_CHUNKS`: most chunks of a document; default 20000.
    pub max_chunks: usize,
    /// `PIDIMA_INGESTION_MAX_ATTEMPTS`: attempts before a document is given up; default 5.
    pub max_attempts: u32,
    /// `PIDIMA_INGESTION_LEASE_MS`: after this long without a sign of its worker a document is taken over; default 120000.
    pub lease: Duration,
    /// `PIDIMA_INGESTION_POLL_MS`: how often the queue is looked at when nothing wakes the worker; default 500.
    pub poll: Duration,
    /// `PIDIMA_INGESTION_EVENTS_POLL_MS`: how often a job is looked at for somebody who follows it or waits; default 1000.
    pub events_poll: Duration,
    /// `PIDIMA_INGESTION_EVENTS_MAX_MS`: how long a stream of a job's events lasts at most; default 300000.
    pub events_max: Duration,
    /// `PIDIMA_INGESTION_MAX_WAIT_MS`: longest wait of a request for the end of a job; default 25000.
    pub max_wait: Duration,
    /// `PIDIMA_QUEUE_WINDOW`: messages of one tenant that are in the queue at once, the others wait; default 32.
    pub window: u32,
    /// `PIDIMA_QUEUE_MAX_IN_HAND`: messages of one tenant in the hands of workers at once; default 16.
    pub max_in_hand: u32,
    /// `PIDIMA_QUEUE_LOST_AFTER_MS`: after this long without a sign a message, or a document without one, is queued again;
    /// default 900000.
    pub lost_after: Duration,
}

impl IngestionConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            concurrency: env.number("PIDIMA_INGESTION_CONCURRENCY", 2, 1, 64),
            nice: env.number("PIDIMA_WORKER_NICE", 10, 0, 19),
            max_text_chars: env.number(
                "PIDIMA_INGESTION_MAX_TEXT_CHARS",
                10_000_000,
                1_000,
                100_000_000,
            ),
            max_nesting: env.number("PIDIMA_INGESTION_MAX_NESTING", 512, 16, 4_096),
            max_chunks: env.number("PIDIMA_INGESTION_MAX_CHUNKS", 20_000, 1, 1_000_000),
            max_attempts: env.number("PIDIMA_INGESTION_MAX_ATTEMPTS", 5, 1, 100),
            lease: env.millis("PIDIMA_INGESTION_LEASE_MS", 120_000, 1_000, 3_600_000),
            poll: env.millis("PIDIMA_INGESTION_POLL_MS", 500, 10, 60_000),
            events_poll: env.millis("PIDIMA_INGESTION_EVENTS_POLL_MS", 1_000, 10, 60_000),
            events_max: env.millis("PIDIMA_INGESTION_EVENTS_MAX_MS", 300_000, 10, 86_400_000),
            max_wait: env.millis("PIDIMA_INGESTION_MAX_WAIT_MS", 25_000, 10, 600_000),
            window: env.number("PIDIMA_QUEUE_WINDOW", 32, 1, 10_000),
            max_in_hand: env.number("PIDIMA_QUEUE_MAX_IN_HAND", 16, 1, 10_000),
            lost_after: env.millis("PIDIMA_QUEUE_LOST_AFTER_MS", 900_000, 100, 86_400_000),
        }
    }
}
