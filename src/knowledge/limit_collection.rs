//! Limits collections to groups. Only who manages the tenant may: who may read is not a matter of editing.

use serde_json::json;
use uuid::Uuid;

use crate::db::{self, OnConstraint, TenantTx};
use crate::identity::{Actor, GrantError, Role, may_decide_reach};

/// Why the groups of a collection were not changed. The transaction must not be committed then.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// An editor tried.
    #[error(
        "group_ids needs the role admin or owner; yours is {0}: leave group_ids out, or ask an admin"
    )]
    NotManager(Role),
    /// The credential reaches some collections only.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// A group that the tenant does not have.
    #[error("there is no such group")]
    UnknownGroup,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Limits a collection to these groups; none opens it to the tenant.
///
/// # Errors
/// See [`LimitError`].
pub async fn limit_collection(
    tx: &mut TenantTx,
    actor: &Actor,
    collection_id: Uuid,
    group_ids: &[Uuid],
) -> Result<(), LimitError> {
    if actor.role < Role::Admin {
        return Err(LimitError::NotManager(actor.role));
    }
    let mut wanted = group_ids.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let before = tx.list_collection_groups(&[collection_id]).await?.remove(&collection_id);
    let before = before.unwrap_or_default();
    if before == wanted {
        return Ok(());
    }
    may_decide_reach(actor)?;
    if !tx.has_groups(&wanted).await? {
        return Err(LimitError::UnknownGroup);
    }
    tx.replace_collection_groups(collection_id, &wanted)
        .await
        .on_constraint("collection_groups_group_id_fkey", || LimitError::UnknownGroup)?;
    let entry = actor.audit("collection.limited").on("collection", collection_id);
    let (before, after) = (json!({ "group_ids": before }), json!({ "group_ids": wanted }));
    tx.append_audit(entry.before(before).after(after)).await?;
    Ok(())
}
