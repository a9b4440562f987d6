//! `/v1/assistants`.

mod views;

use poem::http::header::ETAG;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use self::views::{
    AssistantCreate, AssistantList, AssistantRollback, AssistantUpdate, AssistantVersionList,
    AssistantVersionView, AssistantView,
};
use crate::chat::assistants::{
    AssistantLimits, ChangeError, change_assistant, create_assistant, delete_assistant,
    publish_assistant, roll_back_assistant,
};
use crate::chat::store::assistants::Assistant;
use crate::db::idempotency::Begun;
use crate::db::{Db, TenantTx};
use crate::identity::api::Caller;
use crate::identity::{Action, Actor};
use crate::knowledge::Reach;
use crate::web::body::JsonBody;
use crate::web::etag::{FIRST_REVISION, IfMatch, etag};
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

const LIST: &str = "assistants";
const VERSIONS: &str = "assistant_versions";

#[derive(ApiResponse)]
enum CreateResponse {
    /// The assistant was made, with a draft and without a version.
    #[oai(status = 201)]
    Created(
        Json<AssistantView>,
        /// Tag of the assistant as it is now, for `If-Match`.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
enum GetResponse {
    /// The assistant.
    #[oai(status = 200)]
    Ok(
        Json<AssistantView>,
        /// Tag of the assistant as it is now, for `If-Match`.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
enum DeleteResponse {
    /// The assistant answers no more.
    #[oai(status = 204)]
    Deleted,
}

/// Operations on assistants.
pub struct AssistantsApi {
    /// The database.
    pub db: Db,
    /// What the server allows.
    pub limits: AssistantLimits,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Chat")]
impl AssistantsApi {
    /// List assistants
    ///
    /// Assistants that can answer, oldest first; the first one is the tenant's default. With the role editor or higher
    /// those of which nothing is published too.
    #[oai(path = "/assistants", method = "get", operation_id = "list_assistants")]
    async fn list_assistants(
        &self,
        caller: Caller,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<AssistantList>, ApiError> {
        let actor = caller.require(Action::AssistantRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let editor = editor_reach(&mut tx, actor).await?;
        let page = tx.list_assistants(editor.is_none(), keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let view = |assistant| AssistantView::new(assistant, editor.as_ref());
        Ok(Json(AssistantList { items: page.items.into_iter().map(view).collect(), next_cursor }))
    }

    /// Create an assistant
    ///
    /// Makes an assistant with a draft. It answers once the draft is published. The name must be free within the tenant.
    /// Needs the role editor.
    #[oai(path = "/assistants", method = "post", operation_id = "create_assistant")]
    async fn create_assistant(
        &self,
        caller: Caller,
        body: Once<JsonBody<AssistantCreate>>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let actor = caller.require(Action::AssistantWrite)?;
        let (body, claim) = body.by(actor.id());
        let name = readable_text("/name", &body.0.name)?;
        let change = body.0.change();
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => {
                return Ok(Replayable::before(kept)?.with_header(ETAG, &etag(FIRST_REVISION)));
            }
        };
        let made = create_assistant(&mut tx, actor, name, change, &self.limits).await?;
        let (view, tag) = shown(&mut tx, actor, made).await?;
        let response = CreateResponse::Created(Json(view), tag.clone());
        Ok(Replayable::commit(tx, response).await?.with_header(ETAG, &tag))
    }

    /// Get an assistant
    ///
    /// Shows one assistant. Its configuration is shown to the role editor and higher.
    #[oai(path = "/assistants/:assistant_id", method = "get", operation_id = "get_assistant")]
    async fn get_assistant(
        &self,
        caller: Caller,
        /// Id of the assistant.
        assistant_id: Path<Uuid>,
    ) -> Result<GetResponse, ApiError> {
        let actor = caller.require(Action::AssistantRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let editor = editor_reach(&mut tx, actor).await?;
        let found = tx.find_assistant(assistant_id.0).await?;
        let assistant = found
            .filter(|assistant| editor.is_some() || assistant.published.is_some())
            .ok_or_else(|| ApiError::not_found("assistant"))?;
        let tag = etag(assistant.revision);
        Ok(GetResponse::Ok(Json(AssistantView::new(assistant, editor.as_ref())), tag))
    }

    /// Update an assistant
    ///
    /// Changes name, description or draft; what is absent stays, and what is null in the draft is as the server sets it.
    /// Answers change when the draft is published. With `If-Match`, nothing is changed when somebody else was faster.
    /// Needs the role editor.
    #[oai(path = "/assistants/:assistant_id", method = "patch", operation_id = "update_assistant")]
    async fn update_assistant(
        &self,
        caller: Caller,
        /// Id of the assistant.
        assistant_id: Path<Uuid>,
        /// `ETag` of the assistant as you read it.
        #[oai(name = "If-Match", validator(max_length = 200))]
        if_match: Header<Option<String>>,
        body: JsonBody<AssistantUpdate>,
    ) -> Result<GetResponse, ApiError> {
        let actor = caller.require(Action::AssistantWrite)?;
        let change = body.0.change()?;
        let (id, if_match) = (assistant_id.0, IfMatch::new(if_match.0));
        let mut tx = self.db.tenant(actor.tenant).await?;
        let changed = change_assistant(&mut tx, actor, id, change, &if_match, &self.limits).await?;
        let (view, tag) = shown(&mut tx, actor, changed).await?;
        tx.commit().await?;
        Ok(GetResponse::Ok(Json(view), tag))
    }

    /// Delete an assistant
    ///
    /// The assistant answers no more; its answers and sessions can still be read. The default assistant can not be
    /// deleted. Needs the role editor.
    #[oai(path = "/assistants/:assistant_id", method = "delete", operation_id = "delete_assistant")]
    async fn delete_assistant(
        &self,
        caller: Caller,
        /// Id of the assistant.
        assistant_id: Path<Uuid>,
        /// `ETag` of the assistant as you read it.
        #[oai(name = "If-Match", validator(max_length = 200))]
        if_match: Header<Option<String>>,
    ) -> Result<DeleteResponse, ApiError> {
        let actor = caller.require(Action::AssistantWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        delete_assistant(&mut tx, actor, assistant_id.0, &IfMatch::new(if_match.0)).await?;
        tx.commit().await?;
        Ok(DeleteResponse::Deleted)
    }

    /// Publish an assistant
    ///
    /// Makes a version of the draft, which answers from the next question on. When the draft is what is published
    /// already, nothing happens. Needs the role editor.
    #[oai(
        path = "/assistants/:assistant_id/publish",
        method = "post",
        operation_id = "publish_assistant"
    )]
    async fn publish_assistant(
        &self,
        caller: Caller,
        /// Id of the assistant.
        assistant_id: Path<Uuid>,
        /// `ETag` of the assistant as you read it.
        #[oai(name = "If-Match", validator(max_length = 200))]
        if_match: Header<Option<String>>,
    ) -> Result<GetResponse, ApiError> {
        let actor = caller.require(Action::AssistantWrite)?;
        let if_match = IfMatch::new(if_match.0);
        let mut tx = self.db.tenant(actor.tenant).await?;
        let published = publish_assistant(&mut tx, actor, assistant_id.0, &if_match).await?;
        let (view, tag) = shown(&mut tx, actor, published).await?;
        tx.commit().await?;
        Ok(GetResponse::Ok(Json(view), tag))
    }

    /// Roll back an assistant
    ///
    /// Lets a version that was published before answer again, from the next question on. The draft stays as it is. Needs
    /// the role editor.
    #[oai(
        path = "/assistants/:assistant_id/rollback",
        method = "post",
        operation_id = "rollback_assistant"
    )]
    async fn rollback_assistant(
        &self,
        caller: Caller,
        /// Id of the assistant.
        assistant_id: Path<Uuid>,
        /// `ETag` of the assistant as you read it.
        #[oai(name = "If-Match", validator(max_length = 200))]
        if_match: Header<Option<String>>,
        body: JsonBody<AssistantRollback>,
    ) -> Result<GetResponse, ApiError> {
        let actor = caller.require(Action::AssistantWrite)?;
        let (number, if_match) = (body.0.version, IfMatch::new(if_match.0));
        let mut tx = self.db.tenant(actor.tenant).await?;
        let rolled = roll_back_assistant(&mut tx, actor, assistant_id.0, number, &if_match).await?;
        let (view, tag) = shown(&mut tx, actor, rolled).await?;
        tx.commit().await?;
        Ok(GetResponse::Ok(Json(view), tag))
    }

    /// List versions of an assistant
    ///
    /// What was published, newest first. Needs the role editor.
    #[oai(
        path = "/assistants/:assistant_id/versions",
        method = "get",
        operation_id = "list_assistant_versions"
    )]
    async fn list_assistant_versions(
        &self,
        caller: Caller,
        /// Id of the assistant.
        assistant_id: Path<Uuid>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<AssistantVersionList>, ApiError> {
        let actor = caller.require(Action::AssistantWrite)?;
        let keyset = keyset(VERSIONS, actor.tenant, limit.0, cursor.0.as_deref())?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        let assistant = found(&mut tx, assistant_id.0).await?;
        let page = tx.list_assistant_versions(assistant.assistant_id, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(VERSIONS, actor.tenant, id));
        let view = |version| AssistantVersionView::new(version, &assistant, &reach);
        let items = page.items.into_iter().map(view).collect();
        Ok(Json(AssistantVersionList { items, next_cursor }))
    }

    /// Get a version of an assistant
    ///
    /// Shows what was published under a number. Needs the role editor.
    #[oai(
        path = "/assistants/:assistant_id/versions/:version_number",
        method = "get",
        operation_id = "get_assistant_version"
    )]
    async fn get_assistant_version(
        &self,
        caller: Caller,
        /// Id of the assistant.
        assistant_id: Path<Uuid>,
        /// Number of the version.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
        version_number: Path<i32>,
    ) -> Result<Json<AssistantVersionView>, ApiError> {
        let actor = caller.require(Action::AssistantWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        let assistant = found(&mut tx, assistant_id.0).await?;
        let version = tx.find_assistant_version(assistant_id.0, version_number.0).await?;
        let version = version.ok_or_else(|| ApiError::not_found("version"))?;
        Ok(Json(AssistantVersionView::new(version, &assistant, &reach)))
    }
}

async fn found(tx: &mut TenantTx, assistant_id: Uuid) -> Result<Assistant, ApiError> {
    tx.find_assistant(assistant_id).await?.ok_or_else(|| ApiError::not_found("assistant"))
}

/// The reach of an actor who may change assistants, and so sees their configurations; absent for anybody else.
async fn editor_reach(tx: &mut TenantTx, actor: &Actor) -> Result<Option<Reach>, ApiError> {
    if !actor.may(Action::AssistantWrite) {
        return Ok(None);
    }
    Ok(Some(Reach::of(tx, &actor.into()).await?))
}

/// An assistant as its editor sees it, with its tag.
async fn shown(
    tx: &mut TenantTx,
    actor: &Actor,
    assistant: Assistant,
) -> Result<(AssistantView, String), ApiError> {
    let tag = etag(assistant.revision);
    let editor = editor_reach(tx, actor).await?;
    Ok((AssistantView::new(assistant, editor.as_ref()), tag))
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        let text = error.to_string();
        match error {
            ChangeError::Unknown => Self::not_found("assistant"),
            ChangeError::UnknownVersion => Self::not_found("version"),
            ChangeError::UnknownCollection => Self::not_found("collection"),
            ChangeError::Changed => Self::new(ProblemCode::PreconditionFailed, text),
            ChangeError::NameTaken(_) | ChangeError::TooMany(_) | ChangeError::DefaultStays => {
                Self::new(ProblemCode::Conflict, text)
            }
            ChangeError::OutOfReach => Self::new(ProblemCode::Forbidden, text),
            ChangeError::UnknownProvider(..) => Self::invalid("/draft/providers", text),
            ChangeError::Language(_) => Self::invalid("/draft/language", text),
            ChangeError::Database(error) => error.into(),
        }
    }
}
