//! Gives the versions of a collection the vectors that they lack, batch by batch. A batch is one transaction: either its
//! vectors are there and counted, or nothing is.

use pgvector::HalfVector;
use uuid::Uuid;

use super::Reembeddings;
use super::work::{Slice, Step, WorkError};
use crate::db;
use crate::kernel::ids::TenantId;
use crate::knowledge::embedded_text::embedded_text;
use crate::knowledge::embedders::embed_passages;
use crate::knowledge::store::collections::CountChange;
use crate::knowledge::store::reembedded_versions::{LackingChunk, SearchedVersion};
use crate::knowledge::store::reembedding_leases::{ClaimedReembedding, Progress};
use crate::knowledge::store::windows::NewWindows;

/// A version that is being worked on.
struct Begun {
    version: SearchedVersion,
    /// Its passages that have no vector yet.
    lacking: i64,
    /// Place of the last passage that was looked at.
    after: i32,
}

/// How far the slice is with one model.
struct Filling<'a> {
    model: &'a str,
    begun: Option<Begun>,
    /// Document that was looked at last.
    after: Option<Uuid>,
    /// Passages of whole versions, and of the collection.
    progress: Progress,
}

impl Reembeddings {
    /// Embeds what lacks vectors of a model, for a slice.
    pub(super) async fn embed_versions(
        &self,
        tenant: TenantId,
        job: &mut ClaimedReembedding,
        model: &str,
        slice: &Slice<'_>,
    ) -> Result<Step, WorkError> {
        let own = self.embedders.own_model();
        let mut tx = self.db.tenant(tenant).await?;
        let progress = tx.count_embedded_chunks(job.collection_id, own, model).await?;
        drop(tx);
        let mut filling = Filling { model, begun: None, after: None, progress };
        loop {
            match self.embed_batch(tenant, job, &mut filling).await? {
                Step::More if slice.goes_on() => {}
                step => return Ok(step),
            }
        }
    }

    async fn embed_batch(
        &self,
        tenant: TenantId,
        job: &mut ClaimedReembedding,
        filling: &mut Filling<'_>,
    ) -> Result<Step, WorkError> {
        let Some(mut begun) = self.next_version(tenant, job, filling).await? else {
            // Those before the place where the search for versions began anew are looked at once more.
            let is_complete = filling.after.take().is_none();
            return Ok(if is_complete { Step::Complete } else { Step::More });
        };
        let most = i64::try_from(self.settings.batch).unwrap_or(i64::MAX);
        let version_id = begun.version.version_id;
        let mut tx = self.db.tenant(tenant).await?;
        let chunks = tx.list_lacking_chunks(version_id, filling.model, begun.after, most).await?;
        drop(tx);
        let embedding = Box::pin(self.embed_chunks(tenant, filling.model, &begun.version, &chunks));
        let Some(vectors) = self.while_ours(tenant, job, embedding).await? else {
            return Ok(Step::Over);
        };
        begun.lacking -= i64::try_from(chunks.len()).unwrap_or_default();
        let batch = Batch { is_last: chunks.len() < self.settings.batch, chunks, vectors };
        let stored = self.store_batch(tenant, job, filling, &begun, &batch).await?;
        if matches!(stored, Stored::Yes) {
            // As in its row: an attempt that fails now is the first one since.
            job.failures = 0;
        }
        match stored {
            Stored::Yes if batch.is_last => {
                filling.progress.done += i64::from(begun.version.chunk_count);
                filling.after = Some(begun.version.document_id);
            }
            Stored::Yes => {
                begun.after = batch.chunks.last().map_or(begun.after, |chunk| chunk.ordinal);
                filling.begun = Some(begun);
            }
            // It still lacks vectors, and comes next.
            Stored::Changed => {}
            Stored::VersionGone => filling.after = Some(begun.version.document_id),
            Stored::NotOurs => return Ok(Step::Over),
        }
        Ok(Step::More)
    }

    /// The version that was begun, else the next one that lacks vectors.
    async fn next_version(
        &self,
        tenant: TenantId,
        job: &ClaimedReembedding,
        filling: &mut Filling<'_>,
    ) -> db::Result<Option<Begun>> {
        if let Some(begun) = filling.begun.take() {
            return Ok(Some(begun));
        }
        let (own, model) = (self.embedders.own_model(), filling.model);
        let mut tx = self.db.tenant(tenant).await?;
        let found = tx.find_lacking_version(job.collection_id, own, model, filling.after).await?;
        let Some(version) = found else { return Ok(None) };
        let lacking = tx.count_lacking_chunks(version.version_id, model).await?;
        Ok(Some(Begun { version, lacking, after: -1 }))
    }

