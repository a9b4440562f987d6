//! `/v1/collections/{collection_id}/reembeddings`.

use std::sync::Arc;

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use tokio::sync::Notify;
use uuid::Uuid;

use super::reembedding_views::{ReembeddingCreate, ReembeddingList, ReembeddingView};
use crate::db::idempotency::Begun;
use crate::db::{self, Db};
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::knowledge::Reembeddings;
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

const LIST: &str = "reembeddings";

#[derive(ApiResponse)]
enum CreateResponse {
    /// A worker makes the new vectors; searches go on with the old ones.
    #[oai(status = 202)]
    Accepted(Json<ReembeddingView>),
}

/// Operations on changes of embedding models.
pub struct ReembeddingsApi {
    /// The database.
    pub db: Db,
    /// Changes the models.
    pub reembeddings: Reembeddings,
    /// Wakes the worker of this process.
    pub work_waits: Arc<Notify>,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Knowledge")]
impl ReembeddingsApi {
    /// List re-embeddings of a collection
    ///
    /// Changes of the embedding model, newest first, with the model of the collection and those that there are. Needs the role
    /// admin.
    #[oai(
        path = "/collections/:collection_id/reembeddings",
        method = "get",
        operation_id = "list_reembeddings"
    )]
    async fn list_reembeddings(
        &self,
        caller: Caller,
        /// Id of the collection.
        collection_id: Path<Uuid>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<ReembeddingList>, ApiError> {
        let actor = caller.require(Action::ReembeddingRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let listed = self.reembeddings.list(&mut tx, actor, collection_id.0, keyset).await?;
        let (page, embedding_model) = listed;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items = page.items.into_iter().map(TryInto::try_into);
        Ok(Json(ReembeddingList {
            items: items.collect::<db::Result<_>>()?,
            next_cursor,
            embedding_model,
            embedding_models: self.reembeddings.models(),
        }))
    }

    /// Re-embed a collection
    ///
    /// Gives every passage vectors of another model beside those that searches read, which change nothing until you switch.
    /// There is one re-embedding of a collection at a time; asking for the same model again shows it. Needs the role admin.
    #[oai(
        path = "/collections/:collection_id/reembeddings",
        method = "post",
        operation_id = "create_reembedding"
    )]
    async fn create_reembedding(
        &self,
        caller: Caller,
        /// Id of the collection.
        collection_id: Path<Uuid>,
        body: Once<JsonBody<ReembeddingCreate>>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let actor = caller.require(Action::ReembeddingWrite)?;
        let (body, claim) = body.by(actor.id());
        let model = body.0.embedding_model;
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let begun = self.reembeddings.begin(&mut tx, actor, collection_id.0, &model).await?;
        let response = CreateResponse::Accepted(Json(begun.try_into()?));
        let response = Replayable::commit(tx, response).await?;
        self.work_waits.notify_one();
        Ok(response)
    }

    /// Get a re-embedding
    ///
    /// Tells how far it is and, when it is ready, how the new vectors compare with the old ones. Needs the role admin.
    #[oai(
        path = "/collections/:collection_id/reembeddings/:reembedding_id",
        method = "get",
        operation_id = "get_reembedding"
    )]
    async fn get_reembedding(
        &self,
        caller: Caller,
        /// Id of the collection.
        collection_id: Path<Uuid>,
        /// Id of the re-embedding.
        reembedding_id: Path<Uuid>,
    ) -> Result<Json<ReembeddingView>, ApiError> {
        let actor = caller.require(Action::ReembeddingRead)?;
        let (collection_id, id) = (collection_id.0, reembedding_id.0);
        let mut tx = self.db.tenant(actor.tenant).await?;
        let found = self.reembeddings.find(&mut tx, actor, collection_id, id).await?;
        Ok(Json(found.try_into()?))
    }

    /// Switch a collection to its new vectors
    ///
    /// Lets searches read the new vectors, all at once, when the re-embedding is ready. The old ones are kept until
    /// `removal_at`. One that is switched already is left as it is. Needs the role admin.
    #[oai(
        path = "/collections/:collection_id/reembeddings/:reembedding_id/switch",
        method = "post",
        operation_id = "switch_reembedding"
    )]
    async fn switch_reembedding(
        &self,
        caller: Caller,
        /// Id of the collection.
        collection_id: Path<Uuid>,
        /// Id of the re-embedding.
        reembedding_id: Path<Uuid>,
    ) -> Result<Json<ReembeddingView>, ApiError> {
        let actor = caller.require(Action::ReembeddingWrite)?;
        let (collection_id, id) = (collection_id.0, reembedding_id.0);
        let mut tx = self.db.tenant(actor.tenant).await?;
        let switched = self.reembeddings.switch(&mut tx, actor, collection_id, id).await?;
        tx.commit().await?;
        Ok(Json(switched.try_into()?))
    }

    /// Roll a collection back to its old vectors
    ///
    /// Lets searches read the old vectors again, all at once, as long as they are kept. The new ones stay, so that you can
    /// switch again, or cancel. One that is not switched is left as it is. Needs the role admin.
    #[oai(
        path = "/collections/:collection_id/reembeddings/:reembedding_id/rollback",
        method = "post",
        operation_id = "rollback_reembedding"
    )]
    async fn rollback_reembedding(
        &self,
        caller: Caller,
        /// Id of the collection.
        collection_id: Path<Uuid>,
        /// Id of the re-embedding.
        reembedding_id: Path<Uuid>,
    ) -> Result<Json<ReembeddingView>, ApiError> {
        let actor = caller.require(Action::ReembeddingWrite)?;
        let (collection_id, id) = (collection_id.0, reembedding_id.0);
        let mut tx = self.db.tenant(actor.tenant).await?;
        let rolled = self.reembeddings.roll_back(&mut tx, actor, collection_id, id).await?;
        tx.commit().await?;
        Ok(Json(rolled.try_into()?))
    }

    /// Cancel a re-embedding
    ///
    /// Ends it and has the new vectors removed. One that searches read must be rolled back first; one that is over is left as it
    /// is. Needs the role admin.
    #[oai(
        path = "/collections/:collection_id/reembeddings/:reembedding_id/cancel",
        method = "post",
        operation_id = "cancel_reembedding"
    )]
    async fn cancel_reembedding(
        &self,
        caller: Caller,
        /// Id of the collection.
        collection_id: Path<Uuid>,
        /// Id of the re-embedding.
        reembedding_id: Path<Uuid>,
    ) -> Result<Json<ReembeddingView>, ApiError> {
        let actor = caller.require(Action::ReembeddingWrite)?;
        let (collection_id, id) = (collection_id.0, reembedding_id.0);
        let mut tx = self.db.tenant(actor.tenant).await?;
        let cancelled = self.reembeddings.cancel(&mut tx, actor, collection_id, id).await?;
        tx.commit().await?;
        self.work_waits.notify_one();
        Ok(Json(cancelled.try_into()?))
    }
}
