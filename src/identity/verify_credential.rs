//! Turns the text of a credential into an [`Actor`], or says why not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio_util::task::TaskTracker;

use super::{Actor, Credential};
use crate::db::{self, Db};

/// A verified key is trusted this long, so that a revocation holds everywhere within this time.
const TRUSTED_FOR: Duration = Duration::from_secs(5);
/// Keys remembered at once, at most.
const REMEMBERED: usize = 10_000;

/// Why a credential was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// Not a key, or none that we know.
    #[error("the API key is malformed or unknown; check that it was copied whole")]
    Unknown,
    /// Known, but its time is over.
    #[error("the API key has expired; ask an admin for a new one")]
    Expired,
    /// Known, but taken back.
    #[error("the API key was revoked; ask an admin for a new one")]
    Revoked,
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Verifies credentials against the database, remembering good ones for a few seconds.
#[derive(Clone, Debug)]
pub struct Verifier {
    db: Db,
    tasks: TaskTracker,
    trusted: Arc<Mutex<Trusted>>,
}

/// Good credentials by the SHA-256 of their text, with the time at which they were verified.
type Trusted = HashMap<[u8; 32], (Actor, Instant)>;

impl Verifier {
    /// A verifier that has seen nothing yet; `tasks` runs the noting of last uses.
    pub fn new(db: Db, tasks: TaskTracker) -> Self {
        Self { db, tasks, trusted: Arc::default() }
    }

    /// The actor behind the text of a credential.
    ///
    /// # Errors
    /// See [`Denied`]. Expiry and revocation are told only to who has the secret.
    pub async fn verify(&self, text: &str) -> Result<Actor, Denied> {
        let fingerprint: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        if let Some(actor) = self.trusted(&fingerprint) {
            return Ok(actor);
        }
        let credential = Credential::parse(text).ok_or(Denied::Unknown)?;
        let actor = self.look_up(&credential).await?;
        self.remember(fingerprint, actor.clone());
        self.note_use(&actor);
        Ok(actor)
    }

    async fn look_up(&self, credential: &Credential) -> Result<Actor, Denied> {
        let mut tx = self.db.tenant(credential.tenant).await?;
        let found = tx.find_api_key_secret(credential.api_key_id).await?;
        // An unknown key is compared too, so that the answer takes the same time.
        let (key, stored) = match found {
            Some((key, secret_sha256)) => (Some(key), secret_sha256),
            None => (None, vec![0; 32]),
        };
        let equal = bool::from(stored.as_slice().ct_eq(&credential.secret_sha256()));
        let key = key.filter(|_| equal).ok_or(Denied::Unknown)?;
        if key.revoked_at.is_some() {
            return Err(Denied::Revoked);
        }
        if key.expires_at <= Utc::now() {
            return Err(Denied::Expired);
        }
        Ok(Actor {
            tenant: credential.tenant,
            api_key_id: key.api_key_id,
            name: key.name,
            role: key.role,
            scopes: key.scopes,
        })
    }

    fn trusted(&self, fingerprint: &[u8; 32]) -> Option<Actor> {
        let trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        let (actor, since) = trusted.get(fingerprint)?;
        (since.elapsed() < TRUSTED_FOR).then(|| actor.clone())
    }

    fn remember(&self, fingerprint: [u8; 32], actor: Actor) {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        if trusted.len() >= REMEMBERED {
            trusted.retain(|_, (_, since)| since.elapsed() < TRUSTED_FOR);
        }
        if trusted.len() < REMEMBERED {
            trusted.insert(fingerprint, (actor, Instant::now()));
        }
    }

    /// Best effort, away from the request: a lost note costs nothing.
    fn note_use(&self, actor: &Actor) {
        let (db, tenant, id) = (self.db.clone(), actor.tenant, actor.api_key_id);
        self.tasks.spawn(async move {
            let noted = async {
                let mut tx = db.tenant(tenant).await?;
                tx.note_api_key_use(id).await?;
                tx.commit().await
            };
            if let Err(error) = noted.await {
                tracing::debug!(%error, "noting the use of an API key");
            }
        });
    }
}
