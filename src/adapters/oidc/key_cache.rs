//! Keys of one issuer, kept by key id. Known ids are answered from memory; for an unknown id the issuer is asked once by
//! everybody who waits, and when that did not help it is left alone for a while. Nothing is remembered of ids that are
//! unknown, so a flood of them takes no memory.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::Mutex;

use super::fetch::{OidcError, fetch_json};
use super::signing_key::{SigningKey, read_keys};
use super::{OidcLimits, Provider};

const DOCUMENT: &str = "the key document";

/// Keys as an issuer showed them at one time.
#[derive(Debug)]
pub(super) struct KeySet {
    keys: Vec<Arc<SigningKey>>,
    document: Arc<str>,
    fetched_at: Instant,
}

impl KeySet {
    /// Keys of an id. Two keys of one id are both tried, as an issuer may publish them for two algorithms.
    pub(super) fn find(&self, kid: &str) -> Vec<Arc<SigningKey>> {
        self.keys.iter().filter(|key| key.kid() == kid).map(Arc::clone).collect()
    }

    pub(super) fn document(&self) -> Arc<str> {
        Arc::clone(&self.document)
    }
}

/// What is kept of one issuer.
#[derive(Debug, Default)]
pub(super) struct KeyCache {
    memory: RwLock<Memory>,
    /// Held while the issuer is asked, so that it is asked once.
    fetching: Arc<Mutex<()>>,
}

#[derive(Clone, Debug, Default)]
struct Memory {
    keys: Option<Arc<KeySet>>,
    /// When the issuer was asked in vain: it failed, or did not know the id.
    vain_at: Option<Instant>,
}

/// What to do about a key id.
#[derive(Debug)]
enum Step {
    /// Use these.
    Use(Arc<KeySet>),
    /// Use these, and see to newer ones meanwhile.
    UseAndRefresh(Arc<KeySet>),
    /// Ask the issuer first; these hold when it is away.
    Ask(Option<Arc<KeySet>>),
    /// There are none, and the issuer is being left alone.
    Paused,
}

impl Memory {
    fn step(&self, kid: &str, now: Instant, limits: &OidcLimits) -> Step {
        let age = |set: &Arc<KeySet>| now.saturating_duration_since(set.fetched_at);
        let set = self.keys.as_ref().filter(|set| age(set) < limits.stale_for).map(Arc::clone);
        let paused =
            self.vain_at.is_some_and(|at| now.saturating_duration_since(at) < limits.pause);
        match set {
            Some(set) if paused => Step::Use(set),
            None if paused => Step::Paused,
            Some(set) if set.find(kid).is_empty() || age(&set) >= limits.wait_after => {
                Step::Ask(Some(set))
            }
            Some(set) if age(&set) >= limits.refresh_after => Step::UseAndRefresh(set),
            Some(set) => Step::Use(set),
            None => Step::Ask(None),
        }
    }
}

impl Provider {
    /// The keys to look for an id in.
    pub(super) async fn key_set(&self, kid: &str) -> Result<Arc<KeySet>, OidcError> {
        match self.step(kid) {
            Step::Use(set) => Ok(set),
            Step::UseAndRefresh(set) => {
                self.refresh_in_background(kid);
                Ok(set)
            }
            Step::Paused => Err(OidcError::Paused { document: DOCUMENT }),
            Step::Ask(_) => {
                let one_at_a_time = Arc::clone(&self.inner.keys.fetching).lock_owned().await;
                let (provider, kid) = (self.clone(), kid.to_owned());
                // In a task of its own: who hangs up while the issuer is asked does not undo that it was asked.
                let asked = self.inner.tasks.spawn(async move {
                    let _until_done = one_at_a_time;
                    provider.ask(&kid).await
                });
                asked.await.map_err(|error| OidcError::interrupted(DOCUMENT, &error))?
            }
        }
    }

