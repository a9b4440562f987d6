//! The answer that somebody wants to do something with: what they may see as a message, they may look into and rate.

use uuid::Uuid;

use super::store::messages::Message;
use crate::db::{self, TenantTx};
use crate::identity::Actor;
use crate::knowledge::Reach;

/// The answer, if the actor sees it and its text is not withheld from them; a question is none.
///
/// # Errors
/// The database failed.
pub async fn readable_answer(
    tx: &mut TenantTx,
    actor: &Actor,
    message_id: Uuid,
) -> db::Result<Option<Message>> {
    let found = tx.find_message(message_id).await?;
    // Resolved in any case, so that what is hidden takes as long as what is not there.
    let reach = Reach::of(tx, &actor.into()).await?;
    Ok(found.filter(|message| {
        message.role == "assistant"
            && (actor.sees_all_sessions() || message.seen_by == actor.id())
            && reach.holds_all(&message.read_collection_ids)
    }))
}
