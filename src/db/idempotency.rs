//! Effects that are wanted once, however often the request comes: the outcome is kept under the sender's key, in the
//! transaction of the effect. So there is an outcome exactly when there is the effect, whatever dies in between.
//!
//! While a request is in flight its transaction holds an advisory lock on the key, and nobody waits for it: the second
//! one is told. The lock goes with the transaction, so that a crash leaves nothing behind and the next try is the first.

mod store;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Db, Error, Result, TenantTx};
use crate::kernel::ids::TenantId;

/// Who sends requests under keys. The keys of one are none of another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A key, person or end user of the transaction's tenant.
    Principal(Uuid),
    /// A key of the operator, whose requests belong to no tenant.
    Operator(Uuid),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(id) => write!(f, "principal {id}"),
            Self::Operator(id) => write!(f, "operator {id}"),
        }
    }
}

/// A request under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who sent it.
    pub holder: Holder,
    /// The key: 1 to 255 characters.
    pub key: String,
    /// Digest of the request. Another one under the same key is refused.
    pub request_sha256: [u8; 32],
    /// How long the outcome is kept.
    pub lifetime: Duration,
}

/// What became of a request, as far as its response is made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// HTTP status.
    pub status: u16,
    /// Body of the response; absent where it held a secret, and for answers of a run.
    pub body: Option<String>,
    /// Path of what the secret was for, where the response held one.
    pub secret_of: Option<String>,
    /// Run whose events are the response.
    pub run_id: Option<Uuid>,
}

impl Outcome {
    /// Of a response with a secret, which is shown once and never stored.
    pub fn of_secret(status: u16, path: String) -> Self {
        Self { status, secret_of: Some(path), ..Self::default() }
    }

    /// Of a response that is read from the events of a run.
    pub fn of_run(status: u16, run_id: Uuid) -> Self {
        Self { status, run_id: Some(run_id), ..Self::default() }
    }
}

/// An outcome and when it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The outcome.
    pub outcome: Outcome,
    /// When the request was carried out.
    pub at: DateTime<Utc>,
}

/// A transaction for an effect that is wanted once.
#[derive(Debug)]
pub enum Begun {
    /// The effect is to come; end with [`TenantTx::commit_outcome`].
    Anew(TenantTx),
    /// The effect is there already.
    Before(Kept),
}

impl Db {
    /// Begins a transaction of a tenant for an effect that is wanted once; without a claim it is one as any other.
    ///
    /// # Errors
    /// [`Error::KeyInUse`], [`Error::KeyReused`], or the database failed.
    pub async fn tenant_once(&self, tenant: TenantId, claim: Option<&Claim>) -> Result<Begun> {
        let mut tx = self.tenant(tenant).await?;
        let Some(claim) = claim else { return Ok(Begun::Anew(tx)) };
        // What is over is undone at once, and not when the connection is back in the pool: until then the key is in use.
        match tx.claim(claim).await {
            Ok(None) => Ok(Begun::Anew(tx)),
            Ok(Some(kept)) => {
                tx.rollback().await?;
                Ok(Begun::Before(kept))
            }
            Err(error) => {
                // Of two faults the first is the one to tell.
                drop(tx.rollback().await);
                Err(error)
            }
        }
    }
}

impl TenantTx {
    /// Takes the key for this transaction; what the request did when it came before.
    async fn claim(&mut self, claim: &Claim) -> Result<Option<Kept>> {
        let name = match claim.holder {
            Holder::Principal(_) => format!("{} {} {}", self.tenant(), claim.holder, claim.key),
            Holder::Operator(_) => format!("{} {}", claim.holder, claim.key),
        };
        if !self.try_lock_key(&name).await? {
            return Err(Error::KeyInUse);
        }
        // A statement of its own: it must see what was committed until the lock was ours.
        let found = match claim.holder {
            Holder::Principal(id) => self.find_outcome(id, &claim.key).await?,
            Holder::Operator(id) => self.find_operator_outcome(id, &claim.key).await?,
        };
        match found {
            Some((request, _)) if request != claim.request_sha256 => Err(Error::KeyReused),
            Some((_, kept)) => Ok(Some(kept)),
            None => {
                self.claim = Some(claim.clone());
                Ok(None)
            }
        }
    }

    /// Makes the writes lasting, together with the outcome where there is a key to keep it under.
    ///
    /// # Errors
    /// As for [`TenantTx::commit`].
    pub async fn commit_outcome(mut self, outcome: &Outcome) -> Result<()> {
        if let Some(claim) = self.claim.take() {
            let is_kept = match claim.holder {
                Holder::Principal(id) => self.insert_outcome(id, &claim, outcome).await?,
                Holder::Operator(id) => self.insert_operator_outcome(id, &claim, outcome).await?,
            };
            if !is_kept {
                // Not while everybody takes the lock first; the effect must not be there twice even so.
                return Err(Error::KeyInUse);
            }
        }
        self.commit().await
    }
}
