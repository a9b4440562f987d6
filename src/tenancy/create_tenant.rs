//! Makes a tenant. Its first key is made by the caller, in the same transaction.

use super::DirectoryEntry;
use crate::db::{self, Db, OnConstraint, TenantTx};
use crate::kernel::ids::TenantId;

/// A tenant that is stored but not yet committed.
#[derive(Debug)]
pub struct CreatedTenant {
    /// Its id.
    pub tenant: TenantId,
    /// The transaction to commit.
    pub tx: TenantTx,
}

/// Why a tenant was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateTenantError {
    /// The short name is taken.
    #[error("there is a tenant \"{0}\" already; choose another short name")]
    SlugTaken(String),
    /// The short name has the wrong form.
    #[error(
        "\"{0}\" is no short name: 1 to 50 lower-case letters, digits and hyphens, not beginning with a hyphen"
    )]
    SlugForm(String),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Makes a tenant with a short name (unique) and a name.
///
/// # Errors
/// See [`CreateTenantError`].
pub async fn create_tenant(
    db: &Db,
    slug: &str,
    name: &str,
) -> Result<CreatedTenant, CreateTenantError> {
    let tenant = TenantId::generate();
    let mut tx = db.tenant(tenant).await?;
    create_tenant_in(&mut tx, slug, name).await?;
    Ok(CreatedTenant { tenant, tx })
}

/// Makes the transaction's own tenant.
///
/// # Errors
/// See [`CreateTenantError`].
pub async fn create_tenant_in(
    tx: &mut TenantTx,
    slug: &str,
    name: &str,
) -> Result<DirectoryEntry, CreateTenantError> {
    match tx.insert_tenant(slug, name).await {
        Err(db::Error::Constraint { ref name, .. }) if name == "tenant_directory_slug_check" => {
            Err(CreateTenantError::SlugForm(slug.to_owned()))
        }
        other => other.on_constraint("tenant_directory_slug_key", || {
            CreateTenantError::SlugTaken(slug.to_owned())
        }),
    }
}
