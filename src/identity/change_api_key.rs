//! Changes a key that is out there: its name, where it may be used from, and fewer collections. Role and scopes never
//! change: a program that holds a key can rely on them, and nobody widens a key behind its holder's back.

use chrono::Utc;
use uuid::Uuid;

use super::credential::KeyKind;
use super::invite_member::revoke_invitations_by;
use super::key_rights::{KeyError, described, reaches, within_reach, within_role, within_scopes};
use super::store::api_keys::ApiKey;
use super::{Actor, Role};
use crate::db::TenantTx;

/// What to change; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// What it is for.
    pub name: Option<String>,
    /// Fewer collections.
    pub collection_ids: Option<Vec<Uuid>>,
    /// Ranges of addresses; empty for any.
    pub allowed_addresses: Option<Vec<String>>,
    /// Web origins of a publishable key.
    pub allowed_origins: Option<Vec<String>>,
}

/// Changes the key and notes it in the audit log; a change that changes nothing is not noted.
///
/// # Errors
/// See [`KeyError`].
pub async fn change_api_key(
    tx: &mut TenantTx,
    actor: &Actor,
    api_key_id: Uuid,
    change: KeyChange,
) -> Result<ApiKey, KeyError> {
    let old = tx.lock_api_key(api_key_id).await?.ok_or(KeyError::Unknown)?;
    within_role(actor, old.role)?;
    if old.is_over(Utc::now()) {
        return Err(KeyError::Over);
    }
    if let Some(collection_ids) = &change.collection_ids {
        narrows(tx, actor, &old, collection_ids).await?;
    }
    if let Some(origins) = &change.allowed_origins
        && (old.kind == KeyKind::Publishable) == origins.is_empty()
    {
        let detail = "belong to publishable keys, which need at least one";
        return Err(KeyError::Kind { pointer: "/allowed_origins", detail });
    }
    let KeyChange { name, collection_ids, allowed_addresses, allowed_origins } = change;
    let new = ApiKey {
        name: name.unwrap_or_else(|| old.name.clone()),
        collection_ids: collection_ids.unwrap_or_else(|| old.collection_ids.clone()),
        allowed_addresses: allowed_addresses.unwrap_or_else(|| old.allowed_addresses.clone()),
        allowed_origins: allowed_origins.unwrap_or_else(|| old.allowed_origins.clone()),
        ..old.clone()
    };
    // Who decides from where a key may be used could have used it in that place.
    let moves = new.allowed_addresses != old.allowed_addresses
        || new.allowed_origins != old.allowed_origins;
    if moves {
        within_scopes(actor, &old.scopes)?;
        within_reach(actor, &old.collection_ids)?;
    }
    let (before, after) = (described(&old), described(&new));
    if before != after {
        tx.update_api_key(&new).await?;
        let entry = actor.audit("api_key.changed").on("api_key", new.api_key_id);
        tx.append_audit(entry.before(before).after(after)).await?;
    }
    Ok(new)
}

/// Takes a key back, with the open invitations that it made, and notes it in the audit log, the first time.
///
/// # Errors
/// See [`KeyError`].
pub async fn revoke_api_key(
    tx: &mut TenantTx,
    actor: &Actor,
    api_key_id: Uuid,
) -> Result<(), KeyError> {
    let key = tx.lock_api_key(api_key_id).await?.ok_or(KeyError::Unknown)?;
    within_role(actor, key.role)?;
    if key.revoked_at.is_none() {
        tx.revoke_api_key(key.api_key_id).await?;
        let entry = actor.audit("api_key.revoked").on("api_key", key.api_key_id);
        tx.append_audit(entry.before(described(&key))).await?;
        let entry = actor.audit("invitation.revoked");
        revoke_invitations_by(tx, &entry, ("api_key", key.api_key_id), &Role::ALL).await?;
    }
    Ok(())
}

/// Passes when the key reaches nothing new: some of its collections, or for a key without a limit some that the actor
/// reaches. The limit itself stays.
async fn narrows(
    tx: &mut TenantTx,
    actor: &Actor,
    old: &ApiKey,
    collection_ids: &[Uuid],
) -> Result<(), KeyError> {
    if old.collection_ids.is_empty() {
        return reaches(tx, actor, collection_ids).await;
    }
    let is_part = collection_ids.iter().all(|id| old.collection_ids.contains(id));
    if collection_ids.is_empty() || !is_part {
        return Err(KeyError::Widened);
    }
    Ok(())
}
