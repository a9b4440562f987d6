//! A secret that may change while the service runs: whoever sends it asks for it each time.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::SecretString;

/// A secret, or none. Clones share it: what one is given, all have.
#[derive(Clone, Default)]
pub struct LiveSecret(Arc<RwLock<Option<SecretString>>>);

impl LiveSecret {
    /// The secret as it is now.
    pub fn get(&self) -> Option<SecretString> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on that of another, where that has one.
    pub fn take(&self, newer: &Self) {
        if let Some(secret) = newer.get() {
            self.set(Some(secret));
        }
    }

    /// From now on this one.
    pub fn set(&self, secret: Option<SecretString>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = secret;
    }
}

impl From<Option<SecretString>> for LiveSecret {
    fn from(secret: Option<SecretString>) -> Self {
        Self(Arc::new(RwLock::new(secret)))
    }
}

impl From<SecretString> for LiveSecret {
    fn from(secret: SecretString) -> Self {
        Some(secret).into()
    }
}

impl fmt::Debug for LiveSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LiveSecret")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn clones_share_what_is_set_and_nothing_shows_it() {
        let secret = LiveSecret::from(SecretString::from("old"));
        let clone = secret.clone();
        secret.set(Some("new".into()));
        let seen = clone.get().map(|secret| secret.expose_secret().to_owned());
        assert_eq!(seen.as_deref(), Some("new"));
        assert_eq!(format!("{clone:?}"), "LiveSecret");
        secret.set(None);
        assert!(clone.get().is_none());
    }
}
