//! The end of a run, whichever it is: it is stored, then told. While the database is away it is tried again for as long as
//! a lease lasts; after that the run is left to whoever finds it orphaned, and readers are told nothing that is not stored.

use std::time::{Duration, Instant};

use super::error::RunError;
use super::event::RunEvent;
use super::generate::{Ending, Generation};
use super::progress::Progress;
use crate::db;
use crate::kernel::clock;
use crate::kernel::ids::new_id;

/// First wait before a fault of the database is tried again; it doubles each time.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the end was not stored.
pub(super) enum NotStored {
    /// More events are stored than was known: try again with this number.
    Behind(usize),
    /// It was: the reply to the commit was lost.
    Already,
    /// For this reason.
    Because(RunError),
}

impl From<db::Error> for NotStored {
    fn from(error: db::Error) -> Self {
        Self::Because(RunError::Database(error))
    }
}

impl Generation {
    /// Stores the end and tells it.
    pub(super) async fn end(&self, made: Result<Ending, RunError>, mut progress: Progress) {
        let (message_id, created_at) = (new_id(), clock::now());
        let began = Instant::now();
        let mut pause = PAUSE;
        let mut made = made;
        loop {
            let stored = match &made {
                Ok(ending) => {
                    self.store_answer(&mut progress, ending, message_id, created_at).await
                }
                Err(error) => self.store_failure(&progress, error).await,
            };
            match stored {
                Ok(event) => return self.run.log.append(event),
                Err(NotStored::Behind(saved)) => progress.saved = saved,
                Err(NotStored::Already) => return self.run.log.lose(),
                Err(NotStored::Because(RunError::Database(error)))
                    if error.is_retryable() && began.elapsed() < self.chat.settings.runs.lease =>
                {
                    tracing::warn!(run.id = %self.run_id, error = &error as &dyn std::error::Error, "storing the end of a run; it is tried again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(NotStored::Because(error @ RunError::Gone)) => {
                    self.settle_alone(&progress).await;
                    return self.run.log.append(failure(&error));
                }
                // An answer that the database refuses for good becomes a failure, which it may take.
                Err(NotStored::Because(error @ RunError::Database(_))) if made.is_ok() => {
                    made = Err(error);
                }
                Err(NotStored::Because(RunError::Lost)) => {
                    tracing::warn!(run.id = %self.run_id, "others have ended the run");
                    return self.run.log.lose();
                }
                Err(NotStored::Because(error)) => {
                    tracing::error!(run.id = %self.run_id, error = %error, "the end of a run is left to others");
                    return self.run.log.lose();
                }
            }
        }
    }

    /// Settles what was used by a run of which nothing else is left. What fails here is settled when the reservation is found
    /// to have no run.
    async fn settle_alone(&self, progress: &Progress) {
        let settled = async {
            let mut tx = self.chat.db.tenant(self.question.tenant).await?;
            tx.settle_quota(self.run_id, &progress.ended.observed(None)).await?;
            tx.commit().await
        };
        if let Err(error) = settled.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(run.id = %self.run_id, error, "settling a run whose session is gone");
        }
    }

    /// Why a run could not be ended: asked in a transaction of its own.
    pub(super) async fn why_not(&self, answer_id: Option<uuid::Uuid>) -> NotStored {
        let looked = async {
            let mut tx = self.chat.db.tenant(self.question.tenant).await?;
            let lease = tx.lock_run_lease(self.run_id).await?;
            Ok::<_, db::Error>((lease, tx.find_run(self.run_id).await?))
        };
        match looked.await {
            Err(error) => error.into(),
            Ok((_, None)) => NotStored::Because(RunError::Gone),
            Ok((Some(lease), _)) if lease.instance_id == self.chat.instance_id => {
                NotStored::Behind(usize::try_from(lease.event_count).unwrap_or_default())
            }
            Ok((_, Some(run))) if answer_id.is_some() && run.answer_id == answer_id => {
                NotStored::Already
            }
            Ok(_) => NotStored::Because(RunError::Lost),
        }
    }
}

/// The last event of a run without an answer.
pub(super) fn failure(error: &RunError) -> RunEvent {
    RunEvent::Failed {
        code: error.code(),
        detail: error.to_string(),
        is_retryable: error.is_retryable(),
    }
}
