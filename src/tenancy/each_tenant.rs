//! All tenants, for work that goes from one to the next.

use crate::db::{Db, Keyset, Result};
use crate::kernel::ids::TenantId;

/// Tenants that are read at once.
const AT_ONCE: u32 = 1_000;

/// Every tenant there is now, oldest first; 16 bytes each.
///
/// # Errors
/// The database failed.
pub async fn each_tenant(db: &Db) -> Result<Vec<TenantId>> {
    let (mut tenants, mut after) = (Vec::new(), None);
    loop {
        let keyset = Keyset { after, limit: AT_ONCE };
        let page = db.system().await?.page_of_tenants(keyset).await?;
        tenants.extend(page.items.into_iter().map(|entry| TenantId::from(entry.id)));
        after = page.next;
        if after.is_none() {
            return Ok(tenants);
        }
    }
}
