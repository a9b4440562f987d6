//! The relay: hands messages of the outbox to the queue, in a task of its own, so that it does not wait while the worker
//! waits for messages.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{PAUSE_AFTER_FAULT, Worker};
use crate::adapters::queue::{Message, QueueError};

/// Messages handed over at once.
const BATCH: i64 = 100;
/// How long messages are ours to hand over. When it takes longer another relay sends them too, which jobs bear; after a
/// crash they wait that long.
const LEASE: Duration = Duration::from_secs(30);

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
    /// Moves messages from the outbox to the queue; how many. A crash in between sends them again: delivery is at least once.
    pub(super) async fn relay(&self) -> Result<usize, QueueError> {
        let mut tx = self.db.system().await?;
        let messages = tx.take_outbox(BATCH, LEASE).await?;
        if messages.is_empty() {
            return Ok(0);
        }
        tx.commit().await?;
        let sent = self.queue.send(&messages).await;
        let taken = ids(&messages);
        let failed = match &sent {
            Ok(()) => Vec::new(),
            Err(QueueError::Partly { failed, .. }) => failed.clone(),
            Err(QueueError::Unavailable(_)) => taken.clone(),
        };
        let mut tx = self.db.system().await?;
        tx.settle_outbox(&taken, &failed).await?;
        tx.commit().await?;
        sent.map(|()| messages.len())
    }
}

fn ids(messages: &[Message]) -> Vec<Uuid> {
    messages.iter().map(|message| message.message_id).collect()
}
