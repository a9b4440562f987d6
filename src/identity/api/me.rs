//! `/v1/me`.

use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::Caller;
use super::api_keys::{RoleName, ScopeName};
use crate::db::Db;
use crate::identity::Action;
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

/// Who the credential belongs to and what it may do.
#[derive(Debug, Object)]
#[oai(rename = "Me")]
pub struct MeView {
    /// Tenant of the credential.
    tenant_id: Uuid,
    /// Name of the tenant.
    #[oai(validator(max_length = 200))]
    tenant_name: String,
    /// The API key.
    api_key_id: Uuid,
    /// Name of the API key.
    #[oai(validator(max_length = 100))]
    name: String,
    /// Role of the API key.
    role: RoleName,
    /// Scopes that the key has.
    #[oai(validator(max_items = 20))]
    scopes: Vec<ScopeName>,
}

/// Operations on the caller.
pub struct MeApi {
    /// The database.
    pub db: Db,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Identity")]
impl MeApi {
    /// Show who you are
    ///
    /// Tells which tenant and key the credential stands for and what it may do: the first thing to try after "Authorize".
    #[oai(path = "/me", method = "get", operation_id = "get_me")]
    async fn get_me(&self, caller: Caller) -> Result<Json<MeView>, ApiError> {
        let actor = caller.require(Action::MeRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let tenant = tx.get_tenant().await?;
        Ok(Json(MeView {
            tenant_id: actor.tenant.uuid(),
            tenant_name: tenant.name,
            api_key_id: actor.api_key_id,
            name: actor.name.clone(),
            role: actor.role.into(),
            scopes: actor.scopes.iter().copied().map(Into::into).collect(),
        }))
    }
}