    /// Asks the issuer, unless somebody just did.
    async fn ask(&self, kid: &str) -> Result<Arc<KeySet>, OidcError> {
        let old = match self.step(kid) {
            Step::Use(set) => return Ok(set),
            Step::Paused => return Err(OidcError::Paused { document: DOCUMENT }),
            Step::UseAndRefresh(set) => Some(set),
            Step::Ask(old) => old,
        };
        let fetched = self.fetch_keys().await;
        let mut memory = self.inner.keys.memory.write().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(set) => {
                let helped = !set.find(kid).is_empty();
                memory.vain_at = (!helped).then(Instant::now);
                memory.keys = Some(Arc::clone(&set));
                Ok(set)
            }
            Err(error) => {
                tracing::warn!(provider = self.settings().name, %error, "fetching keys");
                memory.vain_at = Some(Instant::now());
                old.ok_or(error)
            }
        }
    }

    fn refresh_in_background(&self, kid: &str) {
        let (provider, kid) = (self.clone(), kid.to_owned());
        self.inner.tasks.spawn(async move {
            // Who finds it taken has nothing to do: somebody is asking.
            let Ok(_one_at_a_time) = provider.inner.keys.fetching.try_lock() else { return };
            // A failure is logged there, and the old keys hold.
            drop(provider.ask(&kid).await);
        });
    }

    fn step(&self, kid: &str) -> Step {
        let memory = self.inner.keys.memory.read().unwrap_or_else(PoisonError::into_inner);
        memory.step(kid, Instant::now(), &self.inner.limits)
    }

    async fn fetch_keys(&self) -> Result<Arc<KeySet>, OidcError> {
        let uri = match &self.settings().jwks_uri {
            Some(uri) => uri.clone(),
            None => self.metadata().await?.jwks_uri.clone(),
        };
        let limits = &self.inner.limits;
        let (value, text) = fetch_json(self.http(), DOCUMENT, &uri, limits).await?;
        let keys = read_keys(&value, limits.max_keys)
            .map_err(|reason| OidcError::Unusable { document: DOCUMENT, reason })?;
        tracing::info!(provider = self.settings().name, keys = keys.len(), "fetched keys");
        Ok(Arc::new(KeySet { keys, document: text.into(), fetched_at: Instant::now() }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    const KID: &str = "key-1";

    /// A memory whose keys were fetched at a time, and what it says about a key id some time later.
    fn step_after(age: Duration, vain_before: Option<Duration>, kid: &str) -> Step {
        let fetched_at = Instant::now();
        let now = fetched_at + age;
        // A point on P-256 (RFC 7517, appendix A.1).
        let keys = json!({ "keys": [{
            "kid": KID,
            "kty": "EC",
            "crv": "P-256",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        }] });
        let keys = read_keys(&keys, 20).expect("one key");
        let set = KeySet { keys, document: "".into(), fetched_at };
        let vain_at = vain_before.map(|before| now - before);
        Memory { keys: Some(Arc::new(set)), vain_at }.step(kid, now, &OidcLimits::default())
    }

    const SECOND: Duration = Duration::from_secs(1);
    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn an_unknown_id_asks_again_after_ten_seconds_and_not_before() {
        assert!(matches!(step_after(60 * SECOND, None, "other"), Step::Ask(Some(_))));
        let early = step_after(60 * SECOND, Some(10 * SECOND - MILLI), "other");
        assert!(matches!(early, Step::Use(_)), "{early:?}");
        let then = step_after(60 * SECOND, Some(10 * SECOND), "other");
        assert!(matches!(then, Step::Ask(Some(_))), "{then:?}");
        let known = step_after(60 * SECOND, Some(SECOND), KID);
        assert!(matches!(known, Step::Use(_)), "known ids do not wait: {known:?}");
    }

    #[test]
    fn keys_age_by_the_hour() {
        let hour = 3_600 * SECOND;
        assert!(matches!(step_after(hour - MILLI, None, KID), Step::Use(_)));
        assert!(matches!(step_after(hour, None, KID), Step::UseAndRefresh(_)));
        assert!(matches!(step_after(2 * hour - MILLI, None, KID), Step::UseAndRefresh(_)));
        assert!(matches!(step_after(2 * hour, None, KID), Step::Ask(Some(_))));
        assert!(matches!(step_after(24 * hour - MILLI, None, KID), Step::Ask(Some(_))));
        let stale = step_after(24 * hour - MILLI, Some(SECOND), KID);
        assert!(matches!(stale, Step::Use(_)), "the issuer is away: {stale:?}");
        assert!(matches!(step_after(24 * hour, None, KID), Step::Ask(None)));
        assert!(matches!(step_after(24 * hour, Some(SECOND), KID), Step::Paused));
    }
}
