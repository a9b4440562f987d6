//! Removes attachments: one that somebody deletes, those of a session that is deleted, and those whose session went another way,
//! which a sweep finds. Each file in a transaction of its own, since one may hold as much as a book; the removal of its original is
//! asked for in the same transaction, as for every document.

use std::error::Error;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::author::Author;
use super::ingest_version::REMOVE_ORIGINAL;
use super::receive_document::Receiver;
use super::remove_document::remove_documents;
use crate::db::{self, Db, TenantTx};
use crate::kernel::ids::{TenantId, attachments_of};
use crate::tenancy::each_tenant;

/// Collections that a sweep asks for at once.
const SWEPT: i64 = 100;
/// Attachments that are asked for at once: as many as a session may ever have.
const FILES: i64 = 1_000;

/// Removes what is attached to a session that is about to be deleted, whose row is locked: nobody can add one meanwhile. What was
/// there before was removed by [`Receiver::remove_attachments`], so that little is left.
///
/// # Errors
/// The database failed.
pub async fn remove_last_attachments(tx: &mut TenantTx, session_id: Uuid) -> db::Result<()> {
    remove_all(tx, attachments_of(session_id)).await
}

async fn remove_all(tx: &mut TenantTx, collection_id: Uuid) -> db::Result<()> {
    tx.lock_collection(collection_id).await?;
    let versions = tx.list_version_ids(None, Some(collection_id)).await?;
    tx.enqueue_all(REMOVE_ORIGINAL, &versions).await?;
    tx.delete_collection(collection_id).await?;
    Ok(())
}

impl Receiver {
    /// Removes an attachment of a session; false when there is none.
    ///
    /// # Errors
    /// The database failed; nothing was removed.
    pub async fn remove_attachment(
        &self,
        author: &Author,
        session_id: Uuid,
        attachment_id: Uuid,
    ) -> db::Result<bool> {
        let mut removed = self.try_remove(author, session_id, attachment_id).await;
        for _ in 0..db::RETRIES {
            if !matches!(&removed, Err(error) if error.met_another()) {
                break;
            }
            removed = self.try_remove(author, session_id, attachment_id).await;
        }
        removed
    }

    async fn try_remove(
        &self,
        author: &Author,
        session_id: Uuid,
        attachment_id: Uuid,
    ) -> db::Result<bool> {
        let mut tx = self.db.tenant(author.tenant).await?;
        let collection_id = attachments_of(session_id);
        // Of a document of another place nothing is touched.
        if remove_documents(&mut tx, collection_id, &[attachment_id]).await? == 0 {
            return Ok(false);
        }
        let entry = author.audit("attachment.deleted").on("attachment", attachment_id);
        tx.append_audit(entry.before(json!({ "session_id": session_id }))).await?;
        tx.commit().await?;
        self.wake_worker();
        Ok(true)
    }

    /// Removes the attachments of a session that is about to be deleted, each by itself.
    ///
    /// # Errors
    /// The database failed; those that were removed until then are gone.
    pub async fn remove_attachments(&self, author: &Author, session_id: Uuid) -> db::Result<()> {
        let mut tx = self.db.tenant(author.tenant).await?;
        let ids = tx.list_attachment_ids(attachments_of(session_id), FILES).await?;
        drop(tx);
        for id in ids {
            self.remove_attachment(author, session_id, id).await?;
        }
        Ok(())
    }
}

/// Removes the attachments of sessions that are gone, tenant by tenant, until `stop`; how many sessions had any. What can not be
/// removed is told in the log, and found again by the next sweep.
///
/// # Errors
/// The database could not tell which tenants there are.
pub async fn sweep_attachments(db: &Db, stop: &CancellationToken) -> db::Result<u64> {
    let mut count = 0;
    for tenant in each_tenant(db).await? {
        let mut after = None;
        while !stop.is_cancelled() {
            let left = match left_attachments(db, tenant, after).await {
                Ok(left) => left,
                Err(error) => {
                    tell(tenant, &error);
                    break;
                }
            };
            let Some(last) = left.last() else { break };
            after = Some(*last);
            for collection_id in left {
                match sweep_collection(db, tenant, collection_id, stop).await {
                    Ok(is_gone) => count += u64::from(is_gone),
                    Err(error) => tell(tenant, &error),
                }
            }
        }
    }
    Ok(count)
}

async fn left_attachments(db: &Db, tenant: TenantId, after: Option<Uuid>) -> db::Result<Vec<Uuid>> {
    db.tenant(tenant).await?.list_left_attachments(after, SWEPT).await
}

/// Removes a collection whose session is gone, so that nobody adds to it; false when `stop` came first.
async fn sweep_collection(
    db: &Db,
    tenant: TenantId,
    collection_id: Uuid,
    stop: &CancellationToken,
) -> db::Result<bool> {
    loop {
        let ids = db.tenant(tenant).await?.list_attachment_ids(collection_id, FILES).await?;
        if ids.is_empty() {
            break;
        }
        for id in ids {
            if stop.is_cancelled() {
                return Ok(false);
            }
            let mut tx = db.tenant(tenant).await?;
            remove_documents(&mut tx, collection_id, &[id]).await?;
            tx.commit().await?;
        }
    }
    let mut tx = db.tenant(tenant).await?;
    remove_all(&mut tx, collection_id).await?;
    tx.commit().await?;
    Ok(true)
}

fn tell(tenant: TenantId, error: &db::Error) {
    tracing::warn!(%tenant, error = error as &dyn Error, "attachments of sessions that are gone are removed later");
}
