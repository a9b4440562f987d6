//! `/v1/sessions`.

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use crate::chat::remove_session::remove_session;
use crate::chat::run::{Chat, StartError};
use crate::chat::store::sessions::Session;
use crate::db::idempotency::Begun;
use crate::db::{Db, TenantTx};
use crate::governance::note_reading;
use crate::identity::api::Caller;
use crate::identity::{Action, Actor};
use crate::kernel::ids::new_id;
use crate::knowledge::{Reach, Receiver};
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

const LIST: &str = "sessions";

/// A conversation.
#[derive(Debug, Object)]
#[oai(rename = "Session", skip_serializing_if_is_none)]
pub struct SessionView {
    /// Id of the session.
    id: Uuid,
    /// Given by you, else the first question; absent until there is one.
    #[oai(validator(max_length = 200))]
    title: Option<String>,
    /// Collections that it asks; empty for all.
    #[oai(validator(max_items = 50))]
    collection_ids: Vec<Uuid>,
    /// Assistant that answers in it; absent for the tenant's default one.
    assistant_id: Option<Uuid>,
    /// Key, member or end user that opened it.
    created_by: Uuid,
    /// When it was opened.
    created_at: DateTime<Utc>,
    /// When it last got a message.
    updated_at: DateTime<Utc>,
}

/// A conversation to be opened.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct SessionCreate {
    /// Title; the first question when absent.
    #[oai(validator(min_length = 1, max_length = 200))]
    title: Option<String>,
    /// Collections to ask; all when absent or empty.
    #[oai(validator(max_items = 50))]
    collection_ids: Option<Vec<Uuid>>,
    /// Assistant that is to answer, for the whole session; the tenant's default one when absent.
    assistant_id: Option<Uuid>,
}

impl Example for SessionCreate {
    fn example() -> Self {
        Self { title: Some("First steps".to_owned()), collection_ids: None, assistant_id: None }
    }
}

/// What to change of a conversation.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct SessionUpdate {
    /// New title.
    #[oai(validator(min_length = 1, max_length = 200))]
    title: String,
}

impl Example for SessionUpdate {
    fn example() -> Self {
        Self { title: "Keys and limits".to_owned() }
    }
}

/// A page of conversations.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct SessionList {
    /// Sessions, newest first.
    #[oai(validator(max_items = 100))]
    items: Vec<SessionView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    next_cursor: Option<String>,
}

#[derive(ApiResponse)]
enum CreateResponse {
    /// The session was opened.
    #[oai(status = 201)]
    Created(Json<SessionView>),
}

#[derive(ApiResponse)]
enum DeleteResponse {
    /// The session is gone, and its messages and attachments with it.
    #[oai(status = 204)]
    Deleted,
}

