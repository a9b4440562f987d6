//! Enrichment of collections: each goes on for a slice and then waits in the line again, outside the queue, behind the
//! documents that are on their way into search.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Worker, later, wait_for_a_place};
use crate::adapters::queue::{Delivery, QueueError};
use crate::enrichment::EnrichOutcome;
use crate::knowledge::ENRICH_COLLECTION;
use crate::telemetry::metrics::metrics;

impl Worker {
    /// Works on a collection for a slice, or until `stop`, and settles its message.
    pub(super) async fn enrich(
        &self,
        delivery: &Delivery,
        stop: &CancellationToken,
    ) -> Result<(), QueueError> {
        let message = &delivery.message;
        let Some(_place) = self.enrichment.place() else {
            return self.wait_for_turn(delivery, wait_for_a_place()).await;
        };
        let job = self.enrichment.work(message.tenant, message.subject_id, stop);
        match Box::pin(self.while_holding(delivery, job)).await {
            Ok(EnrichOutcome::Done) => {
                metrics().job(ENRICH_COLLECTION, "done");
                self.settle(delivery).await
            }
            Ok(EnrichOutcome::Later(delay)) => {
                metrics().job(ENRICH_COLLECTION, "again");
                self.wait_for_turn(delivery, delay).await?;
                self.work_waits.notify_one();
                Ok(())
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "enriching a collection failed; it comes again"
                );
                // Left in the queue, which counts: what fails each time is set aside in the end.
                let delay = later(delivery.receives);
                self.trust(&[message.message_id], delay).await?;
                self.queue.release(delivery, delay).await?;
                metrics().job(ENRICH_COLLECTION, "again");
                Ok(())
            }
        }
    }

    /// Lets a collection wait for its next turn. Of several messages about it one goes on: each document that comes into search
    /// while the others are under way adds one.
    async fn wait_for_turn(&self, delivery: &Delivery, delay: Duration) -> Result<(), QueueError> {
        let message = &delivery.message;
        let (id, subject_id) = (message.message_id, message.subject_id);
        let mut tx = self.db.tenant(message.tenant).await?;
        let is_left = tx.leave_to_another(id, ENRICH_COLLECTION, subject_id, delay).await?;
        tx.commit().await?;
        if is_left { self.settle(delivery).await } else { self.park(delivery, delay).await }
    }
}