    /// Vectors of passages: reused where the same text was embedded before, else made.
    async fn embed_chunks(
        &self,
        tenant: TenantId,
        model: &str,
        version: &SearchedVersion,
        chunks: &[LackingChunk],
    ) -> Result<Vec<Vec<HalfVector>>, WorkError> {
        let embedder = self.embedders.find(model)?;
        let digests: Vec<Vec<u8>> =
            chunks.iter().map(|chunk| chunk.embedded_sha256.clone()).collect();
        let mut tx = self.db.tenant(tenant).await?;
        let mut known = tx.find_embeddings(self.embedders.own_model(), model, &digests).await?;
        drop(tx);
        let missing: Vec<&LackingChunk> =
            chunks.iter().filter(|chunk| !known.contains_key(&chunk.embedded_sha256)).collect();
        let text = |chunk: &&LackingChunk| {
            let context = chunk.context.as_deref();
            embedded_text(&version.title, &chunk.heading_path, context, &chunk.body)
        };
        let texts: Vec<String> = missing.iter().map(text).collect();
        let made = embed_passages(&**embedder, &texts).await?;
        for (chunk, windows) in missing.iter().zip(made) {
            known.insert(chunk.embedded_sha256.clone(), windows);
        }
        let found = digests.iter().map(|digest| known.get(digest).cloned());
        Ok(found.map(Option::unwrap_or_default).collect())
    }

    /// Stores a batch, unless its version or the lease is gone.
    async fn store_batch(
        &self,
        tenant: TenantId,
        job: &ClaimedReembedding,
        filling: &Filling<'_>,
        begun: &Begun,
        batch: &Batch,
    ) -> db::Result<Stored> {
        let (own, model) = (self.embedders.own_model(), filling.model);
        let version = &begun.version;
        let mut tx = self.db.tenant(tenant).await?;
        // Document, version, collection, re-embedding: in the order of everybody who locks them.
        if !tx.hold_active_version(version.document_id, version.version_id).await? {
            return Ok(Stored::VersionGone);
        }
        // Passages that got another context meanwhile have the vectors that they need, and these are of what they were before.
        if tx.count_unchanged_chunks(&batch.chunks).await? < batch.chunks.len() {
            return Ok(Stored::Changed);
        }
        let chunk_ids: Vec<Uuid> = batch.chunks.iter().map(|chunk| chunk.chunk_id).collect();
        let windows = NewWindows {
            collection_id: job.collection_id,
            model,
            is_own: model == own,
            chunk_ids: &chunk_ids,
            vectors: &batch.vectors,
        };
        let count = tx.insert_windows(windows).await?;
        // So may have those before it: then without vectors of a model that the collection had come not to need.
        if batch.is_last && tx.count_lacking_chunks(version.version_id, model).await? > 0 {
            return Ok(Stored::Changed);
        }
        let own_count = if model == own { count } else { 0 };
        tx.note_embedded(version.version_id, (own, model), batch.is_last, own_count).await?;
        if job.state == "completed" {
            // Nothing of it is live any more: the collection may have gone on to yet another model, and then nobody would
            // remove what is stored now.
            if !self.needs(&mut tx, job.collection_id, model).await? {
                return Ok(Stored::NotOurs);
            }
        }
        if own_count > 0 {
            let change = CountChange { windows: own_count, ..CountChange::default() };
            tx.change_collection_counts(job.collection_id, change).await?;
        }
        let within = i64::from(version.chunk_count) - begun.lacking;
        let total = filling.progress.total;
        // Documents may have come in since all were counted.
        let progress = Progress { done: (filling.progress.done + within).min(total), total };
        let progress = (model == job.to_model).then_some(progress);
        if !tx.keep_reembedding(job, progress, self.settings.lease).await? {
            return Ok(Stored::NotOurs);
        }
        tx.commit().await?;
        Ok(Stored::Yes)
    }

    /// Renews the lease while a model is at work; `None` when it is no longer ours.
    pub(super) async fn while_ours<T, E: From<db::Error>>(
        &self,
        tenant: TenantId,
        job: &ClaimedReembedding,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<Option<T>, E> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done.map(Some),
                () = tokio::time::sleep(self.settings.lease / 3) => {
                    if !self.keep(tenant, job).await? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Renews the lease; false when it is no longer ours.
    pub(super) async fn keep(
        &self,
        tenant: TenantId,
        job: &ClaimedReembedding,
    ) -> db::Result<bool> {
        let mut tx = self.db.tenant(tenant).await?;
        let is_ours = tx.keep_reembedding(job, None, self.settings.lease).await?;
        tx.commit().await?;
        Ok(is_ours)
    }
}

/// Passages with their vectors.
struct Batch {
    chunks: Vec<LackingChunk>,
    vectors: Vec<Vec<HalfVector>>,
    /// Whether the version lacks none after it.
    is_last: bool,
}

/// What became of a batch.
enum Stored {
    /// It is there.
    Yes,
    /// Its passages, or those before it, got another context: nothing is stored.
    Changed,
    /// Another version has taken the place of the one that it is of.
    VersionGone,
    /// Another worker has the re-embedding, or somebody ended it.
    NotOurs,
}
