//! Stage 0: question and run are stored together, and the run begins.

use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;

use super::estimate;
use super::generate::Generation;
use super::history::History;
use super::{Chat, Question, RunEvent, RunHandle, RunLog};
use crate::chat::store::runs::NewRun;
use crate::db;
use crate::governance::{ExceededQuota, QuotaWarning, Reservation, ReserveError, reserve_quota};
use crate::kernel::clock;
use crate::kernel::ids::new_id;
use crate::knowledge::Reach;

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

impl Chat {
    /// Stores the question and starts its run.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was stored then.
    pub async fn start(&self, question: Question) -> Result<RunHandle, StartError> {
        let began = Instant::now();
        let run = NewRun {
            run_id: new_id(),
            session_id: question.session_id,
            question_id: new_id(),
            collection_ids: question.collection_ids.clone(),
            asked_by: question.asked_by,
        };
        let (history, warnings) = self.store_question(&question, &run).await?;
        let NewRun { run_id, session_id, question_id, .. } = run;
        let log = Arc::new(RunLog::default());
        log.append(RunEvent::Started { run_id, session_id, question_id });
        let generation = Generation {
            chat: self.clone(),
            question,
            run_id,
            history,
            log: Arc::clone(&log),
            began,
        };
        self.tasks.spawn(generation.run());
        Ok(RunHandle { run_id, log, warnings })
    }

    /// Stores question and run in one transaction, which also reserves what the answer may use, and gives what was said
    /// before.
    async fn store_question(
        &self,
        question: &Question,
        run: &NewRun,
    ) -> Result<(History, Vec<QuotaWarning>), StartError> {
        // Before the transaction, which is held across no other service.
        let copy = match question.session_id {
            Some(session_id) => self.hot.recall(question.tenant, session_id).await,
            None => None,
        };
        let mut tx = self.db.tenant(question.tenant).await?;
        let reach = Reach::of(&mut tx, &question.reader).await?;
        if !tx.has_collections(&reach, &question.collection_ids).await? {
            return Err(StartError::UnknownCollection);
        }
        let mut history = History::default();
        if let Some(session_id) = question.session_id {
            let counted = tx.count_message_in(session_id, Some(&question.content)).await?;
            let revision = counted.ok_or(StartError::UnknownSession)?;
            let most = self.settings.history_messages;
            let past = match copy.and_then(|copy| copy.at(revision - 1, most)) {
                Some(past) => past,
                None => tx.list_turns(session_id, most).await?,
            };
            history = History { revision, ..History::within(&reach, past) };
        }
        tx.insert_run(run).await?;
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
        // The last statement: what it locks makes others of the same quota wait.
        let reservation = Reservation {
            run_id: run.run_id,
            charged: question.charged,
            estimate: estimate::most(&self.settings, question, &history),
            at: clock::now(),
        };
        let warnings = reserve_quota(&mut tx, &reservation).await?;
        tx.commit().await?;
        Ok((history, warnings))
    }
}
