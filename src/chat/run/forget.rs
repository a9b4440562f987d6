//! Removes the single events of runs that are kept long enough. The answers stay: whoever follows such a run is given the
//! whole answer at once.

use chrono::{TimeDelta, Utc};

use super::Chat;
use crate::db::{self, Keyset};
use crate::kernel::ids::first_id_at;

/// Tenants that are looked up at once.
const TENANTS_AT_ONCE: u32 = 500;

impl Chat {
    /// Removes old events of every tenant; how many rows there were.
    ///
    /// # Errors
    /// The database failed; what is left is found again the next time.
    pub async fn forget_events(&self) -> db::Result<u64> {
        let before = Utc::now() - TimeDelta::days(i64::from(self.settings.runs.events_days));
        let before = first_id_at(before);
        let mut keyset = Keyset { after: None, limit: TENANTS_AT_ONCE };
        let mut count = 0;
        loop {
            let page = self.db.system().await?.page_of_tenants(keyset).await?;
            for tenant in page.items {
                let mut tx = self.db.tenant(tenant.id.into()).await?;
                count += tx.delete_run_events_before(before).await?;
                tx.commit().await?;
            }
            let Some(next) = page.next else { return Ok(count) };
            keyset.after = Some(next);
        }
    }
}
