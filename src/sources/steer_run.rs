//! Begins and cancels runs, as somebody asks for it.

use serde_json::json;
use uuid::Uuid;

use super::manage::SourceError;
use super::store::runs::SourceRun;
use super::sync::{SYNC_SOURCE, SyncSettings};
use crate::db::{self, TenantTx};
use crate::identity::Actor;
use crate::kernel::ids::new_id;
use crate::knowledge::release_content;

/// Has a source read, by a worker; the run.
///
/// # Errors
/// [`SourceError::Running`]: there is a run that is not over.
pub async fn request_run(
    tx: &mut TenantTx,
    actor: &Actor,
    source_id: Uuid,
    allow_mass_deletion: bool,
) -> Result<SourceRun, SourceError> {
    let run_id = new_id();
    if !tx.insert_source_run(run_id, source_id, "request", allow_mass_deletion).await? {
        return Err(SourceError::Running);
    }
    tx.enqueue(SYNC_SOURCE, run_id).await?;
    let entry = actor.audit("source.sync_requested").on("source", source_id);
    let after = json!({ "run_id": run_id, "allow_mass_deletion": allow_mass_deletion });
    tx.append_audit(entry.after(after)).await?;
    find_run(tx, source_id, run_id).await
}

/// Ends a run that is not over; the run as it is then. What it brought in until then stays.
///
/// # Errors
/// [`SourceError::UnknownRun`], or the database failed.
pub async fn cancel_run(
    tx: &mut TenantTx,
    actor: &Actor,
    source_id: Uuid,
    run_id: Uuid,
    settings: &SyncSettings,
) -> Result<SourceRun, SourceError> {
    let run = find_run(tx, source_id, run_id).await?;
    if run.is_over() {
        return Ok(run);
    }
    let ended = tx.cancel_source_runs(source_id, Some(run_id)).await?;
    if ended.is_empty() {
        return find_run(tx, source_id, run_id).await;
    }
    // A worker that has it in hand lets go of it itself.
    for content_id in ended.iter().filter_map(|ended| ended.content_id) {
        release_content(tx, content_id).await?;
    }
    tx.trim_source_pages(run_id, settings.keep_pages).await?;
    tx.trim_source_runs(source_id, settings.keep_runs).await?;
    let entry = actor.audit("source.sync_cancelled").on("source", source_id);
    tx.append_audit(entry.after(json!({ "run_id": run_id }))).await?;
    find_run(tx, source_id, run_id).await
}

async fn find_run(
    tx: &mut TenantTx,
    source_id: Uuid,
    run_id: Uuid,
) -> Result<SourceRun, SourceError> {
    let found: db::Result<Option<SourceRun>> = tx.find_source_run(source_id, run_id).await;
    found?.ok_or(SourceError::UnknownRun)
}
