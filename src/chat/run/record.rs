//! Stores the events of a run while it goes on: several at once, after a while or when enough text has gathered. It runs
//! beside the model's stream in the same task, and holds it up never.

use std::time::Duration;

use super::event::RunEvent;
use super::generate::Generation;
use super::live::Stop;
use crate::chat::store::run_events::{EventBatch, RunAppend};
use crate::db;

/// Wait before a fault of the database is tried again.
const PAUSE_AFTER_FAULT: Duration = Duration::from_millis(250);

impl Generation {
    /// Stores events until the text is complete; the number of the last event that is stored.
    pub(super) async fn record(&self) -> usize {
        let settings = self.chat.settings.runs;
        let mut mark = self.run.log.mark();
        let mut saved = 1;
        let mut saved_bytes = 0;
        loop {
            // The log holds the other end as long as this does: waiting can not fail.
            drop(mark.wait_for(|mark| mark.is_written || mark.last > saved).await);
            let enough = mark.wait_for(|mark| {
                mark.is_written || mark.bytes - saved_bytes >= settings.flush_bytes
            });
            // Late is as good as enough.
            drop(tokio::time::timeout(settings.flush_interval, enough).await);
            let now = *mark.borrow();
            if now.is_written {
                return saved;
            }
            let stored = match self.append(saved, now.last).await {
                Some(last) => Ok(Some(last)),
                None => Box::pin(self.append_alone(saved, now.last)).await,
            };
            match stored {
                Ok(Some(last)) => (saved, saved_bytes) = (last, now.bytes),
                Ok(None) => {
                    self.run.stop(Stop::Lost);
                    return saved;
                }
                Err(error) => {
                    tracing::warn!(run.id = %self.run_id, error = &error as &dyn std::error::Error, "storing events of a run; it is tried again");
                    let written = mark.wait_for(|mark| mark.is_written);
                    drop(tokio::time::timeout(PAUSE_AFTER_FAULT, written).await);
                }
            }
        }
    }

    /// Stores the events after `saved` together with those of other runs; the number of the last one, `None` when they were not
    /// stored.
    async fn append(&self, saved: usize, last: usize) -> Option<usize> {
        let events = self.events_after(saved, last).ok()?;
        let is_stored = self.chat.recorder.store(self.question.tenant, events).await;
        is_stored.then_some(last)
    }

    /// Stores them in a transaction of their own, which tells why if that can not be; the number of the last one that is stored,
    /// `None` when the run is not ours.
    async fn append_alone(&self, saved: usize, last: usize) -> db::Result<Option<usize>> {
        let mut tx = self.chat.db.tenant(self.question.tenant).await?;
        let events = self.events_after(saved, last)?;
        let instance = self.chat.instance_id;
        if !tx.append_run_events(instance, &[events]).await?.is_empty() {
            tx.commit().await?;
            return Ok(Some(last));
        }
        // The reply to an earlier commit may have been lost on its way: then more is stored than we know of.
        let lease = tx.lock_run_lease(self.run_id).await?;
        let held = lease.filter(|lease| lease.instance_id == instance);
        Ok(held.and_then(|lease| usize::try_from(lease.event_count).ok()))
    }

    fn events_after(&self, saved: usize, last: usize) -> db::Result<RunAppend> {
        Ok(RunAppend {
            run_id: self.run_id,
            batch: batch(saved + 1, self.run.log.events(saved + 1, last))?,
            read_collection_ids: self.run.log.read_collections(),
        })
    }
}

/// Events as they are stored.
pub(super) fn batch(first: usize, events: Vec<RunEvent>) -> db::Result<EventBatch> {
    let fault = |detail: String| db::Error::Inconsistent { table: "run_events", detail };
    let number = |number: usize| i32::try_from(number).map_err(|error| fault(error.to_string()));
    Ok(EventBatch {
        first_number: number(first)?,
        last_number: number(first + events.len().saturating_sub(1))?,
        events: serde_json::to_string(&events).map_err(|error| fault(error.to_string()))?,
    })
}
