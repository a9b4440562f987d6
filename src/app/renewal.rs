//! Reads the settings again while the service runs. What may change then takes effect at once: keys of models, the password
//! of the database, flags. For the rest it is told that the next start brings it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::App;
use super::sources::Sources;
use super::storage;
use crate::adapters::aws::Aws;
use crate::config::{Config, ConfigError, DatabaseConfig, Env, FlagsConfig, SignInKind};
use crate::governance::Flag;

/// Takes effect at once as far as a password is all that has changed.
const DATABASE: &str = "DATABASE_URL";
/// How soon it is tried again after a failure, where settings are renewed less often.
const AGAIN: Duration = Duration::from_secs(30);
/// What the names of flags begin with, and of nothing else.
const FLAG: &str = "PIDIMA_FLAG_";

/// The settings of a running process.
pub struct Renewal {
    sources: Sources,
    /// As the process was started with.
    begun: Env,
    config: Config,
    /// Signs passwords, where they are signed.
    aws: Aws,
    /// What was told last, so that nothing is told again and again.
    told: String,
}

/// What newer settings bring.
struct Changes {
    /// Names of those that are others than at the start.
    names: Vec<String>,
    /// Whether all keys could be taken over.
    are_keys_taken: bool,
    /// The database.
    database: DatabaseConfig,
}

impl Renewal {
    /// The settings as they were read at the start.
    pub fn new(sources: Sources, begun: Env, config: Config) -> Self {
        let aws = storage::aws(&config.aws);
        Self { sources, begun, config, aws, told: String::new() }
    }

    /// Tells the log, unless it was told the same the last time.
    fn tell(&mut self, news: String, write: fn(&str)) {
        if news != self.told {
            write(&news);
            self.told = news;
        }
    }
}

impl App {
    /// Reads the settings again and again, until `stop`. What can not be read or used leaves everything as it is.
    pub async fn follow_settings(self, mut renewal: Renewal, stop: CancellationToken) {
        let mut wait = renewal.config.sources.refresh;
        loop {
            let read = async {
                tokio::time::sleep(wait).await;
                renewal.sources.read().await
            };
            let read = tokio::select! {
                () = stop.cancelled() => return,
                read = read => read,
            };
            let renewed = match read.and_then(|env| self.renew(&renewal, &env)) {
                Ok(changes) => self.renew_password(&mut renewal, changes).await,
                Err(mut error) => {
                    error.faults.extend(self.keep_signed_in(&renewal.config, &renewal.aws).await);
                    Err(error)
                }
            };
            let refresh = renewal.config.sources.refresh;
            wait = if renewed.is_ok() { refresh } else { refresh.min(AGAIN) };
            self.services.readiness.note_settings(renewed.is_ok());
            if let Err(ConfigError { faults }) = renewed {
                renewal.tell(faults.join("; "), |faults| {
                    tracing::error!(faults, "settings can not be renewed; the last ones hold");
                });
            }
        }
    }

    /// Switches flags and takes keys over.
    fn renew(&self, renewal: &Renewal, env: &Env) -> Result<Changes, ConfigError> {
        let newer = match Config::again_from_env(env) {
            Ok(newer) => newer,
            Err(error) => {
                // A flag is the switch for emergencies: no fault elsewhere keeps it from being used.
                if !error.faults.iter().any(|fault| fault.starts_with(FLAG)) {
                    self.switch(FlagsConfig::from_env(env));
                }
                return Err(error);
            }
        };
        self.switch(newer.flags);
        let are_keys_taken = renewal.config.take_keys_of(&newer);
        let (names, database) = (renewal.begun.changed(env), newer.database);
        Ok(Changes { names, are_keys_taken, database })
    }

    /// Signs a new password for the database in use although the newer settings can not be used, or name another one: that
    /// before is good for some minutes only. The fault when it fails.
    async fn keep_signed_in(&self, config: &Config, aws: &Aws) -> Option<String> {
        if config.database.sign_in == SignInKind::Password {
            return None;
        }
        let failed = self.take_password(&config.database, aws).await.err()?;
        Some(format!("{DATABASE}: {failed:#}"))
    }

    /// Whether nothing but the password of the database is another.
    async fn take_password(&self, database: &DatabaseConfig, aws: &Aws) -> anyhow::Result<bool> {
        let url = storage::database_url(database, aws).await?;
        Ok(self.services.db.renew_password(&url).await?)
    }

    async fn renew_password(
        &self,
        renewal: &mut Renewal,
        changes: Changes,
    ) -> Result<(), ConfigError> {
        // Each time: it may also be again what it was at the start.
        let renewed = self.take_password(&changes.database, &renewal.aws).await;
        let is_same_database = renewed
            .map_err(|error| ConfigError { faults: vec![format!("{DATABASE}: {error:#}")] })?;
        if !is_same_database
            && let Some(fault) = self.keep_signed_in(&renewal.config, &renewal.aws).await
        {
            return Err(ConfigError { faults: vec![fault] });
        }
        let is_renewed = |name: &str| match name {
            DATABASE => is_same_database,
            name if name.ends_with("_API_KEY") => changes.are_keys_taken,
            name => name.starts_with(FLAG),
        };
        let (at_once, later): (Vec<String>, Vec<String>) =
            changes.names.into_iter().partition(|name| is_renewed(name));
        let told = [("in use", at_once), ("for the next start", later)];
        let told = told.into_iter().filter(|(_, names)| !names.is_empty());
        let told: Vec<_> =
            told.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect();
        renewal.tell(told.join("; "), |news| match news {
            "" => tracing::info!("settings are as they were at the start"),
            news => tracing::info!(news, "settings have changed since the start"),
        });
        Ok(())
    }

    /// Flags as the settings have them.
    pub(super) fn switch(&self, flags: FlagsConfig) {
        let switches = [
            (Flag::Uploads, flags.uploads),
            (Flag::Questions, flags.questions),
            (Flag::Attachments, flags.attachments),
        ];
        for (flag, is_on) in switches {
            if self.flags.set(flag, is_on) {
                let state = if is_on { "on" } else { "off" };
                tracing::warn!(%flag, state, "switched for tenants without a flag of their own");
            }
        }
    }
}
