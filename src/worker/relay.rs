//! Hands messages from the line to the queue, and says of each whether it is still under way.
//!
//! A message is marked before it is sent and removed when its job is done; no transaction is held while it is sent. Whatever
//! dies in between, the mark runs out and the message is handed over again: delivery is at least once.

use std::time::Duration;

use uuid::Uuid;

use super::Worker;
use crate::adapters::queue::{Delivery, QueueError};

/// Messages handed over at once.
const BATCH: i64 = 100;
/// How long handing over may take before somebody else does it.
const GRACE: Duration = Duration::from_secs(30);

impl Worker {
    /// Hands over whose turn it is; how many there were.
    pub(super) async fn relay(&self) -> Result<usize, QueueError> {
        let mut tx = self.db.system().await?;
        let lost = tx.return_lost_messages().await?;
        let messages = tx.hand_over(BATCH, self.settings.window, GRACE).await?;
        tx.commit().await?;
        if lost > 0 {
            tracing::warn!(
                count = lost,
                "messages got lost in the queue and are handed over again"
            );
        }
        if messages.is_empty() {
            return Ok(0);
        }
        let ids: Vec<Uuid> = messages.iter().map(|message| message.message_id).collect();
        if let Err(error) = self.queue.send(&messages).await {
            let mut tx = self.db.system().await?;
            tx.take_back_messages(&ids).await?;
            tx.commit().await?;
            return Err(error);
        }
        self.trust(&ids, Duration::ZERO).await?;
        Ok(messages.len())
    }

    /// Says that messages are under way, and will not be heard of before `silence` is over.
    pub(super) async fn trust(&self, ids: &[Uuid], silence: Duration) -> Result<(), QueueError> {
        let mut tx = self.db.system().await?;
        tx.trust_messages(ids, silence + self.settings.lost_after).await?;
        Ok(tx.commit().await?)
    }

    /// The job is done: the queue forgets the message first, so that nothing is left there of which the line knows nothing.
    pub(super) async fn settle(&self, delivery: &Delivery) -> Result<(), QueueError> {
        self.queue.delete(delivery).await?;
        self.leave_line(delivery).await
    }

    /// Removes a message from the line, which makes room for the tenant's next one.
    pub(super) async fn leave_line(&self, delivery: &Delivery) -> Result<(), QueueError> {
        let mut tx = self.db.system().await?;
        tx.settle_message(delivery.message.message_id).await?;
        tx.commit().await?;
        self.work_waits.notify_one();
        Ok(())
    }
}
