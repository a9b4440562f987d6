//! Tenants: companies that give their documentation.

mod allowed_origin;
mod create_tenant;
mod each_tenant;
mod store;

pub use allowed_origin::{MAX_ORIGINS, allowed_origin};
pub use create_tenant::{CreateTenantError, CreatedTenant, create_tenant, create_tenant_in};
pub use each_tenant::each_tenant;
pub use store::tenants::{DirectoryEntry, Tenant};
