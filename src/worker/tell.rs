//! Deliveries of webhooks: what waits for its next attempt waits in the line, outside the queue, so that hours of waiting take
//! no room from the tenant's documents.

use std::time::Duration;

use super::{Worker, wait_for_a_place};
use crate::adapters::queue::{Delivery, QueueError};
use crate::telemetry::metrics::metrics;
use crate::webhooks::{DELIVER_WEBHOOK, DeliveryOutcome};

/// Wait after a fault of the database.
const AFTER_FAULT: Duration = Duration::from_secs(2);

impl Worker {
    /// Makes one attempt at a delivery, and settles its message.
    pub(super) async fn tell(&self, delivery: &Delivery) -> Result<(), QueueError> {
        let message = &delivery.message;
        let Some(_place) = self.webhooks.place(message.tenant) else {
            return self.park(delivery, wait_for_a_place()).await;
        };
        let job = self.webhooks.deliver(message.tenant, message.subject_id);
        let delay = match Box::pin(self.while_holding(delivery, job)).await {
            Ok(DeliveryOutcome::Done) => {
                self.settle(delivery).await?;
                metrics().job(DELIVER_WEBHOOK, "done");
                return Ok(());
            }
            Ok(DeliveryOutcome::Later(delay)) => delay,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a webhook's delivery failed; it comes again"
                );
                AFTER_FAULT
            }
        };
        self.park(delivery, delay).await?;
        metrics().job(DELIVER_WEBHOOK, "again");
        Ok(())
    }

    /// Lets a message wait in the line until it is due. The queue forgets it first; should the line not hear of it, the
    /// message counts as lost some time later, and waits again.
    pub(super) async fn park(
        &self,
        delivery: &Delivery,
        delay: Duration,
    ) -> Result<(), QueueError> {
        self.queue.delete(delivery).await?;
        let mut tx = self.db.system().await?;
        let is_parked = tx.park_message(&delivery.message, delay).await?;
        tx.commit().await?;
        if !is_parked {
            tracing::warn!(job.id = %delivery.message.message_id, "a message that was to wait is not in the line");
        }
        Ok(())
    }
}
