//! `/v1/runs`: how an answer comes about, whoever watches.

use chrono::{DateTime, Utc};
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use uuid::Uuid;

use super::events::ChatEvent;
use super::reply::stream;
use super::sessions::maker;
use super::views::OutcomeName;
use crate::chat::run::{Chat, Outcome, RunRef};
use crate::chat::store::runs::Run;
use crate::db::{Db, TenantTx};
use crate::governance::note_reading;
use crate::identity::api::Caller;
use crate::identity::{Action, Actor};
use crate::knowledge::Reach;
use crate::web::events::Events;
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::spec::Tag;

/// Where a run is: `running` while the answer is being made; `completed` when it has ended by itself; `failed` when it has
/// ended without an answer; `interrupted` when the server that made it was stopped or is gone, and `cancelled` when somebody
/// stopped it, where what there was of the answer is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "RunState", rename_all = "snake_case")]
pub enum RunStateName {
    /// The answer is being made.
    Running,
    /// It has ended by itself.
    Completed,
    /// It has ended without an answer.
    Failed,
    /// The server that made it was stopped or is gone; what there was of the answer is kept.
    Interrupted,
    /// Somebody stopped it; what there was of the answer is kept.
    Cancelled,
}

/// How an answer comes about.
#[derive(Debug, Object)]
#[oai(rename = "Run", skip_serializing_if_is_none)]
pub struct RunView {
    /// Id of the run.
    id: Uuid,
    /// Conversation; absent for a single question.
    session_id: Option<Uuid>,
    /// Message of the user.
    question_id: Uuid,
    /// Message of the assistant; absent until there is one.
    answer_id: Option<Uuid>,
    /// Where it is.
    state: RunStateName,
    /// How it ended; absent while it goes on.
    outcome: Option<OutcomeName>,
    /// Machine-readable reason, where the outcome has one. `partial`: `length`, `no_citations` (the text is whole and cites
    /// nothing), `model_failed`, `crashed`, `cancelled`, `interrupted`; `no_answer`: `no_candidates`, `below_threshold`,
    /// `model_abstained`, `attachments_unread`; `clarification`: `too_vague`; `blocked`: `content_filter`; `failed`:
    /// `search_failed`, `model_failed`, `question_too_long`, `storage_failed`, `session_deleted`, `crashed`, `cancelled`,
    /// `interrupted`.
    #[oai(validator(max_length = 100))]
    outcome_reason: Option<String>,
    /// Number of the last event; absent while it goes on.
    event_count: Option<i32>,
    /// When somebody asked to stop it; absent when nobody has, and when it is over.
    cancel_requested_at: Option<DateTime<Utc>>,
    /// When the question came.
    created_at: DateTime<Utc>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
}

#[derive(ApiResponse)]
enum EventsResponse {
    /// The events after the one named, as they come, through the last one.
    #[oai(status = 200)]
    Ok(Events<ChatEvent>),
    /// The event named was the last one: there are no more, and none will come.
    #[oai(status = 204)]
    Over,
}

