//! `/v1/platform/tenants`: the tenants, for the operator.

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use uuid::Uuid;

use super::OperatorCaller;
use crate::db::Db;
use crate::db::idempotency::Begun;
use crate::identity::operate_tenants::{OperateError, change_tenant, found_tenant};
use crate::kernel::ids::TenantId;
use crate::tenancy::{CreateTenantError, DirectoryEntry, Tenant};
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

const LIST: &str = "platform_tenants";

/// Whether a tenant is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum TenantState {
    /// Everybody of it is let in.
    Active,
    /// Every credential of it is refused with 403.
    Suspended,
}

impl TenantState {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// A tenant as the operator sees it.
#[derive(Debug, Object)]
#[oai(rename = "PlatformTenant")]
pub struct PlatformTenantView {
    /// Id.
    id: Uuid,
    /// Short name, unique over all tenants.
    #[oai(validator(max_length = 50))]
    slug: String,
    /// Name shown to people.
    #[oai(validator(max_length = 200))]
    name: String,
    /// Whether it is let in.
    state: TenantState,
    /// When it was created.
    created_at: DateTime<Utc>,
}

/// A tenant to be made.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct PlatformTenantCreate {
    /// Short name: lower-case letters, digits and hyphens, not beginning with a hyphen; it never changes.
    #[oai(validator(min_length = 1, max_length = 50, pattern = "^[a-z0-9][a-z0-9-]*$"))]
    slug: String,
    /// Name shown to people.
    #[oai(validator(min_length = 1, max_length = 200))]
    name: String,
}

impl Example for PlatformTenantCreate {
    fn example() -> Self {
        Self { slug: "northwind".to_owned(), name: "Northwind Ltd".to_owned() }
    }
}

/// What to change of a tenant; what is absent stays.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct PlatformTenantUpdate {
    /// Name shown to people.
    #[oai(validator(min_length = 1, max_length = 200))]
    name: Option<String>,
    /// Whether it is let in.
    state: Option<TenantState>,
}

impl Example for PlatformTenantUpdate {
    fn example() -> Self {
        Self { name: None, state: Some(TenantState::Suspended) }
    }
}

/// A new tenant with its first key, which is shown this once.
#[derive(Debug, Object)]
pub struct PlatformTenantCreated {
    /// The tenant as it is listed.
    tenant: PlatformTenantView,
    /// Key of the role owner for the tenant's first owner. It can not be shown again.
    #[oai(validator(max_length = 200))]
    first_key: String,
}

/// A page of tenants.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct PlatformTenantList {
    /// Tenants, newest first.
    #[oai(validator(max_items = 100))]
    items: Vec<PlatformTenantView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    next_cursor: Option<String>,
}

#[derive(ApiResponse)]
enum CreateResponse {
    /// The tenant was made; its first key is shown this once.
    #[oai(status = 201)]
    Created(Json<PlatformTenantCreated>),
}

/// Operations of the operator on tenants.
pub struct PlatformTenantsApi {
    /// The database.
    pub db: Db,
}

