//! Finds collections whose documents wait for a message that nobody will deliver, and those that waited for a model that is
//! there now.

use std::time::Duration;

use super::work::Enrichment;
use crate::db;
use crate::knowledge::ENRICH_COLLECTION;
use crate::tenancy::each_tenant;

/// Has the collections looked after that have something to do, are in nobody's hands and have no message, all of this for
/// `lost_after`; how many there were. Doing it once too often does no harm.
///
/// # Errors
/// The database failed; what was queued until then stays so.
pub async fn wake_lost_enrichments(
    enrichment: &Enrichment,
    lost_after: Duration,
) -> db::Result<usize> {
    let mut count = 0;
    for tenant in each_tenant(&enrichment.db).await? {
        let mut tx = enrichment.db.tenant(tenant).await?;
        let lost = tx.list_lost_enrichments(enrichment.has_model(), lost_after).await?;
        if lost.is_empty() {
            continue;
        }
        for collection_id in &lost {
            tx.wake(ENRICH_COLLECTION, *collection_id).await?;
        }
        tx.commit().await?;
        count += lost.len();
    }
    Ok(count)
}
