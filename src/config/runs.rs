//! Keeping answers while they are made, and the streams that show them.

use std::time::Duration;

use super::Env;

/// How runs are kept and shown.
#[derive(Clone, Copy, Debug)]
pub struct RunsConfig {
    /// `PIDIMA_RUN_LEASE_MS`: silence after which the instance that makes an answer is taken for dead; default 30000.
    pub lease: Duration,
    /// `PIDIMA_RUN_FLUSH_INTERVAL_MS`: longest time that text which was shown is not stored; default 250.
    pub flush_interval: Duration,
    /// `PIDIMA_RUN_FLUSH_BYTES`: text that is stored at once, however little time has passed; default 2048.
    pub flush_bytes: usize,
    /// `PIDIMA_RUN_TEXTS_PER_SECOND`: texts that all answers of an instance together tell in a second; where there would be
    /// more, each tells more at once; default 10000.
    pub texts_per_second: u32,
    /// `PIDIMA_RUN_CANCEL_POLL_MS`: how often an instance looks whether one of its answers is to be stopped; default 400.
    pub cancel_poll: Duration,
    /// `PIDIMA_RUN_READ_POLL_MS`: how often a reader of another instance's answer looks for events; default 250.
    pub read_poll: Duration,
    /// `PIDIMA_RUN_SWEEP_MS`: how often answers of dead instances are looked for; default 5000.
    pub sweep: Duration,
    /// `PIDIMA_RUN_DRAIN_MS`: how long answers go on when the process is asked to stop; default 15000.
    pub drain: Duration,
    /// `PIDIMA_RUN_EVENTS_DAYS`: how long the single events of an answer are kept; default 30.
    pub events_days: u32,
    /// `PIDIMA_STREAM_HEARTBEAT_MS`: silence on a stream after which a comment is sent; default 15000.
    pub heartbeat: Duration,
    /// `PIDIMA_STREAM_RETRY_MS`: how soon a client whose stream was cut comes again; default 1000.
    pub retry: Duration,
}

impl RunsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            lease: env.millis("PIDIMA_RUN_LEASE_MS", 30_000, 1_000, 600_000),
            flush_interval: env.millis("PIDIMA_RUN_FLUSH_INTERVAL_MS", 250, 1, 10_000),
            flush_bytes: env.number("PIDIMA_RUN_FLUSH_BYTES", 2_048, 1, 1 << 20),
            texts_per_second: env.number("PIDIMA_RUN_TEXTS_PER_SECOND", 10_000, 1, 1_000_000),
            cancel_poll: env.millis("PIDIMA_RUN_CANCEL_POLL_MS", 400, 10, 900),
            read_poll: env.millis("PIDIMA_RUN_READ_POLL_MS", 250, 5, 10_000),
            sweep: env.millis("PIDIMA_RUN_SWEEP_MS", 5_000, 10, 60_000),
            drain: env.millis("PIDIMA_RUN_DRAIN_MS", 15_000, 0, 110_000),
            events_days: env.number("PIDIMA_RUN_EVENTS_DAYS", 30, 1, 3_650),
            heartbeat: env.millis("PIDIMA_STREAM_HEARTBEAT_MS", 15_000, 50, 60_000),
            retry: env.millis("PIDIMA_STREAM_RETRY_MS", 1_000, 0, 60_000),
        }
    }
}
