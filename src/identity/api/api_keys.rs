//! `/v1/api_keys`.

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use super::Caller;
use super::names::{KeyKindName, RoleName, ScopeName};
use crate::db::Db;
use crate::identity::places::{address_range, web_origin};
use crate::identity::rotate_api_key::DEFAULT_OVERLAP_SECONDS;
use crate::identity::{
    Action, ApiKey, CreateApiKeyError, CreatedApiKey, KeyChange, KeyError, KeyKind, KeyLimits,
    NewApiKey, change_api_key, issue_api_key, revoke_api_key, rotate_api_key,
};
use crate::web::body::JsonBody;
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

const LIST: &str = "api_keys";
/// Characters shown of a value that is refused.
const SHOWN_CHARS: usize = 100;

/// An API key, without its secret.
#[derive(Debug, Object)]
#[oai(rename = "ApiKey", skip_serializing_if_is_none)]
pub struct ApiKeyView {
    /// Id of the key.
    id: Uuid,
    /// What it is for.
    #[oai(validator(max_length = 100))]
    name: String,
    /// Kept by programs, or standing in web pages.
    kind: KeyKindName,
    /// What it may do.
    role: RoleName,
    /// What the role is narrowed to.
    #[oai(validator(max_items = 20))]
    scopes: Vec<ScopeName>,
    /// Collections that it reaches; empty for those open to the whole tenant.
    #[oai(validator(max_items = 50))]
    collection_ids: Vec<Uuid>,
    /// Ranges of addresses that it may be used from; empty for any.
    #[oai(validator(max_items = 50, max_length = 60))]
    allowed_addresses: Vec<String>,
    /// Web origins that a publishable key may be used from.
    #[oai(validator(max_items = 50, max_length = 300))]
    allowed_origins: Vec<String>,
    /// Key that this one replaces; absent when it replaces none.
    rotated_from: Option<Uuid>,
    /// Last four characters of the key.
    #[oai(validator(max_length = 4))]
    hint: String,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// From then on it is refused.
    expires_at: DateTime<Utc>,
    /// Since when it is refused; absent while it is good.
    revoked_at: Option<DateTime<Utc>>,
    /// Last use, exact to a minute; absent when it was never used.
    last_used_at: Option<DateTime<Utc>>,
}

/// A new API key with its secret, which is shown this once.
#[derive(Debug, Object)]
pub struct ApiKeyCreated {
    /// The key to send as `Authorization: Bearer …`. It can not be shown again.
    #[oai(validator(max_length = 200))]
    secret: String,
    /// The key as it is listed.
    api_key: ApiKeyView,
}

/// A key to be made.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct ApiKeyCreate {
    /// What it is for.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: String,
    /// Kept by programs when absent; a publishable key has the role member, the scope ask and at least one origin.
    kind: Option<KeyKindName>,
    /// What it may do; at most what you may do yourself.
    role: RoleName,
    /// What the role is narrowed to; when absent those that come with the role and that you have yourself.
    #[oai(validator(min_items = 1, max_items = 20))]
    scopes: Option<Vec<ScopeName>>,
    /// Collections that it reaches, of those that you reach; when absent those open to the whole tenant, or your own limit.
    #[oai(validator(max_items = 50))]
    collection_ids: Option<Vec<Uuid>>,
    /// Addresses (`192.0.2.7`) and ranges (`10.0.0.0/8`) that it may be used from; any when absent.
    #[oai(validator(max_items = 50, max_length = 60))]
    allowed_addresses: Option<Vec<String>>,
    /// Web origins that a publishable key may be used from, e.g. `https://www.example.com`.
    #[oai(validator(max_items = 50, max_length = 300))]
    allowed_origins: Option<Vec<String>>,
    /// From then on the key is refused; 90 days from now when absent, 365 at most.
    expires_at: Option<DateTime<Utc>>,
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
    name: Option<String>,
    /// Fewer collections than now; for a key without a limit, some that you reach.
    #[oai(validator(max_items = 50))]
    collection_ids: Option<Vec<Uuid>>,
    /// Addresses and ranges that it may be used from; any when empty.
    #[oai(validator(max_items = 50, max_length = 60))]
    allowed_addresses: Option<Vec<String>>,
    /// Web origins that a publishable key may be used from.
    #[oai(validator(max_items = 50, max_length = 300))]
    allowed_origins: Option<Vec<String>>,
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
    overlap_seconds: Option<u32>,
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
    items: Vec<ApiKeyView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    next_cursor: Option<String>,
}

