//! What is asked of a model for one document, call by call. What it writes is kept in the transaction that settles the call.

use std::time::Duration;

use uuid::Uuid;

use super::ask::{self, Reply};
use super::document::Document;
use super::error::WorkError;
use super::plain_text;
use super::prompt;
use super::reserve::settle;
use super::store::jobs::{ClaimedDocument, Overview};
use super::work::{Enrichment, Slice, Writer};
use crate::adapters::models::Prompt;
use crate::chat::Marker;
use crate::db;
use crate::kernel::ids::TenantId;
use crate::knowledge::PassageContexts;

/// How often it is tried to store what was paid for: within the shortest lease.
const PERSIST_TRIES: u32 = 5;
/// Wait after the first try, twice as long after each further one.
const PERSIST_WAIT: Duration = Duration::from_millis(50);

/// What is asked about.
#[derive(Clone, Copy)]
struct About<'a> {
    tenant: TenantId,
    claimed: &'a ClaimedDocument,
    document: &'a Document,
    writer: &'a Writer,
}

impl Enrichment {
    /// Asks for what is missing of a document until the slice is over, and lets it be found by that. Whether something was
    /// achieved is told also when it ends early.
    pub(super) async fn enrich(
        &self,
        tenant: TenantId,
        claimed: &ClaimedDocument,
        writer: &Writer,
        slice: Slice<'_>,
        is_further: &mut bool,
    ) -> Result<(), WorkError> {
        let attempts = u32::try_from(claimed.attempts).unwrap_or(u32::MAX);
        // An attempt that fails is noted; only those of workers that died can be too many.
        if attempts > self.settings.max_attempts {
            return Err(WorkError::WorkerLost { attempts: claimed.attempts - 1 });
        }
        let mut tx = self.db.tenant(tenant).await?;
        let passages = tx.list_stored_passages(claimed.version_id).await?;
        let mut contexts = tx.list_passage_contexts(claimed.document_id).await?;
        drop(tx);
        if passages.is_empty() {
            // There is nothing to write about; or another version has come into search, and gets a turn of its own.
            return self.complete(tenant, claimed).await;
        }
        let (title, counting, most) = (claimed.title.clone(), writer.counting, writer.part_tokens);
        let read = move || Document::new(title, passages, counting, most);
        let document = tokio::task::spawn_blocking(read).await.map_err(WorkError::Crashed)?;
        let about = About { tenant, claimed, document: &document, writer };
        if !claimed.is_summarised {
            if slice.is_stopped() {
                return Err(WorkError::SliceOver);
            }
            self.ask_for_overview(about).await?;
            *is_further = true;
        }
        let known = contexts.len();
        let asked = self.ask_for_contexts(about, slice, &mut contexts).await;
        *is_further |= contexts.len() > known;
        match asked {
            // What is paid for is of use, however long the rest has to wait.
            Err(WorkError::UsedUp(what)) => {
                self.index(tenant, claimed, &document, &contexts, false).await?;
                Err(WorkError::UsedUp(what))
            }
            Err(error @ WorkError::Model(_))
                if self.gives_up(&error, if *is_further { 0 } else { attempts }) =>
            {
                let indexed = self.index(tenant, claimed, &document, &contexts, false).await;
                if let Err(fault) = indexed {
                    tracing::warn!(document.id = %claimed.document_id, %fault, "indexing what was written");
                }
                Err(error)
            }
            Err(error) => Err(error),
            Ok(()) => self.index(tenant, claimed, &document, &contexts, true).await,
        }
    }

    async fn ask_for_overview(&self, about: About<'_>) -> Result<(), WorkError> {
        let About { tenant, claimed, document, writer } = about;
        let lengths = self.settings.lengths;
        let marker = Marker::of(&claimed.marker);
        let prompt = prompt::for_overview(document, &marker, lengths);
        let (call_id, reply) = self.ask(tenant, claimed, writer, prompt).await?;
        let overview = reply.text.as_ref().map_err(Clone::clone).map(|text| {
            let text = text.as_deref().unwrap_or_default();
            let (summary, questions) =
                plain_text::overview(text, marker.as_str(), lengths, reply.is_cut);
            Overview { summary, questions }
        });
        let (written, spent) = (overview.as_ref().ok(), &reply.spent);
        let is_ours = persist(|| async move {
            let mut tx = self.db.tenant(tenant).await?;
            let is_ours = match written {
                Some(overview) => tx.put_overview(claimed, overview).await?,
                None => true,
            };
            settle(&mut tx, claimed.collection_id, call_id, spent).await?;
            tx.commit().await?;
            Ok::<_, db::Error>(is_ours)
        })
        .await?;
        overview?;
        if is_ours { Ok(()) } else { Err(WorkError::LeaseLost) }
    }

