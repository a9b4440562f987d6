//! Finds versions, deliveries of webhooks, runs of sources, collections to be enriched, dumps and restores that wait for a
//! message which nobody will deliver, whatever became of it, and asks for the work again: with this nothing waits for ever. And
//! originals whose upload broke off before there was a version: with this none stays in the store that nobody knows of.

use std::error::Error;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Worker;
use crate::db::{self, Db};
use crate::enrichment::wake_lost_enrichments;
use crate::knowledge::{DUMP_COLLECTION, INGEST_VERSION, REMOVE_ORIGINAL, RESTORE_DUMP};
use crate::sources::SYNC_SOURCE;
use crate::tenancy::each_tenant;
use crate::webhooks::DELIVER_WEBHOOK;

/// Versions or deliveries of a tenant in one transaction.
const ROWS: i64 = 1_000;

/// Looks again and again until `stop`, as often as a version may wait.
pub(super) async fn run(worker: Worker, stop: CancellationToken) {
    let (db, lost_after) = (&worker.db, worker.settings.lost_after);
    while !stop.is_cancelled() {
        tell("documents", reconcile_versions(db, lost_after).await);
        tell("deliveries of webhooks", reconcile_deliveries(db, lost_after).await);
        tell("runs of sources", reconcile_source_runs(db, lost_after).await);
        let woken = wake_lost_enrichments(&worker.enrichment, lost_after).await;
        tell("collections to be enriched", woken);
        tell("dumps", reconcile_dumps(db, lost_after).await);
        tokio::select! {
            () = tokio::time::sleep(lost_after) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn tell(what: &str, queued: db::Result<usize>) {
    match queued {
        Ok(0) => {}
        Ok(count) => tracing::warn!(count, what, "had no message and are queued again"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn Error, what, "looking for what is lost fails");
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
    for tenant in each_tenant(db).await? {
        let mut tx = db.tenant(tenant).await?;
        let lost = tx.touch_lost_versions(lost_after, ROWS).await?;
        let strays = tx.give_up_originals(lost_after, ROWS).await?;
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
    Ok(count)
}

/// The same for deliveries of webhooks.
///
/// # Errors
/// The database failed; what was queued until then stays so.
pub async fn reconcile_deliveries(db: &Db, lost_after: Duration) -> db::Result<usize> {
    let mut count = 0;
    for tenant in each_tenant(db).await? {
        let mut tx = db.tenant(tenant).await?;
        let lost = tx.touch_lost_deliveries(lost_after, ROWS).await?;
        if lost.is_empty() {
            continue;
        }
        tx.enqueue_all(DELIVER_WEBHOOK, &lost).await?;
        tx.commit().await?;
        count += lost.len();
    }
    Ok(count)
}

/// The same for runs of sources.
///
/// # Errors
/// The database failed; what was queued until then stays so.
pub async fn reconcile_source_runs(db: &Db, lost_after: Duration) -> db::Result<usize> {
    let mut count = 0;
    for tenant in each_tenant(db).await? {
        let mut tx = db.tenant(tenant).await?;
        let lost = tx.touch_lost_source_runs(lost_after, ROWS).await?;
        if lost.is_empty() {
            continue;
        }
        tx.enqueue_all(SYNC_SOURCE, &lost).await?;
        tx.commit().await?;
        count += lost.len();
    }
    Ok(count)
}

/// The same for dumps and restores.
///
/// # Errors
/// The database failed; what was queued until then stays so.
pub async fn reconcile_dumps(db: &Db, lost_after: Duration) -> db::Result<usize> {
    let mut count = 0;
    for tenant in each_tenant(db).await? {
        let mut tx = db.tenant(tenant).await?;
        let dumps = tx.touch_lost_dumps(lost_after, ROWS).await?;
        let restores = tx.touch_lost_restores(lost_after, ROWS).await?;
        if dumps.is_empty() && restores.is_empty() {
            continue;
        }
        tx.enqueue_all(DUMP_COLLECTION, &dumps).await?;
        tx.enqueue_all(RESTORE_DUMP, &restores).await?;
        tx.commit().await?;
        count += dumps.len() + restores.len();
    }
    Ok(count)
}
