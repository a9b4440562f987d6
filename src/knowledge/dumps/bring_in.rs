//! Brings one document of a dump in, as a document that was uploaded and read: in one transaction, which counts it too.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use pgvector::HalfVector;
use uuid::Uuid;

use super::Dumps;
use super::attempt::AttemptError;
use super::manifest::Space;
use super::table::{ChunkTable, DocumentRow, EmbeddingTable, Table};
use crate::adapters::objects::{ObjectError, ObjectKey};
use crate::db::{self, OnConstraint, TenantTx};
use crate::kernel::ids::{TenantId, new_id};
use crate::knowledge::announce_version::announce_version;
use crate::knowledge::chunk::Chunk;
use crate::knowledge::embedded_text::{embedded_digest, embedded_text};
use crate::knowledge::enrichment::wake_enrichment;
use crate::knowledge::ingest_version::REMOVE_ORIGINAL;
use crate::knowledge::store::documents::DocumentChange;
use crate::knowledge::store::dump_contents::{DumpedChunk, DumpedEmbedding};
use crate::knowledge::store::enrichment::CompletedEnrichment;
use crate::knowledge::store::index::{IndexedChunk, IndexedVersion, Published};
use crate::knowledge::store::ingestion::{Claim, StageTimes};
use crate::knowledge::store::restore_leases::ClaimedRestore;
use crate::knowledge::store::versions::NewVersion;
use crate::knowledge::store::windows::VectorsByModel;

/// How long the copy of an original is not taken for left over, however slowly the store copies.
const COPYING: Duration = Duration::from_secs(12 * 60 * 60);

/// A document as the files of a dump have it.
pub(super) struct Incoming {
    /// The document with its text.
    pub row: DocumentRow,
    /// Its passages.
    pub chunks: Vec<DumpedChunk>,
    /// Their vectors.
    pub embeddings: Vec<DumpedEmbedding>,
}

/// A document that can be stored.
struct Prepared {
    version_id: Uuid,
    row: DocumentRow,
    /// The database's own model.
    own_model: String,
    vectors: VectorsByModel,
    chunks: Vec<IndexedChunk>,
}

impl Dumps {
    /// Brings in the document of a number, counted from 0, with vectors of a model.
    pub(super) async fn bring_in(
        &self,
        tenant: TenantId,
        restore: &ClaimedRestore,
        number: i32,
        space: &Space,
        incoming: Incoming,
    ) -> Result<(), AttemptError> {
        incoming.check(space)?;
        let Incoming { row, chunks, embeddings } = incoming;
        let indexed = indexed(chunks, embeddings);
        let (chunks, vectors) =
            indexed.ok_or(AttemptError::Damaged { file: EmbeddingTable::FILE })?;
        let vectors = VectorsByModel::from([(space.model.clone(), vectors)]);
        let (version_id, own_model) = (new_id(), self.embedders.own_model().to_owned());
        self.copy_original(tenant, &row, version_id).await?;
        let prepared = Prepared { version_id, row, own_model, vectors, chunks };
        let lease = self.settings.lease;
        let mut tx = self.receiver.db.tenant(tenant).await?;
        let is_new = store(&mut tx, restore, prepared, lease).await?;
        if !is_new {
            // Somebody has put a document of the name there meanwhile, which is left as it is.
            tx.rollback().await?;
            tx = self.receiver.db.tenant(tenant).await?;
            if tx.settle_original(version_id).await? {
                tx.enqueue(REMOVE_ORIGINAL, version_id).await?;
            }
        }
        // Last, as whoever deletes the collection comes to the restore last.
        if !tx.advance_restore(restore, number, !is_new, lease).await? {
            return Err(AttemptError::LeaseLost);
        }
        Ok(tx.commit().await?)
    }

