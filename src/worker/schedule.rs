//! Begins the runs of sources whose time has come.

use std::error::Error;

use tokio_util::sync::CancellationToken;

use super::Worker;
use crate::db::{self, Db};
use crate::sources::start_due_runs;
use crate::tenancy::each_tenant;

/// Looks again and again until `stop`.
pub(super) async fn run(worker: Worker, stop: CancellationToken) {
    let every = worker.sources.settings().sweep;
    while !stop.is_cancelled() {
        match start_all_due_runs(&worker.db).await {
            Ok(0) => {}
            Ok(_) => worker.work_waits.notify_one(),
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "looking for sources that are due");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Begins the runs that are due, tenant by tenant; how many there were. What fails for one tenant keeps no other one waiting.
///
/// # Errors
/// The database failed before the first tenant.
pub async fn start_all_due_runs(db: &Db) -> db::Result<usize> {
    let mut count = 0;
    for tenant in each_tenant(db).await? {
        match start_due_runs(db, tenant).await {
            Ok(begun) => count += begun,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn Error,
                    "looking for the tenant's sources that are due"
                );
            }
        }
    }
    Ok(count)
}
