//! The job that brings a dump in: document after document, from where the one before it came to.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::attempt::{AttemptError, Lease};
use super::bring_in::Incoming;
use super::checked_object::CheckedObject;
use super::manifest::{FORMAT_VERSION, FileEntry, Space};
use super::table::{ChunkTable, DocumentTable, EmbeddingTable, Table, TableReader};
use super::{Dump, Dumps, JobOutcome};
use crate::adapters::objects::{ObjectError, ObjectKey};
use crate::db;
use crate::kernel::ids::TenantId;
use crate::knowledge::store::dump_leases::Claim;
use crate::knowledge::store::restore_leases::ClaimedRestore;

/// The three tables of a dump.
struct Tables {
    documents: TableReader<DocumentTable>,
    chunks: TableReader<ChunkTable>,
    embeddings: TableReader<EmbeddingTable>,
}

impl Dumps {
    /// Makes one attempt at a restore, from where the one before it came to. At `stop` it ends where it is: another worker goes
    /// on from there.
    ///
    /// # Errors
    /// The database failed in a way that says nothing about the restore: the message should come again.
    pub async fn restore(
        &self,
        tenant: TenantId,
        restore_id: Uuid,
        stop: &CancellationToken,
    ) -> db::Result<JobOutcome> {
        let token = Uuid::new_v4();
        let mut tx = self.receiver.db.tenant(tenant).await?;
        let claim = tx.claim_restore(restore_id, token, self.settings.lease).await?;
        let restore = match claim {
            Claim::Held(restore) => restore,
            Claim::Busy(wait) => return Ok(JobOutcome::Again(wait)),
            Claim::Nothing => return Ok(JobOutcome::Done),
        };
        let dump = tx.find_restored_dump(restore.dump_id).await?;
        tx.commit().await?;
        // An attempt that fails is counted and ended; only those of workers that died can be too many.
        let worked = if self.is_last(restore.attempts - 1) {
            Err(AttemptError::WorkerLost { attempts: restore.attempts - 1 })
        } else {
            let work = Box::pin(self.bring_in_all(tenant, &restore, dump));
            self.while_leased(tenant, Lease::Restore(&restore), stop, work).await
        };
        match worked {
            Ok(()) => Ok(JobOutcome::Done),
            Err(error) => self.end_restore(tenant, &restore, &error).await,
        }
    }

    /// Gives up a restore whose message is set aside; false when another worker has it in hand.
    ///
    /// # Errors
    /// The database failed.
    pub async fn abandon_restore(&self, tenant: TenantId, restore_id: Uuid) -> db::Result<bool> {
        let error = AttemptError::WorkerLost { attempts: 0 };
        let detail =
            "the work was begun again and again and never came to an end; tell the operator";
        let mut tx = self.receiver.db.tenant(tenant).await?;
        let is_over = tx.abandon_restore(restore_id, error.code(), detail).await?;
        tx.commit().await?;
        Ok(is_over)
    }

    async fn bring_in_all(
        &self,
        tenant: TenantId,
        restore: &ClaimedRestore,
        dump: Option<Dump>,
    ) -> Result<(), AttemptError> {
        let dump = dump.filter(|dump| dump.state == "ready").ok_or(AttemptError::DumpGone)?;
        if dump.format_version != FORMAT_VERSION {
            return Err(AttemptError::UnknownFormat { version: dump.format_version });
        }
        let model = dump.embedding_model.as_deref().unwrap_or_default();
        let dimensions = dump.embedding_dimensions.unwrap_or_default();
        if let Some(refusal) = self.refusal_of(model, dimensions) {
            return Err(AttemptError::OtherModel(refusal));
        }
        let dimensions = self.embedders.find(model)?.dimensions();
        let space = Space { model: model.to_owned(), dimensions };
        let mut tables = self.open_tables(tenant, &dump).await.map_err(gone)?;
        let done = restore.done_count;
        tables.pass_over(done).await.map_err(gone)?;
        let mut number = done;
        while let Some(row) = tables.documents.next().await.map_err(gone)? {
            let chunks = tables.chunks.take(row.document.chunk_count).await.map_err(gone)?;
            let embeddings = tables.embeddings.take(row.embedding_count).await.map_err(gone)?;
            let incoming = Incoming { row, chunks, embeddings };
            Box::pin(self.bring_in(tenant, restore, number, &space, incoming)).await?;
            number += 1;
        }
        let mut tx = self.receiver.db.tenant(tenant).await?;
        if !tx.finish_restore(restore).await? {
            return Err(AttemptError::LeaseLost);
        }
        tx.commit().await?;
        tracing::info!(restore.id = %restore.restore_id, documents = number, "dump restored");
        Ok(())
    }

