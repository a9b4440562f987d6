//! Looks for re-embeddings that have work and no message, tenant by tenant; and keeps the list of models that processes must
//! be able to embed with.

use std::collections::BTreeSet;
use std::error::Error;

use tokio_util::sync::CancellationToken;

use super::{REEMBED_COLLECTION, Reembeddings};
use crate::db;
use crate::kernel::ids::TenantId;
use crate::knowledge::store::waiting_reembeddings::WaitingTimes;
use crate::tenancy::each_tenant;

/// Re-embeddings of a tenant in one transaction.
const ROWS: i64 = 1_000;

impl Reembeddings {
    /// Queues what waits; how many there were. A tenant at which that fails keeps no other one waiting.
    ///
    /// # Errors
    /// The database failed before or after the tenants; what was queued until then stays so.
    pub async fn sweep(&self, stop: &CancellationToken) -> db::Result<u64> {
        let mut tx = self.db.system().await?;
        let (noted, mark) = tx.list_other_models().await?;
        drop(tx);
        let (mut count, mut needed, mut is_whole) = (0, BTreeSet::new(), true);
        for tenant in each_tenant(&self.db).await? {
            if stop.is_cancelled() {
                return Ok(count);
            }
            match self.queue_waiting(tenant, &mut needed).await {
                Ok(queued) => count += queued,
                Err(error) => {
                    is_whole = false;
                    tracing::warn!(
                        tenant.id = %tenant,
                        error = &error as &dyn Error,
                        "looking for re-embeddings of a tenant fails"
                    );
                }
            }
        }
        // What a tenant that failed needs is not known.
        if !is_whole {
            return Ok(count);
        }
        let kept: Vec<String> =
            noted.iter().filter(|model| needed.contains(*model)).cloned().collect();
        if kept.len() < noted.len() {
            let mut tx = self.db.system().await?;
            tx.retain_other_models(&kept, mark).await?;
            tx.commit().await?;
        }
        Ok(count)
    }

    async fn queue_waiting(
        &self,
        tenant: TenantId,
        needed: &mut BTreeSet<String>,
    ) -> db::Result<u64> {
        let own = self.embedders.own_model();
        let mut tx = self.db.tenant(tenant).await?;
        needed.extend(tx.list_needed_models().await?);
        let times = WaitingTimes {
            lost_after: self.settings.lost_after,
            look_after: self.settings.look,
            late: self.settings.late,
        };
        let waiting = tx.touch_waiting_reembeddings(own, times, ROWS).await?;
        if !waiting.is_empty() {
            tx.enqueue_all(REEMBED_COLLECTION, &waiting).await?;
        }
        // Also those that have nothing to be done were looked at now.
        tx.commit().await?;
        Ok(u64::try_from(waiting.len()).unwrap_or(u64::MAX))
    }
}
