//! What the operator does to tenants: makes them with a first key, names, suspends and activates them. Each act is an
//! entry of that tenant's audit log. Nothing that a tenant stores is read here but its name and state.

use serde_json::json;

use super::create_api_key::{CreateApiKeyError, CreatedApiKey, NewApiKey, create_api_key};
use super::operator_key::Operator;
use super::policy::Role;
use crate::db::{self, Db, TenantTx};
use crate::kernel::ids::TenantId;
use crate::tenancy::{CreateTenantError, DirectoryEntry, Tenant, create_tenant_in};

/// Why a tenant was not made.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// The tenant itself was refused.
    #[error(transparent)]
    Tenant(#[from] CreateTenantError),
    /// Its first key was refused.
    #[error(transparent)]
    Key(#[from] CreateApiKeyError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Makes the transaction's own tenant and a first key of the role owner, for whoever makes everything else in it.
///
/// # Errors
/// See [`OperateError`].
pub async fn found_tenant(
    tx: &mut TenantTx,
    operator: &Operator,
    slug: &str,
    name: &str,
) -> Result<(DirectoryEntry, CreatedApiKey), OperateError> {
    let founded = create_tenant_in(tx, slug, name).await?;
    let entry = operator.audit("tenant.created").on("tenant", founded.id);
    tx.append_audit(entry.after(json!({ "slug": slug, "name": name }))).await?;
    let new = NewApiKey {
        name: "first key".to_owned(),
        role: Role::Owner,
        scopes: None,
        expires_at: None,
    };
    let key = create_api_key(tx, new, operator.audit("api_key.created")).await?;
    Ok((founded, key))
}

/// Name and state of a tenant after the change; what is absent stays. Within 5 seconds every credential of a suspended
/// tenant is refused; what was begun before goes on to its end.
///
/// # Errors
/// The database refused.
pub async fn change_tenant(
    db: &Db,
    operator: &Operator,
    tenant: TenantId,
    name: Option<String>,
    state: Option<&str>,
) -> db::Result<Tenant> {
    let mut tx = db.tenant(tenant).await?;
    let old = tx.lock_tenant().await?;
    let state = state.unwrap_or(&old.state).to_owned();
    let new = Tenant { name: name.unwrap_or_else(|| old.name.clone()), state, ..old.clone() };
    let action = match (new.state == old.state, new.is_suspended()) {
        (true, _) if new.name == old.name => return Ok(old),
        (true, _) => "tenant.changed",
        (false, true) => "tenant.suspended",
        (false, false) => "tenant.activated",
    };
    tx.update_tenant_state(&new.name, &new.state).await?;
    let told = |tenant: &Tenant| json!({ "name": tenant.name, "state": tenant.state });
    let entry = operator.audit(action).on("tenant", tenant);
    tx.append_audit(entry.before(told(&old)).after(told(&new))).await?;
    tx.commit().await?;
    Ok(new)
}
