//! Reads a whole log for an export, newest first, as fast as it is taken away and no faster.
//!
//! Each batch is a short transaction of its own: an export that a slow client draws out for hours must hold no
//! connection and no old snapshot. Entries are never changed, so that batches fit together all the same; those that are
//! added meanwhile are newer than the first batch and not part of it. Whether its reader still may is asked before each.

use futures_util::stream::{self, Stream};

use super::store::audit_events::{AuditEvent, AuditFilter};
use crate::db::{self, Db};
use crate::kernel::ids::TenantId;

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Its reader may not read the log any more.
    #[error("who asked for it may not read the log any more: {0}")]
    Ended(String),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Entries that are read in one transaction, and held in memory at once.
pub const BATCH: i64 = 500;

/// Batches of the entries before a number, of all when no number is given, as long as `may_read` passes.
pub fn export_audit<M, F>(
    db: Db,
    tenant: TenantId,
    filter: AuditFilter,
    before: Option<i64>,
    may_read: M,
) -> impl Stream<Item = Result<Vec<AuditEvent>, ExportError>> + Send + 'static
where
    M: Fn() -> F + Send + 'static,
    F: Future<Output = Result<(), ExportError>> + Send + 'static,
{
    stream::try_unfold(Some(before), move |place| {
        let (db, filter, allowed) = (db.clone(), filter.clone(), may_read());
        async move {
            let Some(before) = place else { return Ok(None) };
            allowed.await?;
            let mut tx = db.tenant(tenant).await?;
            let events = tx.list_audit_events(&filter, before, BATCH).await?;
            let last = events.last().map(|event| event.fields.sequence);
            let is_full = i64::try_from(events.len()).is_ok_and(|count| count == BATCH);
            let next = last.filter(|_| is_full).map(Some);
            Ok((!events.is_empty()).then_some((events, next)))
        }
    })
}
