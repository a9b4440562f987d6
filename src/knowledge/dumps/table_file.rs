//! A table on its way to the object store: rows in, a file there, a group of rows and a part of the file in memory.

use std::sync::Arc;

use parquet::errors::ParquetError;
use uuid::Uuid;

use super::attempt::AttemptError;
use super::manifest::FileEntry;
use super::object_writer::{Budget, ObjectWriter};
use super::table::{Encoder, Table};
use crate::adapters::objects::{ObjectKey, Objects};
use crate::kernel::ids::TenantId;

/// When a group of rows ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupLimits {
    /// Most rows.
    pub rows: usize,
    /// Bytes of values after which it ends.
    pub bytes: usize,
}

/// A table that is being written.
pub(super) struct TableFile<T: Table> {
    /// Absent while a thread of its own has it, and when that did not give it back.
    encoder: Option<Encoder<T>>,
    object: ObjectWriter,
    limits: GroupLimits,
}

impl<T: Table> TableFile<T> {
    /// Begins a file of a dump.
    ///
    /// # Errors
    /// The store failed.
    pub async fn begin(
        objects: &Arc<dyn Objects>,
        tenant: TenantId,
        files_id: Uuid,
        budget: &Budget,
        limits: GroupLimits,
    ) -> Result<Self, AttemptError> {
        let key = ObjectKey::dump(tenant, files_id, T::FILE);
        let object = ObjectWriter::begin(Arc::clone(objects), key, budget.clone()).await?;
        Ok(Self { encoder: Some(Encoder::new()?), object, limits })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The file gets too large, or the store failed.
    pub async fn add(&mut self, row: T::Row) -> Result<(), AttemptError> {
        let Some(encoder) = &mut self.encoder else { return Err(broken_off()) };
        encoder.push(row);
        if encoder.rows() < self.limits.rows && encoder.bytes() < self.limits.bytes {
            return Ok(());
        }
        let Some(encoder) = self.encoder.take() else { return Err(broken_off()) };
        let (encoder, bytes) = tokio::task::spawn_blocking(move || encoder.end_group()).await??;
        self.encoder = Some(encoder);
        self.object.write(&bytes).await
    }

    /// Ends the file; what is told of it.
    ///
    /// # Errors
    /// As above.
    pub async fn finish(mut self) -> Result<FileEntry, AttemptError> {
        let Some(encoder) = self.encoder.take() else { return Err(broken_off()) };
        let rows = encoder.total();
        let bytes = tokio::task::spawn_blocking(move || encoder.finish()).await??;
        self.object.write(&bytes).await?;
        let written = self.object.finish().await?;
        Ok(FileEntry::of(T::FILE, &written, Some(rows)))
    }
}

/// Nobody goes on with a file after an error.
fn broken_off() -> AttemptError {
    ParquetError::General("the file was broken off before".to_owned()).into()
}
