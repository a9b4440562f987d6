//! Makes a key on behalf of an actor: at most what they have themselves. Rotating and changing keys are beside it.

use super::create_api_key::{CreatedApiKey, KeyLimits, NewApiKey, create_limited_api_key, expiry};
use super::credential::KeyKind;
use super::key_rights::{
    KeyError, described, end_within, has_room, reaches, within_role, within_scopes,
};
use super::{Actor, Role, Scope};
use crate::db::TenantTx;
use crate::kernel::clock;

/// Makes the key and notes it in the audit log. Without scopes it gets all of its role that the actor has; without
/// collections those of the actor. A key that a key makes ends with its maker at the latest.
///
/// # Errors
/// See [`KeyError`].
pub async fn issue_api_key(
    tx: &mut TenantTx,
    actor: &Actor,
    new: NewApiKey,
    limits: KeyLimits,
    most: i64,
) -> Result<CreatedApiKey, KeyError> {
    within_role(actor, new.role)?;
    let scopes = match (&new.scopes, limits.kind) {
        (Some(asked), _) => asked.clone(),
        (None, KeyKind::Publishable) => vec![Scope::Ask],
        (None, KeyKind::Secret) => {
            let of_role = new.role.own_scopes().into_iter();
            of_role.filter(|scope| actor.scopes.contains(scope)).collect()
        }
    };
    within_scopes(actor, &scopes)?;
    fits_kind(&limits, new.role, &scopes)?;
    let mut collection_ids = limits.collection_ids.clone();
    if collection_ids.is_empty() {
        collection_ids = actor.principal.collection_ids().to_vec();
    }
    reaches(tx, actor, &collection_ids).await?;
    has_room(tx, most).await?;
    let asked = expiry(new.expires_at, clock::now())?;
    let expires_at = Some(end_within(tx, actor, asked).await?);
    let new = NewApiKey { scopes: Some(scopes), expires_at, ..new };
    let limits = KeyLimits { collection_ids, ..limits };
    let created = create_limited_api_key(tx, new, limits, None, Some(actor.id())).await?;
    let entry = actor.audit("api_key.created").on("api_key", created.api_key.api_key_id);
    tx.append_audit(entry.after(described(&created.api_key))).await?;
    Ok(created)
}

/// Passes when role, scopes and origins go with the kind.
fn fits_kind(limits: &KeyLimits, role: Role, scopes: &[Scope]) -> Result<(), KeyError> {
    let wrong = |pointer, detail| Err(KeyError::Kind { pointer, detail });
    match limits.kind {
        KeyKind::Secret if !limits.allowed_origins.is_empty() => wrong(
            "/allowed_origins",
            "belong to publishable keys; a secret key never stands in a page",
        ),
        KeyKind::Secret => Ok(()),
        KeyKind::Publishable if role != Role::Member => {
            wrong("/role", "a publishable key has the role member")
        }
        KeyKind::Publishable if scopes != [Scope::Ask] => {
            wrong("/scopes", "a publishable key has the scope ask and no other")
        }
        KeyKind::Publishable if limits.allowed_origins.is_empty() => {
            wrong("/allowed_origins", "a publishable key needs at least one web origin")
        }
        KeyKind::Publishable => Ok(()),
    }
}
