//! Holds content that documents are made of one by one: an archive while it is unpacked. It lies where originals lie, and is
//! announced as they are, so that it is removed in the end whatever becomes of whoever holds it.

use std::time::Duration;

use uuid::Uuid;

use super::ingest_version::REMOVE_ORIGINAL;
use super::receive_document::Receiver;
use crate::adapters::objects::{ObjectError, ObjectKey};
use crate::db::{self, TenantTx};
use crate::kernel::ids::TenantId;

/// Why content is not stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreContentError {
    /// The store failed.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Receiver {
    /// Stores content under a new id. It is removed as any original that no version came of, unless [`hold_content`] follows.
    ///
    /// # Errors
    /// See [`StoreContentError`]; what was stored of it is removed later.
    pub async fn store_content(
        &self,
        tenant: TenantId,
        content_id: Uuid,
        bytes: Vec<u8>,
    ) -> Result<(), StoreContentError> {
        let mut tx = self.db.tenant(tenant).await?;
        tx.announce_original(content_id).await?;
        tx.commit().await?;
        Ok(self.objects.put(&ObjectKey::original(tenant, content_id), bytes).await?)
    }

    /// Content that is held. Absent when it was held too long.
    ///
    /// # Errors
    /// The store failed.
    pub async fn held_content(
        &self,
        tenant: TenantId,
        content_id: Uuid,
    ) -> Result<Option<Vec<u8>>, ObjectError> {
        match self.objects.get(&ObjectKey::original(tenant, content_id)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ObjectError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Keeps content that was stored from being removed for so long at most; false when it was taken for left over before.
///
/// # Errors
/// The database failed.
pub async fn hold_content(tx: &mut TenantTx, content_id: Uuid, time: Duration) -> db::Result<bool> {
    tx.hold_original(content_id, time).await
}

/// Has content removed that nobody needs any more; once.
///
/// # Errors
/// The database failed.
pub async fn release_content(tx: &mut TenantTx, content_id: Uuid) -> db::Result<()> {
    if tx.settle_original(content_id).await? {
        tx.enqueue(REMOVE_ORIGINAL, content_id).await?;
    }
    Ok(())
}
