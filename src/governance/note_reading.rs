//! Notes that somebody read conversations of others. Called by chat in the transaction that reads, so that nothing is
//! shown which is not noted. It decides nothing about who may read.

use chrono::{TimeDelta, Utc};
use uuid::Uuid;

use crate::db::{self, TenantTx};
use crate::identity::Actor;

/// A reader who looks at the same conversation again within this time makes no further entry: a page that is looked at
/// for an hour would fill the log.
const NOTED_AGAIN_AFTER: TimeDelta = TimeDelta::hours(1);

/// Notes that the actor reads what `opened_by` opened, unless that is the actor. The caller commits.
///
/// # Errors
/// The database failed; then nothing must be shown.
pub async fn note_reading(
    tx: &mut TenantTx,
    actor: &Actor,
    opened_by: Uuid,
    noun: &'static str,
    id: impl ToString + Send,
) -> db::Result<()> {
    if opened_by == actor.id() {
        return Ok(());
    }
    let id = id.to_string();
    let since = Utc::now() - NOTED_AGAIN_AFTER;
    if tx.has_noted_reading(actor.id(), noun, &id, since).await? {
        return Ok(());
    }
    tx.append_audit(actor.audit("conversation.read").on(noun, id)).await
}
