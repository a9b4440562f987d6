//! Redis or Valkey, and what is kept there or in the process instead of it.

use std::time::Duration;

use secrecy::SecretString;

use super::Env;

/// The server, and the events of runs.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// `PIDIMA_REDIS_URL`: address of the Redis or Valkey that all instances share; absent: each process is alone.
    pub url: Option<SecretString>,
    /// `PIDIMA_REDIS_TIMEOUT_MS`: longest wait of a request for Redis; default 50.
    pub timeout: Duration,
    /// `PIDIMA_STREAM_TTL_MS`: how long the events of a run can be followed after the newest one; default 15 minutes.
    pub stream_ttl: Duration,
    /// `PIDIMA_STREAM_MAX_EVENTS`: events of a run that can be followed, at most; default 10000.
    pub stream_max_events: usize,
}

impl RedisConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            url: env.secret("PIDIMA_REDIS_URL"),
            timeout: env.millis("PIDIMA_REDIS_TIMEOUT_MS", 50, 1, 10_000),
            stream_ttl: env.millis("PIDIMA_STREAM_TTL_MS", 900_000, 1_000, 86_400_000),
            stream_max_events: env.number("PIDIMA_STREAM_MAX_EVENTS", 10_000, 100, 1_000_000),
        }
    }
}
