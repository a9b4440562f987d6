//! Finds versions that wait for a message which nobody will deliver, whatever became of it, and asks for the work again:
//! with this no document waits for ever. And originals whose upload broke off before there was a version: with this none
//! stays in the store that nobody knows of.

use std::error::Error;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::db::{self, Db, Keyset};
use crate::knowledge::{INGEST_VERSION, REMOVE_ORIGINAL};

/// Tenants that are listed at once.
const TENANTS: u32 = 1_000;
/// Versions of a tenant in one transaction.
const VERSIONS: i64 = 1_000;

/// Looks again and again until `stop`, as often as a version may wait.
pub(super) async fn run(db: Db, lost_after: Duration, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match reconcile_versions(&db, lost_after).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "documents had no message and are queued again"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "looking for lost documents fails");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(lost_after) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Queues the versions again that are not at their end, in nobody's hands and without a message, all of this for
/// `lost_after`; how many there were. And asks for the removal of originals that were announced as long ago and belong to no
/// version. Doing it once too often does no harm, as the effect of a job is once.
///
/// # Errors
/// The database failed; what was queued until then stays so.
pub async fn reconcile_versions(db: &Db, lost_after: Duration) -> db::Result<usize> {
    let mut count = 0;
    let mut after = None;
    loop {
        let page = db.system().await?.page_of_tenants(Keyset { after, limit: TENANTS }).await?;
        for entry in &page.items {
            let mut tx = db.tenant(entry.id.into()).await?;
            let lost = tx.touch_lost_versions(lost_after, VERSIONS).await?;
            let strays = tx.give_up_originals(lost_after).await?;
            if lost.is_empty() && strays.is_empty() {
                continue;
            }
            tx.enqueue_all(INGEST_VERSION, &lost).await?;
            tx.enqueue_all(REMOVE_ORIGINAL, &strays).await?;
            tx.commit().await?;
            count += lost.len();
            if !strays.is_empty() {
                tracing::warn!(count = strays.len(), "originals without a document are removed");
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(count);
        }
    }
}
