//! `/v1/collections`.

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use crate::db::{Db, OnConstraint};
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::kernel::ids::new_id;
use crate::knowledge::{Collection, Receiver};
use crate::web::body::JsonBody;
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::{plain_text, readable_text};
use crate::web::spec::Tag;

const LIST: &str = "collections";

/// A set of documents that is searched together.
#[derive(Debug, Object)]
#[oai(rename = "Collection")]
pub struct CollectionView {
    /// Id of the collection.
    id: Uuid,
    /// Unique within the tenant.
    #[oai(validator(max_length = 100))]
    name: String,
    /// What is in it.
    #[oai(validator(max_length = 2000))]
    description: String,
    /// Passages in search.
    chunk_count: i64,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When name or description were last changed.
    updated_at: DateTime<Utc>,
}

/// A collection to be made.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct CollectionCreate {
    /// Unique within the tenant.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: String,
    /// What is in it; empty when absent.
    #[oai(validator(max_length = 2000))]
    description: Option<String>,
}

impl Example for CollectionCreate {
    fn example() -> Self {
        Self {
            name: "release notes".to_owned(),
            description: Some("What changed, by version".to_owned()),
        }
    }
}

/// What to change of a collection; what is absent stays.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct CollectionUpdate {
    /// New name.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: Option<String>,
    /// New description.
    #[oai(validator(max_length = 2000))]
    description: Option<String>,
}

impl Example for CollectionUpdate {
    fn example() -> Self {
        Self { name: None, description: Some("What changed, newest version first".to_owned()) }
    }
}

/// A page of collections.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct CollectionList {
    /// Collections, oldest first.
    #[oai(validator(max_items = 100))]
    items: Vec<CollectionView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    next_cursor: Option<String>,
}

#[derive(ApiResponse)]
enum CreateResponse {
    /// The collection was made.
    #[oai(status = 201)]
    Created(Json<CollectionView>),
}

#[derive(ApiResponse)]
enum DeleteResponse {
    /// The collection and its documents are gone from search.
    #[oai(status = 204)]
    Deleted,
}

/// Operations on collections.
pub struct CollectionsApi {
    /// The database.
    pub db: Db,
    /// Removes documents with their originals.
    pub receiver: Receiver,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Knowledge")]
impl CollectionsApi {
    /// List collections
    ///
    /// Collections of the tenant, oldest first.
    #[oai(path = "/collections", method = "get", operation_id = "list_collections")]
    async fn list_collections(
        &self,
        caller: Caller,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<CollectionList>, ApiError> {
        let actor = caller.require(Action::CollectionRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let page = self.db.tenant(actor.tenant).await?.list_collections(keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        Ok(Json(CollectionList {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }

    /// Create a collection
    ///
    /// The name must be free within the tenant. Needs the role editor.
    #[oai(path = "/collections", method = "post", operation_id = "create_collection")]
    async fn create_collection(
        &self,
        caller: Caller,
        body: JsonBody<CollectionCreate>,
    ) -> Result<CreateResponse, ApiError> {
        let actor = caller.require(Action::CollectionWrite)?;
        let CollectionCreate { name, description } = body.0;
        let name = readable_text("/name", &name)?;
        let description = plain_text(description.as_deref().unwrap_or_default());
        let id = new_id();
        let mut tx = self.db.tenant(actor.tenant).await?;
        tx.insert_collection(id, &name, &description)
            .await
            .on_constraint("collections_name_key", || name_taken(&name))?;
        let created =
            tx.find_collection(id).await?.ok_or_else(|| ApiError::not_found("collection"))?;
        tx.commit().await?;
        Ok(CreateResponse::Created(Json(created.into())))
    }

    /// Get a collection
    ///
    /// Shows one collection.
    #[oai(path = "/collections/:collection_id", method = "get", operation_id = "get_collection")]
    async fn get_collection(
        &self,
        caller: Caller,
        /// Id of the collection.
        collection_id: Path<Uuid>,
    ) -> Result<Json<CollectionView>, ApiError> {
        let actor = caller.require(Action::CollectionRead)?;
        let found = self.db.tenant(actor.tenant).await?.find_collection(collection_id.0).await?;
        Ok(Json(found.ok_or_else(|| ApiError::not_found("collection"))?.into()))
    }

    /// Update a collection
    ///
    /// Changes name or description; what is absent stays. Needs the role editor.
    #[oai(
        path = "/collections/:collection_id",
        method = "patch",
        operation_id = "update_collection"
    )]
    async fn update_collection(
        &self,
        caller: Caller,
        /// Id of the collection.
        collection_id: Path<Uuid>,
        body: JsonBody<CollectionUpdate>,
    ) -> Result<Json<CollectionView>, ApiError> {
        let actor = caller.require(Action::CollectionWrite)?;
        let CollectionUpdate { name, description } = body.0;
        let name = name.map(|name| readable_text("/name", &name)).transpose()?;
        let description = description.map(|text| plain_text(&text));
        let mut tx = self.db.tenant(actor.tenant).await?;
        tx.update_collection(collection_id.0, name.as_deref(), description.as_deref())
            .await
            .on_constraint("collections_name_key", || {
                name_taken(name.as_deref().unwrap_or_default())
            })?;
        let updated = tx
            .find_collection(collection_id.0)
            .await?
            .ok_or_else(|| ApiError::not_found("collection"))?;
        tx.commit().await?;
        Ok(Json(updated.into()))
    }

    /// Delete a collection
    ///
    /// Deletes the collection with all its documents. They are gone from search at once; answers that cite them keep
    /// their quotes. Needs the role editor.
    #[oai(
        path = "/collections/:collection_id",
        method = "delete",
        operation_id = "delete_collection"
    )]
    async fn delete_collection(
        &self,
        caller: Caller,
        /// Id of the collection.
        collection_id: Path<Uuid>,
    ) -> Result<DeleteResponse, ApiError> {
        let actor = caller.require(Action::CollectionWrite)?;
        if self.receiver.remove_collection(actor.tenant, collection_id.0).await? {
            Ok(DeleteResponse::Deleted)
        } else {
            Err(ApiError::not_found("collection"))
        }
    }
}

impl From<Collection> for CollectionView {
    fn from(collection: Collection) -> Self {
        let Collection { collection_id, name, description, chunk_count, created_at, updated_at } =
            collection;
        Self { id: collection_id, name, description, chunk_count, created_at, updated_at }
    }
}

fn name_taken(name: &str) -> ApiError {
    ApiError::new(
        ProblemCode::Conflict,
        format!("there is a collection \"{name}\" already; choose another name"),
    )
}