/// Operations on conversations.
pub struct SessionsApi {
    /// The database.
    pub db: Db,
    /// The chat service.
    pub chat: Chat,
    /// Takes and removes files.
    pub receiver: Receiver,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Chat")]
impl SessionsApi {
    /// List sessions
    ///
    /// Conversations that you opened, newest first; with the role analyst, admin or owner those of the whole tenant.
    #[oai(path = "/sessions", method = "get", operation_id = "list_sessions")]
    async fn list_sessions(
        &self,
        caller: Caller,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<SessionList>, ApiError> {
        let actor = caller.require(Action::ConversationRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let page = tx.list_sessions(maker(actor), keyset).await?;
        // Titles are questions: who sees those of others is noted, once for the list.
        let of_other = page.items.iter().find(|session| session.created_by != actor.id());
        if let Some(session) = of_other {
            note_reading(&mut tx, actor, session.created_by, "session_list", "all").await?;
            tx.commit().await?;
        }
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        Ok(Json(SessionList {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }

    /// Open a session
    ///
    /// Opens a conversation, in which a question can refer to what was said before.
    #[oai(path = "/sessions", method = "post", operation_id = "create_session")]
    async fn create_session(
        &self,
        caller: Caller,
        body: Once<JsonBody<SessionCreate>>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let actor = caller.require(Action::Converse)?;
        let (body, claim) = body.by(actor.id());
        let SessionCreate { title, collection_ids, assistant_id } = body.0;
        let title = title.map(|title| readable_text("/title", &title)).transpose()?;
        let mut collection_ids = collection_ids.unwrap_or_default();
        collection_ids.sort_unstable();
        collection_ids.dedup();
        let id = new_id();
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        if !tx.has_collections(&reach, &collection_ids).await? {
            return Err(ApiError::not_found("collection"));
        }
        if assistant_id.is_some() {
            has_answering_assistant(&mut tx, assistant_id, &collection_ids).await?;
        }
        let (title, collections) = (title.as_deref(), &collection_ids);
        tx.insert_session(id, title, collections, assistant_id, actor.id()).await?;
        let session =
            tx.find_session(id, None).await?.ok_or_else(|| ApiError::not_found("session"))?;
        Replayable::commit(tx, CreateResponse::Created(Json(session.into()))).await
    }

    /// Get a session
    ///
    /// Shows one conversation; its messages are a list of their own.
    #[oai(path = "/sessions/:session_id", method = "get", operation_id = "get_session")]
    async fn get_session(
        &self,
        caller: Caller,
        /// Id of the session.
        session_id: Path<Uuid>,
    ) -> Result<Json<SessionView>, ApiError> {
        let actor = caller.require(Action::ConversationRead)?;
        let found = self.db.read(actor.tenant).await?.session(session_id.0, maker(actor)).await?;
        let session = found.ok_or_else(|| ApiError::not_found("session"))?;
        if session.created_by != actor.id() {
            let mut tx = self.db.tenant(actor.tenant).await?;
            note_reading(&mut tx, actor, session.created_by, "session", session.session_id).await?;
            tx.commit().await?;
        }
        Ok(Json(session.into()))
    }

    /// Update a session
    ///
    /// Changes the title.
    #[oai(path = "/sessions/:session_id", method = "patch", operation_id = "update_session")]
    async fn update_session(
        &self,
        caller: Caller,
        /// Id of the session.
        session_id: Path<Uuid>,
        body: JsonBody<SessionUpdate>,
    ) -> Result<Json<SessionView>, ApiError> {
        let actor = caller.require(Action::Converse)?;
        let title = readable_text("/title", &body.0.title)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let found = tx.find_session(session_id.0, maker(actor)).await?;
        let session = found.ok_or_else(|| ApiError::not_found("session"))?;
        tx.update_session(session.session_id, &title).await?;
        if session.created_by != actor.id() {
            // Without the titles: they are words of a conversation, which may be deleted, and the log keeps all.
            let entry = actor.audit("session.updated").on("session", session.session_id);
            tx.append_audit(entry).await?;
        }
        tx.commit().await?;
        Ok(Json(Session { title: Some(title), ..session }.into()))
    }

    /// Delete a session
    ///
    /// Deletes the conversation with all its messages and attachments.
    #[oai(path = "/sessions/:session_id", method = "delete", operation_id = "delete_session")]
    async fn delete_session(
        &self,
        caller: Caller,
        /// Id of the session.
        session_id: Path<Uuid>,
    ) -> Result<DeleteResponse, ApiError> {
        let actor = caller.require(Action::Converse)?;
        let found = self.db.read(actor.tenant).await?.session(session_id.0, maker(actor)).await?;
        let session = found.ok_or_else(|| ApiError::not_found("session"))?;
        if !remove_session(&self.db, &self.receiver, actor, &session).await? {
            return Err(ApiError::not_found("session"));
        }
        self.chat.forget_session(actor.tenant, session.session_id).await;
        Ok(DeleteResponse::Deleted)
    }
}

/// Passes when the assistant can answer from these collections.
async fn has_answering_assistant(
    tx: &mut TenantTx,
    assistant_id: Option<Uuid>,
    collection_ids: &[Uuid],
) -> Result<(), ApiError> {
    let found = tx.find_answering_assistant(assistant_id).await?;
    let assistant = found.ok_or_else(|| ApiError::not_found("assistant"))?;
    let Some(published) = assistant.published else { return Err(StartError::Unpublished.into()) };
    let own = published.collection_ids.unwrap_or_default();
    if !own.is_empty() && collection_ids.iter().any(|id| !own.contains(id)) {
        return Err(StartError::OutsideAssistant.into());
    }
    Ok(())
}

/// Whose sessions the actor sees: everybody's when absent.
pub fn maker(actor: &Actor) -> Option<Uuid> {
    (!actor.sees_all_sessions()).then_some(actor.id())
}

impl From<Session> for SessionView {
    fn from(session: Session) -> Self {
        let Session {
            session_id,
            title,
            collection_ids,
            assistant_id,
            created_by,
            created_at,
            updated_at,
        } = session;
        Self {
            id: session_id,
            title,
            collection_ids,
            assistant_id,
            created_by,
            created_at,
            updated_at,
        }
    }
}
