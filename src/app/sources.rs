//! Where the settings of this process come from, the strongest source first: the environment, a file beside it, secrets of
//! Secrets Manager, parameters of Parameter Store.

use std::sync::Arc;

use futures_util::future::join_all;

use super::storage;
use crate::adapters::settings::{
    EnvFile, ParameterStore, ProcessEnvironment, SecretSettings, Setting, SettingsSource,
    SourceLimits,
};
use crate::config::{AwsConfig, ConfigError, Env, Given, Origin, SourcesConfig};

/// File that is read when none is named.
const ENV_FILE: &str = ".env";
/// What stands before the name of a flag, in place of the name of its setting.
const FLAGS: &str = "flags/";

/// Sources of settings, in their order.
#[derive(Clone, Default)]
pub struct Sources(Vec<Layer>);

/// Sources of one strength.
#[derive(Clone)]
struct Layer {
    origin: Origin,
    sources: Vec<Arc<dyn SettingsSource>>,
}

impl Sources {
    /// The same and then a weaker one of this machine.
    #[must_use]
    pub fn then_machine(self, source: impl SettingsSource) -> Self {
        self.then(Origin::Machine, vec![Arc::new(source)])
    }

    /// The same and then weaker ones outside, none of which is stronger than another: no name may stand in two of them.
    #[must_use]
    pub fn then_outside(self, sources: Vec<Arc<dyn SettingsSource>>) -> Self {
        self.then(Origin::Outside, sources)
    }

    fn then(mut self, origin: Origin, sources: Vec<Arc<dyn SettingsSource>>) -> Self {
        self.0.push(Layer { origin, sources });
        self
    }

    /// The sources of this machine.
    async fn of_machine() -> Result<Self, ConfigError> {
        let process = Self::default().then_machine(ProcessEnvironment);
        let file = process.read().await?.text("PIDIMA_ENV_FILE");
        Ok(process.then_machine(EnvFile::at(file.unwrap_or_else(|| ENV_FILE.to_owned()))))
    }

    /// Those of this machine, and those outside that it names.
    async fn all() -> Result<Self, ConfigError> {
        let machine = Self::of_machine().await?;
        let env = machine.read().await?;
        let names = ["PIDIMA_SECRETS", "PIDIMA_PARAMETERS_PATH"];
        if names.into_iter().all(|name| env.text(name).is_none()) {
            return Ok(machine);
        }
        let config = SourcesConfig::from_env(&env);
        let aws = storage::aws(&AwsConfig::from_env(&env));
        env.finish()?;
        let limits = SourceLimits {
            timeout: config.timeout,
            tries: config.tries,
            max_bytes: config.max_bytes,
        };
        let secrets = config.secrets.iter().map(|id| {
            Arc::new(SecretSettings::new(aws.clone(), id, limits)) as Arc<dyn SettingsSource>
        });
        let parameters = config.parameters_path.iter().map(|path| {
            Arc::new(ParameterStore::new(aws.clone(), path, limits)) as Arc<dyn SettingsSource>
        });
        Ok(machine.then_outside(secrets.collect()).then_outside(parameters.collect()))
    }

    /// All sources for a process that may ask outside, else those of the machine; and what they give.
    ///
    /// # Errors
    /// A source can not be read; all that can not are told together.
    pub async fn load(may_ask_outside: bool) -> Result<(Self, Env), ConfigError> {
        let sources = if may_ask_outside { Self::all().await? } else { Self::of_machine().await? };
        let env = sources.read().await?;
        Ok((sources, env))
    }

    /// Reads all sources anew.
    ///
    /// # Errors
    /// A source can not be read; all that can not are told together.
    pub async fn read(&self) -> Result<Env, ConfigError> {
        let sources = self.0.iter().flat_map(|layer| &layer.sources);
        let readings: Vec<_> = sources.map(|source| source.read()).collect();
        let mut read = join_all(readings).await.into_iter();
        let mut env = Env::default();
        let mut faults = Vec::new();
        for layer in &self.0 {
            let mut given = Vec::new();
            for result in read.by_ref().take(layer.sources.len()) {
                match result {
                    Ok(settings) => {
                        given.extend(settings.into_iter().map(|it| named(it, layer.origin)));
                    }
                    Err(error) => faults.extend(error.faults),
                }
            }
            env.add(given);
        }
        if faults.is_empty() { Ok(env) } else { Err(ConfigError { faults }) }
    }
}

/// A flag's name of its own stands for the setting.
fn named(setting: Setting, origin: Origin) -> Given {
    let Setting { name, value, place } = setting;
    let name = match name.strip_prefix(FLAGS) {
        Some(flag) if origin == Origin::Outside => {
            format!("PIDIMA_FLAG_{}", flag.to_ascii_uppercase())
        }
        _ => name,
    };
    Given { name, value, place, origin }
}