    async fn ask_for_contexts(
        &self,
        about: About<'_>,
        slice: Slice<'_>,
        contexts: &mut PassageContexts,
    ) -> Result<(), WorkError> {
        let About { tenant, claimed, document, .. } = about;
        let missing = document.missing(contexts);
        let mut known = document.wanted() - missing.len();
        // However short a slice is, each brings the document further.
        let mut is_begun = !claimed.is_summarised;
        for place in missing {
            // The same passage may stand in the document twice.
            if contexts.contains_key(&document.digests[place]) {
                known += 1;
                continue;
            }
            if slice.is_stopped() || is_begun && slice.is_over() {
                return Err(WorkError::SliceOver);
            }
            is_begun = true;
            let context = self.ask_for_context(about, place, known + 1).await?;
            contexts.insert(document.digests[place].clone(), context);
            known += 1;
        }
        let mut tx = self.db.tenant(tenant).await?;
        if !tx.note_contexts(claimed, document.wanted(), known, false).await? {
            return Err(WorkError::LeaseLost);
        }
        tx.commit().await?;
        Ok(())
    }

    /// Asks for the context of a passage, and keeps it at once: it is paid for, whoever has the document by then.
    async fn ask_for_context(
        &self,
        about: About<'_>,
        place: usize,
        known: usize,
    ) -> Result<String, WorkError> {
        let About { tenant, claimed, document, writer } = about;
        let marker = Marker::of(&claimed.marker);
        let prompt = prompt::for_context(document, place, &marker, self.settings.lengths);
        let (call_id, reply) = self.ask(tenant, claimed, writer, prompt).await?;
        let context = reply.text.as_ref().map_err(Clone::clone).map(|text| {
            let text = text.as_deref().unwrap_or_default();
            let text = plain_text::plain(text, marker.as_str());
            plain_text::line(&text, self.settings.lengths.context_chars).unwrap_or_default()
        });
        let (written, spent) = (context.as_ref().ok(), &reply.spent);
        let is_ours = persist(|| async move {
            let mut tx = self.db.tenant(tenant).await?;
            let mut is_ours = true;
            if let Some(context) = written {
                let digest = &document.digests[place];
                tx.keep_passage_context(claimed.document_id, digest, context).await?;
                is_ours = tx.note_contexts(claimed, document.wanted(), known, true).await?;
            }
            settle(&mut tx, claimed.collection_id, call_id, spent).await?;
            tx.commit().await?;
            Ok::<_, db::Error>(is_ours)
        })
        .await?;
        let context = context?;
        if is_ours { Ok(context) } else { Err(WorkError::LeaseLost) }
    }

    /// Asks a model once; the reservation that the caller has to settle, and the reply.
    async fn ask(
        &self,
        tenant: TenantId,
        claimed: &ClaimedDocument,
        writer: &Writer,
        prompt: Prompt,
    ) -> Result<(Uuid, Reply), WorkError> {
        let call_id =
            self.reserve(tenant, claimed, &writer.providers, prompt::chars(&prompt)).await?;
        let asked = ask::ask(&*writer.model, prompt);
        tokio::pin!(asked);
        loop {
            tokio::select! {
                reply = &mut asked => return Ok((call_id, reply)),
                () = tokio::time::sleep(self.settings.lease / 3) => {
                    // Also without the lease the reply is waited for: it is paid for, and is kept.
                    if let Err(error) = self.keep(tenant, claimed).await {
                        tracing::warn!(document.id = %claimed.document_id, %error, "keeping a document");
                    }
                }
            }
        }
    }

    /// Ends the work on a document as it is.
    async fn complete(&self, tenant: TenantId, claimed: &ClaimedDocument) -> Result<(), WorkError> {
        let mut tx = self.db.tenant(tenant).await?;
        let is_ours = tx.complete_enrichment(claimed).await?;
        tx.commit().await?;
        if is_ours { Ok(()) } else { Err(WorkError::LeaseLost) }
    }

    /// Renews the lease of a document.
    pub(super) async fn keep(
        &self,
        tenant: TenantId,
        claimed: &ClaimedDocument,
    ) -> Result<(), WorkError> {
        let mut tx = self.db.tenant(tenant).await?;
        let is_ours = tx.keep_enrichment(claimed, self.settings.lease).await?;
        tx.commit().await?;
        if is_ours { Ok(()) } else { Err(WorkError::LeaseLost) }
    }
}

/// Stores what was paid for, and tries again where the database fails for a moment. Done twice it must do nothing more.
async fn persist<T, F>(mut store: impl FnMut() -> F) -> db::Result<T>
where
    F: Future<Output = db::Result<T>>,
{
    let mut tries = 1;
    loop {
        match store().await {
            Err(error) if tries < PERSIST_TRIES => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    tries,
                    "storing what a model wrote fails; it is tried again"
                );
                tokio::time::sleep(PERSIST_WAIT * (1 << (tries - 1))).await;
                tries += 1;
            }
            ended => return ended,
        }
    }
}
