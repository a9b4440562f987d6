//! Webhooks: how many, how often tried, how long kept.

use std::time::Duration;

use super::Env;

/// Limits of webhooks.
#[derive(Clone, Debug)]
pub struct WebhooksConfig {
    /// `PIDIMA_MAX_WEBHOOKS`: most webhooks of one tenant; default 20.
    pub max_endpoints: u32,
    /// `PIDIMA_WEBHOOK_MAX_URL_BYTES`: longest address, as it is understood; default 2048.
    pub max_url_bytes: usize,
    /// `PIDIMA_WEBHOOK_MAX_ATTEMPTS`: attempts before a delivery is given up; default 10.
    pub max_attempts: u32,
    /// `PIDIMA_WEBHOOK_RETRY_MS`: wait after the first attempt, four times as long after each further one; default 5000.
    pub first_retry: Duration,
    /// `PIDIMA_WEBHOOK_MAX_RETRY_MS`: longest wait between two attempts; default 21600000.
    pub longest_retry: Duration,
    /// `PIDIMA_WEBHOOK_MAX_FAILURES`: deliveries given up in a row after which a webhook is switched off; default 10.
    pub max_failures: u32,
    /// `PIDIMA_WEBHOOK_CONCURRENCY`: deliveries sent at once by this process; default 8.
    pub concurrency: usize,
    /// `PIDIMA_WEBHOOK_KEEP_MS`: how long deliveries are kept after their end; default 2592000000.
    pub keep: Duration,
}

impl WebhooksConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            max_endpoints: env.number("PIDIMA_MAX_WEBHOOKS", 20, 1, 1_000),
            max_url_bytes: env.number("PIDIMA_WEBHOOK_MAX_URL_BYTES", 2_048, 32, 8_192),
            max_attempts: env.number("PIDIMA_WEBHOOK_MAX_ATTEMPTS", 10, 1, 100),
            first_retry: env.millis("PIDIMA_WEBHOOK_RETRY_MS", 5_000, 1, 86_400_000),
            longest_retry: env.millis("PIDIMA_WEBHOOK_MAX_RETRY_MS", 21_600_000, 1, 604_800_000),
            max_failures: env.number("PIDIMA_WEBHOOK_MAX_FAILURES", 10, 1, 100_000),
            concurrency: env.number("PIDIMA_WEBHOOK_CONCURRENCY", 8, 1, 1_024),
            keep: env.millis("PIDIMA_WEBHOOK_KEEP_MS", 2_592_000_000, 1_000, 31_536_000_000),
        }
    }
}
