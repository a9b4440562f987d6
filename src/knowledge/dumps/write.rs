//! The job that writes a dump.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::attempt::{AttemptError, Lease};
use super::manifest::{FORMAT_VERSION, FileEntry, MANIFEST, Space, manifest};
use super::object_writer::{Budget, ObjectWriter};
use super::read_contents::Contents;
use super::table::{ChunkTable, DocumentRow, DocumentTable, EmbeddingTable};
use super::table_file::{GroupLimits, TableFile};
use super::{Dumps, JobOutcome};
use crate::adapters::objects::ObjectKey;
use crate::db;
use crate::kernel::clock;
use crate::kernel::ids::TenantId;
use crate::knowledge::store::dump_leases::{Claim, ClaimedDump, DumpCounts, DumpEnd};

/// The three tables on their way.
struct Files {
    documents: TableFile<DocumentTable>,
    chunks: TableFile<ChunkTable>,
    embeddings: TableFile<EmbeddingTable>,
}

impl Dumps {
    /// Makes one attempt at a dump. At `stop` it ends where it is: another worker begins anew.
    ///
    /// # Errors
    /// The database failed in a way that says nothing about the dump: the message should come again.
    pub async fn dump(
        &self,
        tenant: TenantId,
        dump_id: Uuid,
        stop: &CancellationToken,
    ) -> db::Result<JobOutcome> {
        let token = Uuid::new_v4();
        let mut tx = self.receiver.db.tenant(tenant).await?;
        let claim = tx.claim_dump(dump_id, token, self.settings.lease).await?;
        tx.commit().await?;
        let dump = match claim {
            Claim::Held(dump) => dump,
            Claim::Busy(wait) => return Ok(JobOutcome::Again(wait)),
            Claim::Nothing => return Ok(JobOutcome::Done),
        };
        // An attempt that fails is counted and ended; only those of workers that died can be too many.
        let worked = if self.is_last(dump.attempts - 1) {
            Err(AttemptError::WorkerLost { attempts: dump.attempts - 1 })
        } else {
            let work = Box::pin(self.write(tenant, &dump));
            self.while_leased(tenant, Lease::Dump(&dump), stop, work).await
        };
        match worked {
            Ok(()) => Ok(JobOutcome::Done),
            Err(error) => self.end_dump(tenant, &dump, &error).await,
        }
    }

    /// Gives up a dump whose message is set aside; false when another worker has it in hand.
    ///
    /// # Errors
    /// The database failed.
    pub async fn abandon_dump(&self, tenant: TenantId, dump_id: Uuid) -> db::Result<bool> {
        let error = AttemptError::WorkerLost { attempts: 0 };
        let detail =
            "the work was begun again and again and never came to an end; tell the operator";
        let mut tx = self.receiver.db.tenant(tenant).await?;
        let is_over =
            tx.abandon_dump(dump_id, error.code(), detail, self.settings.lifetime).await?;
        tx.commit().await?;
        Ok(is_over)
    }

    async fn write(&self, tenant: TenantId, dump: &ClaimedDump) -> Result<(), AttemptError> {
        let budget = Budget::new(self.settings.max_bytes);
        let mut files = self.begin_files(tenant, dump, &budget).await?;
        let space = self.read_space(tenant, dump.collection_id).await?;
        let (mut counts, mut after) = (DumpCounts::default(), None);
        loop {
            let batch = self.read_contents(tenant, dump, &space.model, after).await?;
            let Some(last) = batch.last() else { break };
            after = Some(last.document.document_id);
            for contents in batch {
                check_vectors(&space, &contents)?;
                add(&mut files, &mut counts, contents).await?;
            }
            match self.tell_counts(tenant, dump, counts).await {
                Ok(true) => {}
                Ok(false) => return Err(AttemptError::LeaseLost),
                // Who waits for the dump sees less of it for now; the lease is renewed beside.
                Err(error) => {
                    let error = &error as &dyn Error;
                    tracing::warn!(error, dump.id = %dump.dump_id, "counts are told later");
                }
            }
        }
        let mut entries = vec![
            files.documents.finish().await?,
            files.chunks.finish().await?,
            files.embeddings.finish().await?,
        ];
        let text = manifest(dump, clock::now(), counts, &space, &entries);
        let key = ObjectKey::dump(tenant, dump.token, MANIFEST);
        let mut object =
            ObjectWriter::begin(Arc::clone(self.objects()), key, budget.clone()).await?;
        object.write(text.as_bytes()).await?;
        entries.push(FileEntry::of(MANIFEST, &object.finish().await?, None));
        self.finish_dump(tenant, dump, counts, &budget, space, &entries).await
    }

    /// Tells what is in the dump until now; false when it is no longer ours.
    async fn tell_counts(
        &self,
        tenant: TenantId,
        dump: &ClaimedDump,
        counts: DumpCounts,
    ) -> db::Result<bool> {
        let mut tx = self.receiver.db.tenant(tenant).await?;
        let is_ours = tx.keep_dump(dump, self.settings.lease, Some(counts)).await?;
        tx.commit().await?;
        Ok(is_ours)
    }

    async fn begin_files(
        &self,
        tenant: TenantId,
        dump: &ClaimedDump,
        budget: &Budget,
    ) -> Result<Files, AttemptError> {
        let limits =
            GroupLimits { rows: self.settings.group_rows, bytes: self.settings.group_bytes };
        let (objects, token) = (self.objects(), dump.token);
        Ok(Files {
            documents: TableFile::begin(objects, tenant, token, budget, limits).await?,
            chunks: TableFile::begin(objects, tenant, token, budget, limits).await?,
            embeddings: TableFile::begin(objects, tenant, token, budget, limits).await?,
        })
    }