    /// Copies the original of a document, so that it can be read once more. One that is not there any more is done without.
    async fn copy_original(
        &self,
        tenant: TenantId,
        row: &DocumentRow,
        version_id: Uuid,
    ) -> Result<(), AttemptError> {
        // From here on somebody knows of the copy, whatever becomes of this process.
        let mut tx = self.receiver.db.tenant(tenant).await?;
        tx.announce_original(version_id).await?;
        tx.hold_original(version_id, COPYING).await?;
        tx.commit().await?;
        let original = row.document.original_version_id.unwrap_or(row.document.version_id);
        let from = ObjectKey::original(tenant, original);
        match self.objects().copy(&from, &ObjectKey::original(tenant, version_id)).await {
            Ok(()) | Err(ObjectError::Missing(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Incoming {
    /// Passes where the passages are those of the document, and all vectors are of this model: one of another length would break
    /// every search that meets it.
    fn check(&self, space: &Space) -> Result<(), AttemptError> {
        let document_id = self.row.document.document_id;
        let is_own = |chunk: &DumpedChunk| {
            chunk.document_id == document_id && chunk.embedding_model == space.model
        };
        if !self.chunks.iter().all(is_own) {
            return Err(AttemptError::Damaged { file: ChunkTable::FILE });
        }
        if self.embeddings.iter().any(|vector| vector.embedding.len() != space.dimensions) {
            return Err(AttemptError::Damaged { file: EmbeddingTable::FILE });
        }
        Ok(())
    }
}

/// Stores a document that is ready; false when there is one of the name already, and then nothing may be committed.
async fn store(
    tx: &mut TenantTx,
    restore: &ClaimedRestore,
    prepared: Prepared,
    lease: Duration,
) -> Result<bool, AttemptError> {
    let Prepared { version_id, row, own_model, vectors, chunks } = prepared;
    let DocumentRow { document, text, .. } = row;
    let document_id = new_id();
    let found = tx
        .lock_document_by_name(document_id, restore.collection_id, &document.name)
        .await
        .on_constraint("documents_collection_id_fkey", || AttemptError::LeaseLost)?;
    if found != document_id {
        return Ok(false);
    }
    let change =
        DocumentChange { source_url: document.source_url, metadata: Some(document.metadata) };
    tx.update_document(document_id, &change).await?;
    if !tx.settle_original(version_id).await? {
        return Err(AttemptError::OriginalGivenUp);
    }
    let key = ObjectKey::original(tx.tenant(), version_id);
    tx.insert_version(&NewVersion {
        version_id,
        document_id,
        media_type: document.media_type,
        size_bytes: document.size_bytes,
        content_sha256: document.content_sha256,
        object_key: key.as_str().to_owned(),
        created_by: Some(restore.created_by),
        original_version_id: None,
    })
    .await?;
    let Claim::Held(version) = tx.claim_version(version_id, restore.token, lease).await? else {
        return Err(vanished(version_id).into());
    };
    let indexed = IndexedVersion {
        version: &version,
        token: restore.token,
        title: document.title,
        language: document.language,
        text,
        own_model,
        vectors,
        left_out: BTreeSet::new(),
        chunks,
    };
    match tx.publish_version(&indexed).await? {
        Published::Done => {}
        Published::LeaseLost => return Err(vanished(version_id).into()),
        Published::OtherModels => return Err(AttemptError::Reembedded),
    }
    tx.finish_attempt(&version, StageTimes::default()).await?;
    let title = indexed.title.as_deref().unwrap_or(&document.name);
    let is_enriched = document.enriched_at.is_some();
    let (digests, contexts) = written_contexts(title, &indexed.chunks, is_enriched);
    tx.keep_passage_contexts(document_id, &digests, &contexts).await?;
    if let Some(summarised_at) = document.enriched_at {
        // All of it was asked for: who switches the collection on pays for none of it again.
        tx.insert_completed_enrichment(&CompletedEnrichment {
            document_id,
            version_id,
            collection_id: restore.collection_id,
            marker: Uuid::new_v4().simple().to_string(),
            passages: i32::try_from(indexed.chunks.len()).unwrap_or(i32::MAX),
            summary: document.summary,
            suggested_questions: document.suggested_questions,
            summarised_at,
        })
        .await?;
    }
    announce_version(tx, version_id).await?;
    wake_enrichment(tx, restore.collection_id).await?;
    Ok(true)
}

/// Contexts that a model wrote, each with the digest of its passage without it. One that it was asked for and had nothing to say
/// is empty: in a document that was enriched to its end that is each one that is absent, save that of an only passage, for which
/// no model is asked.
fn written_contexts(
    title: &str,
    chunks: &[IndexedChunk],
    is_enriched: bool,
) -> (Vec<Vec<u8>>, Vec<String>) {
    let asked_for_all = is_enriched && chunks.len() > 1;
    let written = chunks.iter().filter_map(|chunk| {
        let unsaid = asked_for_all.then(String::new);
        let context = chunk.context.clone().or(unsaid)?;
        let Chunk { heading_path, text, .. } = &chunk.chunk;
        let plain = embedded_text(title, heading_path, None, text);
        Some((embedded_digest(&plain).to_vec(), context))
    });
    written.unzip()
}

fn vanished(version_id: Uuid) -> db::Error {
    db::Error::Inconsistent {
        table: "document_versions",
        detail: format!("{version_id} vanished in the transaction that made it"),
    }
}

/// Passages as they are stored, and the vectors of each; `None` when a vector is of none of them.
fn indexed(
    chunks: Vec<DumpedChunk>,
    embeddings: Vec<DumpedEmbedding>,
) -> Option<(Vec<IndexedChunk>, Vec<Vec<HalfVector>>)> {
    let mut windows: HashMap<Uuid, Vec<HalfVector>> = HashMap::new();
    for vector in embeddings {
        let embedding = HalfVector::from_f32_slice(&vector.embedding);
        windows.entry(vector.chunk_id).or_default().push(embedding);
    }
    let vectors = chunks.iter().map(|chunk| windows.remove(&chunk.chunk_id).unwrap_or_default());
    let vectors: Vec<Vec<HalfVector>> = vectors.collect();
    if !windows.is_empty() {
        return None;
    }
    let chunks: Option<Vec<IndexedChunk>> = chunks.into_iter().map(of_dump).collect();
    Some((chunks?, vectors))
}

fn of_dump(chunk: DumpedChunk) -> Option<IndexedChunk> {
    let number = |value: i32| usize::try_from(value).ok();
    let terms =
        chunk.terms.into_iter().map(|(term, count)| Some((term, u32::try_from(count).ok()?)));
    Some(IndexedChunk {
        chunk_id: new_id(),
        context: chunk.context,
        embedded_sha256: chunk.embedded_sha256.try_into().ok()?,
        terms: terms.collect::<Option<_>>()?,
        chunk: Chunk {
            ordinal: chunk.ordinal,
            heading_path: chunk.heading_path,
            anchor: chunk.anchor,
            page: chunk.page.map(u32::try_from).transpose().ok()?,
            page_starts: chunk.page_starts.into_iter().map(number).collect::<Option<_>>()?,
            start: number(chunk.char_start)?,
            end: number(chunk.char_end)?,
            text: chunk.body,
        },
    })
}
