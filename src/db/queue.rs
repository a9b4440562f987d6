//! The queue as a table of PostgreSQL (`jobs`, `for update skip locked`): the embedded default.

mod jobs;
mod outbox;

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Db, Error};
use crate::adapters::queue::{Delivery, Message, Queue, QueueError};

/// The table `jobs` as a queue.
#[derive(Clone, Debug)]
pub struct PostgresQueue {
    db: Db,
}

impl PostgresQueue {
    /// A queue in the service's own database.
    pub fn new(db: Db) -> Self {
        Self { db }
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
        let deliveries = tx.take_jobs(most, visibility, Uuid::new_v4()).await?;
        tx.commit().await?;
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
        self.extend(delivery, delay).await?;
        Ok(())
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
}

impl From<Error> for QueueError {
    fn from(error: Error) -> Self {
        Self::Unavailable(Box::new(error))
    }
}
