//! `/v1/api_keys`.

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use super::Caller;
use super::names::{RoleName, ScopeName};
use crate::db::Db;
use crate::identity::{
    Action, Actor, ApiKey, CreateApiKeyError, NewApiKey, Role, Scope, create_api_key,
};
use crate::web::body::JsonBody;
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

const LIST: &str = "api_keys";

/// An API key, without its secret.
#[derive(Debug, Object)]
#[oai(rename = "ApiKey", skip_serializing_if_is_none)]
pub struct ApiKeyView {
    /// Id of the key.
    id: Uuid,
    /// What it is for.
    #[oai(validator(max_length = 100))]
    name: String,
    /// What it may do.
    role: RoleName,
    /// What the role is narrowed to.
    #[oai(validator(max_items = 20))]
    scopes: Vec<ScopeName>,
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
    /// What it may do; at most what the asking key may do.
    role: RoleName,
    /// What the role is narrowed to; when absent all scopes of the role that the asking key has itself.
    #[oai(validator(max_items = 20))]
    scopes: Option<Vec<ScopeName>>,
    /// From then on the key is refused; 90 days from now when absent, 365 at most.
    expires_at: Option<DateTime<Utc>>,
}

impl poem_openapi::types::Example for ApiKeyCreate {
    fn example() -> Self {
        Self {
            name: "support portal".to_owned(),
            role: RoleName::Member,
            scopes: Some(vec![ScopeName::Ask]),
            expires_at: None,
        }
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
    /// The secret is shown in this answer and never again. A key can give at most its own role. Needs the role admin.
    #[oai(path = "/api_keys", method = "post", operation_id = "create_api_key")]
    async fn create_api_key(
        &self,
        caller: Caller,
        body: JsonBody<ApiKeyCreate>,
    ) -> Result<CreateResponse, ApiError> {
        let actor = caller.require(Action::ApiKeyWrite)?;
        let ApiKeyCreate { name, role, scopes, expires_at } = body.0;
        let role = Role::from(role);
        if role > actor.role {
            let detail =
                format!("a key of the role {} can not make one of the role {role}", actor.role);
            return Err(ApiError::new(ProblemCode::Forbidden, detail));
        }
        let scopes = granted_scopes(actor, role, scopes)?;
        let name = readable_text("/name", &name)?;
        let new = NewApiKey { name, role, scopes: Some(scopes), expires_at };
        let mut tx = self.db.tenant(actor.tenant).await?;
        let created = create_api_key(&mut tx, new, Some(actor.id())).await?;
        tx.commit().await?;
        Ok(CreateResponse::Created(Json(ApiKeyCreated {
            secret: created.credential.expose(),
            api_key: created.api_key.into(),
        })))
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
        let key = tx.find_api_key(api_key_id.0).await?;
        let key = key.ok_or_else(|| ApiError::not_found("API key"))?;
        if key.role > actor.role {
            let detail = format!(
                "a key of the role {} can not revoke one of the role {}",
                actor.role, key.role
            );
            return Err(ApiError::new(ProblemCode::Forbidden, detail));
        }
        tx.revoke_api_key(key.api_key_id).await?;
        tx.commit().await?;
        Ok(RevokeResponse::Revoked)
    }
}

/// Scopes of a new key: those asked for, else all of its role that the asking key has itself. Never more than that.
fn granted_scopes(
    actor: &Actor,
    role: Role,
    asked: Option<Vec<ScopeName>>,
) -> Result<Vec<Scope>, ApiError> {
    let Some(asked) = asked else {
        let of_role = role.scopes().into_iter();
        return Ok(of_role.filter(|scope| actor.scopes.contains(scope)).collect());
    };
    let asked: Vec<Scope> = asked.into_iter().map(Into::into).collect();
    match asked.iter().find(|scope| !actor.scopes.contains(scope)) {
        Some(scope) => Err(ApiError::new(
            ProblemCode::Forbidden,
            format!("a key without the scope {scope} can not give it to another"),
        )),
        None => Ok(asked),
    }
}

impl From<CreateApiKeyError> for ApiError {
    fn from(error: CreateApiKeyError) -> Self {
        match error {
            CreateApiKeyError::ScopeAboveRole { .. } => Self::invalid("/scopes", error.to_string()),
            CreateApiKeyError::Expiry => Self::invalid("/expires_at", error.to_string()),
            CreateApiKeyError::Database(error) => error.into(),
        }
    }
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.api_key_id,
            name: key.name,
            role: key.role.into(),
            scopes: key.scopes.into_iter().map(Into::into).collect(),
            hint: key.hint,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}
