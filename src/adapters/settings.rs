//! Where settings come from, behind one trait: by default the environment of the process and a file of `KEY=value` lines,
//! beside them Parameter Store and Secrets Manager of AWS.
//!
//! A source is read whole, and as it is: it knows nothing of which settings there are. Who reads several decides which one
//! wins. What is told of a fault never holds a value.

mod environment;
mod fault;
mod file;
mod parameters;
mod secret;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub use environment::ProcessEnvironment;
pub use file::EnvFile;
pub use parameters::ParameterStore;
pub use secret::SecretSettings;

use crate::adapters::aws::Patience;

/// One setting as a source holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name within the source.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it stands, for people: "the parameter /pidima/prod/PIDIMA_LOG".
    pub place: String,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.name, self.place)
    }
}

/// Why a source was not read: each fault names the place and the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{}", .faults.join("\n"))]
pub struct SourceError {
    /// The faults.
    pub faults: Vec<String>,
}

impl SourceError {
    fn one(fault: String) -> Self {
        Self { faults: vec![fault] }
    }
}

/// A place that holds settings.
#[async_trait]
pub trait SettingsSource: Send + Sync + 'static {
    /// Everything that it holds now.
    async fn read(&self) -> Result<Vec<Setting>, SourceError>;
}

/// How patient we are with a service that holds settings, and how much we take from it.
#[derive(Clone, Copy, Debug)]
pub struct SourceLimits {
    /// Time for reading it whole, all tries included.
    pub timeout: Duration,
    /// Tries of one request.
    pub tries: u32,
    /// Largest secret, and most bytes of all parameters of a path, names included.
    pub max_bytes: usize,
}

impl SourceLimits {
    /// One try must leave time for the others, and for the waits between them.
    fn patience(self) -> Patience {
        Patience { timeout: self.timeout / (self.tries + 1), tries: self.tries }
    }

    /// What is read within the time.
    async fn in_time<T>(
        self,
        place: &str,
        reading: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        tokio::time::timeout(self.timeout, reading).await.unwrap_or_else(|_| {
            Err(SourceError::one(format!(
                "{place} was not read within {} ms (PIDIMA_SETTINGS_TIMEOUT_MS): see that the service can be reached",
                self.timeout.as_millis()
            )))
        })
    }
}
