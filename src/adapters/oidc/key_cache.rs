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
