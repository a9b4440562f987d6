//! The job that enriches the documents of a collection: one after the other, in slices, each step one transaction that the
//! lease of the document fences.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng;
use rand::distr::Alphanumeric;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::error::WorkError;
use super::reserve::{Asked, UsedUp, give_back};
use super::settings::EnrichmentSettings;
use super::store::jobs::{ClaimedDocument, Setback};
use crate::adapters::models::{ChatModel, EXTRACTIVE, ModelRegistry};
use crate::chat::Counting;
use crate::db::{self, Db, TenantTx};
use crate::kernel::ids::TenantId;
use crate::knowledge::{Embedders, INGEST_VERSION};

/// Documents that get their turn at once.
const LINE_UP: usize = 200;
/// Letters and digits of a marker.
const MARKER_CHARS: usize = 12;
/// Shortest wait while documents of the tenant are on their way into search.
const AFTER_UPLOADS: Duration = Duration::from_secs(1);
/// Longest such wait: whoever brings one into search wakes the work at once.
const LONG_AFTER_UPLOADS: Duration = Duration::from_secs(60);
/// Wait of a process without a model, for another that has one to come by.
const TO_ANOTHER: Duration = Duration::from_secs(5);
/// Longest wait between two attempts at a document.
const LONGEST_DELAY: Duration = Duration::from_secs(60 * 60);
/// Tokens of a prompt beside the part of the document: rules, passage, and what is asked.
const FRAME_TOKENS: u32 = 2_000;
/// A part of a document is not smaller, whatever the model reads at once.
const LEAST_PART_TOKENS: u32 = 500;

/// What the runner does with the message of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrichOutcome {
    /// Delete it.
    Done,
    /// Let it wait in the line, outside the queue, for so long.
    Later(Duration),
}

/// The service that enriches documents.
#[derive(Clone)]
pub struct Enrichment {
    pub(super) db: Db,
    pub(super) embedders: Embedders,
    pub(super) settings: EnrichmentSettings,
    models: ModelRegistry,
    places: Arc<Semaphore>,
}

/// A model with what a prompt to it must fit into.
#[derive(Clone)]
pub(super) struct Writer {
    pub model: Arc<dyn ChatModel>,
    pub counting: Counting,
    /// Providers that it may be.
    pub providers: Vec<Asked>,
    /// Most tokens of a part of a document.
    pub part_tokens: u32,
}

/// The time that a collection has before others go first.
#[derive(Clone, Copy)]
pub(super) struct Slice<'a> {
    began: Instant,
    length: Duration,
    stop: &'a CancellationToken,
}

impl Slice<'_> {
    /// Whether others are to have a turn.
    pub fn is_over(self) -> bool {
        self.is_stopped() || self.began.elapsed() >= self.length
    }

    /// Whether the process is asked to stop: the call in hand is paid for and waited for, and none is begun.
    pub fn is_stopped(self) -> bool {
        self.stop.is_cancelled()
    }
}

impl Enrichment {
    /// A service that asks these models, and embeds with those that the passages were embedded with.
    pub fn new(
        db: Db,
        models: ModelRegistry,
        embedders: Embedders,
        settings: EnrichmentSettings,
    ) -> Self {
        let places = Arc::new(Semaphore::new(settings.concurrency));
        // A collection may have a model fail for hours: people who ask meet only their own failures.
        let models = models.apart();
        Self { db, embedders, settings, models, places }
    }

    /// Limits and manners.
    pub fn settings(&self) -> &EnrichmentSettings {
        &self.settings
    }

    /// A place to work on a collection, as long as it is kept; `None` when all are taken.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Whether there is a model that writes.
    pub fn has_model(&self) -> bool {
        self.writer().is_some()
    }

