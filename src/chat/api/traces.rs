//! `/v1/messages/{message_id}/trace`.

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::sessions::maker;
use super::trace_views::TraceView;
use crate::db::{Db, TenantTx};
use crate::governance::note_reading;
use crate::identity::api::Caller;
use crate::identity::{Action, Actor};
use crate::knowledge::Reach;
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

/// Operations on traces.
pub struct TracesApi {
    /// The database.
    pub db: Db,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Chat")]
impl TracesApi {
    /// Get the trace of a message
    ///
    /// Tells how an answer came about: the question as it was searched, each passage that was found with the score of each
    /// stage, which of them the model was given and why not the others, the providers that were tried, and what each stage
    /// took. A question and its answer have one trace. Passages of collections that you do not reach are `withheld`.
    /// Needs the role analyst, editor, admin or owner; an editor sees the traces of their own questions.
    #[oai(path = "/messages/:message_id/trace", method = "get", operation_id = "get_message_trace")]
    async fn get_message_trace(
        &self,
        caller: Caller,
        /// Id of the question or of the answer.
        message_id: Path<Uuid>,
    ) -> Result<Json<TraceView>, ApiError> {
        let actor = caller.require(Action::TraceRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let trace = trace(&mut tx, actor, message_id.0).await?;
        tx.commit().await?;
        Ok(Json(trace))
    }
}

async fn trace(tx: &mut TenantTx, actor: &Actor, message_id: Uuid) -> Result<TraceView, ApiError> {
    let maker = maker(actor);
    let message = tx
        .find_message(message_id)
        .await?
        .filter(|message| maker.is_none_or(|maker| maker == message.seen_by))
        .ok_or_else(|| ApiError::not_found("message"))?;
    match message.session_id {
        Some(id) => note_reading(tx, actor, message.seen_by, "session", id).await?,
        None => note_reading(tx, actor, message.seen_by, "message", message_id).await?,
    }
    let found = tx.find_traced_run(message.run_id).await?;
    let run = found.ok_or_else(|| ApiError::not_found("message"))?;
    let stored = tx.find_run_trace(message.run_id).await?.unwrap_or_default();
    let candidates = tx.list_candidates(message.run_id).await?;
    let reach = Reach::of(tx, &actor.into()).await?;
    // The question as it was searched may repeat what was said of a collection that the reader does not reach. What a
    // run without an answer was made of is not known.
    let answer = match run.answer_id {
        Some(id) => tx.find_message(id).await?,
        None => None,
    };
    let readable =
        answer.map_or(!reach.is_limited(), |answer| reach.holds_all(&answer.read_collection_ids));
    // Who may read the session may read what is attached to it.
    let reach = reach.with_attachments(message.session_id);
    Ok(TraceView::new(run, stored, candidates, &reach, readable))
}
