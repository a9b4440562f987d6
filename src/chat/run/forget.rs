//! Removes the single events of runs that are kept long enough. The answers stay: whoever follows such a run is given the
//! whole answer at once.

use chrono::{TimeDelta, Utc};

use super::Chat;
use crate::db;
use crate::kernel::ids::first_id_at;
use crate::tenancy::each_tenant;

impl Chat {
    /// Removes old events of every tenant; how many rows there were.
    ///
    /// # Errors
    /// The database failed; what is left is found again the next time.
    pub async fn forget_events(&self) -> db::Result<u64> {
        let before = Utc::now() - TimeDelta::days(i64::from(self.settings.runs.events_days));
        let before = first_id_at(before);
        let mut count = 0;
        for tenant in each_tenant(&self.db).await? {
            let mut tx = self.db.tenant(tenant).await?;
            count += tx.delete_run_events_before(before).await?;
            tx.commit().await?;
        }
        Ok(count)
    }
}
