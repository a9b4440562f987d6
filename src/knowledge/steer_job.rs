//! Steers jobs of ingestion: cancels, tries again, reads a document once more. Each is an entry of the audit log.

use serde_json::json;
use uuid::Uuid;

use super::ingest_version::INGEST_VERSION;
use super::store::jobs::Job;
use super::store::versions::{NewVersion, NewestVersion};
use crate::db::audit::AuditEntry;
use crate::db::{self, TenantTx};
use crate::identity::Actor;
use crate::kernel::ids::new_id;

/// Cancels a job; nothing happens when it is over.
///
/// # Errors
/// The database failed.
pub async fn cancel_job(tx: &mut TenantTx, actor: &Actor, job: &Job) -> db::Result<()> {
    if tx.cancel_version(job.version_id).await? {
        let entry = actor.audit("ingestion_job.cancelled");
        note(tx, entry, job.document_id, job.version_id).await?;
    }
    Ok(())
}

/// Lets a job that failed or was cancelled begin again; nothing happens when it is neither.
///
/// # Errors
/// The database failed.
pub async fn retry_job(tx: &mut TenantTx, actor: &Actor, job: &Job) -> db::Result<()> {
    let entry = actor.audit("ingestion_job.retried");
    reopen(tx, entry, job.document_id, job.version_id).await?;
    Ok(())
}

/// Reads the newest version of a document once more, as this build reads: under a new number with the same bytes, so that
/// readers find the old one until the new one is ready, and what cites the old one stays true. One that failed or was
/// cancelled is tried again, and one that is on its way goes on. The job; `None` when there is no such document.
///
/// # Errors
/// The database failed.
pub async fn reprocess_document(
    tx: &mut TenantTx,
    actor: &Actor,
    document_id: Uuid,
) -> db::Result<Option<Uuid>> {
    let Some(newest) = tx.lock_newest_version(document_id).await? else { return Ok(None) };
    match newest.state.as_str() {
        "ready" | "superseded" => read_again(tx, actor, document_id, newest).await.map(Some),
        _ => {
            let entry = actor.audit("ingestion_job.retried");
            reopen(tx, entry, document_id, newest.version_id).await?;
            Ok(Some(newest.version_id))
        }
    }
}

async fn read_again(
    tx: &mut TenantTx,
    actor: &Actor,
    document_id: Uuid,
    newest: NewestVersion,
) -> db::Result<Uuid> {
    let version_id = new_id();
    let version = NewVersion {
        version_id,
        document_id,
        media_type: newest.media_type,
        size_bytes: newest.size_bytes,
        content_sha256: newest.content_sha256,
        object_key: newest.object_key,
        created_by: Some(actor.id()),
        original_version_id: newest.original_version_id.or(Some(newest.version_id)),
    };
    tx.insert_version(&version).await?;
    tx.enqueue(INGEST_VERSION, version_id).await?;
    note(tx, actor.audit("document.reprocessed"), document_id, version_id).await?;
    Ok(version_id)
}

async fn reopen(
    tx: &mut TenantTx,
    entry: AuditEntry,
    document_id: Uuid,
    version_id: Uuid,
) -> db::Result<()> {
    if tx.reopen_version(version_id).await? {
        tx.enqueue(INGEST_VERSION, version_id).await?;
        note(tx, entry, document_id, version_id).await?;
    }
    Ok(())
}

async fn note(
    tx: &mut TenantTx,
    entry: AuditEntry,
    document_id: Uuid,
    version_id: Uuid,
) -> db::Result<()> {
    let after = json!({ "version_id": version_id });
    tx.append_audit(entry.on("document", document_id).after(after)).await
}
