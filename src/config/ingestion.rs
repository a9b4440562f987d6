//! Reading documents: how many at once, how large, how often tried.

use std::time::Duration;

use super::Env;

/// Limits of ingestion.
#[derive(Clone, Debug)]
pub struct IngestionConfig {
    /// `PIDIMA_INGESTION_CONCURRENCY`: documents processed at once by this process; default 2.
    pub concurrency: usize,
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
}

impl IngestionConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            concurrency: env.number("PIDIMA_INGESTION_CONCURRENCY", 2, 1, 64),
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
        }
    }
}
