//! Begins the runs of sources whose time has come.

use crate::db::{self, Db};
use crate::kernel::ids::{TenantId, new_id};

use super::sync::SYNC_SOURCE;

/// Sources of a tenant in one transaction.
const ROWS: i64 = 100;

/// Begins the runs of a tenant's sources that are due; how many there were. A source that is still being read waits for its next
/// time. Several workers may look at once: each source is taken by one of them.
///
/// # Errors
/// The database failed; then none was begun.
pub async fn start_due_runs(db: &Db, tenant: TenantId) -> db::Result<usize> {
    let mut tx = db.tenant(tenant).await?;
    let mut count = 0;
    for source_id in tx.take_due_sources(ROWS).await? {
        let run_id = new_id();
        // Somebody may have asked for one at this very moment.
        if tx.insert_source_run(run_id, source_id, "schedule", false).await? {
            tx.enqueue(SYNC_SOURCE, run_id).await?;
            count += 1;
        }
    }
    tx.commit().await?;
    Ok(count)
}
