//! Removes vectors that nobody needs any more, version by version: the old ones when they were kept long enough, those of a
//! re-embedding that was cancelled or failed.

use std::time::Duration;

use uuid::Uuid;

use super::Reembeddings;
use super::work::{ReembedOutcome, Slice, Step, WorkError};
use crate::db;
use crate::kernel::ids::TenantId;
use crate::knowledge::store::collections::CountChange;
use crate::knowledge::store::reembedding_leases::ClaimedReembedding;

impl Reembeddings {
    /// Removes the vectors of a model from the collection, for a slice.
    pub(super) async fn drop_vectors(
        &self,
        tenant: TenantId,
        job: &mut ClaimedReembedding,
        model: &str,
        slice: &Slice<'_>,
    ) -> Result<ReembedOutcome, WorkError> {
        if job.state == "switched" {
            // From this commit on there is no way back, and what is published needs the new vectors alone.
            let mut tx = self.db.tenant(tenant).await?;
            if tx.lock_searched_model(job.collection_id).await?.is_none()
                || !tx.complete_reembedding(job).await?
            {
                return Ok(ReembedOutcome::Done);
            }
            tx.commit().await?;
            "completed".clone_into(&mut job.state);
        }
        let mut after = None;
        loop {
            match self.drop_version(tenant, job, model, &mut after).await? {
                Step::More if slice.goes_on() => {}
                Step::More => return Ok(ReembedOutcome::Later(Duration::ZERO)),
                Step::Complete | Step::Over => return Ok(ReembedOutcome::Done),
            }
        }
    }

    async fn drop_version(
        &self,
        tenant: TenantId,
        job: &ClaimedReembedding,
        model: &str,
        after: &mut Option<Uuid>,
    ) -> db::Result<Step> {
        let own = self.embedders.own_model();
        let mut tx = self.db.tenant(tenant).await?;
        let found = tx.find_embedded_version(job.collection_id, own, model, *after).await?;
        let Some((document_id, version_id)) = found else {
            // Those before the place where the search for versions began anew are looked at once more.
            if after.take().is_some() {
                return Ok(Step::More);
            }
            tx.end_reembedding_drop(job).await?;
            tx.commit().await?;
            return Ok(Step::Complete);
        };
        *after = Some(document_id);
        // Document, collection, version, re-embedding: whoever publishes to the document waits, or has been waited for.
        if !tx.hold_active_version(document_id, version_id).await? {
            return Ok(Step::More);
        }
        if self.needs(&mut tx, job.collection_id, model).await? {
            // Somebody has come to need them again since.
            tx.end_reembedding_drop(job).await?;
            tx.commit().await?;
            return Ok(Step::Complete);
        }
        let is_own = self.embedders.is_own(model);
        let count = tx.delete_windows(version_id, model, is_own).await?;
        let own_count = if is_own { count } else { 0 };
        tx.note_dropped(version_id, (own, model), own_count).await?;
        if own_count > 0 {
            let change = CountChange { windows: -own_count, ..CountChange::default() };
            tx.change_collection_counts(job.collection_id, change).await?;
        }
        if !tx.keep_reembedding(job, None, self.settings.lease).await? {
            return Ok(Step::Over);
        }
        tx.commit().await?;
        Ok(Step::More)
    }
}