    /// What writes: the providers of the settings, else all that write a text of their own. One that chooses sentences of
    /// passages does not.
    fn writer(&self) -> Option<Writer> {
        let wanted = &self.settings.providers;
        let writes = self.models.list().filter(|(name, adapter, _)| {
            let is_wanted = wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
            is_wanted && *adapter != EXTRACTIVE
        });
        let mut names: Vec<String> = writes.map(|(name, ..)| name.to_owned()).collect();
        if names.is_empty() {
            return None;
        }
        names.sort_by_key(|name| wanted.iter().position(|wanted| wanted == name));
        let counting = Counting::of_adapters(self.models.named(&names).map(|(adapter, _)| adapter));
        let providers = self.models.list().filter(|(name, ..)| names.iter().any(|it| it == name));
        let providers = providers
            .map(|(provider, kind, model)| Asked {
                provider: provider.to_owned(),
                kind: kind.to_owned(),
                model: model.to_owned(),
            })
            .collect();
        let window = self.models.context_tokens(&names, self.settings.context_tokens);
        let frame = FRAME_TOKENS.saturating_add(self.settings.lengths.output_tokens);
        let fits = window.saturating_sub(frame).max(LEAST_PART_TOKENS);
        let part_tokens = self.settings.document_tokens.min(fits);
        let model = self.models.ordered(&names)?;
        Some(Writer { model, counting, providers, part_tokens })
    }

    /// Works on a collection for a slice, or until `stop`: then to the end of the call in hand.
    ///
    /// # Errors
    /// The database failed in a way that says nothing about the collection: the message should come again.
    pub async fn work(
        &self,
        tenant: TenantId,
        collection_id: Uuid,
        stop: &CancellationToken,
    ) -> db::Result<EnrichOutcome> {
        let Some(writer) = self.writer() else {
            let mut tx = self.db.tenant(tenant).await?;
            if tx.was_enriched_within(collection_id, self.settings.recheck).await? {
                return Ok(EnrichOutcome::Later(TO_ANOTHER));
            }
            tx.set_enrichment_wait(collection_id, Some("no_model")).await?;
            tx.commit().await?;
            return Ok(EnrichOutcome::Done);
        };
        // Alone in its transaction: who brings a version into search locks the collection after the document.
        let mut tx = self.db.tenant(tenant).await?;
        tx.note_model(collection_id).await?;
        tx.commit().await?;
        let slice = Slice { began: Instant::now(), length: self.settings.slice, stop };
        while !slice.is_over() {
            let mut document = match self.take(tenant, collection_id).await? {
                Taken::Document(document) => document,
                Taken::More => continue,
                Taken::Nothing(outcome) => return Ok(outcome),
            };
            let mut is_further = false;
            let enriching = self.enrich(tenant, &document, &writer, slice, &mut is_further);
            let ended = Box::pin(enriching).await;
            if is_further {
                document.attempts = 0;
            }
            if let Some(outcome) = self.settle_document(tenant, &document, ended).await? {
                return Ok(outcome);
            }
        }
        Ok(EnrichOutcome::Later(Duration::ZERO))
    }

    /// Takes the next document of a collection.
    async fn take(&self, tenant: TenantId, collection_id: Uuid) -> db::Result<Taken> {
        let mut tx = self.db.tenant(tenant).await?;
        let switch = tx.find_enrichment_switch(collection_id).await?;
        if switch.is_none_or(|switch| !switch.is_on) {
            return Ok(Taken::Nothing(EnrichOutcome::Done));
        }
        // What is on its way into search goes first, and is looked for again when it has been so twice as long. One that is stuck
        // in a worker's hands, or long, holds up nothing.
        if let Some(age) = tx.find_oldest_due(INGEST_VERSION, self.settings.lease).await? {
            let wait = age.clamp(AFTER_UPLOADS, LONG_AFTER_UPLOADS);
            return Ok(Taken::Nothing(EnrichOutcome::Later(wait)));
        }
        let token = Uuid::new_v4();
        let claimed = tx.claim_enrichment(collection_id, token, self.settings.lease).await?;
        if let Some(document) = claimed {
            if let Some(call) = document.call_before {
                // That of a worker that died in the middle of it; one that was settled stays as it is.
                give_back(&mut tx, document.collection_id, call).await?;
            }
            tx.commit().await?;
            return Ok(Taken::Document(Box::new(document)));
        }
        let markers: Vec<String> = (0..LINE_UP).map(|_| marker()).collect();
        let lined_up = tx.line_up_enrichments(collection_id, &markers).await?;
        let next = tx.next_enrichment(collection_id).await?;
        tx.commit().await?;
        Ok(match next {
            _ if lined_up > 0 => Taken::More,
            Some(wait) => Taken::Nothing(EnrichOutcome::Later(wait)),
            None => Taken::Nothing(EnrichOutcome::Done),
        })
    }

