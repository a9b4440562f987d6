//! Runs of sources: each goes on for a slice and then waits in the line again, outside the queue, so that a large site keeps
//! nothing else waiting.

use tokio_util::sync::CancellationToken;

use super::{Worker, later, wait_for_a_place};
use crate::adapters::queue::{Delivery, QueueError};
use crate::sources::{SYNC_SOURCE, SyncOutcome};
use crate::telemetry::metrics::metrics;

impl Worker {
    /// Works on a run for a slice, or until `stop`, and settles its message.
    pub(super) async fn synchronise(
        &self,
        delivery: &Delivery,
        stop: &CancellationToken,
    ) -> Result<(), QueueError> {
        let message = &delivery.message;
        let Some(_place) = self.sources.place() else {
            return self.park(delivery, wait_for_a_place()).await;
        };
        let job = self.sources.sync(message.tenant, message.subject_id, stop);
        match Box::pin(self.while_holding(delivery, job)).await {
            Ok(SyncOutcome::Done) => {
                metrics().job(SYNC_SOURCE, "done");
                self.settle(delivery).await
            }
            Ok(SyncOutcome::Later(delay)) => {
                metrics().job(SYNC_SOURCE, "again");
                self.park(delivery, delay).await?;
                self.work_waits.notify_one();
                Ok(())
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "reading a source failed; it comes again"
                );
                // Left in the queue, which counts: what fails each time is set aside in the end, and the run given up.
                let delay = later(delivery.receives);
                self.trust(&[message.message_id], delay).await?;
                self.queue.release(delivery, delay).await?;
                metrics().job(SYNC_SOURCE, "again");
                Ok(())
            }
        }
    }
}
