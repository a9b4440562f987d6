//! What an actor may hand out with a key, and what is told of keys in the audit log. Making, rotating and changing keys
//! call it; it stores nothing.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::create_api_key::CreateApiKeyError;
use super::store::api_keys::ApiKey;
use super::{Actor, Principal, Role, Scope};
use crate::db::{self, TenantTx};

/// Why a key was not made, rotated, changed or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such key in the tenant.
    #[error("there is no such key")]
    Unknown,
    /// The key's role is above the actor's.
    #[error("the role {actor} can not make, change or revoke a key of the role {role}")]
    AboveRole {
        /// Role of the actor.
        actor: Role,
        /// Role of the key.
        role: Role,
    },
    /// The actor lacks a scope of the key.
    #[error("a credential without the scope {0} can not give it to another")]
    ScopeNotHeld(Scope),
    /// A collection that is not there for the actor.
    #[error("there is no such collection")]
    UnknownCollection,
    /// The key reaches more collections than the actor.
    #[error(
        "a credential that is limited to collections gives out keys limited to the same or fewer"
    )]
    WiderReach,
    /// A change that would widen what programs out there reach.
    #[error("a key's collections can only become fewer; make a new key for more")]
    Widened,
    /// The key's kind does not go with a field.
    #[error("{detail}")]
    Kind {
        /// Where the field is.
        pointer: &'static str,
        /// What would be right.
        detail: &'static str,
    },
    /// Revoked or expired.
    #[error("the key was revoked or has expired, which is final; make a new key")]
    Over,
    /// The tenant has as many as it may have.
    #[error("the tenant has {0} keys that are good, which is the most; revoke some first")]
    TooMany(i64),
    /// The key itself is not possible.
    #[error(transparent)]
    Create(#[from] CreateApiKeyError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Passes when the role is at most the actor's.
pub(super) fn within_role(actor: &Actor, role: Role) -> Result<(), KeyError> {
    if role > actor.role {
        return Err(KeyError::AboveRole { actor: actor.role, role });
    }
    Ok(())
}

/// Passes when the actor has each of the scopes.
pub(super) fn within_scopes(actor: &Actor, scopes: &[Scope]) -> Result<(), KeyError> {
    match scopes.iter().find(|scope| !actor.scopes.contains(scope)) {
        Some(scope) => Err(KeyError::ScopeNotHeld(*scope)),
        None => Ok(()),
    }
}

/// Passes when an actor that is limited to collections hands out no other ones; empty stands for all.
pub(super) fn within_reach(actor: &Actor, collection_ids: &[Uuid]) -> Result<(), KeyError> {
    let own = actor.principal.collection_ids();
    let is_wider = collection_ids.is_empty() || collection_ids.iter().any(|id| !own.contains(id));
    if !own.is_empty() && is_wider {
        return Err(KeyError::WiderReach);
    }
    Ok(())
}

/// Passes when each collection is there for the actor: one of its own when it is limited, else any of the tenant, since
/// whoever manages keys without a limit reaches them all. A foreign, an absent and an unreachable one look the same.
pub(super) async fn reaches(
    tx: &mut TenantTx,
    actor: &Actor,
    collection_ids: &[Uuid],
) -> Result<(), KeyError> {
    let own = actor.principal.collection_ids();
    if !own.is_empty() {
        let is_own = collection_ids.iter().all(|id| own.contains(id));
        return if is_own { Ok(()) } else { Err(KeyError::UnknownCollection) };
    }
    if collection_ids.is_empty() {
        return Ok(());
    }
    let known = tx.count_named_collections(collection_ids).await?;
    if usize::try_from(known).unwrap_or(0) < collection_ids.len() {
        return Err(KeyError::UnknownCollection);
    }
    Ok(())
}

/// End of a new key or invitation: what a key makes ends at the latest with its maker, so that whoever finds a key can not
/// make it last. A person's login says nothing of how long their programs may run.
pub(super) async fn end_within(
    tx: &mut TenantTx,
    actor: &Actor,
    asked: DateTime<Utc>,
) -> db::Result<DateTime<Utc>> {
    let Principal::ApiKey { api_key_id, .. } = actor.principal else { return Ok(asked) };
    let maker = tx.find_api_key(api_key_id).await?.ok_or_else(|| db::Error::Inconsistent {
        table: "api_keys",
        detail: format!("{api_key_id} makes something and is not there"),
    })?;
    Ok(asked.min(maker.expires_at))
}

/// Passes when the tenant may have one more key.
pub(super) async fn has_room(tx: &mut TenantTx, most: i64) -> Result<(), KeyError> {
    if tx.count_live_api_keys().await? >= most {
        return Err(KeyError::TooMany(most));
    }
    Ok(())
}

/// The key as the audit log tells of it.
pub(super) fn described(key: &ApiKey) -> Value {
    let scopes: Vec<String> = key.scopes.iter().map(ToString::to_string).collect();
    json!({
        "name": key.name,
        "kind": key.kind.name(),
        "role": key.role.to_string(),
        "scopes": scopes,
        "collection_ids": key.collection_ids,
        "allowed_addresses": key.allowed_addresses,
        "allowed_origins": key.allowed_origins,
        "expires_at": key.expires_at.to_rfc3339(),
    })
}
