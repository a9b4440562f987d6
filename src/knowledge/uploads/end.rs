//! Ends uploads of which no document comes: those that somebody deletes, and those whose time is over.
//!
//! The parts go first and the row last, so that what a process leaves that dies in between is found again.

use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Upload, UploadError, Uploads, find_reached};
use crate::adapters::objects::ObjectKey;
use crate::db;
use crate::identity::Actor;
use crate::kernel::ids::TenantId;
use crate::tenancy::each_tenant;

/// Uploads of a tenant that are looked up at once.
const ROWS: i64 = 100;

impl Uploads {
    /// Ends an upload and removes its parts. An object that was announced already is removed as every original of which no
    /// version came.
    ///
    /// # Errors
    /// See [`UploadError`].
    pub async fn delete(&self, actor: &Actor, upload_id: Uuid) -> Result<(), UploadError> {
        let mut tx = self.receiver.db.tenant(actor.tenant).await?;
        let upload = find_reached(&mut tx, &actor.into(), upload_id).await?;
        drop(tx);
        if upload.state == "completed" {
            return Err(UploadError::Completed);
        }
        self.abort(actor.tenant, &upload).await?;
        let mut tx = self.receiver.db.tenant(actor.tenant).await?;
        let upload = tx.lock_upload(upload_id).await?.ok_or(UploadError::Unknown)?;
        if upload.state == "completed" {
            return Err(UploadError::Completed);
        }
        tx.delete_upload(upload_id).await?;
        let entry = actor.audit("upload.deleted").on("upload", upload_id);
        let told = json!({ "name": upload.name, "size_bytes": upload.size_bytes });
        tx.append_audit(entry.before(told)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes the uploads whose time is over, tenant by tenant, until `stop`; how many there were. What can not be removed now
    /// stays, and holds up nobody else.
    ///
    /// # Errors
    /// The tenants can not be listed.
    pub async fn sweep(&self, stop: &CancellationToken) -> db::Result<u64> {
        let mut count = 0;
        for tenant in each_tenant(&self.receiver.db).await? {
            match self.sweep_tenant(tenant, stop).await {
                Ok(swept) => count += swept,
                Err(error) => told_later(&error),
            }
        }
        Ok(count)
    }

    async fn sweep_tenant(&self, tenant: TenantId, stop: &CancellationToken) -> db::Result<u64> {
        let (mut count, mut after) = (0, None);
        loop {
            let mut tx = self.receiver.db.tenant(tenant).await?;
            let expired = tx.list_expired_uploads(after, ROWS).await?;
            drop(tx);
            after = expired.last().copied();
            for upload_id in &expired {
                if stop.is_cancelled() {
                    return Ok(count);
                }
                count += u64::from(self.sweep_one(tenant, *upload_id).await?);
            }
            if i64::try_from(expired.len()).is_ok_and(|found| found < ROWS) {
                return Ok(count);
            }
        }
    }

    async fn sweep_one(&self, tenant: TenantId, upload_id: Uuid) -> db::Result<bool> {
        let found = self.receiver.db.tenant(tenant).await?.find_upload(upload_id).await?;
        let Some(upload) = found else { return Ok(false) };
        if let Err(error) = self.abort(tenant, &upload).await {
            told_later(&error);
            return Ok(false);
        }
        let mut tx = self.receiver.db.tenant(tenant).await?;
        let is_gone = tx.delete_upload(upload_id).await?;
        tx.commit().await?;
        Ok(is_gone)
    }

    /// Takes back an upload that nobody was told of: one whose commit was carried out all the same stays. When it can not be
    /// done now, the sweeper does it.
    pub(super) async fn forget(&self, tenant: TenantId, upload: &Upload) {
        let forgotten = async {
            let mut tx = self.receiver.db.tenant(tenant).await?;
            if tx.expire_opening_upload(upload.upload_id).await? {
                tx.commit().await?;
                self.sweep_one(tenant, upload.upload_id).await?;
            }
            Ok::<_, db::Error>(())
        };
        if let Err(error) = forgotten.await {
            // It has expired.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an upload that did not begin is removed later"
            );
        }
    }

    /// Removes the parts at the store, where there may be any.
    pub(super) async fn abort(&self, tenant: TenantId, upload: &Upload) -> Result<(), UploadError> {
        if upload.state == "completed" {
            return Ok(());
        }
        let key = ObjectKey::original(tenant, upload.version_id);
        Ok(self.objects().abort_upload(&key, upload.store_id.as_deref()).await?)
    }
}

/// What the sweeper does again.
pub(super) fn told_later(error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(error, "parts of an upload are removed later");
}
