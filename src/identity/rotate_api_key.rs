//! Replaces a key by a new one that can do the same; both are good for a while, so that programs change over without a
//! gap.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::Actor;
use super::create_api_key::{
    CreatedApiKey, KeyLimits, MAX_DAYS, NewApiKey, create_limited_api_key,
};
use super::key_rights::{
    KeyError, described, end_within, has_room, within_reach, within_role, within_scopes,
};
use super::store::api_keys::ApiKey;
use crate::db::TenantTx;
use crate::kernel::clock;

/// Longest time in which both keys are good, in seconds.
pub const MAX_OVERLAP_SECONDS: u32 = 604_800;
/// The same when nobody says: a day.
pub const DEFAULT_OVERLAP_SECONDS: u32 = 86_400;

/// Makes the new key, which lives as long as the old one was to live or as long as the key that rotates, and moves the end of the old one up. Who rotates
/// sees the new secret, so they must have all that the key has.
///
/// # Errors
/// See [`KeyError`].
pub async fn rotate_api_key(
    tx: &mut TenantTx,
    actor: &Actor,
    api_key_id: Uuid,
    overlap_seconds: u32,
    most: i64,
) -> Result<CreatedApiKey, KeyError> {
    let old = tx.lock_api_key(api_key_id).await?.ok_or(KeyError::Unknown)?;
    within_role(actor, old.role)?;
    within_scopes(actor, &old.scopes)?;
    within_reach(actor, &old.collection_ids)?;
    let now = clock::now();
    if old.is_over(now) {
        return Err(KeyError::Over);
    }
    has_room(tx, most).await?;
    let life = (old.expires_at - old.created_at).min(TimeDelta::days(MAX_DAYS));
    let expires_at = end_within(tx, actor, now + life.max(TimeDelta::days(1))).await?;
    let new = NewApiKey {
        name: old.name.clone(),
        role: old.role,
        scopes: Some(old.scopes.clone()),
        expires_at: Some(expires_at),
    };
    let limits = KeyLimits {
        kind: old.kind,
        collection_ids: old.collection_ids.clone(),
        allowed_addresses: old.allowed_addresses.clone(),
        allowed_origins: old.allowed_origins.clone(),
    };
    let rotated_from = Some(old.api_key_id);
    let created = create_limited_api_key(tx, new, limits, rotated_from, Some(actor.id())).await?;
    let end = now + TimeDelta::seconds(overlap_seconds.min(MAX_OVERLAP_SECONDS).into());
    let ending = ApiKey { expires_at: old.expires_at.min(end), ..old.clone() };
    tx.update_api_key(&ending).await?;
    let entry =
        actor.audit("api_key.rotated").on("api_key", old.api_key_id).before(described(&old)).after(
            json!({
                "expires_at": ending.expires_at.to_rfc3339(),
                "replaced_by": created.api_key.api_key_id,
            }),
        );
    tx.append_audit(entry).await?;
    let entry = actor.audit("api_key.created").on("api_key", created.api_key.api_key_id);
    tx.append_audit(entry.after(described(&created.api_key))).await?;
    Ok(created)
}
