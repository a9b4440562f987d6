//! The database of a command that is soon over.

use crate::app::sign_in;
use crate::config::{AwsConfig, DatabaseConfig, Env};
use crate::db::{Db, PoolSettings};

/// Connections of a command.
const CONNECTIONS: u32 = 2;

/// Opens the database that the settings name; other settings of the command are to be read before.
///
/// # Errors
/// A setting can not be used, or no password could be signed.
pub async fn open(env: &Env) -> anyhow::Result<Db> {
    let (mut config, aws) = (DatabaseConfig::from_env(env), AwsConfig::from_env(env));
    env.finish()?;
    sign_in(&mut config, &aws).await?;
    Ok(Db::open(&PoolSettings {
        url: config.url,
        max_connections: CONNECTIONS,
        acquire_timeout: config.acquire_timeout,
    })?)
}
