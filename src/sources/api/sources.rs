//! `/v1/sources`.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use super::views::{DocumentsName, SourceCreate, SourceList, SourceUpdate, SourceView};
use crate::db::idempotency::Begun;
use crate::db::{self, Db};
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::knowledge::Reach;
use crate::sources::SourceSync;
use crate::sources::manage::{NewSource, SourceChange, SourceError};
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

const LIST: &str = "sources";

#[derive(ApiResponse)]
enum CreateResponse {
    /// The source is there; it is read when its time comes, or when you ask for it.
    #[oai(status = 201)]
    Created(Json<SourceView>),
}

#[derive(ApiResponse)]
enum DeleteResponse {
    /// The source is gone, and its runs with it.
    #[oai(status = 204)]
    Deleted,
}

/// Operations on sources.
pub struct SourcesApi {
    /// The database.
    pub db: Db,
    /// Makes and reads sources.
    pub sources: SourceSync,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Knowledge")]
impl SourcesApi {
    /// List sources
    ///
    /// Places from which documents are read again and again, oldest first: those whose collection you reach. Needs the role
    /// editor.
    #[oai(path = "/sources", method = "get", operation_id = "list_sources")]
    async fn list_sources(
        &self,
        caller: Caller,
        /// Sources of this collection only.
        collection_id: Query<Option<Uuid>>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<SourceList>, ApiError> {
        let actor = caller.require(Action::SourceRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        let page = tx.list_sources(&reach, collection_id.0, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items = page.items.into_iter().map(TryInto::try_into);
        Ok(Json(SourceList { items: items.collect::<db::Result<_>>()?, next_cursor }))
    }

    /// Create a source
    ///
    /// Names a place from which documents are read, on request or by schedule. Nothing is read yet. Needs the role editor.
    #[oai(path = "/sources", method = "post", operation_id = "create_source")]
    async fn create_source(
        &self,
        caller: Caller,
        body: Once<JsonBody<SourceCreate>>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let actor = caller.require(Action::SourceWrite)?;
        let (body, claim) = body.by(actor.id());
        let SourceCreate { name, collection_id, configuration, every_minutes } = body.0;
        let name = readable_text("/name", &name)?;
        let configuration = configuration.into();
        let new = NewSource { collection_id, name, configuration, every_minutes };
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let source = self.sources.create(&mut tx, actor, new).await?;
        Replayable::commit(tx, CreateResponse::Created(Json(source.try_into()?))).await
    }

    /// Get a source
    ///
    /// Shows one source. Needs the role editor.
    #[oai(path = "/sources/:source_id", method = "get", operation_id = "get_source")]
    async fn get_source(
        &self,
        caller: Caller,
        /// Id of the source.
        source_id: Path<Uuid>,
    ) -> Result<Json<SourceView>, ApiError> {
        let actor = caller.require(Action::SourceRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        let found = tx.find_source(&reach, source_id.0).await?;
        let source = found.ok_or_else(|| ApiError::not_found("source"))?;
        Ok(Json(source.try_into()?))
    }

    /// Update a source
    ///
    /// Changes name, place and schedule, and lets the schedule rest. While a run goes on, where and how the source is read can
    /// not be changed: the answer is 409; cancel the run first, or wait for it. Needs the role editor.
    #[oai(path = "/sources/:source_id", method = "patch", operation_id = "update_source")]
    async fn update_source(
        &self,
        caller: Caller,
        /// Id of the source.
        source_id: Path<Uuid>,
        body: JsonBody<SourceUpdate>,
    ) -> Result<Json<SourceView>, ApiError> {
        let actor = caller.require(Action::SourceWrite)?;
        let SourceUpdate { name, configuration, every_minutes, paused } = body.0;
        let name = name.map(|name| readable_text("/name", &name)).transpose()?;
        let configuration = configuration.map(Into::into);
        let change = SourceChange { name, configuration, every_minutes, paused };
        let mut tx = self.db.tenant(actor.tenant).await?;
        let source = self.sources.change(&mut tx, actor, source_id.0, change).await?;
        tx.commit().await?;
        Ok(Json(source.try_into()?))
    }

    /// Delete a source
    ///
    /// Deletes a source with its runs. Its documents stay, unless you have them deleted too; those that another source has
    /// stay anyway. While a worker is at work on a run the answer is 409: cancel the run first. Needs the role editor.
    #[oai(path = "/sources/:source_id", method = "delete", operation_id = "delete_source")]
    async fn delete_source(
        &self,
        caller: Caller,
        /// Id of the source.
        source_id: Path<Uuid>,
        /// What becomes of its documents; `keep` when absent.
        documents: Query<Option<DocumentsName>>,
    ) -> Result<DeleteResponse, ApiError> {
        let actor = caller.require(Action::SourceWrite)?;
        let with_documents = documents.0 == Some(DocumentsName::Delete);
        let mut tx = self.db.tenant(actor.tenant).await?;
        self.sources.delete(&mut tx, actor, source_id.0, with_documents).await?;
        tx.commit().await?;
        self.sources.wake_worker();
        Ok(DeleteResponse::Deleted)
    }
}

impl From<SourceError> for ApiError {
    fn from(error: SourceError) -> Self {
        let text = error.to_string();
        match error {
            SourceError::Unknown => Self::not_found("source"),
            SourceError::UnknownRun => Self::not_found("source run"),
            SourceError::UnknownCollection => Self::not_found("collection"),
            SourceError::TooMany(_) | SourceError::Running | SourceError::InHand => {
                Self::new(ProblemCode::Conflict, text)
            }
            SourceError::TooOften(_) => Self::invalid("/every_minutes", text),
            SourceError::Configuration(error) => Self::invalid(error.pointer, text),
            SourceError::Database(error) => error.into(),
        }
    }
}
