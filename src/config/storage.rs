//! Where rows and originals lie.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::Env;

/// The database.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`: connection string of the role `pidima_app`; required.
    pub url: SecretString,
    /// `PIDIMA_DATABASE_POOL_SIZE`: open connections of this process; default 20.
    pub pool_size: u32,
    /// `PIDIMA_DATABASE_ACQUIRE_TIMEOUT_MS`: wait for a free connection before 503; default 3000.
    pub acquire_timeout: Duration,
}

impl DatabaseConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            url: env
                .required("DATABASE_URL", "give the connection string of the role pidima_app")
                .into(),
            pool_size: env.number("PIDIMA_DATABASE_POOL_SIZE", 20, 2, 500),
            acquire_timeout: env.millis("PIDIMA_DATABASE_ACQUIRE_TIMEOUT_MS", 3_000, 100, 60_000),
        }
    }
}

/// Originals of documents.
#[derive(Clone, Debug)]
pub struct ObjectsConfig {
    /// `PIDIMA_OBJECTS_DIR`: folder that keeps them; default `.pidima/objects`.
    pub directory: PathBuf,
}

impl ObjectsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self { directory: env.parse("PIDIMA_OBJECTS_DIR", PathBuf::from(".pidima/objects")) }
    }
}
