//! What the operator does with messages that were set aside: gives them back, or removes them. Each is an entry of the audit
//! log of the tenant in whose name the message is.

use uuid::Uuid;

use super::ingest_version::INGEST_VERSION;
use crate::adapters::queue::{Message, Queue, QueueError};
use crate::db::{self, Db, TenantTx};
use crate::identity::Operator;

/// Asks for the work of a message anew, and lets the document that was given up because of it begin again. False when there
/// is no such message.
///
/// The new message is in the line before the old one is removed: whatever fails in between, a second redrive does no harm.
///
/// # Errors
/// Database or queue failed.
pub async fn redrive_message(
    db: &Db,
    queue: &dyn Queue,
    operator: &Operator,
    message_id: Uuid,
) -> Result<bool, QueueError> {
    let Some(message) = queue.find_dead(message_id).await? else { return Ok(false) };
    if is_of_a_tenant(db, &message).await? {
        let mut tx = db.tenant(message.tenant).await?;
        // A version that ended otherwise meanwhile stays as it is.
        if message.kind != INGEST_VERSION || tx.reopen_given_up_version(message.subject_id).await? {
            tx.enqueue(&message.kind, message.subject_id).await?;
        }
        note(&mut tx, operator, "dead_letter.redriven", &message).await?;
        tx.commit().await?;
    }
    queue.discard(message_id).await?;
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
    if is_of_a_tenant(db, &message).await? {
        let mut tx = db.tenant(message.tenant).await?;
        note(&mut tx, operator, "dead_letter.discarded", &message).await?;
        tx.commit().await?;
    }
    Ok(true)
}

/// Whether the tenant is still there.
async fn is_of_a_tenant(db: &Db, message: &Message) -> db::Result<bool> {
    Ok(db.system().await?.find_tenant(message.tenant.uuid()).await?.is_some())
}

async fn note(
    tx: &mut TenantTx,
    operator: &Operator,
    action: &'static str,
    message: &Message,
) -> db::Result<()> {
    tx.append_audit(operator.audit(action).on("message", message.message_id)).await
}
