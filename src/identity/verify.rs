//! Turns what a request presents into an [`Actor`], or says why not.
//!
//! One file per kind of credential; here is what they share: which kind it is, and the memory of good ones. It decides
//! nothing about what the actor may do.

mod api_key;
mod browser_session;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio_util::task::TaskTracker;

use super::actor::RequestOrigin;
use super::{Actor, Principal};
use crate::db::{self, Db};

/// A verified credential is trusted this long, so that a revocation holds everywhere within this time.
const TRUSTED_FOR: Duration = Duration::from_secs(5);
/// Credentials remembered at once, at most.
const REMEMBERED: usize = 10_000;

/// What a request presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// Text after `Authorization: Bearer`.
    Bearer(String),
    /// Value of the cookie of a browser session.
    Cookie(String),
}

/// Why a credential was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// Not a credential, or none that we know.
    #[error("the credential is malformed or unknown; check that it was copied whole")]
    Unknown,
    /// Known, but its time is over.
    #[error("the API key has expired; ask an admin for a new one")]
    Expired,
    /// Known, but taken back.
    #[error("the API key was revoked; ask an admin for a new one")]
    Revoked,
    /// A browser session that ended, by itself or by somebody.
    #[error("the login has ended; log in again")]
    LoggedOut,
    /// The operator has suspended the tenant.
    #[error("the tenant is suspended; ask the operator")]
    TenantSuspended,
    /// An admin has suspended the person.
    #[error("the membership is suspended; ask an admin of the tenant")]
    MemberSuspended,
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Denied {
    /// Whether the credential is good and it is its holder who is kept out: 403 instead of 401.
    pub fn is_suspension(&self) -> bool {
        matches!(self, Self::TenantSuspended | Self::MemberSuspended)
    }
}

/// Verifies credentials against the database, remembering good ones for a few seconds.
#[derive(Clone, Debug)]
pub struct Verifier {
    db: Db,
    tasks: TaskTracker,
    settings: VerifierSettings,
    trusted: Arc<Mutex<Trusted>>,
}

/// How long logins of browsers last.
#[derive(Clone, Copy, Debug)]
pub struct VerifierSettings {
    /// Time without use after which a browser session ends.
    pub browser_session_idle: Duration,
}

/// Good credentials by the SHA-256 of their text, with the time at which they were verified.
type Trusted = HashMap<[u8; 32], (Actor, Instant)>;

impl Verifier {
    /// A verifier that has seen nothing yet; `tasks` runs the noting of last uses.
    pub fn new(db: Db, tasks: TaskTracker, settings: VerifierSettings) -> Self {
        Self { db, tasks, settings, trusted: Arc::default() }
    }

    /// The actor behind what a request presents.
    ///
    /// # Errors
    /// See [`Denied`]. Expiry, revocation and suspension are told only to who has the secret.
    pub async fn verify(
        &self,
        presented: &Presented,
        origin: RequestOrigin,
    ) -> Result<Actor, Denied> {
        let fingerprint = fingerprint(presented);
        let actor = match self.trusted(&fingerprint) {
            Some(actor) => actor,
            None => {
                let actor = self.look_up(presented).await?;
                self.remember(fingerprint, actor.clone());
                self.note_use(&actor);
                actor
            }
        };
        Ok(Actor { request: origin, ..actor })
    }

    async fn look_up(&self, presented: &Presented) -> Result<Actor, Denied> {
        match presented {
            Presented::Bearer(text) => self.look_up_api_key(text).await,
            Presented::Cookie(text) => self.look_up_browser_session(text).await,
        }
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

    /// Forgets a credential at once, on this instance: for who ends their own login.
    pub fn forget(&self, presented: &Presented) {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        trusted.remove(&fingerprint(presented));
    }

    /// Best effort, away from the request: a lost note costs nothing.
    fn note_use(&self, actor: &Actor) {
        let (db, tenant, principal) = (self.db.clone(), actor.tenant, actor.principal.clone());
        self.tasks.spawn(async move {
            let noted = async {
                let mut tx = db.tenant(tenant).await?;
                match principal {
                    Principal::ApiKey { api_key_id, .. }
                    | Principal::EndUser { api_key_id, .. } => {
                        tx.note_api_key_use(api_key_id).await?;
                    }
                    Principal::Member { member_id, browser_session_id } => {
                        tx.note_member_seen(member_id).await?;
                        if let Some(id) = browser_session_id {
                            tx.note_browser_session_use(id).await?;
                        }
                    }
                }
                tx.commit().await
            };
            if let Err(error) = noted.await {
                tracing::debug!(%error, "noting the use of a credential");
            }
        });
    }
}

/// The kind is part of it: a cookie's value is no bearer credential.
fn fingerprint(presented: &Presented) -> [u8; 32] {
    let (kind, text) = match presented {
        Presented::Bearer(text) => ("bearer ", text),
        Presented::Cookie(text) => ("cookie ", text),
    };
    Sha256::new_with_prefix(kind).chain_update(text.as_bytes()).finalize().into()
}
