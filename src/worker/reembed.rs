//! Re-embeddings: each goes on for a slice and then waits in the line again, outside the queue, and no more
//! of them at once than have places, so that large collections keep nothing else waiting.

use std::error::Error;

use tokio_util::sync::CancellationToken;

use super::{Worker, later, wait_for_a_place};
use crate::adapters::queue::{Delivery, QueueError};
use crate::knowledge::{REEMBED_COLLECTION, ReembedOutcome, Reembeddings};
use crate::telemetry::metrics::metrics;

impl Worker {
    /// Works on a re-embedding for a slice, or until `stop`, and settles its message.
    pub(super) async fn reembed(
        &self,
        delivery: &Delivery,
        stop: &CancellationToken,
    ) -> Result<(), QueueError> {
        let message = &delivery.message;
        let Some(_place) = self.reembeddings.place() else {
            return self.park(delivery, wait_for_a_place()).await;
        };
        let job = self.reembeddings.work(message.tenant, message.subject_id, stop);
        match Box::pin(self.while_holding(delivery, job)).await {
            Ok(ReembedOutcome::Done) => {
                metrics().job(REEMBED_COLLECTION, "done");
                self.settle(delivery).await
            }
            Ok(ReembedOutcome::Later(delay)) => {
                metrics().job(REEMBED_COLLECTION, "again");
                self.park(delivery, delay).await?;
                self.work_waits.notify_one();
                Ok(())
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "re-embedding failed; it comes again");
                // Left in the queue, which counts: what fails each time is set aside in the end, and given up.
                let delay = later(delivery.receives);
                self.trust(&[message.message_id], delay).await?;
                self.queue.release(delivery, delay).await?;
                metrics().job(REEMBED_COLLECTION, "again");
                Ok(())
            }
        }
    }
}

/// Looks for re-embeddings that have work and no message, at once and again and again until `stop`.
pub(super) async fn sweep(reembeddings: Reembeddings, stop: CancellationToken) {
    let every = reembeddings.settings().sweep;
    while !stop.is_cancelled() {
        match reembeddings.sweep(&stop).await {
            Ok(0) => {}
            Ok(count) => tracing::debug!(count, "re-embeddings are queued again"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "looking for re-embeddings fails");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.cancelled() => {}
        }
    }
}
