//! The job that brings a version into search: read, cut, embed, publish.
//!
//! Delivery is at least once; the effect is once: a lease fences workers that were taken for dead, and publishing is one
//! transaction. A bad file fails for good with a code; anything that may pass is tried again.

mod embed;
mod prepare;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::Instrument;
use uuid::Uuid;

use embed::EmbeddedText;

use super::announce_version::announce_version;
use super::chunk::ChunkOptions;
use super::embedders::Embedders;
use super::enrichment::wake_enrichment;
use super::parser::{Parser, ParserError, ParserSettings};
use super::store::index::{IndexedChunk, IndexedVersion, Published};
use super::store::ingestion::{Claim, ClaimedVersion, FailedAttempt, StageTimes};
use super::store::windows::VectorsByModel;
use crate::adapters::embeddings::{Embedder, EmbeddingError};
use crate::adapters::objects::{ObjectError, ObjectKey, Objects};
use crate::db::{self, Db};
use crate::kernel::ids::{TenantId, new_id};
use crate::telemetry::metrics::metrics;
use crate::telemetry::traced;

/// Name of the job that ingests a version.
pub const INGEST_VERSION: &str = "ingest_version";
/// Name of the job that removes a version's original from the object store.
pub const REMOVE_ORIGINAL: &str = "remove_original";

/// Longest wait between two attempts.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// Limits and manners of ingestion.
#[derive(Clone, Debug)]
pub struct IngestSettings {
    /// Bounds on the process that reads a file.
    pub parser: ParserSettings,
    /// How text is cut.
    pub chunk: ChunkOptions,
    /// Most passages of a document.
    pub max_chunks: usize,
    /// Attempts before a document is given up.
    pub max_attempts: u32,
    /// How long a worker is trusted without a sign.
    pub lease: Duration,
}

/// What the runner does with the message of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// Delete it.
    Done,
    /// Give it back, to come again after this time.
    Again(Duration),
}

/// What became of a version whose message is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// It is at its end, now or before.
    Over,
    /// Another message of it is worked on, or will be soon.
    InHand,
}

/// The ingestion service.
#[derive(Clone)]
pub struct Ingestion {
    db: Db,
    objects: Arc<dyn Objects>,
    embedders: Embedders,
    parser: Parser,
    settings: IngestSettings,
}

/// Why an attempt ended early.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    /// The file was not read.
    #[error(transparent)]
    Parser(#[from] ParserError),
    /// More passages than allowed.
    #[error("the document makes more than {limit} passages; split it into smaller documents")]
    TooManyChunks { limit: usize },
    /// Another worker took over, or the document is gone: nothing to report.
    #[error("the lease was lost")]
    LeaseLost,
    /// Every attempt ended without a word, as when the process is killed for want of memory.
    #[error(
        "the worker stopped in the middle of {attempts} attempts; retry the job, and split the document when that ends in the same way"
    )]
    WorkerLost { attempts: i32 },
    /// The queue delivered it again and again, and no worker came to an end.
    #[error(
        "the work was begun {begun} times and never came to an end; retry the job when the operator has removed the cause"
    )]
    Abandoned { begun: u32 },
    /// The original could not be read.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The embedding model failed.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// Cutting ended abnormally.
    #[error("cutting the text into passages ended abnormally; report it with the file")]
    Crashed(#[from] tokio::task::JoinError),
}

impl AttemptError {
    fn code(&self) -> &'static str {
        match self {
            Self::Parser(error) => error.code(),
            Self::TooManyChunks { .. } => "too_many_chunks",
            Self::LeaseLost => "lease_lost",
            Self::WorkerLost { .. } | Self::Abandoned { .. } => "worker_lost",
            Self::Objects(ObjectError::Missing(_)) => "original_missing",
            Self::Objects(_) => "object_store_unavailable",
            Self::Embedding(_) => "embedding_failed",
            Self::Database(_) => "database_unavailable",
            Self::Crashed(_) => "chunker_crashed",
        }
    }

    fn is_final(&self) -> bool {
        match self {
            Self::TooManyChunks { .. }
            | Self::WorkerLost { .. }
            | Self::Abandoned { .. }
            | Self::Crashed(_) => true,
            Self::Parser(error) => error.is_final(),
            Self::Objects(error) => matches!(error, ObjectError::Missing(_)),
            Self::Embedding(error) => !error.is_retryable(),
            Self::LeaseLost | Self::Database(_) => false,
        }
    }
}