    async fn finish_dump(
        &self,
        tenant: TenantId,
        dump: &ClaimedDump,
        counts: DumpCounts,
        budget: &Budget,
        space: Space,
        entries: &[FileEntry],
    ) -> Result<(), AttemptError> {
        let end = DumpEnd {
            counts,
            size_bytes: i64::try_from(budget.used()).unwrap_or(i64::MAX),
            embedding_model: space.model,
            embedding_dimensions: i32::try_from(space.dimensions).unwrap_or(i32::MAX),
            format_version: FORMAT_VERSION,
            files: serde_json::json!(entries),
        };
        let mut tx = self.receiver.db.tenant(tenant).await?;
        if !tx.finish_dump(dump, &end, self.settings.lifetime).await? {
            return Err(AttemptError::LeaseLost);
        }
        tx.commit().await?;
        tracing::info!(
            dump.id = %dump.dump_id,
            documents = counts.documents,
            bytes = budget.used(),
            "dump ready"
        );
        Ok(())
    }

    async fn end_dump(
        &self,
        tenant: TenantId,
        dump: &ClaimedDump,
        error: &AttemptError,
    ) -> db::Result<JobOutcome> {
        let is_stopped = matches!(error, AttemptError::Stopped);
        let gives_up = error.is_final() || (!is_stopped && self.is_last(dump.attempts));
        tracing::warn!(
            dump.id = %dump.dump_id,
            attempt = dump.attempts,
            gives_up,
            code = error.code(),
            %error,
            "an attempt at a dump ended"
        );
        let detail = error.to_string();
        let reason = gives_up.then_some((error.code(), detail.as_str()));
        let mut tx = self.receiver.db.tenant(tenant).await?;
        // Of one that is no longer ours only what we wrote is given up.
        tx.end_dump_attempt(dump, reason, !is_stopped, self.settings.lifetime).await?;
        tx.commit().await?;
        Ok(match error {
            _ if gives_up => JobOutcome::Done,
            AttemptError::LeaseLost => JobOutcome::Done,
            AttemptError::Stopped => JobOutcome::Again(Duration::ZERO),
            _ => JobOutcome::Again(Self::delay_after(dump.attempts)),
        })
    }
}

/// Adds a document to the tables.
async fn add(
    files: &mut Files,
    counts: &mut DumpCounts,
    contents: Contents,
) -> Result<(), AttemptError> {
    let Contents { mut document, text, chunks, embeddings } = contents;
    document.chunk_count = i32::try_from(chunks.len()).unwrap_or(i32::MAX);
    let embedding_count = i32::try_from(embeddings.len()).unwrap_or(i32::MAX);
    counts.documents += 1;
    counts.chunks += i64::from(document.chunk_count);
    counts.embeddings += i64::from(embedding_count);
    files.documents.add(DocumentRow { document, embedding_count, text }).await?;
    for chunk in chunks {
        files.chunks.add(chunk).await?;
    }
    for embedding in embeddings {
        files.embeddings.add(embedding).await?;
    }
    Ok(())
}

/// Passes where all vectors have the length of the model's.
fn check_vectors(space: &Space, contents: &Contents) -> Result<(), AttemptError> {
    let mut lengths = contents.embeddings.iter().map(|vector| vector.embedding.len());
    let other = lengths.find(|length| *length != space.dimensions);
    other.map_or(Ok(()), |length| {
        let told = |dimensions: usize| format!("{} with {dimensions} dimensions", space.model);
        Err(AttemptError::MixedModels { one: told(space.dimensions), other: told(length) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::store::dump_contents::{DumpedDocument, DumpedEmbedding};

    fn contents(lengths: &[usize]) -> Contents {
        let vector = |length: &usize| DumpedEmbedding {
            chunk_id: Uuid::nil(),
            number: 0,
            embedding: vec![0.5; *length],
        };
        Contents {
            document: DumpedDocument {
                document_id: Uuid::nil(),
                version_id: Uuid::nil(),
                version_number: 1,
                original_version_id: None,
                name: "a".to_owned(),
                title: None,
                source_url: None,
                metadata: serde_json::json!({}),
                media_type: "text/plain".to_owned(),
                size_bytes: 1,
                content_sha256: vec![0; 32],
                language: None,
                char_count: 1,
                chunk_count: 0,
                created_at: chrono::DateTime::UNIX_EPOCH,
                enriched_at: None,
                summary: None,
                suggested_questions: Vec::new(),
            },
            text: "a".to_owned(),
            chunks: Vec::new(),
            embeddings: lengths.iter().map(vector).collect(),
        }
    }

    #[test]
    fn vectors_are_of_the_length_of_their_model() {
        let space = Space { model: "a".to_owned(), dimensions: 3 };
        let cases: [(&[usize], bool); 5] =
            [(&[], true), (&[3], true), (&[3, 3], true), (&[3, 4], false), (&[2], false)];
        for (lengths, is_fine) in cases {
            let checked = check_vectors(&space, &contents(lengths));
            let is_refused = matches!(checked, Err(AttemptError::MixedModels { .. }));
            assert_eq!((checked.is_ok(), is_refused), (is_fine, !is_fine), "{lengths:?}");
        }
    }
}
