//! Attachments: documents of one session, in a collection of its own that nobody reaches but through the session.

use uuid::Uuid;

use super::reach::{Reach, Reader};
use super::receive_document::ReceiveError;
use super::store::documents::Document;
use crate::db::{self, Keyset, Page, TenantTx};
use crate::kernel::ids::attachments_of;

/// How many attachments there may be.
#[derive(Clone, Copy, Debug)]
pub struct AttachmentCounts {
    /// Of a session.
    pub per_session: u32,
    /// Of all sessions of a tenant together, each version counted: so many files are kept at most.
    pub per_tenant: u32,
}

/// What may be attached.
#[derive(Clone, Copy, Debug)]
pub struct AttachmentSettings {
    /// How many.
    pub most: AttachmentCounts,
    /// Largest file, in bytes.
    pub max_bytes: u64,
}

/// There is no room for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooManyAttachments {
    /// In the session.
    #[error("the session has {0} attachments, which is the most; delete one first")]
    OfSession(u32),
    /// In the tenant.
    #[error(
        "the sessions of the tenant have {0} attachments together, each version counted, which is the most; delete some, or sessions that have any"
    )]
    OfTenant(u32),
}

/// Passes when there is room for a version that is about to be added, of an attachment that was just made or was there before.
/// Others of the tenant wait here, so that of many at once no more come in than there is room for.
///
/// # Errors
/// There is none; the transaction is to be rolled back.
pub(super) async fn admit_attachment(
    tx: &mut TenantTx,
    collection_id: Uuid,
    is_new: bool,
    most: AttachmentCounts,
) -> Result<(), ReceiveError> {
    let (of_session, of_tenant) = tx.count_attachments(collection_id).await?;
    if is_new && of_session > i64::from(most.per_session) {
        return Err(TooManyAttachments::OfSession(most.per_session).into());
    }
    if of_tenant >= i64::from(most.per_tenant) {
        return Err(TooManyAttachments::OfTenant(most.per_tenant).into());
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
    tx.page_of_attachments(attachments_of(session_id), keyset).await
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

/// Whether anything is attached to a session that can be read, or is being read.
///
/// # Errors
/// The database failed.
pub async fn has_attachments(tx: &mut TenantTx, session_id: Uuid) -> db::Result<bool> {
    tx.has_attachments(attachments_of(session_id)).await
}
