//! Looks at a job again and again for somebody who waits for its end. Nothing is held between two looks, and who may not
//! see the job any more is told that it is not there.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::reach::{Reach, Reader};
use super::store::documents::Document;
use super::store::jobs::Job;
use crate::db::{self, Db};
use crate::kernel::ids::TenantId;
use crate::web::events::EventTimes;

/// How jobs are watched.
#[derive(Clone, Debug)]
pub struct WatchSettings {
    /// Time between two looks.
    pub poll: Duration,
    /// How long a request may wait at most.
    pub max_wait: Duration,
    /// How long a stream lasts at most: then its reader comes again, and shows its credential again.
    pub max_stream: Duration,
    /// How a stream of events is kept open.
    pub times: EventTimes,
}

/// Watches jobs.
#[derive(Clone)]
pub struct JobWatch {
    db: Db,
    settings: WatchSettings,
    leaving: CancellationToken,
}

/// Who watches.
#[derive(Clone, Debug)]
pub struct Watcher {
    /// Their tenant.
    pub tenant: TenantId,
    /// What they reach is asked at each look.
    pub reader: Reader,
}

impl JobWatch {
    /// A watch that ends when the process is `leaving`.
    pub fn new(db: Db, settings: WatchSettings, leaving: CancellationToken) -> Self {
        Self { db, settings, leaving }
    }

    /// How a stream of events is kept open.
    pub fn times(&self) -> EventTimes {
        self.settings.times
    }

    /// How long a request waits that asked for so many seconds: never longer than the setting.
    pub fn wait(&self, seconds: Option<u32>) -> Duration {
        let wanted = seconds.map(|seconds| Duration::from_secs(seconds.into()));
        wanted.unwrap_or(self.settings.max_wait).min(self.settings.max_wait)
    }

    /// The job as it is now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn look(&self, watcher: &Watcher, job_id: Uuid) -> db::Result<Option<Job>> {
        let mut tx = self.db.tenant(watcher.tenant).await?;
        let reach = Reach::of(&mut tx, &watcher.reader).await?;
        tx.find_reached_job(&reach, job_id).await
    }

    /// When a stream that begins now ends at the latest.
    pub fn end_of_stream(&self) -> Instant {
        Instant::now() + self.settings.max_stream
    }

    /// The job when it is over, or as it is when the time is over.
    ///
    /// # Errors
    /// The database failed.
    pub async fn job_at_its_end(
        &self,
        watcher: &Watcher,
        job_id: Uuid,
        wait: Duration,
    ) -> db::Result<Option<Job>> {
        let until = Instant::now() + wait;
        loop {
            let job = self.look(watcher, job_id).await?;
            let is_over = job.as_ref().is_none_or(Job::is_over);
            if is_over || !self.pause_until(until).await {
                return Ok(job);
            }
        }
    }

    /// The document when its newest version is at its end, or as it is when the time is over.
    ///
    /// # Errors
    /// The database failed.
    pub async fn document_at_its_end(
        &self,
        watcher: &Watcher,
        document_id: Uuid,
        wait: Duration,
    ) -> db::Result<Option<Document>> {
        let until = Instant::now() + wait;
        loop {
            let mut tx = self.db.tenant(watcher.tenant).await?;
            let reach = Reach::of(&mut tx, &watcher.reader).await?;
            let document = tx.find_reached_document(&reach, document_id).await?;
            drop(tx);
            let is_over = document.as_ref().is_none_or(Document::is_settled);
            if is_over || !self.pause_until(until).await {
                return Ok(document);
            }
        }
    }

    /// Waits for the next look, or for the end of the time where that comes first; false when there is none left, or the
    /// process is leaving.
    pub async fn pause_until(&self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let pause = pin!(tokio::time::sleep(left.min(self.settings.poll)));
        matches!(select(pause, pin!(self.leaving.cancelled())).await, Either::Left(_))
    }
}