/// Operations on runs.
pub struct RunsApi {
    /// The database.
    pub db: Db,
    /// The chat service.
    pub chat: Chat,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Chat")]
impl RunsApi {
    /// Get a run
    ///
    /// Tells how far an answer is, and how it ended. The run is seen by who sees its session, or who asked where there is
    /// none.
    #[oai(path = "/runs/:run_id", method = "get", operation_id = "get_run")]
    async fn get_run(
        &self,
        caller: Caller,
        /// Id of the run.
        run_id: Path<Uuid>,
    ) -> Result<Json<RunView>, ApiError> {
        let actor = caller.require(Action::ConversationRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let run = find(&mut tx, actor, run_id.0).await?;
        note(&mut tx, actor, &run).await?;
        tx.commit().await?;
        Ok(Json(run.into()))
    }

    /// Follow a run
    ///
    /// The events of an answer after the one named, as they come: after a lost connection, from another place, or long
    /// after the end. When what you saw is not kept (a server died), the next event is a `reset`, and the whole text
    /// comes again. 204 when you have the last event; of a run that was cancelled or interrupted its last events are given
    /// again. 403 when the answer is made of a collection that you do not reach.
    #[oai(path = "/runs/:run_id/events", method = "get", operation_id = "list_run_events")]
    async fn list_run_events(
        &self,
        caller: Caller,
        /// Id of the run.
        run_id: Path<Uuid>,
        /// Number of the last event that you have; all events when absent. `Last-Event-ID` goes before it.
        #[oai(validator(maximum(value = "1000000000")))]
        after: Query<Option<u32>>,
        /// The `id` of the last event that you have, as browsers send it by themselves.
        #[oai(name = "Last-Event-ID", validator(max_length = 20))]
        last_event_id: Header<Option<String>>,
    ) -> Result<EventsResponse, ApiError> {
        let actor = caller.require(Action::ConversationRead)?;
        let after = place(last_event_id.0.as_deref(), after.0)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let run = find(&mut tx, actor, run_id.0).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        note(&mut tx, actor, &run).await?;
        tx.commit().await?;
        if run.read_collection_ids.as_ref().is_some_and(|ids| !reach.holds_all(ids)) {
            return Err(ApiError::new(
                ProblemCode::Forbidden,
                "the answer is made of a collection that you do not reach",
            ));
        }
        if run.is_over_after(after) {
            return Ok(EventsResponse::Over);
        }
        let run = RunRef { tenant: actor.tenant, run_id: run.run_id };
        Ok(EventsResponse::Ok(stream(&self.chat, run, after, Some(reach))))
    }

    /// Cancel a run
    ///
    /// Stops an answer: the model is not asked on, and what there is of the text is kept as a part of an answer. Cancelling
    /// again, or when the run is over, changes nothing. The stream of the run tells its end.
    #[oai(path = "/runs/:run_id/cancel", method = "post", operation_id = "cancel_run")]
    async fn cancel_run(
        &self,
        caller: Caller,
        /// Id of the run.
        run_id: Path<Uuid>,
    ) -> Result<Json<RunView>, ApiError> {
        let actor = caller.require(Action::Converse)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let run = find(&mut tx, actor, run_id.0).await?;
        if run.is_running() {
            // The lease before the log: what deletes a session locks them in this order.
            self.chat.cancel(&mut tx, run.run_id).await?;
            if run.seen_by != actor.id() {
                tx.append_audit(actor.audit("run.cancelled").on("run", run.run_id)).await?;
            }
        }
        let run = find(&mut tx, actor, run_id.0).await?;
        tx.commit().await?;
        self.chat.stop_here(RunRef { tenant: actor.tenant, run_id: run.run_id });
        Ok(Json(run.into()))
    }
}

/// A run that the actor sees.
async fn find(tx: &mut TenantTx, actor: &Actor, run_id: Uuid) -> Result<Run, ApiError> {
    let maker = maker(actor);
    let run = tx.find_run(run_id).await?;
    run.filter(|run| maker.is_none_or(|maker| maker == run.seen_by))
        .ok_or_else(|| ApiError::not_found("run"))
}

async fn note(tx: &mut TenantTx, actor: &Actor, run: &Run) -> Result<(), ApiError> {
    match run.session_id {
        Some(id) => note_reading(tx, actor, run.seen_by, "session", id).await?,
        None => note_reading(tx, actor, run.seen_by, "run", run.run_id).await?,
    }
    Ok(())
}

/// Where a reader goes on: the header is newer than the address, which a browser keeps.
fn place(last_event_id: Option<&str>, after: Option<u32>) -> Result<usize, ApiError> {
    let named = last_event_id.map(str::trim).filter(|text| !text.is_empty());
    let after = match named {
        None => after.unwrap_or_default(),
        Some(text) => {
            text.parse().ok().filter(|number| *number <= 1_000_000_000).ok_or_else(|| {
                ApiError::invalid(
                    "Last-Event-ID",
                    "give the number of an event, as the stream gave it",
                )
            })?
        }
    };
    Ok(usize::try_from(after).unwrap_or(usize::MAX))
}

impl RunStateName {
    fn from_row(state: &str) -> Self {
        match state {
            "running" => Self::Running,
            "completed" => Self::Completed,
            "interrupted" => Self::Interrupted,
            "cancelled" => Self::Cancelled,
            // The table's check knows no other.
            _ => Self::Failed,
        }
    }
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        Self {
            id: run.run_id,
            session_id: run.session_id,
            question_id: run.question_id,
            answer_id: run.answer_id,
            state: RunStateName::from_row(&run.state),
            outcome: run.outcome.as_deref().and_then(Outcome::from_row).map(Into::into),
            outcome_reason: run.outcome_reason,
            event_count: run.event_count,
            cancel_requested_at: run.cancel_requested_at,
            created_at: run.created_at,
            ended_at: run.ended_at,
        }
    }
}
