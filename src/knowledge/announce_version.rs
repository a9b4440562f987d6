//! Tells webhooks what became of a version, in the transaction in which it did.

use serde_json::json;
use uuid::Uuid;

use crate::db::{self, TenantTx};
use crate::kernel::ids::holds_attachments;
use crate::webhooks::{Event, announce};

/// Tells that a version is in search, or was given up; of any other state nobody is told, and of attachments neither: what
/// somebody shows to a conversation is no business of those who look after the documentation.
///
/// # Errors
/// The database failed.
pub async fn announce_version(tx: &mut TenantTx, version_id: Uuid) -> db::Result<()> {
    let Some(version) = tx.find_version_outcome(version_id).await? else { return Ok(()) };
    if holds_attachments(version.collection_id) {
        return Ok(());
    }
    let event = match version.state.as_str() {
        "ready" => Event::DocumentReady,
        "failed" => Event::DocumentFailed,
        _ => return Ok(()),
    };
    let mut data = json!({
        "document_id": version.document_id,
        "version_id": version_id,
        "version_number": version.number,
        "collection_id": version.collection_id,
        "state": version.state,
    });
    if let Some(code) = version.failure_code {
        data["failure_code"] = code.into();
    }
    announce(tx, event, data).await
}
