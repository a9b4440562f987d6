//! `/v1/me`.

use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use uuid::Uuid;

use super::Caller;
use super::names::{RoleName, ScopeName};
use crate::db::Db;
use crate::identity::{Action, Principal};
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

/// Kinds of callers.
#[derive(Debug, Enum)]
#[oai(rename_all = "snake_case")]
pub enum CallerKind {
    /// A program.
    ApiKey,
    /// A person of the tenant.
    Member,
    /// Somebody whom a customer's own server vouches for.
    EndUser,
}

/// Who the credential belongs to and what it may do.
#[derive(Debug, Object)]
#[oai(rename = "Me")]
pub struct MeView {
    /// Tenant of the credential.
    tenant_id: Uuid,
    /// Name of the tenant.
    #[oai(validator(max_length = 200))]
    tenant_name: String,
    /// What kind of caller you are.
    kind: CallerKind,
    /// Id of the key, of the member, or of the end user.
    id: Uuid,
    /// Name of the key or of the person.
    #[oai(validator(max_length = 300))]
    name: String,
    /// What you may do.
    role: RoleName,
    /// What the role is narrowed to.
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
    /// Tells which tenant and whom the credential stands for and what it may do: the first thing to try after "Authorize".
    #[oai(path = "/me", method = "get", operation_id = "get_me")]
    async fn get_me(&self, caller: Caller) -> Result<Json<MeView>, ApiError> {
        let actor = caller.require(Action::MeRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let tenant = tx.get_tenant().await?;
        Ok(Json(MeView {
            tenant_id: actor.tenant.uuid(),
            tenant_name: tenant.name,
            kind: match actor.principal {
                Principal::ApiKey { .. } => CallerKind::ApiKey,
                Principal::Member { .. } => CallerKind::Member,
                Principal::EndUser { .. } => CallerKind::EndUser,
            },
            id: actor.id(),
            name: actor.name.clone(),
            role: actor.role.into(),
            scopes: actor.scopes.iter().copied().map(Into::into).collect(),
        }))
    }
}