    /// Notes how the work on a document ended; what comes of the message, unless the slice goes on.
    async fn settle_document(
        &self,
        tenant: TenantId,
        document: &ClaimedDocument,
        ended: Result<(), WorkError>,
    ) -> db::Result<Option<EnrichOutcome>> {
        let error = match ended {
            Ok(()) | Err(WorkError::LeaseLost) => return Ok(None),
            Err(error) => error,
        };
        let mut tx = self.db.tenant(tenant).await?;
        let outcome = match &error {
            WorkError::SliceOver => EnrichOutcome::Later(Duration::ZERO),
            WorkError::Off => EnrichOutcome::Done,
            WorkError::UsedUp(what) => {
                tx.set_enrichment_wait(document.collection_id, Some(what.as_str())).await?;
                let wait = match what {
                    UsedUp::TenantQuota(wait) => (*wait).min(self.settings.recheck),
                    UsedUp::CollectionBudget | UsedUp::TenantBudget => self.settings.recheck,
                };
                EnrichOutcome::Later(wait)
            }
            _ => {
                let is_given_up = self.set_back(&mut tx, document, &error).await?;
                tx.commit().await?;
                // A provider that fails is left alone for a while, so that not each document pays for it.
                let wait = error.retry_after().unwrap_or_default().max(self.settings.retry);
                let rests = !is_given_up || matches!(error, WorkError::Model(_));
                return Ok(rests.then_some(EnrichOutcome::Later(wait.min(LONGEST_DELAY))));
            }
        };
        tx.release_enrichment(document).await?;
        tx.commit().await?;
        Ok(Some(outcome))
    }

    /// Whether so many attempts that got no further are enough.
    pub(super) fn gives_up(&self, error: &WorkError, attempts: u32) -> bool {
        let is_last = attempts >= self.settings.max_attempts;
        error.is_final() || is_last && !error.is_of_provider()
    }

    /// Lets a document wait for another attempt; true when it is given up.
    async fn set_back(
        &self,
        tx: &mut TenantTx,
        document: &ClaimedDocument,
        error: &WorkError,
    ) -> db::Result<bool> {
        let attempts = u32::try_from(document.attempts).unwrap_or(u32::MAX);
        let is_given_up = self.gives_up(error, attempts);
        let is_counted = !error.is_of_provider();
        let doubled = self.settings.retry.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        let delay = doubled.max(error.retry_after().unwrap_or_default()).min(LONGEST_DELAY);
        tracing::warn!(
            document.id = %document.document_id,
            attempts,
            is_given_up,
            code = error.code(),
            %error,
            "enriching a document failed"
        );
        let again_after = (!is_given_up).then_some(delay);
        let (code, detail) = (error.code(), error.detail());
        let setback = Setback { code, detail, again_after, is_counted };
        tx.set_back_enrichment(document, setback).await?;
        Ok(is_given_up)
    }
}

/// What there is to do for a collection.
enum Taken {
    /// A document.
    Document(Box<ClaimedDocument>),
    /// Documents have just got their turn.
    More,
    /// Nothing now.
    Nothing(EnrichOutcome),
}

fn marker() -> String {
    rand::rng().sample_iter(Alphanumeric).take(MARKER_CHARS).map(char::from).collect()
}
