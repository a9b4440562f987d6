//! The relay: hands messages from the line to the queue, in a task of its own, so that it does not wait while the worker waits
//! for messages; and says of each whether it is still under way.
//!
//! A message is marked before it is sent and removed when its job is done; no transaction is held while it is sent. Whatever
//! dies in between, the mark runs out and the message is handed over again: delivery is at least once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{PAUSE_AFTER_FAULT, Worker};
use crate::adapters::queue::{Delivery, QueueError};
use crate::db::SystemTx;
use crate::telemetry::TraceContext;

/// Messages handed over at once: what one request to SQS takes.
const BATCH: i64 = 10;
/// How long handing over may take before somebody else does it too, which jobs bear: longer than all tries of a request, as
/// long as they are set as usual.
const GRACE: Duration = Duration::from_secs(60);

/// Hands over at once, then whenever work waits, until `stop`. `arrived` is told when the queue got something.
pub(super) async fn run(worker: Worker, arrived: Arc<Notify>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let wait = match worker.relay().await {
            Ok(0) => worker.settings.poll,
            Ok(_) => {
                arrived.notify_one();
                continue;
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the relay pauses");
                PAUSE_AFTER_FAULT
            }
        };
        tokio::select! {
            () = worker.work_waits.notified() => {}
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

impl Worker {
    /// Hands over whose turn it is; how many there were.
    pub(super) async fn relay(&self) -> Result<usize, QueueError> {
        let mut tx = self.db.system().await?;
        if tx.has_silent_messages().await? {
            tx = self.look_for_lost(tx).await?;
        }
        let messages =
            tx.hand_over(BATCH, self.settings.window, GRACE, self.webhooks.few()).await?;
        tx.commit().await?;
        if messages.is_empty() {
            return Ok(0);
        }
        let ids: Vec<Uuid> = messages.iter().map(|message| message.message_id).collect();
        let sent = self.queue.send(&messages).await;
        let (sent_ids, failed) = match &sent {
            Ok(()) => (ids, Vec::new()),
            Err(QueueError::Partly { failed, .. }) => {
                ids.into_iter().partition(|id| !failed.contains(id))
            }
            Err(QueueError::Unavailable(_)) => (Vec::new(), ids),
        };
        let mut tx = self.db.system().await?;
        tx.take_back_messages(&failed).await?;
        tx.trust_messages(&sent_ids, self.settings.lost_after).await?;
        tx.commit().await?;
        sent.map(|()| messages.len())
    }

    /// Lets messages wait again of which nothing was heard for too long, unless the queue is so full that they may just be
    /// waiting in it: SQS would deliver each of them once more.
    async fn look_for_lost(&self, mut tx: SystemTx) -> Result<SystemTx, QueueError> {
        let handed = tx.count_handed().await?;
        drop(tx);
        let is_full = match self.queue.backlog().await {
            Ok(waiting) => waiting >= handed,
            Err(error) => {
                // What is sent once more does no harm; what is never sent does.
                tracing::warn!(error = &error as &dyn std::error::Error, "counting what waits");
                false
            }
        };
        let mut tx = self.db.system().await?;
        if is_full {
            tx.trust_all_messages(self.settings.lost_after).await?;
        } else {
            let count = tx.return_lost_messages().await?;
            tracing::warn!(count, "messages got lost in the queue and are handed over again");
        }
        Ok(tx)
    }

    /// Says that messages are under way, and will not be heard of before `silence` is over.
    pub(super) async fn trust(&self, ids: &[Uuid], silence: Duration) -> Result<(), QueueError> {
        let mut tx = self.db.system().await?;
        tx.trust_messages(ids, silence + self.settings.lost_after).await?;
        Ok(tx.commit().await?)
    }

    /// The same of a message whose job begins; the trace that asked for it.
    pub(super) async fn begin(
        &self,
        message_id: Uuid,
        silence: Duration,
    ) -> Result<Option<TraceContext>, QueueError> {
        let mut tx = self.db.system().await?;
        let trace = tx.begin_message(message_id, silence + self.settings.lost_after).await?;
        tx.commit().await?;
        Ok(trace)
    }

    /// The job is done: the queue forgets the message first, so that nothing is left there of which the line knows nothing.
    pub(super) async fn settle(&self, delivery: &Delivery) -> Result<(), QueueError> {
        self.queue.delete(delivery).await?;
        self.leave_line(delivery).await
    }

    /// Removes a message from the line, which makes room for the tenant's next one.
    pub(super) async fn leave_line(&self, delivery: &Delivery) -> Result<(), QueueError> {
        let mut tx = self.db.system().await?;
        tx.settle_message(&delivery.message).await?;
        tx.commit().await?;
        self.work_waits.notify_one();
        Ok(())
    }

    /// Lets a message wait in the line again.
    pub(super) async fn take_back(&self, message_id: Uuid) -> Result<(), QueueError> {
        let mut tx = self.db.system().await?;
        tx.take_back_messages(&[message_id]).await?;
        Ok(tx.commit().await?)
    }
}
