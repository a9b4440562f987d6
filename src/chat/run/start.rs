//! Stage 0: question and run are stored together, and the run begins.

use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use uuid::Uuid;

use super::estimate;
use super::generate::Generation;
use super::history::History;
use super::{Chat, Question, RunEvent, RunHandle, RunLog};
use crate::chat::assistants::{Answering, ResolveError, resolve};
use crate::chat::store::runs::NewRun;
use crate::db::{self, TenantTx};
use crate::governance::{
    Charged, ExceededQuota, QuotaWarning, Reservation, ReserveError, reserve_quota,
};
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
    /// There is no such assistant.
    #[error("there is no such assistant")]
    UnknownAssistant,
    /// Nothing of the assistant is published.
    #[error("the assistant has no published version; publish its draft first")]
    Unpublished,
    /// The assistant of the session was deleted.
    #[error("the assistant of this session was deleted; open another session")]
    AssistantGone,
    /// A collection that the assistant does not ask.
    #[error(
        "has a collection that the assistant does not ask; leave it out, or choose another assistant"
    )]
    OutsideAssistant,
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

/// A run whose question is stored.
struct Begun {
    run: NewRun,
    history: History,
    answering: Answering,
    scope: Option<Vec<Uuid>>,
    warnings: Vec<QuotaWarning>,
}

impl Chat {
    /// Stores the question and starts its run.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was stored then.
    pub async fn start(&self, question: Question) -> Result<RunHandle, StartError> {
        let began = Instant::now();
        let Begun { run, history, answering, scope, warnings } =
            self.store_question(&question).await?;
        let NewRun { run_id, session_id, question_id, .. } = run;
        let log = Arc::new(RunLog::default());
        log.append(RunEvent::Started { run_id, session_id, question_id });
        let generation = Generation {
            chat: self.clone(),
            model: self.model_for(&answering.configuration),
            question,
            answering,
            scope,
            run_id,
            history,
            log: Arc::clone(&log),
            began,
        };
        self.tasks.spawn(generation.run());
        Ok(RunHandle { run_id, log, warnings })
    }

    /// Stores question and run in one transaction, which also reserves what the answer may use, and gives what was said
    /// before and who answers.
    async fn store_question(&self, question: &Question) -> Result<Begun, StartError> {
        let mut tx = self.db.tenant(question.tenant).await?;
        let reach = Reach::of(&mut tx, &question.reader).await?;
        if !tx.has_collections(&reach, &question.collection_ids).await? {
            return Err(StartError::UnknownCollection);
        }
        let mut history = History::default();
        if let Some(session_id) = question.session_id {
            if tx.find_session(session_id, None).await?.is_none() {
                return Err(StartError::UnknownSession);
            }
            history = self.history(&mut tx, &reach, session_id).await?;
            tx.touch_session(session_id, &question.content).await?;
        }
        let answering = self.answering(&mut tx, question).await?;
        let scope = scope(&mut tx, question, &answering, &reach).await?;
        let run = NewRun {
            run_id: new_id(),
            session_id: question.session_id,
            question_id: new_id(),
            collection_ids: scope.clone().unwrap_or_default(),
            assistant_id: answering.assistant_id,
            assistant_version: answering.version,
            configuration_sha256: answering.configuration.sha256(),
            asked_by: question.asked_by,
        };
        tx.insert_run(&run).await?;
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
            charged: Charged { assistant_id: Some(answering.assistant_id), ..question.charged },
            estimate: estimate::most(&answering.configuration, question, &history),
            at: clock::now(),
        };
        let warnings = reserve_quota(&mut tx, &reservation).await?;
        tx.commit().await?;
        Ok(Begun { run, history, answering, scope, warnings })
    }

    /// The last turns, and what was before them in short where there is a summary that the reader may be told.
    async fn history(
        &self,
        tx: &mut TenantTx,
        reach: &Reach,
        session_id: Uuid,
    ) -> Result<History, StartError> {
        let summary = tx.find_session_summary(session_id).await?;
        let summary = summary.filter(|summary| reach.holds_all(&summary.read_collection_ids));
        let most = self.settings.history_messages;
        // The summary is made anew only when so many messages more have come.
        let (after, most) = match &summary {
            Some(summary) => (Some(summary.through_message_id), 2 * most),
            None => (None, most),
        };
        let past = tx.list_turns(session_id, after, most).await?;
        Ok(History::within(reach, past).behind(summary))
    }

    async fn answering(
        &self,
        tx: &mut TenantTx,
        question: &Question,
    ) -> Result<Answering, StartError> {
        let resolved = resolve(tx, question.assistant, &self.settings.defaults).await;
        resolved.map_err(|error| match error {
            ResolveError::Unknown if question.session_id.is_some() => StartError::AssistantGone,
            ResolveError::Unknown => StartError::UnknownAssistant,
            ResolveError::Unpublished => StartError::Unpublished,
            ResolveError::Database(error) => error.into(),
        })
    }
}

/// Collections to search: an assistant narrows what its asker reaches and never widens it.
async fn scope(
    tx: &mut TenantTx,
    question: &Question,
    answering: &Answering,
    reach: &Reach,
) -> Result<Option<Vec<Uuid>>, StartError> {
    let own = &answering.configuration.collection_ids;
    if own.is_empty() {
        return Ok(Some(question.collection_ids.clone()));
    }
    // A session keeps the collections that it was opened with, whatever becomes of its assistant.
    if question.session_id.is_none() && question.collection_ids.iter().any(|id| !own.contains(id)) {
        return Err(StartError::OutsideAssistant);
    }
    let mut reached = tx.list_reached_collections(reach).await?;
    reached.retain(|id| own.contains(id));
    Ok(answering.scope(&question.collection_ids, &reached))
}
