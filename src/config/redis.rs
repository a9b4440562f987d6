//! Redis or Valkey, and what is kept there, or in the process instead.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::Env;
use super::storage::{SignInKind, check_signed};

/// The server, the events of runs, and the last messages of sessions.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// `PIDIMA_REDIS_URL`: address of the Redis or Valkey that all instances share; absent: each process is alone.
    pub url: Option<SecretString>,
    /// `PIDIMA_REDIS_AUTH`: `password` or `iam`; default password.
    pub sign_in: SignInKind,
    /// `PIDIMA_REDIS_IAM_CACHE`: id of the replication group of ElastiCache, or name of the serverless cache; required with
    /// `iam`.
    pub iam_cache: String,
    /// `PIDIMA_REDIS_IAM_SERVERLESS`: whether it is a serverless one; default false.
    pub is_serverless: bool,
    /// `PIDIMA_REDIS_CA_FILE`: certificates in PEM of the authorities that its certificate may be of; absent: those of the
    /// system.
    pub authorities: Option<PathBuf>,
    /// `PIDIMA_REDIS_TIMEOUT_MS`: longest wait of a request for Redis; default 50.
    pub timeout: Duration,
    /// `PIDIMA_STREAM_TTL_MS`: how long the events of a run can be followed after the newest one; default 15 minutes.
    pub stream_ttl: Duration,
    /// `PIDIMA_STREAM_MAX_EVENTS`: events of a run that can be followed, at most; default 10000.
    pub stream_max_events: usize,
    /// `PIDIMA_HOT_CONTEXT_TTL_MS`: how long the last messages of a session are kept near; default 15 minutes.
    pub hot_context_ttl: Duration,
    /// `PIDIMA_HOT_CONTEXT_MAX_BYTES`: longest messages of a session that are kept near, together; default 256 KiB.
    pub hot_context_max_bytes: usize,
    /// `PIDIMA_HOT_CONTEXT_MEMORY_BYTES`: memory for all sessions of a process without Redis; default 64 MiB.
    pub hot_context_memory: usize,
}

impl RedisConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let url = env.secret("PIDIMA_REDIS_URL");
        let authorities = env.text("PIDIMA_REDIS_CA_FILE").map(PathBuf::from);
        let is_tls = url.as_ref().is_some_and(|url| url.expose_secret().starts_with("rediss://"));
        if authorities.is_some() && !is_tls {
            env.fault(
                "PIDIMA_REDIS_CA_FILE is of use with TLS alone: let PIDIMA_REDIS_URL begin with rediss://, or leave the file out"
                    .to_owned(),
            );
        }
        let sign_in = env.parse("PIDIMA_REDIS_AUTH", SignInKind::default());
        let iam_cache = env.text("PIDIMA_REDIS_IAM_CACHE").unwrap_or_default();
        if sign_in == SignInKind::Iam {
            match &url {
                None => env.fault("PIDIMA_REDIS_AUTH is iam: set PIDIMA_REDIS_URL too".to_owned()),
                Some(url) => check_signed("PIDIMA_REDIS_URL", url.expose_secret(), env),
            }
            if url.is_some() && !is_tls {
                env.fault(
                    "PIDIMA_REDIS_AUTH=iam needs TLS: let PIDIMA_REDIS_URL begin with rediss://"
                        .to_owned(),
                );
            }
            if iam_cache.is_empty() {
                env.fault(
                    "PIDIMA_REDIS_IAM_CACHE is not set: give the id of the replication group, or the name of the serverless cache"
                        .to_owned(),
                );
            }
        }
        Self {
            url,
            sign_in,
            iam_cache,
            is_serverless: env.parse("PIDIMA_REDIS_IAM_SERVERLESS", false),
            authorities,
            timeout: env.millis("PIDIMA_REDIS_TIMEOUT_MS", 50, 1, 10_000),
            stream_ttl: env.millis("PIDIMA_STREAM_TTL_MS", 900_000, 1_000, 86_400_000),
            stream_max_events: env.number("PIDIMA_STREAM_MAX_EVENTS", 10_000, 100, 1_000_000),
            hot_context_ttl: env.millis("PIDIMA_HOT_CONTEXT_TTL_MS", 900_000, 1_000, 86_400_000),
            hot_context_max_bytes: env.number(
                "PIDIMA_HOT_CONTEXT_MAX_BYTES",
                262_144,
                0,
                16_777_216,
            ),
            hot_context_memory: env.number(
                "PIDIMA_HOT_CONTEXT_MEMORY_BYTES",
                67_108_864,
                0,
                17_179_869_184,
            ),
        }
    }
}
