//! The queue between those who ask for work and the worker: at least once, as SQS delivers.
//!
//! A delivery that is neither deleted nor released comes again when its visibility ends; one that was received too often
//! becomes a dead letter. Messages hold ids only: what they name is looked up under the tenant's row-level security.

mod sqs;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use sqs::{SqsQueue, SqsSettings};

use crate::kernel::ids::TenantId;

/// Work to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Id: sending the same id twice queues once, where the queue can tell.
    pub message_id: Uuid,
    /// Name of the job.
    pub kind: String,
    /// Tenant in whose name it runs.
    pub tenant: TenantId,
    /// What it is about.
    pub subject_id: Uuid,
}

/// A message in the hands of a worker.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// Proof of holding it.
    pub receipt: Receipt,
    /// How often it was received, this time included.
    pub receives: u32,
    /// Since when it is held.
    pub received_at: DateTime<Utc>,
}

/// Proof of holding a message, in the words of the queue that gave it.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt(String);

impl Receipt {
    /// A receipt as the queue words it.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }

    /// The words, for the queue that gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever has it can end the message.
        f.write_str("Receipt")
    }
}

/// A message that was set aside.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The message.
    pub message: Message,
    /// How often it was received.
    pub receives: u32,
    /// When it was set aside, where the queue knows.
    pub dead_at: Option<DateTime<Utc>>,
}

/// Why the queue did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue can not be reached: worth trying again.
    #[error("the queue failed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Some of the messages were queued and these were not.
    #[error("the queue did not take {} of the messages", failed.len())]
    Partly {
        /// Ids of the messages that were not queued.
        failed: Vec<Uuid>,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A queue of messages.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Queues messages.
    async fn send(&self, messages: &[Message]) -> Result<(), QueueError>;
    /// Takes up to `most` messages, invisible to others for `visibility`. A queue may wait for the first one. When the
    /// caller stops waiting, messages that were already on their way come again when their visibility ends.
    async fn receive(&self, most: u32, visibility: Duration) -> Result<Vec<Delivery>, QueueError>;
    /// Stays the holder for another `visibility`; false when the message was lost to another worker, or can not be held
    /// any longer.
    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<bool, QueueError>;
    /// Done: the message will not come again. Nothing happens when it was lost to another worker.
    async fn delete(&self, delivery: &Delivery) -> Result<(), QueueError>;
    /// Gives it back, to come again after `delay`.
    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), QueueError>;
    /// Sets it aside for a person to look at.
    async fn bury(&self, delivery: &Delivery) -> Result<(), QueueError>;
    /// Messages waiting or in hand, dead ones not counted. It may be some seconds old.
    async fn backlog(&self) -> Result<u64, QueueError>;
    /// Whether the queue is there and lets us in.
    async fn check(&self) -> Result<(), QueueError>;

    // Dead letters, for the operator. A letter is one that `bury` set aside or that the service behind the queue set aside by
    // itself; `message_id` names it.

    /// Up to `limit` dead letters, those set aside last first where the queue knows. Looking at them changes nothing that the
    /// next look could see.
    async fn dead(&self, limit: u32) -> Result<Vec<DeadLetter>, QueueError>;
    /// The message of a dead letter, which stays where it is; `None` when there is no such letter.
    async fn find_dead(&self, message_id: Uuid) -> Result<Option<Message>, QueueError>;
    /// Removes a dead letter for good. The message; `None` when there is no such letter.
    async fn discard(&self, message_id: Uuid) -> Result<Option<Message>, QueueError>;
}