impl Ingestion {
    /// An ingestion service.
    pub fn new(
        db: Db,
        objects: Arc<dyn Objects>,
        embedder: Arc<dyn Embedder>,
        settings: IngestSettings,
    ) -> Self {
        let parser = Parser::new(settings.parser.clone());
        Self { db, objects, embedders: Embedders::of(embedder), parser, settings }
    }

    /// The same service with more embedders, for collections that are re-embedded.
    #[must_use]
    pub fn with_embedders(self, embedders: Embedders) -> Self {
        Self { embedders, ..self }
    }

    /// Runs one attempt on a version.
    ///
    /// # Errors
    /// The database failed in a way that says nothing about the version: the message should come again.
    pub async fn ingest(&self, tenant: TenantId, version_id: Uuid) -> db::Result<JobOutcome> {
        let token = Uuid::new_v4();
        let mut tx = self.db.tenant(tenant).await?;
        let claim = tx.claim_version(version_id, token, self.settings.lease).await?;
        tx.commit().await?;
        let version = match claim {
            Claim::Held(version) => version,
            Claim::Busy => return Ok(JobOutcome::Again(self.settings.lease)),
            Claim::Nothing => return Ok(JobOutcome::Done),
        };
        let counted = version.attempt - version.attempts_before;
        let mut times = StageTimes::default();
        // An attempt that fails is counted and ended; only those of workers that died can be too many.
        if u32::try_from(counted).unwrap_or(u32::MAX) > self.settings.max_attempts {
            let error = AttemptError::WorkerLost { attempts: counted - 1 };
            return self.fail(tenant, &version, token, &error, times).await;
        }
        match Box::pin(self.attempt(tenant, &version, token, &mut times)).await {
            Ok(()) => {
                count("ready", times);
                Ok(JobOutcome::Done)
            }
            Err(AttemptError::LeaseLost) => {
                count("lost", times);
                Ok(JobOutcome::Done)
            }
            Err(error) => self.fail(tenant, &version, token, &error, times).await,
        }
    }

