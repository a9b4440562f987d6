//! The queue as a table of PostgreSQL (`jobs`, `for update skip locked`): the embedded default.

mod dead;
mod jobs;
mod outbox;
mod wake;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

pub use outbox::{Few, PlaceInLine};

use super::{Db, Error};
use crate::adapters::queue::{DeadLetter, Delivery, Message, Queue, QueueError};

/// Tenants whose last turn is remembered; of those before nobody knows, and they come first.
const REMEMBERED_TURNS: usize = 1_000;

/// The table `jobs` as a queue. It serves the tenants in turn, so that who has many messages waits for who has few, and not
/// the reverse.
#[derive(Clone, Debug)]
pub struct PostgresQueue {
    db: Db,
    /// Most messages of one tenant in the hands of workers at once.
    max_in_hand: u32,
    /// Tenants as they were last served by this process, the latest last. It orders those that are alike otherwise; nothing
    /// is lost with it.
    turns: Arc<Mutex<Vec<Uuid>>>,
}

impl PostgresQueue {
    /// A queue in the service's own database, with at most so many messages of one tenant in hand.
    pub fn new(db: Db, max_in_hand: u32) -> Self {
        Self { db, max_in_hand, turns: Arc::default() }
    }

    fn turns(&self) -> Vec<Uuid> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_turns(&self, deliveries: &[Delivery]) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        for delivery in deliveries {
            let tenant = delivery.message.tenant.uuid();
            turns.retain(|served| *served != tenant);
            turns.push(tenant);
        }
        let surplus = turns.len().saturating_sub(REMEMBERED_TURNS);
        turns.drain(..surplus);
    }
}

#[async_trait]
impl Queue for PostgresQueue {
    async fn send(&self, messages: &[Message]) -> Result<(), QueueError> {
        let mut tx = self.db.system().await?;
        tx.insert_jobs(messages).await?;
        Ok(tx.commit().await?)
    }

    async fn receive(&self, most: u32, visibility: Duration) -> Result<Vec<Delivery>, QueueError> {
        let mut tx = self.db.system().await?;
        let fairness = Fairness { max_in_hand: self.max_in_hand, turns: self.turns() };
        let deliveries = tx.take_jobs(most, visibility, Uuid::new_v4(), &fairness).await?;
        tx.commit().await?;
        self.note_turns(&deliveries);
        Ok(deliveries)
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<bool, QueueError> {
        let mut tx = self.db.system().await?;
        let held = tx.delay_job(delivery, visibility).await?;
        tx.commit().await?;
        Ok(held)
    }

    async fn delete(&self, delivery: &Delivery) -> Result<(), QueueError> {
        let mut tx = self.db.system().await?;
        tx.delete_job(delivery).await?;
        Ok(tx.commit().await?)
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), QueueError> {
        let mut tx = self.db.system().await?;
        tx.release_job(delivery, delay).await?;
        Ok(tx.commit().await?)
    }

    async fn bury(&self, delivery: &Delivery) -> Result<(), QueueError> {
        let mut tx = self.db.system().await?;
        tx.bury_job(delivery).await?;
        Ok(tx.commit().await?)
    }

    async fn backlog(&self) -> Result<u64, QueueError> {
        Ok(self.db.system().await?.count_jobs().await?)
    }

    async fn check(&self) -> Result<(), QueueError> {
        Ok(self.db.ping().await?)
    }

    async fn dead(&self, limit: u32) -> Result<Vec<DeadLetter>, QueueError> {
        Ok(self.db.system().await?.list_dead_jobs(limit).await?)
    }

    async fn find_dead(&self, message_id: Uuid) -> Result<Option<Message>, QueueError> {
        Ok(self.db.system().await?.find_dead_job(message_id).await?)
    }

    async fn discard(&self, message_id: Uuid) -> Result<Option<Message>, QueueError> {
        let mut tx = self.db.system().await?;
        let found = tx.discard_job(message_id).await?;
        tx.commit().await?;
        Ok(found)
    }
}

/// How messages are chosen among tenants.
#[derive(Debug)]
pub(in crate::db) struct Fairness {
    /// Most messages of one tenant in hand.
    pub max_in_hand: u32,
    /// Tenants as they were last served, the latest last.
    pub turns: Vec<Uuid>,
}

impl From<Error> for QueueError {
    fn from(error: Error) -> Self {
        Self::Unavailable(Box::new(error))
    }
}
