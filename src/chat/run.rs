//! An answer is a run: it goes on when the reader hangs up. The question and the run are committed first; then a task of
//! its own searches, asks the model, builds citations, and stores the answer. Readers follow its log of numbered events.

mod answer;
mod attempts;
mod drain;
mod end;
mod error;
mod estimate;
mod event;
mod fail;
mod forget;
mod generate;
mod history;
mod interrupt;
mod keep;
mod keep_near;
mod live;
mod log;
mod model_call;
mod pace;
mod prepare;
mod progress;
mod read;
mod record;
mod recorder;
mod relay;
mod retrieve;
mod start;
mod store_answer;
mod write;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use live::LiveRuns;
use log::RunLog;
use recorder::Recorder;

pub use answer::{Answer, Outcome, Usage};
pub use event::{NumberedEvent, RunEvent};
pub use read::RunRef;
pub use start::{StartError, Started};

use super::assistants::{Choice, Defaults, EffectiveConfiguration};
use super::output_filter::FilterSettings;
use super::prompt::{Counting, Window};
use crate::adapters::models::{ChatModel, EXTRACTIVE, ModelRegistry};
use crate::adapters::streams::EventStreams;
use crate::chat::HotContexts;
use crate::db::Db;
use crate::db::audit::AuditEntry;
use crate::db::idempotency::Claim;
use crate::governance::{Charged, Flags};
use crate::kernel::ids::TenantId;
use crate::knowledge::{Reader, Search};
use crate::web::events::EventTimes;

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
    /// How runs are kept.
    pub runs: RunSettings,
}

/// How runs are kept.
#[derive(Clone, Copy, Debug)]
pub struct RunSettings {
    /// How long an instance is believed to live without a sign.
    pub lease: Duration,
    /// Longest time that an event is not stored.
    pub flush_interval: Duration,
    /// Text, in bytes, that is stored at once however little time has passed.
    pub flush_bytes: usize,
    /// Texts that all answers of an instance together tell in a second; where there would be more, each tells more at once.
    pub texts_per_second: u32,
    /// How often an instance looks whether somebody asked to stop one of its runs.
    pub cancel_poll: Duration,
    /// How often a reader of another instance's run looks for events.
    pub read_poll: Duration,
    /// How long answers go on when this instance is asked to stop.
    pub drain: Duration,
    /// How streams of events are kept open.
    pub times: EventTimes,
    /// How often orphaned runs are looked for.
    pub sweep: Duration,
    /// How long events are kept, in days.
    pub events_days: u32,
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
    /// Key under which it is asked once.
    pub claim: Option<Claim>,
    /// What is told to the audit log when it is stored.
    pub noted: Vec<AuditEntry>,
}

/// The chat service.
#[derive(Clone)]
pub struct Chat {
    db: Db,
    search: Search,
    models: ModelRegistry,
    settings: ChatSettings,
    hot: HotContexts,
    tasks: TaskTracker,
    /// Name of this instance in leases: a new one at each start.
    instance_id: Uuid,
    live: Arc<LiveRuns>,
    recorder: Arc<Recorder>,
    /// Where readers on other instances are told of events at once; absent: they look into the database.
    streams: Option<Arc<dyn EventStreams>>,
    /// Cancelled when this instance ends.
    leaving: CancellationToken,
    flags: Flags,
}

impl Chat {
    /// A chat service; `tasks` keeps the process alive until running answers are stored.
    pub fn new(
        db: Db,
        search: Search,
        models: ModelRegistry,
        settings: ChatSettings,
        streams: Option<Arc<dyn EventStreams>>,
        hot: HotContexts,
        tasks: TaskTracker,
    ) -> Self {
        let instance_id = Uuid::new_v4();
        Self {
            recorder: Recorder::new(db.clone(), instance_id, tasks.clone()),
            db,
            search,
            models,
            settings,
            hot,
            tasks,
            instance_id,
            live: Arc::default(),
            streams,
            leaving: CancellationToken::new(),
            flags: Flags::default(),
        }
    }

    /// The same under the operator's flags.
    #[must_use]
    pub fn with_flags(self, flags: Flags) -> Self {
        Self { flags, ..self }
    }

    /// How runs are kept.
    pub fn run_settings(&self) -> RunSettings {
        self.settings.runs
    }

    /// The database.
    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    /// Done when this instance is to end.
    pub(super) async fn left(&self) {
        self.leaving.cancelled().await;
    }

    /// What answers for an assistant: its providers in their order, those that the operator has not taken away since. `None`
    /// when all are gone: passages go to nobody whom its editors did not name.
    pub(super) fn model_for(
        &self,
        configuration: &EffectiveConfiguration,
    ) -> Option<Arc<dyn ChatModel>> {
        self.models.ordered(&configuration.providers)
    }

    /// Earlier messages given to the model.
    pub(super) fn history_messages(&self) -> i64 {
        self.settings.history_messages
    }

    /// Messages that are looked at and kept near: a summary is made anew only when it lacks so many.
    pub(super) fn past_messages(&self) -> i64 {
        self.settings.history_messages.saturating_mul(2)
    }

    /// What a prompt must fit into, whoever of the providers answers.
    pub(super) fn window(&self, configuration: &EffectiveConfiguration) -> Window {
        let names = &configuration.providers;
        let adapters = self.models.named(names).map(|(adapter, _)| adapter);
        let counting = Counting::of_adapters(adapters);
        let tokens = self.models.context_tokens(names, self.settings.context_tokens);
        Window { tokens, counting }
    }

    /// Whether any of the providers can write a text of its own.
    pub(super) fn can_write(&self, configuration: &EffectiveConfiguration) -> bool {
        self.models.named(&configuration.providers).any(|(adapter, _)| adapter != EXTRACTIVE)
    }

    /// Forgets what is kept near of a session that was deleted.
    pub async fn forget_session(&self, tenant: TenantId, session_id: Uuid) {
        self.hot.forget(tenant, session_id).await;
    }
}
