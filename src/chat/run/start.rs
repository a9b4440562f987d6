//! Stage 0: question and run are stored together, and the run begins.

use std::time::Instant;

use chrono::Utc;
use uuid::Uuid;

use super::estimate;
use super::event::RunEvent;
use super::generate::Generation;
use super::history::History;
use super::live::LiveRun;
use super::{Chat, Question, RunRef};
use crate::chat::store::runs::NewRun;
use crate::db::idempotency::{Begun, Kept, Outcome};
use crate::db::{self, OnConstraint};
use crate::governance::{ExceededQuota, QuotaWarning, Reservation, ReserveError, reserve_quota};
use crate::kernel::clock;
use crate::kernel::ids::new_id;
use crate::knowledge::Reach;

/// How often a question is tried to be stored when the session's earlier run has just ended, or was orphaned.
const TRIES: usize = 3;

/// The run that answers a question.
#[derive(Clone, Debug)]
pub enum Started {
    /// It begins now.
    Now {
        /// The run.
        reference: RunRef,
        /// Quotas of which little is left.
        warnings: Vec<QuotaWarning>,
    },
    /// The very question was asked before, and this run answers it.
    Before {
        /// The run.
        reference: RunRef,
        /// What the asker reaches now: it decides what they may read.
        reach: Reach,
    },
}

/// What became of a question that was to be stored.
enum Stored {
    Now(History, Vec<QuotaWarning>),
    Before(Uuid, Reach),
}

/// Why no run was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The session went away, or was never one of this tenant.
    #[error("there is no such session")]
    UnknownSession,
    /// A collection that there is not, or that the reader does not reach.
    #[error("there is no such collection")]
    UnknownCollection,
    /// Somebody who is charged may use no more.
    #[error("{0}")]
    QuotaExceeded(ExceededQuota),
    /// An answer is being made in the session already.
    #[error("an answer is being made in this session")]
    Busy {
        /// The run that makes it.
        run_id: Uuid,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<ReserveError> for StartError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Exceeded(quota) => Self::QuotaExceeded(quota),
            ReserveError::Database(error) => Self::Database(error),
        }
    }
}

/// Why a question was not stored.
enum NotStored {
    /// The session has a run.
    Busy,
    Because(StartError),
}

impl<E: Into<StartError>> From<E> for NotStored {
    fn from(error: E) -> Self {
        Self::Because(error.into())
    }
}

impl Chat {
    /// Stores the question and starts its run; with a claim, once for its key.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was stored then.
    pub async fn start(&self, question: Question) -> Result<Started, StartError> {
        let began = Instant::now();
        let mut run = NewRun {
            run_id: new_id(),
            session_id: question.session_id,
            question_id: new_id(),
            collection_ids: question.collection_ids.clone(),
            asked_by: question.asked_by,
            provider: self.model.provider().to_owned(),
            model: self.model.model().to_owned(),
            instance_id: self.instance_id,
            lease: self.settings.runs.lease,
        };
        let (history, warnings) = match self.store_when_free(&question, &mut run).await? {
            Stored::Now(history, warnings) => (history, warnings),
            Stored::Before(run_id, reach) => {
                let reference = RunRef { tenant: question.tenant, run_id };
                return Ok(Started::Before { reference, reach });
            }
        };
        let NewRun { run_id, session_id, question_id, .. } = run;
        let live = LiveRun::new(question.tenant);
        live.log.append(RunEvent::Started { run_id, session_id, question_id });
        if self.live.insert(run_id, live.clone()) {
            self.tasks.spawn(self.clone().keep_leases());
        }
        let reference = RunRef { tenant: question.tenant, run_id };
        let generation =
            Generation { chat: self.clone(), question, run_id, history, run: live, began };
        self.tasks.spawn(generation.run());
        Ok(Started::Now { reference, warnings })
    }

    /// Stores the question unless an answer is being made in its session. One whose instance is gone makes none.
    async fn store_when_free(
        &self,
        question: &Question,
        run: &mut NewRun,
    ) -> Result<Stored, StartError> {
        let mut busy = None;
        for _ in 0..TRIES {
            match self.store_question(question, run).await {
                Ok(stored) => return Ok(stored),
                Err(NotStored::Because(error)) => return Err(error),
                Err(NotStored::Busy) => {}
            }
            let Some(session_id) = question.session_id else { continue };
            let mut tx = self.db.tenant(question.tenant).await?;
            let active = tx.find_active_run(session_id).await?;
            drop(tx);
            let Some((active, is_orphaned)) = active else { continue };
            busy = Some(active.run_id);
            if !is_orphaned || !self.end_orphan(active).await? {
                break;
            }
            // What is kept of the orphan's answer stands before this question.
            run.question_id = new_id();
        }
        // Runs that come and go this fast are somebody's who asks without waiting.
        Err(StartError::Busy { run_id: busy.unwrap_or(run.run_id) })
    }

    /// Stores question and run in one transaction, which also reserves what the answer may use, and gives what was said
    /// before. The key comes first: who asked before under it is neither charged nor told that the session is busy.
    async fn store_question(&self, question: &Question, run: &NewRun) -> Result<Stored, NotStored> {
        let mut tx = match self.db.tenant_once(question.tenant, question.claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return self.asked_before(question, &kept).await,
        };
        let reach = Reach::of(&mut tx, &question.reader).await?;
        if !tx.has_collections(&reach, &question.collection_ids).await? {
            return Err(StartError::UnknownCollection.into());
        }
        let mut history = History::default();
        if let Some(session_id) = question.session_id {
            if tx.find_session(session_id, None).await?.is_none() {
                return Err(StartError::UnknownSession.into());
            }
            let past = tx.list_turns(session_id, self.settings.history_messages).await?;
            history = History::within(&reach, past);
            tx.touch_session(session_id, &question.content).await?;
        }
        tx.insert_run(run).await.on_constraint("run_leases_session_id_key", || NotStored::Busy)?;
        tx.insert_message(
            run.question_id,
            question.session_id,
            run.run_id,
            "user",
            &question.content,
            Utc::now(),
            &[],
        )
        .await?;
        // The last locks: what they hold makes others of the same quota wait.
        let reservation = Reservation {
            run_id: run.run_id,
            charged: question.charged,
            estimate: estimate::most(&self.settings, question, &history),
            at: clock::now(),
        };
        let warnings = reserve_quota(&mut tx, &reservation).await?;
        tx.commit_outcome(&Outcome::of_run(200, run.run_id)).await?;
        Ok(Stored::Now(history, warnings))
    }

    async fn asked_before(&self, question: &Question, kept: &Kept) -> Result<Stored, NotStored> {
        let run_id = kept.outcome.run_id.ok_or_else(|| db::Error::Inconsistent {
            table: "idempotency_keys",
            detail: "a question was kept without its run".to_owned(),
        })?;
        let mut tx = self.db.tenant(question.tenant).await?;
        let reach = Reach::of(&mut tx, &question.reader).await?;
        Ok(Stored::Before(run_id, reach))
    }
}
