//! Dumps and restores: they may take long, and have places of their own, so that they keep no document waiting.

use tokio_util::sync::CancellationToken;

use super::{Worker, kind_of, later, wait_for_a_place};
use crate::adapters::queue::{Delivery, QueueError};
use crate::knowledge::{JobOutcome, RESTORE_DUMP};
use crate::telemetry::metrics::metrics;

impl Worker {
    /// Makes one attempt at a dump or a restore, until `stop`, and settles its message: either may take longer than anybody waits
    /// for a worker to stop.
    pub(super) async fn dump(
        &self,
        delivery: &Delivery,
        stop: &CancellationToken,
    ) -> Result<(), QueueError> {
        let message = &delivery.message;
        let kind = kind_of(message);
        let Some(_place) = self.dumps.place() else {
            return self.park(delivery, wait_for_a_place()).await;
        };
        let (tenant, id) = (message.tenant, message.subject_id);
        let job = async {
            match kind {
                RESTORE_DUMP => self.dumps.restore(tenant, id, stop).await,
                _ => self.dumps.dump(tenant, id, stop).await,
            }
        };
        match Box::pin(self.while_holding(delivery, job)).await {
            Ok(JobOutcome::Done) => {
                metrics().job(kind, "done");
                self.settle(delivery).await
            }
            Ok(JobOutcome::Again(delay)) => {
                metrics().job(kind, "again");
                self.park(delivery, delay).await?;
                self.work_waits.notify_one();
                Ok(())
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    kind,
                    "a job on a dump failed; it comes again"
                );
                // Left in the queue, which counts: what fails each time is set aside in the end, and given up.
                let delay = later(delivery.receives);
                self.trust(&[message.message_id], delay).await?;
                self.queue.release(delivery, delay).await?;
                metrics().job(kind, "again");
                Ok(())
            }
        }
    }

    /// Gives up what a message that is set aside was about; false when another worker has it in hand.
    pub(super) async fn abandon_dump(&self, delivery: &Delivery) -> Result<bool, QueueError> {
        let message = &delivery.message;
        let (tenant, id) = (message.tenant, message.subject_id);
        Ok(match kind_of(message) {
            RESTORE_DUMP => self.dumps.abandon_restore(tenant, id).await?,
            _ => self.dumps.abandon_dump(tenant, id).await?,
        })
    }
}