    /// Opens the files of a dump, each of which is read once and found as it was written.
    async fn open_tables(&self, tenant: TenantId, dump: &Dump) -> Result<Tables, AttemptError> {
        let files = FileEntry::from_row(&dump.files)?;
        let files_id = dump.files_id.ok_or(AttemptError::DumpGone)?;
        Ok(Tables {
            documents: self.open_table(tenant, files_id, &files).await?,
            chunks: self.open_table(tenant, files_id, &files).await?,
            embeddings: self.open_table(tenant, files_id, &files).await?,
        })
    }

    async fn open_table<T: Table>(
        &self,
        tenant: TenantId,
        files_id: Uuid,
        files: &[FileEntry],
    ) -> Result<TableReader<T>, AttemptError> {
        let written = files.iter().find(|entry| entry.name == T::FILE);
        let written = written.ok_or(AttemptError::Damaged { file: T::FILE })?;
        let key = ObjectKey::dump(tenant, files_id, T::FILE);
        let objects = Arc::clone(self.objects());
        TableReader::open(CheckedObject::open(objects, key, T::FILE, written).await?).await
    }

    async fn end_restore(
        &self,
        tenant: TenantId,
        restore: &ClaimedRestore,
        error: &AttemptError,
    ) -> db::Result<JobOutcome> {
        let mut tx = self.receiver.db.tenant(tenant).await?;
        // Those since it last got on, which this one may have done.
        let attempts = tx.count_restore_attempts(restore.restore_id).await?;
        let is_stopped = matches!(error, AttemptError::Stopped);
        let gives_up = error.is_final() || (!is_stopped && self.is_last(attempts));
        tracing::warn!(
            restore.id = %restore.restore_id,
            attempt = attempts,
            gives_up,
            code = error.code(),
            %error,
            "an attempt at a restore ended"
        );
        let detail = error.to_string();
        let reason = gives_up.then_some((error.code(), detail.as_str()));
        tx.end_restore_attempt(restore, reason, !is_stopped).await?;
        tx.commit().await?;
        Ok(match error {
            _ if gives_up => JobOutcome::Done,
            AttemptError::LeaseLost => JobOutcome::Done,
            AttemptError::Stopped => JobOutcome::Again(Duration::ZERO),
            _ => JobOutcome::Again(Self::delay_after(attempts)),
        })
    }
}

impl Tables {
    /// Passes over the documents that were dealt with before.
    async fn pass_over(&mut self, count: i32) -> Result<(), AttemptError> {
        let (mut chunks, mut embeddings) = (0, 0);
        for _ in 0..count {
            let next = self.documents.next().await?;
            let row = next.ok_or(AttemptError::Damaged { file: DocumentTable::FILE })?;
            chunks += usize::try_from(row.document.chunk_count).unwrap_or_default();
            embeddings += usize::try_from(row.embedding_count).unwrap_or_default();
        }
        self.chunks.skip(chunks).await?;
        self.embeddings.skip(embeddings).await
    }
}

/// A file that is not there any more is one of a dump that is gone.
fn gone(error: AttemptError) -> AttemptError {
    match error {
        AttemptError::Objects(ObjectError::Missing(_)) => AttemptError::DumpGone,
        other => other,
    }
}
