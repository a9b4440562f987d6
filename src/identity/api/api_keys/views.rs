//! What the API shows of keys and reads about them.

use chrono::{DateTime, Utc};
use poem_openapi::Object;
use uuid::Uuid;

use crate::identity::api::names::{KeyKindName, RoleName, ScopeName};
use crate::identity::{ApiKey, CreatedApiKey};

/// An API key, without its secret.
#[derive(Debug, Object)]
#[oai(rename = "ApiKey", skip_serializing_if_is_none)]
pub struct ApiKeyView {
    /// Id of the key.
    pub(super) id: Uuid,
    /// What it is for.
    #[oai(validator(max_length = 100))]
    pub(super) name: String,
    /// Kept by programs, or standing in web pages.
    pub(super) kind: KeyKindName,
    /// What it may do.
    pub(super) role: RoleName,
    /// What the role is narrowed to.
    #[oai(validator(max_items = 20))]
    pub(super) scopes: Vec<ScopeName>,
    /// Collections that it reaches; empty for those open to the whole tenant.
    #[oai(validator(max_items = 50))]
    pub(super) collection_ids: Vec<Uuid>,
    /// Ranges of addresses that it may be used from; empty for any.
    #[oai(validator(max_items = 50, max_length = 60))]
    pub(super) allowed_addresses: Vec<String>,
    /// Web origins that a publishable key may be used from.
    #[oai(validator(max_items = 50, max_length = 300))]
    pub(super) allowed_origins: Vec<String>,
    /// Key that this one replaces; absent when it replaces none.
    pub(super) rotated_from: Option<Uuid>,
    /// Person or key that made it; absent when the operator did.
    pub(super) created_by: Option<Uuid>,
    /// Last four characters of the key.
    #[oai(validator(max_length = 4))]
    pub(super) hint: String,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// From then on it is refused.
    pub(super) expires_at: DateTime<Utc>,
    /// Since when it is refused; absent while it is good.
    pub(super) revoked_at: Option<DateTime<Utc>>,
    /// Last use, exact to a minute; absent when it was never used.
    pub(super) last_used_at: Option<DateTime<Utc>>,
}

/// A new API key with its secret, which is shown this once.
#[derive(Debug, Object)]
pub struct ApiKeyCreated {
    /// The key to send as `Authorization: Bearer …`. It can not be shown again.
    #[oai(validator(max_length = 200))]
    pub(super) secret: String,
    /// The key as it is listed.
    pub(super) api_key: ApiKeyView,
}

/// A key to be made.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct ApiKeyCreate {
    /// What it is for.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub(super) name: String,
    /// Kept by programs when absent; a publishable key has the role member, the scope ask and at least one origin.
    pub(super) kind: Option<KeyKindName>,
    /// What it may do; at most what you may do yourself.
    pub(super) role: RoleName,
    /// What the role is narrowed to; when absent those that come with the role and that you have yourself.
    #[oai(validator(min_items = 1, max_items = 20))]
    pub(super) scopes: Option<Vec<ScopeName>>,
    /// Collections that it reaches, of those that you reach; when absent those open to the whole tenant, or your own limit.
    #[oai(validator(max_items = 50))]
    pub(super) collection_ids: Option<Vec<Uuid>>,
    /// Addresses (`192.0.2.7`) and ranges (`10.0.0.0/8`) that it may be used from; any when absent.
    #[oai(validator(max_items = 50, max_length = 60))]
    pub(super) allowed_addresses: Option<Vec<String>>,
    /// Web origins that a publishable key may be used from, e.g. `https://www.example.com`.
    #[oai(validator(max_items = 50, max_length = 300))]
    pub(super) allowed_origins: Option<Vec<String>>,
    /// From then on the key is refused; 90 days from now when absent, 365 at most.
    pub(super) expires_at: Option<DateTime<Utc>>,
}

impl poem_openapi::types::Example for ApiKeyCreate {
    fn example() -> Self {
        Self {
            name: "support portal".to_owned(),
            kind: None,
            role: RoleName::Member,
            scopes: Some(vec![ScopeName::Ask]),
            collection_ids: None,
            allowed_addresses: None,
            allowed_origins: None,
            expires_at: None,
        }
    }
}

/// What to change of a key; what is absent stays.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct ApiKeyUpdate {
    /// What it is for.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub(super) name: Option<String>,
    /// Fewer collections than now; for a key without a limit, some that you reach.
    #[oai(validator(max_items = 50))]
    pub(super) collection_ids: Option<Vec<Uuid>>,
    /// Addresses and ranges that it may be used from; any when empty.
    #[oai(validator(max_items = 50, max_length = 60))]
    pub(super) allowed_addresses: Option<Vec<String>>,
    /// Web origins that a publishable key may be used from.
    #[oai(validator(max_items = 50, max_length = 300))]
    pub(super) allowed_origins: Option<Vec<String>>,
}

impl poem_openapi::types::Example for ApiKeyUpdate {
    fn example() -> Self {
        Self {
            name: Some("support portal in Oslo".to_owned()),
            collection_ids: None,
            allowed_addresses: None,
            allowed_origins: None,
        }
    }
}

/// How a key is to be replaced.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct ApiKeyRotate {
    /// How long the old key stays good beside the new one: 0 to 604800 (a week); a day when absent. Its own end stays when
    /// that comes first.
    #[oai(validator(maximum(value = "604800")))]
    pub(super) overlap_seconds: Option<u32>,
}

impl poem_openapi::types::Example for ApiKeyRotate {
    fn example() -> Self {
        Self { overlap_seconds: Some(3_600) }
    }
}

/// A page of API keys.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ApiKeyList {
    /// Keys, newest first.
    #[oai(validator(max_items = 100))]
    pub(super) items: Vec<ApiKeyView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub(super) next_cursor: Option<String>,
}

impl From<CreatedApiKey> for ApiKeyCreated {
    fn from(created: CreatedApiKey) -> Self {
        Self { secret: created.credential.expose(), api_key: created.api_key.into() }
    }
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.api_key_id,
            name: key.name,
            kind: key.kind.into(),
            role: key.role.into(),
            scopes: key.scopes.into_iter().map(Into::into).collect(),
            collection_ids: key.collection_ids,
            allowed_addresses: key.allowed_addresses,
            allowed_origins: key.allowed_origins,
            rotated_from: key.rotated_from,
            created_by: key.created_by,
            hint: key.hint,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}
