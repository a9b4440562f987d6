//! Attachments: documents of one session, in a collection of its own that nobody reaches but through the session.
//!
//! They go with it. Who deletes a session removes them in the same transaction; where its row went another way, a sweep finds
//! what is left. Both ask for the removal of the originals as every deletion of a document does.

use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::author::Author;
use super::ingest_version::REMOVE_ORIGINAL;
use super::reach::{Reach, Reader};
use super::receive_document::{ReceiveError, Receiver};
use super::store::documents::{Document, DocumentFilter};
use crate::db::{self, Db, Keyset, Page, TenantTx};
use crate::kernel::ids::attachments_of;
use crate::tenancy::each_tenant;

/// Collections that are swept in one look at a tenant.
const SWEPT: i64 = 100;

/// What may be attached.
#[derive(Clone, Copy, Debug)]
pub struct AttachmentSettings {
    /// Most attachments of a session.
    pub max_per_session: u32,
    /// Largest file, in bytes.
    pub max_bytes: u64,
}

/// Passes when a session has room for the attachment that was just added, whose row is locked: others wait here, so that of
/// many at once no more come in than there is room for.
///
/// # Errors
/// There are too many, with the new one; the transaction is to be rolled back.
pub(super) async fn admit_attachment(
    tx: &mut TenantTx,
    collection_id: Uuid,
    most: u32,
) -> Result<(), ReceiveError> {
    if tx.count_attachments(collection_id).await? > i64::from(most) {
        return Err(ReceiveError::TooManyAttachments(most));
    }
    Ok(())
}

/// Attachments of a session, oldest first.
///
/// # Errors
/// The database failed.
pub async fn list_attachments(
    tx: &mut TenantTx,
    session_id: Uuid,
    keyset: Keyset,
) -> db::Result<Page<Document>> {
    let reach = Reach::of(tx, &Reader::Attachments(session_id)).await?;
    tx.list_documents(&reach, &DocumentFilter::default(), keyset).await
}

/// One attachment of a session.
///
/// # Errors
/// The database failed.
pub async fn find_attachment(
    tx: &mut TenantTx,
    session_id: Uuid,
    attachment_id: Uuid,
) -> db::Result<Option<Document>> {
    let reach = Reach::of(tx, &Reader::Attachments(session_id)).await?;
    tx.find_reached_document(&reach, attachment_id).await
}

/// Removes the attachments of a session that is about to be deleted, whose row is locked: nobody can add one meanwhile. They
/// are gone from search at commit; how many versions there were.
///
/// # Errors
/// The database failed.
pub async fn remove_attachments(tx: &mut TenantTx, session_id: Uuid) -> db::Result<usize> {
    remove_all(tx, attachments_of(session_id)).await
}

async fn remove_all(tx: &mut TenantTx, collection_id: Uuid) -> db::Result<usize> {
    tx.lock_collection(collection_id).await?;
    let versions = tx.list_version_ids(None, Some(collection_id)).await?;
    tx.enqueue_all(REMOVE_ORIGINAL, &versions).await?;
    tx.delete_collection(collection_id).await?;
    Ok(versions.len())
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
        let mut tx = self.db.tenant(author.tenant).await?;
        let deleted = tx.delete_document_row(attachment_id).await?;
        let own =
            deleted.filter(|(collection_id, ..)| *collection_id == attachments_of(session_id));
        // Of a document of another place the transaction ends here, and nothing is done.
        let Some((collection_id, change, versions)) = own else { return Ok(false) };
        tx.enqueue_all(REMOVE_ORIGINAL, &versions).await?;
        tx.change_collection_counts(collection_id, change).await?;
        let entry = author.audit("attachment.deleted").on("attachment", attachment_id);
        tx.append_audit(entry.before(json!({ "session_id": session_id }))).await?;
        tx.commit().await?;
        self.wake_worker();
        Ok(true)
    }
}

/// Removes the attachments of sessions that are gone, tenant by tenant, until `stop`; how many sessions had any.
///
/// # Errors
/// The database failed; what was removed until then is gone, and the rest is found again.
pub async fn sweep_attachments(db: &Db, stop: &CancellationToken) -> db::Result<u64> {
    let mut count = 0;
    for tenant in each_tenant(db).await? {
        let mut tx = db.tenant(tenant).await?;
        let left = tx.list_left_attachments(SWEPT).await?;
        drop(tx);
        for collection_id in left {
            if stop.is_cancelled() {
                return Ok(count);
            }
            let mut tx = db.tenant(tenant).await?;
            remove_all(&mut tx, collection_id).await?;
            tx.commit().await?;
            count += 1;
        }
    }
    Ok(count)
}
