//! Passwords: hashed and compared with argon2id, a few at a time, so that a flood of logins costs neither memory without
//! bound nor the time of other requests. It knows no accounts and no database; `accounts` calls it.

mod argon;
mod one_time;
mod rules;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

pub use argon::ArgonSettings;
pub use one_time::one_time_password;
pub use rules::{PasswordFault, PasswordRules};

use self::argon::Argon;

/// How passwords are hashed, and how many at once.
#[derive(Clone, Copy, Debug)]
pub struct PasswordSettings {
    /// What one hash costs.
    pub argon: ArgonSettings,
    /// Hashed at once.
    pub threads: usize,
    /// Waiting in each lane.
    pub queue: usize,
    /// What a password must be.
    pub rules: PasswordRules,
}

/// Where a login waits: a flood in one lane does not fill the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// From an address that the account never used.
    Stranger,
    /// From an address that the account was used from, or with a credential.
    Known,
}

/// How a password compares with what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another one, or there is none stored.
    Wrong,
    /// The same.
    Right {
        /// The stored hash costs less than the settings now say: hash anew.
        is_outdated: bool,
    },
}

/// Why nothing was hashed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// As many wait as may.
    #[error("too many passwords wait to be checked; try again")]
    Busy,
    /// A stored hash, or the settings, can not be used.
    #[error("the password can not be hashed: {0}")]
    Unusable(String),
}

/// Hashes passwords and compares them.
#[derive(Clone, Debug)]
pub struct Passwords {
    argon: Argon,
    rules: PasswordRules,
    queue: usize,
    permits: Arc<Semaphore>,
    waiting: Arc<[AtomicUsize; 2]>,
}

impl Passwords {
    /// Ready to hash.
    pub fn new(settings: &PasswordSettings) -> Self {
        Self {
            argon: Argon::new(settings.argon),
            rules: settings.rules,
            queue: settings.queue,
            permits: Arc::new(Semaphore::new(settings.threads)),
            waiting: Arc::default(),
        }
    }

    /// What a password must be.
    pub fn rules(&self) -> PasswordRules {
        self.rules
    }

    /// The password as it is stored, with a salt of its own.
    ///
    /// # Errors
    /// See [`HashError`].
    pub async fn hash(&self, password: SecretString, lane: Lane) -> Result<String, HashError> {
        let argon = self.argon;
        self.run(lane, move || argon.hash(password.expose_secret())).await
    }

    /// Compares with what is stored. Where nothing is, as much work is done for nothing: the time must not tell.
    ///
    /// # Errors
    /// See [`HashError`].
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
        lane: Lane,
    ) -> Result<Verdict, HashError> {
        let argon = self.argon;
        let verify = move || {
            let found = stored.is_some();
            let stored = match stored {
                Some(stored) => stored,
                None => argon.nobodys_hash()?,
            };
            let verdict = argon.verify(password.expose_secret(), &stored)?;
            Ok(if found { verdict } else { Verdict::Wrong })
        };
        self.run(lane, verify).await
    }

    async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let place = Place::take(Arc::clone(&self.waiting), lane, self.queue)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        drop(place);
        let permit = permit.map_err(|error| HashError::Unusable(error.to_string()))?;
        // The permit goes with the work: who gives up waiting does not stop what has begun.
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        done.await.map_err(|error| HashError::Unusable(error.to_string()))?
    }
}

/// A place in the queue of a lane, given back when dropped.
struct Place {
    waiting: Arc<[AtomicUsize; 2]>,
    lane: usize,
}

impl Place {
    fn take(waiting: Arc<[AtomicUsize; 2]>, lane: Lane, most: usize) -> Result<Self, HashError> {
        let lane = usize::from(lane == Lane::Known);
        let place = Self { waiting, lane };
        let before = place.waiting[lane].fetch_add(1, Ordering::AcqRel);
        if before < most { Ok(place) } else { Err(HashError::Busy) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting[self.lane].fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
