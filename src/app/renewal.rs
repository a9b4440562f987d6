//! Reads the settings again while the service runs. What may change then takes effect at once: keys of models, the password
//! of the database, flags. For the rest it is told that the next start brings it.

use tokio_util::sync::CancellationToken;

use super::App;
use super::sources::Sources;
use crate::config::{Config, ConfigError, Env};
use crate::governance::Flag;

/// Settings other than keys and flags that take effect at once, as far as a password is all that has changed.
const DATABASE: &str = "DATABASE_URL";
/// Flags as settings.
const FLAGS: [&str; 2] = ["PIDIMA_FLAG_UPLOADS", "PIDIMA_FLAG_QUESTIONS"];

/// The settings of a running process.
pub struct Renewal {
    sources: Sources,
    /// As the process was started with.
    begun: Env,
    config: Config,
    /// What was told last, so that nothing is told again and again.
    told: String,
}

impl Renewal {
    /// The settings as they were read at the start.
    pub fn new(sources: Sources, begun: Env, config: Config) -> Self {
        Self { sources, begun, config, told: String::new() }
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
        loop {
            let pause = tokio::time::sleep(renewal.config.sources.refresh);
            tokio::select! {
                () = stop.cancelled() => return,
                () = pause => {}
            }
            let read = renewal.sources.read().await;
            let usable = read.and_then(|env| Ok((Config::from_env(&env)?, env)));
            self.services.readiness.note_settings(usable.is_ok());
            match usable {
                Ok((config, env)) => self.renew(&mut renewal, &config, &env),
                Err(ConfigError { faults }) => renewal.tell(faults.join("; "), |faults| {
                    tracing::error!(faults, "settings can not be renewed; the last ones hold");
                }),
            }
        }
    }

    fn renew(&self, renewal: &mut Renewal, newer: &Config, env: &Env) {
        renewal.config.take_keys_of(newer);
        self.switch(newer);
        // Each time: it may also be again what it was at the start.
        let is_same_database =
            self.services.db.renew_password(&newer.database.url).unwrap_or(false);
        let is_renewed = |name: &str| match name {
            DATABASE => is_same_database,
            name => FLAGS.contains(&name) || name.ends_with("_API_KEY"),
        };
        let changed = renewal.begun.changed(env).into_iter();
        let later: Vec<String> = changed.filter(|name| !is_renewed(name)).collect();
        renewal.tell(later.join(", "), |names| match names {
            "" => tracing::info!("settings are as they were at the start, or take effect at once"),
            names => tracing::warn!(names, "settings have changed that the next start brings"),
        });
    }

    /// Flags as the settings have them.
    pub(super) fn switch(&self, config: &Config) {
        let flags =
            [(Flag::Uploads, config.flags.uploads), (Flag::Questions, config.flags.questions)];
        for (flag, is_on) in flags {
            if self.flags.set(flag, is_on) {
                let state = if is_on { "on" } else { "off" };
                tracing::warn!(%flag, state, "switched for tenants without a flag of their own");
            }
        }
    }
}
