//! `/v1/tenant`.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::types::{Example, MaybeUndefined};
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::Caller;
use crate::db::Db;
use crate::identity::{Action, Actor, ChangeTenantError, TenantChange, change_tenant};
use crate::tenancy::Tenant;
use crate::web::body::JsonBody;
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

/// The tenant and its settings.
#[derive(Debug, Object)]
#[oai(rename = "Tenant", skip_serializing_if_is_none)]
pub struct TenantView {
    /// Id of the tenant.
    id: Uuid,
    /// Name shown to people.
    #[oai(validator(max_length = 200))]
    name: String,
    /// Login providers whose people may enter; absent when every one of the server may.
    #[oai(validator(max_items = 20))]
    login_providers: Option<Vec<String>>,
    /// Web origins whose pages may call from a browser.
    #[oai(validator(max_items = 50))]
    allowed_origins: Vec<String>,
}

/// What to change of the tenant; what is absent stays.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct TenantUpdate {
    /// New name.
    #[oai(validator(min_length = 1, max_length = 200))]
    name: Option<String>,
    /// Login providers whose people may enter, `local` for passwords kept here; null for every one of the server.
    #[oai(validator(max_items = 20, max_length = 30))]
    login_providers: MaybeUndefined<Vec<String>>,
    /// Web origins whose pages may call from a browser, such as `https://docs.example.com`; all of them anew.
    #[oai(validator(max_items = 50, max_length = 300))]
    allowed_origins: Option<Vec<String>>,
}

impl Example for TenantUpdate {
    fn example() -> Self {
        Self {
            name: None,
            login_providers: MaybeUndefined::Undefined,
            allowed_origins: Some(vec!["https://docs.example.com".to_owned()]),
        }
    }
}

/// Operations on the tenant itself.
pub struct TenantApi {
    /// The database.
    pub db: Db,
    /// Login providers that the operator has set up.
    pub login_providers: Arc<[String]>,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Identity")]
impl TenantApi {
    /// Get the tenant
    ///
    /// Shows the tenant's settings. Needs the role admin.
    #[oai(path = "/tenant", method = "get", operation_id = "get_tenant")]
    async fn get_tenant(&self, caller: Caller) -> Result<Json<TenantView>, ApiError> {
        let actor = caller.require(Action::TenantRead)?;
        let tenant = self.db.tenant(actor.tenant).await?.get_tenant().await?;
        Ok(Json(view(actor, tenant)))
    }

    /// Update the tenant
    ///
    /// Changes the tenant's settings; what is absent stays. Who is logged in with a provider can not take that very one
    /// away. Needs the role admin.
    #[oai(path = "/tenant", method = "patch", operation_id = "update_tenant")]
    async fn update_tenant(
        &self,
        caller: Caller,
        body: JsonBody<TenantUpdate>,
    ) -> Result<Json<TenantView>, ApiError> {
        let actor = caller.require(Action::TenantWrite)?;
        let TenantUpdate { name, login_providers, allowed_origins } = body.0;
        let change = TenantChange {
            name: name.map(|name| readable_text("/name", &name)).transpose()?,
            login_providers: match login_providers {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(names) => Some(Some(names)),
            },
            allowed_origins,
        };
        let mut tx = self.db.tenant(actor.tenant).await?;
        let tenant = change_tenant(&mut tx, actor, change, &self.login_providers).await?;
        tx.commit().await?;
        Ok(Json(view(actor, tenant)))
    }
}

fn view(actor: &Actor, tenant: Tenant) -> TenantView {
    TenantView {
        id: actor.tenant.uuid(),
        name: tenant.name,
        login_providers: tenant.login_providers,
        allowed_origins: tenant.allowed_origins,
    }
}

impl From<ChangeTenantError> for ApiError {
    fn from(error: ChangeTenantError) -> Self {
        let text = error.to_string();
        match error {
            ChangeTenantError::UnknownProvider(..) | ChangeTenantError::NoProvider => {
                Self::invalid("/login_providers", text)
            }
            ChangeTenantError::OwnProvider(_) => Self::new(ProblemCode::Conflict, text),
            ChangeTenantError::Origin(_) | ChangeTenantError::TooManyOrigins => {
                Self::invalid("/allowed_origins", text)
            }
            ChangeTenantError::Database(error) => error.into(),
        }
    }
}