    /// Gives up a version whose message was received `begun` times and is set aside, unless somebody works on it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn abandon(
        &self,
        tenant: TenantId,
        version_id: Uuid,
        begun: u32,
    ) -> db::Result<GivenUp> {
        let error = AttemptError::Abandoned { begun };
        let mut tx = self.db.tenant(tenant).await?;
        if tx.abandon_version(version_id, error.code(), &error.to_string()).await? {
            announce_version(&mut tx, version_id).await?;
            tx.commit().await?;
            return Ok(GivenUp::Over);
        }
        let goes_on = tx.find_job(version_id).await?.is_some_and(|job| !job.is_over());
        Ok(if goes_on { GivenUp::InHand } else { GivenUp::Over })
    }

    /// Removes the original of a version that is gone.
    ///
    /// # Errors
    /// The object store failed: the message should come again.
    pub async fn remove_original(
        &self,
        tenant: TenantId,
        version_id: Uuid,
    ) -> Result<(), ObjectError> {
        self.objects.delete(&ObjectKey::original(tenant, version_id)).await
    }

    async fn attempt(
        &self,
        tenant: TenantId,
        version: &ClaimedVersion,
        token: Uuid,
        times: &mut StageTimes,
    ) -> Result<(), AttemptError> {
        let clock = Instant::now();
        let original = version.original_version_id.unwrap_or(version.version_id);
        let key = ObjectKey::original(tenant, original);
        let bytes = self.objects.get(&key).instrument(traced!("get original")).await?;
        let contexts =
            self.db.tenant(tenant).await?.list_contexts_in_use(version.document_id).await?;
        let reading = prepare::read_and_cut(version, bytes, contexts, &self.parser, &self.settings);
        let plan = self
            .while_leased(tenant, version, token, *times, reading)
            .instrument(traced!("parse and chunk"))
            .await?;
        times.parse_ms = Some(plan.parse_ms);
        times.chunk_ms = Some(plan.chunk_ms);
        if plan.chunks.len() > self.settings.max_chunks {
            return Err(AttemptError::TooManyChunks { limit: self.settings.max_chunks });
        }
        self.advance(tenant, version, token, "embedding", *times).await?;
        let (texts, chunks): (Vec<_>, Vec<_>) = plan
            .chunks
            .into_iter()
            .map(|planned| {
                let digest = planned.digest.to_vec();
                let chunk = IndexedChunk {
                    chunk_id: new_id(),
                    context: planned.context,
                    embedded_sha256: planned.digest,
                    terms: planned.terms,
                    chunk: planned.chunk,
                };
                (EmbeddedText { text: planned.embedded_text, digest }, chunk)
            })
            .unzip();
        let mut indexed = IndexedVersion {
            version,
            token,
            title: plan.title,
            language: plan.language,
            text: plan.text,
            own_model: self.embedders.own_model().to_owned(),
            vectors: VectorsByModel::new(),
            left_out: BTreeSet::new(),
            chunks,
        };
        loop {
            let embedding = Instant::now();
            let embedded = self
                .embed(tenant, &mut indexed, &texts, *times)
                .instrument(traced!("embed passages", chunks = texts.len()))
                .await;
            times.embed_ms = Some(times.embed_ms.unwrap_or_default() + millis(embedding));
            embedded?;
            let indexing = Instant::now();
            let mut tx = self.db.tenant(tenant).await?;
            match tx.publish_version(&indexed).instrument(traced!("index")).await? {
                Published::Done => {}
                Published::LeaseLost => return Err(AttemptError::LeaseLost),
                // Somebody began to re-embed the collection, or ended that: it gets the vectors that are needed now.
                Published::OtherModels => {
                    tx.rollback().await?;
                    continue;
                }
            }
            times.index_ms = Some(millis(indexing));
            tx.finish_attempt(version, *times).await?;
            announce_version(&mut tx, version.version_id).await?;
            wake_enrichment(&mut tx, version.collection_id).await?;
            tx.commit().await?;
            tracing::info!(
                version.id = %version.version_id,
                chunks = indexed.chunks.len(),
                duration_ms = millis(clock),
                "version ready"
            );
            return Ok(());
        }
    }

    /// Renews the lease while a file is read, which may wait for its turn: as long as we live, nobody else begins.
    async fn while_leased<T>(
        &self,
        tenant: TenantId,
        version: &ClaimedVersion,
        token: Uuid,
        times: StageTimes,
        work: impl Future<Output = Result<T, AttemptError>>,
    ) -> Result<T, AttemptError> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(self.settings.lease / 3) => {
                    self.advance(tenant, version, token, "parsing", times).await?;
                }
            }
        }
    }

    async fn advance(
        &self,
        tenant: TenantId,
        version: &ClaimedVersion,
        token: Uuid,
        state: &str,
        times: StageTimes,
    ) -> Result<(), AttemptError> {
        let mut tx = self.db.tenant(tenant).await?;
        let held = tx.advance_version(version, token, state, self.settings.lease, times).await?;
        tx.commit().await?;
        if held { Ok(()) } else { Err(AttemptError::LeaseLost) }
    }

    async fn fail(
        &self,
        tenant: TenantId,
        version: &ClaimedVersion,
        token: Uuid,
        error: &AttemptError,
        times: StageTimes,
    ) -> db::Result<JobOutcome> {
        let counted = u32::try_from(version.attempt - version.attempts_before).unwrap_or(u32::MAX);
        let give_up = error.is_final() || counted >= self.settings.max_attempts;
        tracing::warn!(
            version.id = %version.version_id,
            attempt = version.attempt,
            give_up,
            code = error.code(),
            %error,
            "ingestion attempt failed"
        );
        // 1 s, 2 s, 4 s … up to a minute.
        let delay = Duration::from_secs(1 << (counted.max(1) - 1).min(6)).min(LONGEST_DELAY);
        let detail = error.to_string();
        let again_after = (!give_up).then_some(delay);
        let failed = FailedAttempt { code: error.code(), detail: &detail, again_after, times };
        let mut tx = self.db.tenant(tenant).await?;
        let held = tx.fail_attempt(version, token, failed).await?;
        if held && give_up {
            announce_version(&mut tx, version.version_id).await?;
        }
        tx.commit().await?;
        let outcome = match (held, give_up) {
            (false, _) => "lost",
            (true, true) => "failed",
            (true, false) => "again",
        };
        count(outcome, times);
        Ok(if give_up { JobOutcome::Done } else { JobOutcome::Again(delay) })
    }
}

fn count(outcome: &'static str, times: StageTimes) {
    let StageTimes { parse_ms, chunk_ms, embed_ms, index_ms } = times;
    metrics().ingestion(outcome, [parse_ms, chunk_ms, embed_ms, index_ms]);
}

fn millis(since: Instant) -> i32 {
    i32::try_from(since.elapsed().as_millis()).unwrap_or(i32::MAX)
}