#[OpenApi(prefix_path = "/v1/platform", tag = "Tag::Platform")]
impl PlatformTenantsApi {
    /// List tenants
    ///
    /// All tenants of the installation, newest first. Needs a key of the operator.
    #[oai(path = "/tenants", method = "get", operation_id = "list_platform_tenants")]
    async fn list_platform_tenants(
        &self,
        caller: OperatorCaller,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<PlatformTenantList>, ApiError> {
        tracing::debug!(operator = %caller.0.operator_key_id, "listing tenants");
        let keyset = keyset(LIST, nobody(), limit.0, cursor.0.as_deref())?;
        let page = self.db.system().await?.page_of_tenants(keyset).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for entry in page.items {
            let tenant = self.db.tenant(entry.id.into()).await?.get_tenant().await?;
            items.push(view(entry, tenant));
        }
        let next_cursor = page.next.map(|id| encode_cursor(LIST, nobody(), id));
        Ok(Json(PlatformTenantList { items, next_cursor }))
    }

    /// Create a tenant
    ///
    /// Makes a tenant and its first key of the role owner, which is shown in this answer and never again: hand it to the
    /// tenant's first owner. Needs a key of the operator.
    #[oai(path = "/tenants", method = "post", operation_id = "create_platform_tenant")]
    async fn create_platform_tenant(
        &self,
        caller: OperatorCaller,
        body: Once<JsonBody<PlatformTenantCreate>>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let (body, claim) = body.by_operator(caller.0.operator_key_id);
        let name = readable_text("/name", &body.0.name)?;
        let mut tx = match self.db.tenant_once(TenantId::generate(), claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let (entry, key) = found_tenant(&mut tx, &caller.0, &body.0.slug, &name).await?;
        let path = format!("/v1/platform/tenants/{}", entry.id);
        let tenant = tx.get_tenant().await?;
        let response = CreateResponse::Created(Json(PlatformTenantCreated {
            tenant: view(entry, tenant),
            first_key: key.credential.expose(),
        }));
        Replayable::commit_secret(tx, response, path).await
    }

    /// Get a tenant
    ///
    /// Shows name and state of one tenant, and nothing that it stores. Needs a key of the operator.
    #[oai(path = "/tenants/:tenant_id", method = "get", operation_id = "get_platform_tenant")]
    async fn get_platform_tenant(
        &self,
        caller: OperatorCaller,
        /// Id of the tenant.
        tenant_id: Path<Uuid>,
    ) -> Result<Json<PlatformTenantView>, ApiError> {
        tracing::debug!(operator = %caller.0.operator_key_id, "reading a tenant");
        Ok(Json(self.read(tenant_id.0).await?))
    }

    /// Update a tenant
    ///
    /// Changes the name, suspends or activates. Every credential of a suspended tenant is refused with 403 within 5 seconds;
    /// answers and documents begun before are finished. Needs a key of the operator.
    #[oai(path = "/tenants/:tenant_id", method = "patch", operation_id = "update_platform_tenant")]
    async fn update_platform_tenant(
        &self,
        caller: OperatorCaller,
        /// Id of the tenant.
        tenant_id: Path<Uuid>,
        body: JsonBody<PlatformTenantUpdate>,
    ) -> Result<Json<PlatformTenantView>, ApiError> {
        let name = body.0.name.map(|name| readable_text("/name", &name)).transpose()?;
        let state = body.0.state.map(TenantState::name);
        let entry = self.entry(tenant_id.0).await?;
        let changed = change_tenant(&self.db, &caller.0, entry.id.into(), name, state).await?;
        Ok(Json(view(entry, changed)))
    }
}

impl PlatformTenantsApi {
    async fn entry(&self, id: Uuid) -> Result<DirectoryEntry, ApiError> {
        let found = self.db.system().await?.find_tenant(id).await?;
        found.ok_or_else(|| ApiError::not_found("tenant"))
    }

    async fn read(&self, id: Uuid) -> Result<PlatformTenantView, ApiError> {
        let entry = self.entry(id).await?;
        let tenant = self.db.tenant(entry.id.into()).await?.get_tenant().await?;
        Ok(view(entry, tenant))
    }
}

/// Cursors are bound to a tenant; those of the operator to none.
fn nobody() -> TenantId {
    TenantId::from(Uuid::nil())
}

fn view(entry: DirectoryEntry, tenant: Tenant) -> PlatformTenantView {
    PlatformTenantView {
        id: entry.id,
        slug: entry.slug,
        state: if tenant.is_suspended() { TenantState::Suspended } else { TenantState::Active },
        name: tenant.name,
        created_at: entry.created_at,
    }
}

impl From<OperateError> for ApiError {
    fn from(error: OperateError) -> Self {
        let text = error.to_string();
        match error {
            OperateError::Tenant(CreateTenantError::SlugTaken(_)) => {
                Self::new(ProblemCode::Conflict, text)
            }
            OperateError::Tenant(CreateTenantError::SlugForm(_)) => Self::invalid("/slug", text),
            OperateError::Tenant(CreateTenantError::Database(error))
            | OperateError::Database(error) => error.into(),
            OperateError::Key(error) => error.into(),
        }
    }
}
