//! `/v1/api_keys`.

mod places;
mod views;

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use self::places::{addresses, origins};
use self::views::{
    ApiKeyCreate, ApiKeyCreated, ApiKeyList, ApiKeyRotate, ApiKeyUpdate, ApiKeyView,
};
use super::Caller;
use crate::db::Db;
use crate::db::idempotency::Begun;
use crate::identity::rotate_api_key::DEFAULT_OVERLAP_SECONDS;
use crate::identity::{
    Action, CreateApiKeyError, CreatedApiKey, KeyChange, KeyError, KeyKind, KeyLimits, NewApiKey,
    change_api_key, issue_api_key, revoke_api_key, rotate_api_key,
};
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

const LIST: &str = "api_keys";

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
        /// Keys that this person or key made only.
        created_by: Query<Option<Uuid>>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<ApiKeyList>, ApiError> {
        let actor = caller.require(Action::ApiKeyRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let page = tx.list_api_keys(created_by.0, keyset).await?;
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
        body: Once<JsonBody<ApiKeyCreate>>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let actor = caller.require(Action::ApiKeyWrite)?;
        let (body, claim) = body.by(actor.id());
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
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let created = issue_api_key(&mut tx, actor, new, limits, self.max_keys.into()).await?;
        let path = path_of(&created);
        Replayable::commit_secret(tx, CreateResponse::Created(Json(created.into())), path).await
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
        body: Once<JsonBody<ApiKeyRotate>>,
    ) -> Result<Replayable<RotateResponse>, ApiError> {
        let actor = caller.require(Action::ApiKeyWrite)?;
        let (body, claim) = body.by(actor.id());
        let overlap = body.0.overlap_seconds.unwrap_or(DEFAULT_OVERLAP_SECONDS);
        let most = self.max_keys.into();
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let created = rotate_api_key(&mut tx, actor, api_key_id.0, overlap, most).await?;
        let path = path_of(&created);
        Replayable::commit_secret(tx, RotateResponse::Created(Json(created.into())), path).await
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

/// Where the key is found, without its secret.
fn path_of(created: &CreatedApiKey) -> String {
    format!("/v1/api_keys/{}", created.api_key.api_key_id)
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