/// Outcome of a creation.
#[derive(ApiResponse)]
enum CreateResponse {
    /// The key was made; the secret is shown this once.
    #[oai(status = 201)]
    Created(Json<ApiKeyCreated>),
}

/// Outcome of a rotation.
#[derive(ApiResponse)]
enum RotateResponse {
    /// The new key was made; the secret is shown this once.
    #[oai(status = 201)]
    Created(Json<ApiKeyCreated>),
}

/// Outcome of a revocation.
#[derive(ApiResponse)]
enum RevokeResponse {
    /// The key is refused within 5 seconds everywhere.
    #[oai(status = 204)]
    Revoked,
}

/// Operations on API keys.
pub struct ApiKeysApi {
    /// The database.
    pub db: Db,
    /// Most good keys of a tenant.
    pub max_keys: u32,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Identity")]
impl ApiKeysApi {
    /// List API keys
    ///
    /// Keys of the tenant, newest first, revoked and expired ones included. Needs the role admin.
    #[oai(path = "/api_keys", method = "get", operation_id = "list_api_keys")]
    async fn list_api_keys(
        &self,
        caller: Caller,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<ApiKeyList>, ApiError> {
        let actor = caller.require(Action::ApiKeyRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let page = self.db.tenant(actor.tenant).await?.list_api_keys(keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        Ok(Json(ApiKeyList {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }

    /// Create an API key
    ///
    /// The secret is shown in this answer and never again. Nobody can give a key more than they have themselves: role,
    /// scopes, collections. Needs the role admin.
    #[oai(path = "/api_keys", method = "post", operation_id = "create_api_key")]
    async fn create_api_key(
        &self,
        caller: Caller,
        body: JsonBody<ApiKeyCreate>,
    ) -> Result<CreateResponse, ApiError> {
        let actor = caller.require(Action::ApiKeyWrite)?;
        let limits = KeyLimits {
            kind: body.0.kind.map_or(KeyKind::Secret, Into::into),
            collection_ids: distinct(body.0.collection_ids.unwrap_or_default()),
            allowed_addresses: addresses(body.0.allowed_addresses.unwrap_or_default())?,
            allowed_origins: origins(body.0.allowed_origins.unwrap_or_default())?,
        };
        let new = NewApiKey {
            name: readable_text("/name", &body.0.name)?,
            role: body.0.role.into(),
            scopes: body.0.scopes.map(|scopes| scopes.into_iter().map(Into::into).collect()),
            expires_at: body.0.expires_at,
        };
        let mut tx = self.db.tenant(actor.tenant).await?;
        let created = issue_api_key(&mut tx, actor, new, limits, self.max_keys.into()).await?;
        tx.commit().await?;
        Ok(CreateResponse::Created(Json(created.into())))
    }

    /// Rotate an API key
    ///
    /// Makes a key with the same name, role, scopes and limits, and moves the end of the old one up: both are good for the
    /// overlap. You must have all that the key has. A key that was revoked or has expired answers 409. Needs the role admin.
    #[oai(path = "/api_keys/:api_key_id/rotate", method = "post", operation_id = "rotate_api_key")]
    async fn rotate_api_key(
        &self,
        caller: Caller,
        /// Id of the key.
        api_key_id: Path<Uuid>,
        body: JsonBody<ApiKeyRotate>,
    ) -> Result<RotateResponse, ApiError> {
        let actor = caller.require(Action::ApiKeyWrite)?;
        let overlap = body.0.overlap_seconds.unwrap_or(DEFAULT_OVERLAP_SECONDS);
        let most = self.max_keys.into();
        let mut tx = self.db.tenant(actor.tenant).await?;
        let created = rotate_api_key(&mut tx, actor, api_key_id.0, overlap, most).await?;
        tx.commit().await?;
        Ok(RotateResponse::Created(Json(created.into())))
    }

    /// Update an API key
    ///
    /// Changes the name, where the key may be used from, and to fewer collections; effective within 5 seconds. Role and
    /// scopes of a key never change. Needs the role admin.
    #[oai(path = "/api_keys/:api_key_id", method = "patch", operation_id = "update_api_key")]
    async fn update_api_key(
        &self,
        caller: Caller,
        /// Id of the key.
        api_key_id: Path<Uuid>,
        body: JsonBody<ApiKeyUpdate>,
    ) -> Result<Json<ApiKeyView>, ApiError> {
        let actor = caller.require(Action::ApiKeyWrite)?;
        let change = KeyChange {
            name: body.0.name.map(|name| readable_text("/name", &name)).transpose()?,
            collection_ids: body.0.collection_ids.map(distinct),
            allowed_addresses: body.0.allowed_addresses.map(addresses).transpose()?,
            allowed_origins: body.0.allowed_origins.map(origins).transpose()?,
        };
        let mut tx = self.db.tenant(actor.tenant).await?;
        let key = change_api_key(&mut tx, actor, api_key_id.0, change).await?;
        tx.commit().await?;
        Ok(Json(key.into()))
    }

    /// Get an API key
    ///
    /// Shows one key without its secret. Needs the role admin.
    #[oai(path = "/api_keys/:api_key_id", method = "get", operation_id = "get_api_key")]
    async fn get_api_key(
        &self,
        caller: Caller,
        /// Id of the key.
        api_key_id: Path<Uuid>,
    ) -> Result<Json<ApiKeyView>, ApiError> {
        let actor = caller.require(Action::ApiKeyRead)?;
        let found = self.db.tenant(actor.tenant).await?.find_api_key(api_key_id.0).await?;
        Ok(Json(found.ok_or_else(|| ApiError::not_found("API key"))?.into()))
    }

    /// Revoke an API key
    ///
    /// The key is refused within 5 seconds on every instance. Revoking it again changes nothing. Needs the role admin.
    #[oai(path = "/api_keys/:api_key_id", method = "delete", operation_id = "delete_api_key")]
    async fn delete_api_key(
        &self,
        caller: Caller,
        /// Id of the key.
        api_key_id: Path<Uuid>,
    ) -> Result<RevokeResponse, ApiError> {
        let actor = caller.require(Action::ApiKeyWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        revoke_api_key(&mut tx, actor, api_key_id.0).await?;
        tx.commit().await?;
        Ok(RevokeResponse::Revoked)
    }
}

fn distinct(mut ids: Vec<Uuid>) -> Vec<Uuid> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Ranges as they are stored.
fn addresses(given: Vec<String>) -> Result<Vec<String>, ApiError> {
    each(
        given,
        "/allowed_addresses",
        "is no address and no range; write 192.0.2.7 or 10.0.0.0/8",
        |text| address_range(text).map(|range| range.to_string()),
    )
}

/// Origins as they are stored.
fn origins(given: Vec<String>) -> Result<Vec<String>, ApiError> {
    each(
        given,
        "/allowed_origins",
        "is no web origin; write https://www.example.com, without path; http is for localhost alone",
        web_origin,
    )
}

fn each(
    given: Vec<String>,
    pointer: &str,
    remedy: &str,
    read: fn(&str) -> Option<String>,
) -> Result<Vec<String>, ApiError> {
    let mut stored = Vec::with_capacity(given.len());
    for (index, text) in given.iter().enumerate() {
        let shown: String = text.chars().take(SHOWN_CHARS).collect();
        let value = read(text).ok_or_else(|| {
            ApiError::invalid(&format!("{pointer}/{index}"), format!("\"{shown}\" {remedy}"))
        })?;
        if !stored.contains(&value) {
            stored.push(value);
        }
    }
    Ok(stored)
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        let text = error.to_string();
        match error {
            KeyError::Unknown => Self::not_found("API key"),
            KeyError::UnknownCollection => Self::not_found("collection"),
            KeyError::AboveRole { .. } | KeyError::ScopeNotHeld(_) | KeyError::WiderReach => {
                Self::new(ProblemCode::Forbidden, text)
            }
            KeyError::Widened => Self::invalid("/collection_ids", text),
            KeyError::Kind { pointer, detail } => Self::invalid(pointer, detail),
            KeyError::Over | KeyError::TooMany(_) => Self::new(ProblemCode::Conflict, text),
            KeyError::Create(error) => error.into(),
            KeyError::Database(error) => error.into(),
        }
    }
}

impl From<CreateApiKeyError> for ApiError {
    fn from(error: CreateApiKeyError) -> Self {
        match error {
            CreateApiKeyError::ScopeAboveRole { .. } | CreateApiKeyError::NoScope => {
                Self::invalid("/scopes", error.to_string())
            }
            CreateApiKeyError::Expiry => Self::invalid("/expires_at", error.to_string()),
            CreateApiKeyError::Database(error) => error.into(),
        }
    }
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
            hint: key.hint,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}
