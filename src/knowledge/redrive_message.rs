//! What the operator does with messages that were set aside: gives them back, or removes them. Each is an entry of the audit
//! log of the tenant in whose name the message is.

use uuid::Uuid;

use super::ingest_version::INGEST_VERSION;
use crate::adapters::queue::{Message, Queue, QueueError};
use crate::db::{self, Db};
use crate::identity::Operator;

/// Gives a message back to the workers, and lets the document that was given up because of it begin again. False when there
/// is no such message.
///
/// # Errors
/// Database or queue failed.
pub async fn redrive_message(
    db: &Db,
    queue: &dyn Queue,
    operator: &Operator,
    message_id: Uuid,
) -> Result<bool, QueueError> {
    let Some(message) = queue.redrive(message_id).await? else { return Ok(false) };
    note(db, operator, "dead_letter.redriven", &message).await?;
    Ok(true)
}

/// Removes a message for good; the document that was given up because of it stays so. False when there is no such message.
///
/// # Errors
/// Database or queue failed.
pub async fn discard_message(
    db: &Db,
    queue: &dyn Queue,
    operator: &Operator,
    message_id: Uuid,
) -> Result<bool, QueueError> {
    let Some(message) = queue.discard(message_id).await? else { return Ok(false) };
    note(db, operator, "dead_letter.discarded", &message).await?;
    Ok(true)
}

async fn note(
    db: &Db,
    operator: &Operator,
    action: &'static str,
    message: &Message,
) -> db::Result<()> {
    if db.system().await?.find_tenant(message.tenant.uuid()).await?.is_none() {
        return Ok(());
    }
    let mut tx = db.tenant(message.tenant).await?;
    let is_redriven = action == "dead_letter.redriven" && message.kind == INGEST_VERSION;
    // The message may have been received by now and found nothing to do: hence another one.
    if is_redriven && tx.reopen_version(message.subject_id).await? {
        tx.enqueue(INGEST_VERSION, message.subject_id).await?;
    }
    tx.append_audit(operator.audit(action).on("message", message.message_id)).await?;
    tx.commit().await
}
