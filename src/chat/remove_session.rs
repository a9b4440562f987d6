//! Removes a session with everything of it: its messages, the run that goes on, and its attachments with their originals.

use uuid::Uuid;

use crate::db::{self, TenantTx};
use crate::knowledge::remove_attachments;

/// Removes a session in the transaction of whoever notes it.
///
/// # Errors
/// The database failed.
pub async fn remove_session(tx: &mut TenantTx, session_id: Uuid) -> db::Result<()> {
    // The session before anything of it, as who asks in it or attaches a file locks them.
    tx.lock_session(session_id).await?;
    remove_attachments(tx, session_id).await?;
    tx.delete_session(session_id).await
}
