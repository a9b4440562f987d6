//! Passwords: hashed and compared with argon2id, a few at a time, so that a flood of logins costs neither memory without
//! bound nor the time of other requests. It knows no accounts and no database; `accounts` calls it.

mod argon;
mod hashers;
mod one_time;
mod peppers;
mod rules;

use secrecy::{ExposeSecret, SecretString};

pub use argon::ArgonSettings;
pub use one_time::one_time_password;
pub use peppers::Peppers;
pub use rules::{PasswordFault, PasswordRules};

use self::argon::Argon;
use self::hashers::Hashers;

/// How passwords are hashed, and how many at once.
#[derive(Clone, Debug)]
pub struct PasswordSettings {
    /// What one hash costs.
    pub argon: ArgonSettings,
    /// Secrets that go into the hashes; none by default.
    pub peppers: Peppers,
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
        /// The stored hash costs less than the settings now say, or has another pepper: hash anew.
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
    hashers: Hashers,
}

impl Passwords {
    /// Ready to hash.
    pub fn new(settings: &PasswordSettings) -> Self {
        Self {
            argon: Argon::new(settings.argon, settings.peppers.clone()),
            rules: settings.rules,
            hashers: Hashers::start(settings.threads, settings.queue),
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
        let argon = self.argon.clone();
        self.hashers.run(lane, move |memory| argon.hash(password.expose_secret(), memory)).await
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
        let argon = self.argon.clone();
        let verify = move |memory: &mut _| {
            let text = stored.clone().unwrap_or_else(|| argon.nobodys_hash());
            let verdict = argon.verify(password.expose_secret(), &text, memory)?;
            Ok(if stored.is_some() { verdict } else { Verdict::Wrong })
        };
        self.hashers.run(lane, verify).await
    }
}

#[cfg(test)]
mod tests;
