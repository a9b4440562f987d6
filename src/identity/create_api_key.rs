//! Makes API keys: by an actor within their own rights, or by the operator for a new tenant.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::store::api_keys::ApiKey;
use super::{Credential, Role, Scope};
use crate::db::{self, TenantTx};
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
    /// What the role is narrowed to; all scopes of the role when absent.
    pub scopes: Option<Vec<Scope>>,
    /// End of its life; [`DEFAULT_DAYS`] from now when absent.
    pub expires_at: Option<DateTime<Utc>>,
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
    /// Not within the days allowed.
    #[error("must be in the future and at most {MAX_DAYS} days from now")]
    Expiry,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Makes a key within the transaction.
///
/// # Errors
/// See [`CreateApiKeyError`].
pub async fn create_api_key(
    tx: &mut TenantTx,
    new: NewApiKey,
    created_by: Option<Uuid>,
) -> Result<CreatedApiKey, CreateApiKeyError> {
    let now = Utc::now();
    let role_scopes = new.role.scopes();
    let scopes = new.scopes.unwrap_or_else(|| role_scopes.clone());
    if let Some(scope) = scopes.iter().find(|scope| !role_scopes.contains(scope)) {
        return Err(CreateApiKeyError::ScopeAboveRole { role: new.role, scope: *scope });
    }
    let expires_at = new.expires_at.unwrap_or(now + TimeDelta::days(DEFAULT_DAYS));
    if expires_at <= now || expires_at > now + TimeDelta::days(MAX_DAYS) {
        return Err(CreateApiKeyError::Expiry);
    }
    let credential = Credential::generate(tx.tenant(), new_id());
    let api_key = ApiKey {
        api_key_id: credential.api_key_id,
        name: new.name,
        role: new.role,
        scopes,
        hint: credential.hint(),
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    tx.insert_api_key(&api_key, &credential.secret_sha256(), created_by).await?;
    Ok(CreatedApiKey { api_key, credential })
}
