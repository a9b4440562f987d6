//! An answer is a run: it goes on when the reader hangs up. The question and the run are committed first; then a task of
//! its own searches, asks the model, builds citations, and stores the answer. Readers follow its log of numbered events.

mod answer;
mod attempts;
mod error;
mod estimate;
mod fail;
mod generate;
mod history;
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

use super::assistants::{Choice, Defaults, EffectiveConfiguration};
use super::output_filter::FilterSettings;
use super::prompt::{Counting, Window};
use crate::adapters::models::{ChatModel, ModelRegistry};
use crate::db::Db;
use crate::governance::{Charged, QuotaWarning};
use crate::kernel::ids::TenantId;
use crate::knowledge::{Reader, Search};

/// How questions are answered.
#[derive(Clone, Debug)]
pub struct ChatSettings {
    /// What holds where an assistant says nothing.
    pub defaults: Defaults,
    /// Earlier messages given to the model.
    pub history_messages: i64,
    /// Tokens that a model reads and writes at once, where nothing is known of it.
    pub context_tokens: u32,
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
    /// Which assistant answers.
    pub assistant: Choice,
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
    models: ModelRegistry,
    settings: ChatSettings,
    tasks: TaskTracker,
}

impl Chat {
    /// A chat service; `tasks` keeps the process alive until running answers are stored.
    pub fn new(
        db: Db,
        search: Search,
        models: ModelRegistry,
        settings: ChatSettings,
        tasks: TaskTracker,
    ) -> Self {
        Self { db, search, models, settings, tasks }
    }

    /// The database.
    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    /// What answers for an assistant: its providers in their order. One that the operator has taken away since is no reason
    /// to leave questions unanswered.
    pub(super) fn model_for(&self, configuration: &EffectiveConfiguration) -> Arc<dyn ChatModel> {
        self.models.ordered(&configuration.providers).unwrap_or_else(|error| {
            tracing::warn!(%error, "an assistant names a provider that is gone; all are asked");
            self.models.in_order()
        })
    }

    /// Earlier messages given to the model.
    pub(super) fn history_messages(&self) -> i64 {
        self.settings.history_messages
    }

    /// What a prompt must fit into, whoever of the providers answers.
    pub(super) fn window(&self, configuration: &EffectiveConfiguration) -> Window {
        let names = &configuration.providers;
        let is_named = |name: &str| names.is_empty() || names.iter().any(|named| named == name);
        let asked = self.models.list().filter(|(name, ..)| is_named(name));
        let counting = Counting::of_adapters(asked.map(|(_, adapter, _)| adapter));
        let known = self.models.context_tokens(names);
        Window { tokens: known.unwrap_or(self.settings.context_tokens), counting }
    }
}
