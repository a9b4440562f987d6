//! An answer is a run: it goes on when the reader hangs up. The question and the run are committed first; then a task of
//! its own searches, asks the model, builds citations, and stores the answer. Readers follow its log of numbered events.

mod answer;
mod generate;
mod history;
mod log;

use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use history::History;

pub use answer::{Answer, Outcome, Usage};
pub use log::{NumberedEvent, RunEvent, RunLog};

use super::store::runs::NewRun;
use crate::adapters::models::ChatModel;
use crate::db::{self, Db};
use crate::kernel::ids::{TenantId, new_id};
use crate::knowledge::{Reach, Reader, Search};

/// How questions are answered.
#[derive(Clone, Copy, Debug)]
pub struct ChatSettings {
    /// Passages given to the model.
    pub passages: usize,
    /// Earlier messages given to the model.
    pub history_messages: i64,
    /// Longest answer, in the model's tokens.
    pub max_output_tokens: u32,
}

/// A question to be answered.
#[derive(Clone, Debug)]
pub struct Question {
    /// Tenant.
    pub tenant: TenantId,
    /// Who asks, as far as reach goes.
    pub reader: Reader,
    /// Key that asks.
    pub asked_by: Uuid,
    /// Conversation; absent for a single question.
    pub session_id: Option<Uuid>,
    /// Collections to ask; all that the reader reaches when empty. The ids are distinct.
    pub collection_ids: Vec<Uuid>,
    /// The question.
    pub content: String,
}

/// A run that goes on.
#[derive(Clone, Debug)]
pub struct RunHandle {
    /// Id.
    pub run_id: Uuid,
    /// What has happened, and what will.
    pub log: Arc<RunLog>,
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
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The chat service.
#[derive(Clone)]
pub struct Chat {
    db: Db,
    search: Search,
    model: Arc<dyn ChatModel>,
    settings: ChatSettings,
    tasks: TaskTracker,
}

impl Chat {
    /// A chat service; `tasks` keeps the process alive until running answers are stored.
    pub fn new(
        db: Db,
        search: Search,
        model: Arc<dyn ChatModel>,
        settings: ChatSettings,
        tasks: TaskTracker,
    ) -> Self {
        Self { db, search, model, settings, tasks }
    }

    /// Stores the question and starts its run.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was stored then.
    pub async fn start(&self, question: Question) -> Result<RunHandle, StartError> {
        let began = Instant::now();
        let (run_id, question_id) = (new_id(), new_id());
        let run = NewRun {
            run_id,
            session_id: question.session_id,
            question_id,
            collection_ids: question.collection_ids.clone(),
            asked_by: question.asked_by,
        };
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
            let past = tx.list_turns(session_id, self.settings.history_messages).await?;
            history = History::within(&reach, past);
            tx.touch_session(session_id, &question.content).await?;
        }
        tx.insert_run(&run).await?;
        tx.insert_message(
            question_id,
            question.session_id,
            run_id,
            "user",
            &question.content,
            Utc::now(),
            &[],
        )
        .await?;
        tx.commit().await?;

        let log = Arc::new(RunLog::default());
        log.append(RunEvent::Started { run_id, session_id: question.session_id, question_id });
        let generation = generate::Generation {
            chat: self.clone(),
            question,
            run_id,
            history,
            log: Arc::clone(&log),
            began,
        };
        self.tasks.spawn(generation.run());
        Ok(RunHandle { run_id, log })
    }
}
