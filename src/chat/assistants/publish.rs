//! Publishes drafts as versions, puts earlier versions back, and takes assistants out of use.

use uuid::Uuid;

use super::ChangeError;
use super::change::facts;
use crate::chat::store::assistants::Assistant;
use crate::db::TenantTx;
use crate::identity::Actor;
use crate::kernel::ids::new_id;
use crate::web::etag::IfMatch;

/// Makes a version of the draft, which answers from the next question on. A draft that is what is published already makes
/// none, so that publishing again does no harm.
///
/// # Errors
/// See [`ChangeError`].
pub async fn publish_assistant(
    tx: &mut TenantTx,
    actor: &Actor,
    assistant_id: Uuid,
    if_match: &IfMatch,
) -> Result<Assistant, ChangeError> {
    let before = locked(tx, assistant_id, if_match).await?;
    if before.published.as_ref() == Some(&before.draft) {
        return Ok(before);
    }
    let number = before.latest_version + 1;
    tx.insert_assistant_version(assistant_id, number, new_id(), &before.draft, actor.id()).await?;
    let after =
        Assistant { published_version: Some(number), latest_version: number, ..before.clone() };
    let after = tx.update_assistant(&after).await?;
    note(tx, actor, "assistant.published", &before, &after).await?;
    Ok(after)
}

/// Lets an earlier version answer again, or a later one that was rolled back from. The draft stays as it is.
///
/// # Errors
/// See [`ChangeError`].
pub async fn roll_back_assistant(
    tx: &mut TenantTx,
    actor: &Actor,
    assistant_id: Uuid,
    number: i32,
    if_match: &IfMatch,
) -> Result<Assistant, ChangeError> {
    let before = locked(tx, assistant_id, if_match).await?;
    if tx.find_assistant_version(assistant_id, number).await?.is_none() {
        return Err(ChangeError::UnknownVersion);
    }
    if before.published_version == Some(number) {
        return Ok(before);
    }
    let after = Assistant { published_version: Some(number), ..before.clone() };
    let after = tx.update_assistant(&after).await?;
    note(tx, actor, "assistant.rolled_back", &before, &after).await?;
    Ok(after)
}

/// Takes an assistant out of use. What it answered stays, and so do its versions, which answers name.
///
/// # Errors
/// See [`ChangeError`].
pub async fn delete_assistant(
    tx: &mut TenantTx,
    actor: &Actor,
    assistant_id: Uuid,
    if_match: &IfMatch,
) -> Result<(), ChangeError> {
    let before = locked(tx, assistant_id, if_match).await?;
    if before.is_default {
        return Err(ChangeError::DefaultStays);
    }
    tx.delete_assistant(assistant_id).await?;
    let entry = actor.audit("assistant.deleted").on("assistant", assistant_id);
    tx.append_audit(entry.before(facts(&before))).await?;
    Ok(())
}

async fn locked(
    tx: &mut TenantTx,
    assistant_id: Uuid,
    if_match: &IfMatch,
) -> Result<Assistant, ChangeError> {
    let assistant = tx.lock_assistant(assistant_id).await?.ok_or(ChangeError::Unknown)?;
    if if_match.allows(assistant.revision) { Ok(assistant) } else { Err(ChangeError::Changed) }
}

async fn note(
    tx: &mut TenantTx,
    actor: &Actor,
    action: &'static str,
    before: &Assistant,
    after: &Assistant,
) -> Result<(), ChangeError> {
    let entry = actor.audit(action).on("assistant", after.assistant_id);
    Ok(tx.append_audit(entry.before(facts(before)).after(facts(after))).await?)
}
