//! Finds collections whose documents wait for a message that nobody will deliver, and those that waited for a model that is
//! there now. And calls of models that nobody will end: whoever reserved them died, and the document is gone or stands still.

use std::time::Duration;

use uuid::Uuid;

use super::reserve::give_back;
use super::work::Enrichment;
use crate::db;
use crate::kernel::ids::TenantId;
use crate::knowledge::ENRICH_COLLECTION;
use crate::tenancy::each_tenant;

/// Calls of a tenant at once.
const CALLS: i64 = 1_000;
/// Where a call counts of whose document nothing is left.
const NO_COLLECTION: Uuid = Uuid::nil();

/// Gives back what calls reserved that nobody will end; and has the collections looked after that have something to do, are in
/// nobody's hands and have no message, all of this for `lost_after`; how many there were. Doing it once too often does no harm.
///
/// # Errors
/// The database failed; what was queued until then stays so.
pub async fn wake_lost_enrichments(
    enrichment: &Enrichment,
    lost_after: Duration,
) -> db::Result<usize> {
    let mut count = 0;
    for tenant in each_tenant(&enrichment.db).await? {
        give_back_lost_calls(enrichment, tenant, enrichment.settings.lease + lost_after).await?;
        let mut tx = enrichment.db.tenant(tenant).await?;
        let lost = tx.list_lost_enrichments(enrichment.has_model(), lost_after).await?;
        if lost.is_empty() {
            continue;
        }
        for collection_id in &lost {
            tx.wake(ENRICH_COLLECTION, *collection_id, Duration::ZERO).await?;
        }
        tx.commit().await?;
        count += lost.len();
    }
    Ok(count)
}

async fn give_back_lost_calls(
    enrichment: &Enrichment,
    tenant: TenantId,
    lost_after: Duration,
) -> db::Result<()> {
    let mut tx = enrichment.db.tenant(tenant).await?;
    let calls = tx.list_lost_calls(lost_after, CALLS).await?;
    drop(tx);
    for call in calls {
        // Each in a transaction of its own: a call is locked before what counts it.
        let mut tx = enrichment.db.tenant(tenant).await?;
        let collection_id = call.collection_id.unwrap_or(NO_COLLECTION);
        if give_back(&mut tx, collection_id, call.call_id).await? {
            tx.commit().await?;
        }
    }
    Ok(())
}
