//! The HTTP server and what it accepts.

use std::net::SocketAddr;
use std::time::Duration;

use super::Env;

/// Address, limits and time-outs.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// `PIDIMA_LISTEN`: address and port; default 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// `PIDIMA_PUBLIC_URL`: address of this server as browsers see it, e.g. `https://docs.example.com`; needed for logins
    /// at an issuer, and where a proxy changes the header `Host`.
    pub public_url: Option<String>,
    /// `PIDIMA_TRUSTED_PROXIES`: proxies in front that append the client's address to `X-Forwarded-For`; default 0: the
    /// address is that of the connection.
    pub trusted_proxies: u32,
    /// `PIDIMA_HSTS_SECONDS`: how long browsers remember to come by TLS alone, where `PIDIMA_PUBLIC_URL` is https; default
    /// 31536000 (a year); 0: never told.
    pub hsts_seconds: u64,
    /// `PIDIMA_MAX_UPLOAD_BYTES`: largest document, in bytes; default 20 MiB.
    pub max_upload_bytes: u64,
    /// `PIDIMA_MAX_BODY_BYTES`: largest body of any other request, in bytes; default 256 KiB.
    pub max_body_bytes: u64,
    /// `PIDIMA_MAX_QUESTION_CHARS`: longest question, in characters; default 4000.
    pub max_question_chars: u32,
    /// `PIDIMA_MAX_JSON_DEPTH`: deepest nesting of a JSON body; default 32.
    pub max_json_depth: u32,
    /// `PIDIMA_HEADER_TIMEOUT_MS`: time for the head of a request to arrive whole; default 10000.
    pub header_timeout: Duration,
    /// `PIDIMA_IDEMPOTENCY_LIFETIME_MS`: how long the answer to a request is kept under its `Idempotency-Key`; default
    /// 86400000 (a day).
    pub idempotency_lifetime: Duration,
    /// `PIDIMA_REQUEST_TIMEOUT_MS`: time for a whole request that is no stream; default 30000.
    pub request_timeout: Duration,
    /// `PIDIMA_UPLOAD_TIMEOUT_MS`: time for an upload to arrive whole; default 120000.
    pub upload_timeout: Duration,
    /// `PIDIMA_WRITE_STALL_TIMEOUT_MS`: how long a client may take nothing of a response; default 30000.
    pub write_stall_timeout: Duration,
    /// `PIDIMA_SHUTDOWN_TIMEOUT_MS`: time for requests in flight when asked to stop; default 20000.
    pub shutdown_timeout: Duration,
}

impl HttpConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            listen: env.parse("PIDIMA_LISTEN", SocketAddr::from(([127, 0, 0, 1], 8080))),
            public_url: env.text("PIDIMA_PUBLIC_URL"),
            trusted_proxies: env.number("PIDIMA_TRUSTED_PROXIES", 0, 0, 16),
            hsts_seconds: env.number("PIDIMA_HSTS_SECONDS", 31_536_000, 0, 126_144_000),
            max_upload_bytes: env.number("PIDIMA_MAX_UPLOAD_BYTES", 20 << 20, 1_024, 1 << 30),
            max_body_bytes: env.number("PIDIMA_MAX_BODY_BYTES", 256 << 10, 1_024, 16 << 20),
            max_question_chars: env.number("PIDIMA_MAX_QUESTION_CHARS", 4_000, 1, 100_000),
            max_json_depth: env.number("PIDIMA_MAX_JSON_DEPTH", 32, 4, 100),
            header_timeout: env.millis("PIDIMA_HEADER_TIMEOUT_MS", 10_000, 100, 60_000),
            idempotency_lifetime: env.millis(
                "PIDIMA_IDEMPOTENCY_LIFETIME_MS",
                86_400_000,
                1_000,
                2_592_000_000,
            ),
            request_timeout: env.millis("PIDIMA_REQUEST_TIMEOUT_MS", 30_000, 100, 600_000),
            upload_timeout: env.millis("PIDIMA_UPLOAD_TIMEOUT_MS", 120_000, 100, 3_600_000),
            write_stall_timeout: env.millis("PIDIMA_WRITE_STALL_TIMEOUT_MS", 30_000, 100, 600_000),
            shutdown_timeout: env.millis("PIDIMA_SHUTDOWN_TIMEOUT_MS", 20_000, 0, 120_000),
        }
    }
}
