//! Tenants: companies that give their documentation.

mod create_tenant;
mod store;

pub use create_tenant::{CreateTenantError, CreatedTenant, create_tenant};
pub use store::tenants::{DirectoryEntry, Tenant};
