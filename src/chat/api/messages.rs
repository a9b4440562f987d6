//! `/v1/sessions/{session_id}/messages` and `/v1/messages`.

use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use super::reply::{Form, Reply, reply};
use super::sessions::maker;
use super::views::MessageView;
use crate::chat::assistants::Choice;
use crate::chat::run::{Chat, Question};
use crate::db::Db;
use crate::governance::note_reading;
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::knowledge::Reach;
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::reading::question_text;
use crate::web::spec::Tag;

const LIST: &str = "messages";

/// A question within a conversation.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct MessageCreate {
    /// The question, which may refer to what was said before; of as many characters as `PIDIMA_MAX_QUESTION_CHARS` says, 4,000
    /// if nothing else.
    #[oai(validator(min_length = 1, max_length = 100000))]
    content: String,
}

impl Example for MessageCreate {
    fn example() -> Self {
        Self { content: "How do I create an API key?".to_owned() }
    }
}

/// A page of messages.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct MessageList {
    /// Messages, oldest first.
    #[oai(validator(max_items = 100))]
    items: Vec<MessageView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    next_cursor: Option<String>,
}

#[derive(ApiResponse)]
enum AskResponse {
    /// The answer: whole for `Accept: application/json`, as it comes for `Accept: text/event-stream`.
    #[oai(status = 200)]
    Ok(
        Reply,
        /// Quotas whose soft limit is reached, as `questions;subject=person;period=day`, separated by commas.
        #[oai(header = "Pidima-Quota-Warning")]
        Option<String>,
    ),
}

impl From<(Reply, Option<String>)> for AskResponse {
    fn from((reply, quota_warning): (Reply, Option<String>)) -> Self {
        Self::Ok(reply, quota_warning)
    }
}

/// Operations on messages.
pub struct MessagesApi {
    /// The database.
    pub db: Db,
    /// The chat service.
    pub chat: Chat,
    /// Longest question, in characters.
    pub max_question_chars: u32,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Chat")]
impl MessagesApi {
    /// Ask within a session
    ///
    /// Stores the question and answers it from the documentation, with citations. Closing the connection does not stop
    /// the answer: it is in the list of messages when it is done. A session makes one answer at a time: 409 `conflict` until
    /// it is done, with the `run_id` of the one that is being made.
    #[oai(
        path = "/sessions/:session_id/messages",
        method = "post",
        operation_id = "create_message"
    )]
    async fn create_message(
        &self,
        caller: Caller,
        /// Id of the session.
        session_id: Path<Uuid>,
        /// `text/event-stream` for a stream of events, `application/json` for the whole answer.
        #[oai(name = "Accept", validator(max_length = 500))]
        accept: Header<Option<String>>,
        body: Once<JsonBody<MessageCreate>>,
    ) -> Result<Replayable<AskResponse>, ApiError> {
        let actor = caller.require(Action::Converse)?;
        let form = Form::of(accept.0.as_deref())?;
        let (body, claim) = body.by(actor.id());
        let content = question_text("/content", &body.0.content, self.max_question_chars)?;
        let found = self.db.read(actor.tenant).await?.session(session_id.0, maker(actor)).await?;
        let session = found.ok_or_else(|| ApiError::not_found("session"))?;
        let mut noted = Vec::new();
        if session.created_by != actor.id() {
            let mut tx = self.db.tenant(actor.tenant).await?;
            // The answer may repeat what was said before.
            note_reading(&mut tx, actor, session.created_by, "session", session.session_id).await?;
            tx.commit().await?;
            noted.push(actor.audit("session.message_added").on("session", session.session_id));
        }
        let question = Question {
            tenant: actor.tenant,
            reader: actor.into(),
            asked_by: actor.id(),
            charged: actor.into(),
            session_id: Some(session.session_id),
            assistant: Choice { assistant_id: session.assistant_id, is_draft: false },
            collection_ids: session.collection_ids,
            content,
            claim,
            noted,
        };
        let started = self.chat.start(question).await?;
        reply(&self.chat, started, form).await
    }

    /// List messages of a session
    ///
    /// Questions and answers of a conversation, oldest first, with the citations of each answer. An answer made of a
    /// collection that you do not reach (any more) is `withheld`.
    #[oai(path = "/sessions/:session_id/messages", method = "get", operation_id = "list_messages")]
    async fn list_messages(
        &self,
        caller: Caller,
        /// Id of the session.
        session_id: Path<Uuid>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<MessageList>, ApiError> {
        let actor = caller.require(Action::ConversationRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let found = tx.find_session(session_id.0, maker(actor)).await?;
        let session = found.ok_or_else(|| ApiError::not_found("session"))?;
        note_reading(&mut tx, actor, session.created_by, "session", session.session_id).await?;
        let page = tx.list_messages(session.session_id, keyset).await?;
        let ids: Vec<Uuid> = page.items.iter().map(|message| message.message_id).collect();
        let mut citations = tx.list_citations(&ids).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        tx.commit().await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items = page.items.into_iter().map(|message| {
            let cited = citations.remove(&message.message_id).unwrap_or_default();
            MessageView::new(message, cited, &reach)
        });
        Ok(Json(MessageList { items: items.collect(), next_cursor }))
    }

    /// Get a message
    ///
    /// Shows a question or an answer with its citations, as the stream gave them; only `stale` tells what holds now. An answer made of a collection
    /// that you do not reach (any more) is `withheld`.
    #[oai(path = "/messages/:message_id", method = "get", operation_id = "get_message")]
    async fn get_message(
        &self,
        caller: Caller,
        /// Id of the message.
        message_id: Path<Uuid>,
    ) -> Result<Json<MessageView>, ApiError> {
        let actor = caller.require(Action::ConversationRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let maker = maker(actor);
        let message = tx
            .find_message(message_id.0)
            .await?
            .filter(|message| maker.is_none_or(|maker| maker == message.seen_by))
            .ok_or_else(|| ApiError::not_found("message"))?;
        let mut citations = tx.list_citations(&[message.message_id]).await?;
        let cited = citations.remove(&message.message_id).unwrap_or_default();
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        match message.session_id {
            Some(id) => note_reading(&mut tx, actor, message.seen_by, "session", id).await?,
            None => note_reading(&mut tx, actor, message.seen_by, "message", message_id.0).await?,
        }
        tx.commit().await?;
        Ok(Json(MessageView::new(message, cited, &reach)))
    }
}
