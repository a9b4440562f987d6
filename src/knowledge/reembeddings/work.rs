//! The job of a re-embedding: one slice of what is to be done next, by the state that it is in.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Reembeddings;
use super::compare::Compared;
use crate::adapters::embeddings::EmbeddingError;
use crate::db::{self, TenantTx};
use crate::kernel::ids::TenantId;
use crate::knowledge::store::reembedding_leases::{Claim, ClaimedReembedding, FailedWork};

/// Longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What the runner does with the message of a re-embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReembedOutcome {
    /// Delete it.
    Done,
    /// Let it wait in the line, outside the queue, for so long.
    Later(Duration),
}

/// How long a slice goes on.
pub(super) struct Slice<'a> {
    until: Instant,
    stop: &'a CancellationToken,
}

impl Slice<'_> {
    /// Whether there is time for one more step.
    pub(super) fn goes_on(&self) -> bool {
        Instant::now() < self.until && !self.is_stopped()
    }

    /// Whether the process is asked to stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }
}

/// What comes after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is more of the same.
    More,
    /// There is no more of it.
    Complete,
    /// Nothing: it is no longer ours.
    Over,
}

/// Why a slice ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkError {
    /// The model failed.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Reembeddings {
    /// Works on a re-embedding for a slice, or until `stop`: then with what is in hand.
    ///
    /// # Errors
    /// The database failed in a way that says nothing about the re-embedding: the message should come again.
    pub async fn work(
        &self,
        tenant: TenantId,
        id: Uuid,
        stop: &CancellationToken,
    ) -> db::Result<ReembedOutcome> {
        let token = Uuid::new_v4();
        let mut tx = self.db.tenant(tenant).await?;
        let claim = tx.claim_reembedding(id, token, self.settings.lease).await?;
        tx.commit().await?;
        let mut job = match claim {
            Claim::Held(job) => *job,
            Claim::Busy(wait) => return Ok(ReembedOutcome::Later(wait)),
            Claim::Nothing => return Ok(ReembedOutcome::Done),
        };
        let slice = Slice { until: Instant::now() + self.settings.slice, stop };
        let outcome = match Box::pin(self.slice(tenant, &mut job, &slice)).await {
            Ok(outcome) => Ok(outcome),
            Err(WorkError::Embedding(error)) => self.failed(tenant, &job, &error).await,
            Err(WorkError::Database(error)) => Err(error),
        };
        // Also after a fault, so that the next one need not wait for the lease.
        let mut tx = self.db.tenant(tenant).await?;
        tx.release_reembedding(&job).await?;
        tx.commit().await?;
        outcome
    }

    /// Gives up a re-embedding whose message is set aside; false when another worker has it in hand.
    ///
    /// # Errors
    /// The database failed.
    pub async fn abandon(&self, tenant: TenantId, id: Uuid) -> db::Result<bool> {
        let mut tx = self.db.tenant(tenant).await?;
        let failed = FailedWork {
            code: "worker_lost",
            detail: "the work was begun again and again and never came to an end; re-embed once more when the operator has removed the cause",
            is_last: true,
            keep: self.settings.keep,
        };
        if tx.abandon_reembedding(id, failed).await? {
            tx.commit().await?;
            return Ok(true);
        }
        Ok(!tx.is_reembedding_held(id).await?)
    }

    async fn slice(
        &self,
        tenant: TenantId,
        job: &mut ClaimedReembedding,
        slice: &Slice<'_>,
    ) -> Result<ReembedOutcome, WorkError> {
        if let Some(model) = job.due_model.clone() {
            return self.drop_vectors(tenant, job, &model, slice).await;
        }
        for model in self.models_to_fill(tenant, job).await? {
            match self.embed_versions(tenant, job, &model, slice).await? {
                Step::More => return Ok(ReembedOutcome::Later(Duration::ZERO)),
                Step::Complete => {}
                Step::Over => return Ok(ReembedOutcome::Done),
            }
        }
        if job.state == "running" {
            return self.conclude(tenant, job, slice).await;
        }
        if job.state == "completed" && self.drops_late(tenant, job).await? {
            return Ok(ReembedOutcome::Later(Duration::ZERO));
        }
        Ok(ReembedOutcome::Done)
    }

    /// Has the vectors removed that processes of an older version made after the old ones were gone; they know of one model
    /// alone. False when the collection needs these.
    async fn drops_late(&self, tenant: TenantId, job: &ClaimedReembedding) -> db::Result<bool> {
        let own = self.embedders.own_model();
        let mut tx = self.db.tenant(tenant).await?;
        if self.needs(&mut tx, job.collection_id, own).await?
            || !tx.begin_late_drop(job, own).await?
        {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Whether a collection needs vectors of a model, which nobody changes until the end of the transaction.
    pub(super) async fn needs(
        &self,
        tx: &mut TenantTx,
        collection_id: Uuid,
        model: &str,
    ) -> db::Result<bool> {
        tx.lock_searched_model(collection_id).await?;
        let needed = tx.list_embedding_models(collection_id, self.embedders.own_model()).await?;
        Ok(needed.iter().any(|needed| needed == model))
    }

    /// Compares, and notes that every passage has new vectors: unless a version came in just now that has none.
    async fn conclude(
        &self,
        tenant: TenantId,
        job: &mut ClaimedReembedding,
        slice: &Slice<'_>,
    ) -> Result<ReembedOutcome, WorkError> {
        let own = self.embedders.own_model();
        let recall = match self.compare(tenant, job, slice).await? {
            Compared::Whole(recall) => recall,
            Compared::Part => return Ok(ReembedOutcome::Later(Duration::ZERO)),
            Compared::Over => return Ok(ReembedOutcome::Done),
        };
        let model = job.to_model.as_str();
        let mut tx = self.db.tenant(tenant).await?;
        if tx.lock_searched_model(job.collection_id).await?.is_none() {
            return Ok(ReembedOutcome::Done);
        }
        if tx.lacks_vectors(job.collection_id, own, model).await? {
            return Ok(ReembedOutcome::Later(Duration::ZERO));
        }
        let progress = tx.count_embedded_chunks(job.collection_id, own, model).await?;
        if tx.mark_reembedding_ready(job, progress, recall).await? {
            tx.commit().await?;
            tracing::info!(
                reembedding.id = %job.reembedding_id,
                chunks = progress.total,
                overlap = recall.overlap,
                "collection re-embedded"
            );
        }
        Ok(ReembedOutcome::Done)
    }

    /// Notes an attempt that failed. Where searches could be switched already, only what came in late is without vectors:
    /// that is tried again by the next look.
    async fn failed(
        &self,
        tenant: TenantId,
        job: &ClaimedReembedding,
        error: &EmbeddingError,
    ) -> db::Result<ReembedOutcome> {
        let failures = u32::try_from(job.failures).unwrap_or(u32::MAX).saturating_add(1);
        let models = [&job.from_model, &job.to_model];
        let is_missing = models.iter().any(|model| self.embedders.find(model).is_err());
        // A process without the model says nothing of the model: another one may have it.
        let is_last =
            !is_missing && (!error.is_retryable() || failures >= self.settings.max_attempts);
        tracing::warn!(
            reembedding.id = %job.reembedding_id,
            failures,
            is_last,
            %error,
            "re-embedding fails"
        );
        if job.state != "running" {
            return Ok(ReembedOutcome::Done);
        }
        if is_missing {
            return Ok(ReembedOutcome::Later(LONGEST_WAIT));
        }
        let detail = error.to_string();
        let failed = FailedWork {
            code: "embedding_failed",
            detail: &detail,
            is_last,
            keep: self.settings.keep,
        };
        let mut tx = self.db.tenant(tenant).await?;
        let held = tx.fail_reembedding(job, failed).await?;
        tx.commit().await?;
        if !held || is_last {
            return Ok(ReembedOutcome::Done);
        }
        let doubled = self.settings.retry.saturating_mul(1 << (failures - 1).min(16));
        Ok(ReembedOutcome::Later(doubled.min(LONGEST_WAIT)))
    }

    /// Models of which the state asks for vectors of every passage.
    async fn models_to_fill(
        &self,
        tenant: TenantId,
        job: &ClaimedReembedding,
    ) -> db::Result<Vec<String>> {
        let (from, to) = (job.from_model.clone(), job.to_model.clone());
        Ok(match job.state.as_str() {
            "running" => vec![to],
            "ready" | "switched" => vec![to, from],
            "completed" => {
                // The collection may have gone on to yet another model.
                let mut tx = self.db.tenant(tenant).await?;
                let searched = tx.find_searched_model(job.collection_id).await?;
                let is_searched = searched.is_some_and(|it| it.as_deref() == self.stored(&to));
                if is_searched { vec![to] } else { Vec::new() }
            }
            _ => Vec::new(),
        })
    }
}
