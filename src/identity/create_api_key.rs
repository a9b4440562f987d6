//! Makes API keys as it is told: for the operator's first keys of a tenant, and for `issue_api_key` and `rotate_api_key`,
//! which see to it that nobody hands out more than they have.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::credential::KeyKind;
use super::key_rights::described;
use super::store::api_keys::ApiKey;
use super::{Credential, Role, Scope};
use crate::db::audit::AuditEntry;
use crate::db::{self, TenantTx};
use crate::kernel::clock;
use crate::kernel::ids::new_id;

/// Days that a key lives when its maker does not say.
pub const DEFAULT_DAYS: i64 = 90;
/// Days that a key can live at most.
pub const MAX_DAYS: i64 = 365;

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// What the role is narrowed to; those that come with the role when absent.
    pub scopes: Option<Vec<Scope>>,
    /// End of its life; [`DEFAULT_DAYS`] from now when absent.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a key is limited to beside its role and scopes; nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyLimits {
    /// Whether it may stand in a web page.
    pub kind: KeyKind,
    /// Collections that it reaches; empty for those open to the whole tenant.
    pub collection_ids: Vec<Uuid>,
    /// Ranges of addresses, as [`super::places::address_range`] writes them; empty for any.
    pub allowed_addresses: Vec<String>,
    /// Web origins of a publishable key, as [`super::places::web_origin`] writes them.
    pub allowed_origins: Vec<String>,
}

/// A key that was made, with the text that is shown once.
#[derive(Debug)]
pub struct CreatedApiKey {
    /// As stored.
    pub api_key: ApiKey,
    /// The credential.
    pub credential: Credential,
}

/// Why a key was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateApiKeyError {
    /// The role has no such scope.
    #[error("the role {role} can not use the scope {scope}; leave it out or choose a higher role")]
    ScopeAboveRole {
        /// Role asked for.
        role: Role,
        /// Scope asked for.
        scope: Scope,
    },
    /// Nothing would be allowed.
    #[error("a key needs at least one scope; leave scopes out for all of its role that you have")]
    NoScope,
    /// Not within the days allowed.
    #[error("must be in the future and at most {MAX_DAYS} days from now")]
    Expiry,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Makes a key without limits within the transaction, and notes it in the audit log in the name of whoever stands outside
/// the tenant: `entry` says who.
///
/// # Errors
/// See [`CreateApiKeyError`].
pub async fn create_api_key(
    tx: &mut TenantTx,
    new: NewApiKey,
    entry: AuditEntry,
) -> Result<CreatedApiKey, CreateApiKeyError> {
    let created = create_limited_api_key(tx, new, KeyLimits::default(), None, None).await?;
    let entry = AuditEntry { action: "api_key.created", ..entry };
    let entry = entry.on("api_key", created.api_key.api_key_id);
    tx.append_audit(entry.after(described(&created.api_key))).await?;
    Ok(created)
}

/// Makes a key within the transaction; `rotated_from` is the key that it replaces.
pub(super) async fn create_limited_api_key(
    tx: &mut TenantTx,
    new: NewApiKey,
    limits: KeyLimits,
    rotated_from: Option<Uuid>,
    created_by: Option<Uuid>,
) -> Result<CreatedApiKey, CreateApiKeyError> {
    let now = clock::now();
    let role_scopes = new.role.scopes();
    let mut scopes = new.scopes.unwrap_or_else(|| new.role.own_scopes());
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(CreateApiKeyError::NoScope);
    }
    if let Some(scope) = scopes.iter().find(|scope| !role_scopes.contains(scope)) {
        return Err(CreateApiKeyError::ScopeAboveRole { role: new.role, scope: *scope });
    }
    let expires_at = expiry(new.expires_at, now)?;
    let credential = Credential::generate(limits.kind, tx.tenant(), new_id());
    let api_key = ApiKey {
        api_key_id: credential.api_key_id,
        name: new.name,
        kind: limits.kind,
        role: new.role,
        scopes,
        collection_ids: limits.collection_ids,
        allowed_addresses: limits.allowed_addresses,
        allowed_origins: limits.allowed_origins,
        rotated_from,
        created_by,
        hint: credential.hint(),
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    tx.insert_api_key(&api_key, &credential.secret_sha256()).await?;
    Ok(CreatedApiKey { api_key, credential })
}

/// The end that was asked for, or the usual one, when it is within the days allowed.
pub(super) fn expiry(
    asked: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, CreateApiKeyError> {
    let expires_at = asked.map_or(now + TimeDelta::days(DEFAULT_DAYS), clock::stored);
    if expires_at <= now || expires_at > now + TimeDelta::days(MAX_DAYS) {
        return Err(CreateApiKeyError::Expiry);
    }
    Ok(expires_at)
}
