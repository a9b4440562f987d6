//! Stage 0: question and run are stored together, and the run begins.

use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use tracing::Instrument;
use uuid::Uuid;

use super::estimate;
use super::event::RunEvent;
use super::generate::Generation;
use super::history::History;
use super::live::LiveRun;
use super::retrieve::candidates;
use super::{Chat, Question, RunRef};
use crate::adapters::models::ChatModel;
use crate::chat::assistants::{Answering, ResolveError, resolve};
use crate::chat::refusal::is_vague;
use crate::chat::store::messages::PastMessage;
use crate::chat::store::runs::NewRun;
use crate::db::idempotency::{Begun, Kept, Outcome};
use crate::db::{self, OnConstraint, TenantTx};
use crate::governance::{
    Charged, ExceededQuota, Flag, FlagError, QuotaWarning, Reservation, ReserveError, reserve_quota,
};
use crate::kernel::clock;
use crate::kernel::ids::new_id;
use crate::knowledge::{Reach, Scope, SearchedAhead};
use crate::telemetry::traced_apart;

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
    Now(Box<Beginning>),
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
    /// There is no such assistant.
    #[error("there is no such assistant")]
    UnknownAssistant,
    /// Nothing of the assistant is published.
    #[error("the assistant has no published version; publish its draft first")]
    Unpublished,
    /// The assistant of the session was deleted.
    #[error("the assistant of this session was deleted; open another session")]
    AssistantGone,
    /// The providers that the assistant names are gone.
    #[error(
        "the server has none of the providers that the assistant names any more; change them, and publish the assistant again"
    )]
    NoProvider,
    /// A collection that the assistant does not ask.
    #[error(
        "has a collection that the assistant does not ask; leave it out, or choose another assistant"
    )]
    OutsideAssistant,
    /// An answer is being made in the session already.
    #[error("an answer is being made in this session")]
    Busy {
        /// The run that makes it; absent when it ended while it was looked for, and another had begun by then.
        run_id: Option<Uuid>,
    },
    /// The operator has switched questions off.
    #[error("{0}")]
    Off(FlagError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<FlagError> for StartError {
    fn from(error: FlagError) -> Self {
        match error {
            FlagError::Database(error) => Self::Database(error),
            off @ FlagError::Off(_) => Self::Off(off),
        }
    }
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

/// A run whose question is stored.
struct Beginning {
    run: NewRun,
    model: Arc<dyn ChatModel>,
    history: History,
    answering: Answering,
    scope: Option<Vec<Uuid>>,
    /// The search for the question, when it is one that can be searched as it stands.
    searched: Option<SearchedAhead>,
    warnings: Vec<QuotaWarning>,
}

impl Chat {
    /// Stores the question and starts its run; with a claim, once for its key.
    ///
    /// # Errors
    /// See [`StartError`]; nothing was stored then.
    pub async fn start(&self, question: Question) -> Result<Started, StartError> {
        let began = Instant::now();
        let beginning = match self.store_when_free(&question).await? {
            Stored::Now(beginning) => *beginning,
            Stored::Before(run_id, reach) => {
                let reference = RunRef { tenant: question.tenant, run_id };
                return Ok(Started::Before { reference, reach });
            }
        };
        let Beginning { run, model, history, answering, scope, searched, warnings } = beginning;
        let NewRun { run_id, session_id, question_id, .. } = run;
        let live = LiveRun::new(question.tenant);
        live.log.append(RunEvent::Started { run_id, session_id, question_id });
        if self.live.insert(run_id, live.clone()) {
            self.tasks.spawn(self.clone().keep_leases());
        }
        let reference = RunRef { tenant: question.tenant, run_id };
        let generation = Generation {
            chat: self.clone(),
            model,
            question,
            answering,
            scope,
            searched,
            run_id,
            question_id,
            history,
            run: live,
            began,
        };
        // The answer goes on when the request is over, and with it the trace.
        let span = traced_apart!("answer", run.id = %run_id);
        self.tasks.spawn(generation.run().instrument(span));
        Ok(Started::Now { reference, warnings })
    }

    /// Stores the question unless an answer is being made in its session. One whose instance is gone makes none.
    async fn store_when_free(&self, question: &Question) -> Result<Stored, StartError> {
        let mut busy = None;
        for _ in 0..TRIES {
            match self.store_question(question).await {
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
        }
        // Runs that come and go this fast are somebody's who asks without waiting.
        Err(StartError::Busy { run_id: busy })
    }

    /// Stores question and run in one transaction, which also reserves what the answer may use, and gives what was said
    /// before and who answers. The key comes first: who asked before under it is neither charged nor told that the session
    /// is busy.
    async fn store_question(&self, question: &Question) -> Result<Stored, NotStored> {
        // Before the transaction, which is held across no other service.
        let copy = match question.session_id {
            Some(session_id) => self.hot.recall(question.tenant, session_id).await,
            None => None,
        };
        // One who asks in a conversation that is known here may mean more than is written.
        let embedded = match copy {
            None if !is_vague(&question.content) => {
                self.search.embed_ahead(&self.tasks, question.tenant, &question.content)
            }
            _ => None,
        };
        let mut tx = match self.db.tenant_once(question.tenant, question.claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return self.asked_before(question, &kept).await,
        };
        self.flags.require(&mut tx, Flag::Questions).await?;
        let reach = Reach::of(&mut tx, &question.reader).await?;
        if !tx.has_collections(&reach, &question.collection_ids).await? {
            return Err(StartError::UnknownCollection.into());
        }
        let mut history = History::default();
        if let Some(session_id) = question.session_id {
            let counted = tx.count_message_in(session_id, Some(&question.content)).await?;
            let revision = counted.ok_or(StartError::UnknownSession)?;
            let copy = copy.and_then(|copy| copy.at(revision - 1, self.past_messages()));
            history = self.history(&mut tx, &reach, session_id, copy).await?;
            history.revision = revision;
        }
        let answering = self.answering(&mut tx, question).await?;
        let scope = scope(&mut tx, question, &answering, &reach).await?;
        let model = self.model_for(&answering.configuration).ok_or(StartError::NoProvider)?;
        // What is left to be done waits for the disk. A follow-up is searched as what it means, when that is known.
        let stands_alone = history.turns.is_empty() && !is_vague(&question.content);
        let searched = scope.as_ref().filter(|_| stands_alone).map(|ids| {
            let scope = Scope {
                tenant: question.tenant,
                reader: question.reader.clone(),
                collection_ids: ids.clone(),
                metadata: None,
                session_id: question.session_id,
            };
            let limit = candidates(&answering.configuration);
            self.search.search_ahead(&self.tasks, scope, &question.content, limit, embedded)
        });
        let run = NewRun {
            run_id: new_id(),
            session_id: question.session_id,
            question_id: new_id(),
            collection_ids: scope.clone().unwrap_or_default(),
            assistant_id: answering.assistant_id,
            assistant_version: answering.version,
            configuration_sha256: answering.configuration.sha256(),
            asked_by: question.asked_by,
            provider: model.provider().to_owned(),
            model: model.model().to_owned(),
            instance_id: self.instance_id,
            lease: self.settings.runs.lease,
        };
        let inserted = tx.insert_run(&run).await;
        if let Err(error) = inserted.on_constraint("run_leases_session_id_key", || NotStored::Busy)
        {
            // At once: the key must be free when it is tried again.
            tx.rollback().await?;
            return Err(error);
        }
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
        for entry in &question.noted {
            tx.append_audit(entry.clone()).await?;
        }
        // The last locks: what they hold makes others of the same quota wait.
        let reservation = Reservation {
            run_id: run.run_id,
            charged: Charged { assistant_id: Some(answering.assistant_id), ..question.charged },
            estimate: estimate::most(&answering.configuration, question, &history),
            at: clock::now(),
        };
        let warnings = reserve_quota(&mut tx, &reservation).await?;
        tx.commit_outcome(&Outcome::of_run(200, run.run_id)).await?;
        let beginning = Beginning { run, model, history, answering, scope, searched, warnings };
        Ok(Stored::Now(Box::new(beginning)))
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

    /// The last turns, of a copy or of the rows, and what was before them in short where there is a summary that the reader
    /// may be told.
    async fn history(
        &self,
        tx: &mut TenantTx,
        reach: &Reach,
        session_id: Uuid,
        copy: Option<Vec<PastMessage>>,
    ) -> Result<History, StartError> {
        let past = match copy {
            Some(past) => past,
            None => tx.list_turns(session_id, None, self.past_messages()).await?,
        };
        let summary = tx.find_session_summary(session_id).await?;
        let summary = summary.filter(|summary| reach.holds_all(&summary.read_collection_ids));
        let most = usize::try_from(self.settings.history_messages).unwrap_or_default();
        Ok(History::within(reach, past, summary, most))
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
