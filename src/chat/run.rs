//! An answer is a run: it goes on when the reader hangs up. The question and the run are committed first; then a task of
//! its own searches, asks the model, builds citations, and stores the answer. Readers follow its log of numbered events.

mod answer;
mod attempts;
mod error;
mod estimate;
mod fail;
mod generate;
mod history;
mod keep_near;
mod log;
mod prepare;
mod progress;
mod retrieve;
mod start;
mod store_answer;
mod write;

use std::sync::Arc;

use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use answer::{Answer, Outcome, Usage};
pub use log::{NumberedEvent, RunEvent, RunLog};
pub use start::StartError;

use super::output_filter::FilterSettings;
use crate::adapters::models::ChatModel;
use crate::chat::HotContexts;
use crate::db::Db;
use crate::governance::{Charged, QuotaWarning};
use crate::kernel::ids::TenantId;
use crate::knowledge::{Reader, Search};

/// How questions are answered.
#[derive(Clone, Debug)]
pub struct ChatSettings {
    /// Passages given to the model.
    pub passages: usize,
    /// Earlier messages given to the model.
    pub history_messages: i64,
    /// Longest answer, in the model's tokens.
    pub max_output_tokens: u32,
    /// What answers may hold.
    pub filter: FilterSettings,
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
    /// Who is charged for the answer.
    pub charged: Charged,
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
    /// Quotas of which little is left.
    pub warnings: Vec<QuotaWarning>,
}

/// The chat service.
#[derive(Clone)]
pub struct Chat {
    db: Db,
    search: Search,
    model: Arc<dyn ChatModel>,
    settings: ChatSettings,
    hot: HotContexts,
    tasks: TaskTracker,
}

impl Chat {
    /// A chat service; `tasks` keeps the process alive until running answers are stored.
    pub fn new(
        db: Db,
        search: Search,
        model: Arc<dyn ChatModel>,
        settings: ChatSettings,
        hot: HotContexts,
        tasks: TaskTracker,
    ) -> Self {
        Self { db, search, model, settings, hot, tasks }
    }

    /// Forgets what is kept near of a session that was deleted.
    pub async fn forget_session(&self, tenant: TenantId, session_id: Uuid) {
        self.hot.forget(tenant, session_id).await;
    }
}
