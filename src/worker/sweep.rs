//! Removes what is over and nobody comes for: logins that were not finished, outcomes whose idempotency keys are free again,
//! deliveries of webhooks that were kept long enough, and, beside them, what is many things or asks the store of objects too:
//! attachments of sessions that are gone, and uploads and dumps whose time is over. Runs whose instance is gone are ended,
//! and events of runs that were kept long enough are removed.

use std::error::Error;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::chat::Chat;
use crate::db::{self, Db};
use crate::knowledge::{Dumps, Uploads, sweep_attachments};
use crate::tenancy::each_tenant;

/// How often logins are looked at.
const EVERY: Duration = Duration::from_secs(60);
/// How many rounds go by between two looks at the outcomes: they lie tenant by tenant, so that a look is a walk.
const ROUNDS: u32 = 60;
/// The same of dumps, which nobody is shown from the moment on when they are over.
const DUMP_ROUNDS: u32 = 10;
/// How often events of runs that were kept long enough are removed.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);
/// Rows that are removed at once.
const ROWS: i64 = 10_000;

/// Sweeps at once, then again and again until `stop`.
pub(super) async fn run(db: Db, keep_deliveries: Duration, stop: CancellationToken) {
    let mut round: u32 = 0;
    while !stop.is_cancelled() {
        tell("logins that were not finished", sweep_logins(&db).await);
        if round.is_multiple_of(ROUNDS) {
            tell("outcomes of requests", sweep_outcomes(&db).await);
            tell("deliveries of webhooks", sweep_deliveries(&db, keep_deliveries).await);
        }
        round += 1;
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// The same for attachments of sessions that are gone.
pub(super) async fn run_attachments(db: Db, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tell("attachments", sweep_attachments(&db, &stop).await);
        tokio::select! {
            () = tokio::time::sleep(EVERY * ROUNDS) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// The same for uploads in parts.
pub(super) async fn run_uploads(uploads: Uploads, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tell("uploads", uploads.sweep(&stop).await);
        tokio::select! {
            () = tokio::time::sleep(EVERY * ROUNDS) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// The same for dumps and files of dumps.
pub(super) async fn run_dumps(dumps: Dumps, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tell("dumps and their files", dumps.sweep(&stop).await);
        tokio::select! {
            () = tokio::time::sleep(EVERY * DUMP_ROUNDS) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Ends the runs of instances that are gone, as often as its settings say; and now and then removes events that are kept long
/// enough.
pub(super) async fn run_runs(chat: Chat, stop: CancellationToken) {
    let every = chat.run_settings().sweep;
    let mut forgotten = None;
    while !stop.is_cancelled() {
        let ended = chat.end_orphans().await;
        tell("orphaned runs", ended.map(|count| count as u64));
        if forgotten.is_none_or(|at: Instant| at.elapsed() > FORGET_EVERY) {
            forgotten = Some(Instant::now());
            tell("old events", chat.forget_events().await);
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn tell(what: &str, swept: db::Result<u64>) {
    match swept {
        Ok(0) => {}
        Ok(count) => tracing::debug!(count, what, "swept"),
        Err(error) => tracing::warn!(error = &error as &dyn Error, what, "sweeping fails"),
    }
}

async fn sweep_logins(db: &Db) -> db::Result<u64> {
    let mut tx = db.system().await?;
    let count = tx.sweep_pending_logins().await?;
    tx.commit().await?;
    Ok(count)
}

/// Removes the outcomes of requests whose time is over, tenant by tenant; how many there were.
///
/// # Errors
/// The database failed; what was swept until then is gone.
pub async fn sweep_outcomes(db: &Db) -> db::Result<u64> {
    let mut tx = db.system().await?;
    let mut count = tx.sweep_operator_outcomes().await?;
    tx.commit().await?;
    for tenant in each_tenant(db).await? {
        let mut tx = db.tenant(tenant).await?;
        let swept = tx.sweep_outcomes().await?;
        if swept > 0 {
            tx.commit().await?;
        }
        count += swept;
    }
    Ok(count)
}

/// Removes the deliveries that were over so long ago, tenant by tenant; how many there were.
///
/// # Errors
/// The database failed; what was swept until then is gone.
pub async fn sweep_deliveries(db: &Db, keep: Duration) -> db::Result<u64> {
    let mut count = 0;
    for tenant in each_tenant(db).await? {
        loop {
            let mut tx = db.tenant(tenant).await?;
            let swept = tx.sweep_deliveries(keep, ROWS).await?;
            tx.commit().await?;
            count += swept;
            if i64::try_from(swept).is_ok_and(|swept| swept < ROWS) {
                break;
            }
        }
    }
    Ok(count)
}
