//! `/v1/collections`.

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::{Example, MaybeUndefined};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::{Value, json};
use uuid::Uuid;

use super::enrichment_views::{EnrichmentSwitchName, EnrichmentWait};
use crate::db::idempotency::Begun;
use crate::db::{self, Db, OnConstraint, TenantTx};
use crate::identity::api::Caller;
use crate::identity::{Action, Actor};
use crate::kernel::ids::new_id;
use crate::knowledge::{
    Collection, EnrichmentChange, LimitError, Reach, Reader, Receiver, change_enrichment,
    limit_collection,
};
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::{plain_text, readable_text};
use crate::web::spec::Tag;

const LIST: &str = "collections";
/// Said to a credential that names its collections.
const NEW_OUT_OF_REACH: &str = "the credential is for certain collections and would not reach a new one; use one without a list";

/// A set of documents that is searched together.
#[derive(Debug, Object)]
#[oai(rename = "Collection", skip_serializing_if_is_none)]
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
    /// Groups that it is limited to; empty when it is open to the whole tenant.
    #[oai(validator(max_items = 50))]
    group_ids: Vec<Uuid>,
    /// Whether a model writes about its documents.
    enrichment: EnrichmentSwitchName,
    /// Tokens that this may use in a month of UTC; as many as the server sets when absent.
    enrichment_monthly_tokens: Option<i64>,
    /// Why it stands still; absent when it does not.
    enrichment_waits_for: Option<EnrichmentWait>,
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
    /// Groups that it is limited to; open to the whole tenant when absent. Needs the role admin.
    #[oai(validator(max_items = 50))]
    group_ids: Option<Vec<Uuid>>,
    /// Whether a model writes about its documents; off when absent.
    enrichment: Option<EnrichmentSwitchName>,
    /// Tokens that this may use in a month of UTC; as many as the server sets when absent. Needs the role admin.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000000")))]
    enrichment_monthly_tokens: Option<i64>,
}

impl Example for CollectionCreate {
    fn example() -> Self {
        Self {
            name: "release notes".to_owned(),
            description: Some("What changed, by version".to_owned()),
            group_ids: None,
            enrichment: None,
            enrichment_monthly_tokens: None,
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
    /// Groups that it is limited to, all of them anew; an empty list opens it to the whole tenant. Needs the role admin.
    #[oai(validator(max_items = 50))]
    group_ids: Option<Vec<Uuid>>,
    /// Whether a model writes about its documents. Switched off, nothing more is written, and what is there stays.
    enrichment: Option<EnrichmentSwitchName>,
    /// Tokens that this may use in a month of UTC; as many as the server sets when null. Needs the role admin.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000000")))]
    enrichment_monthly_tokens: MaybeUndefined<i64>,
}

impl Example for CollectionUpdate {
    fn example() -> Self {
        Self {
            name: None,
            description: Some("What changed, newest version first".to_owned()),
            group_ids: None,
            enrichment: None,
            enrichment_monthly_tokens: MaybeUndefined::Undefined,
        }
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
    /// Collections of the tenant that you reach, oldest first.
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
        let mut tx = self.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        let page = tx.list_collections(&reach, keyset).await?;
        let ids: Vec<Uuid> = page.items.iter().map(|item| item.collection_id).collect();
        let mut groups = tx.list_collection_groups(&ids).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let shown = page.items.into_iter().map(|item| {
            let group_ids = groups.remove(&item.collection_id).unwrap_or_default();
            view(item, group_ids)
        });
        Ok(Json(CollectionList { items: shown.collect::<db::Result<_>>()?, next_cursor }))
    }

    /// Create a collection
    ///
    /// The name must be free within the tenant. Needs the role editor, and admin for `group_ids` and
    /// `enrichment_monthly_tokens`.
    #[oai(path = "/collections", method = "post", operation_id = "create_collection")]
    async fn create_collection(
        &self,
        caller: Caller,
        body: Once<JsonBody<CollectionCreate>>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let actor = caller.require(Action::CollectionWrite)?;
        let (body, claim) = body.by(actor.id());
        let CollectionCreate { name, description, group_ids, .. } = &body.0;
        refuse_listed(actor)?;
        let name = readable_text("/name", name)?;
        let description = plain_text(description.as_deref().unwrap_or_default());
        let enrichment = EnrichmentChange {
            is_on: body.0.enrichment.map(EnrichmentSwitchName::is_on),
            monthly_tokens: body.0.enrichment_monthly_tokens.map(Some),
        };
        let id = new_id();
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        tx.insert_collection(id, &name, &description)
            .await
            .on_constraint("collections_name_key", || name_taken(&name))?;
        if let Some(group_ids) = group_ids {
            limit_collection(&mut tx, actor, id, group_ids).await?;
        }
        change_enrichment(&mut tx, actor, id, enrichment).await?;
        let created = shown(&mut tx, actor, id).await?;
        let entry = actor.audit("collection.created").on("collection", id);
        tx.append_audit(entry.after(told(&created))).await?;
        Replayable::commit(tx, CreateResponse::Created(Json(created))).await
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
        let read = self.db.read(actor.tenant).await?;
        let found = read.collection(&actor.into(), collection_id.0).await?;
        let (collection, group_ids) = found.ok_or_else(|| ApiError::not_found("collection"))?;
        Ok(Json(view(collection, group_ids)?))
    }

    /// Update a collection
    ///
    /// Changes name, description, groups or enrichment; what is absent stays. A limit holds for the very next request. When
    /// enrichment is switched on, the documents that are there get their turn after all uploads. Needs the role editor, and
    /// admin for `group_ids` and `enrichment_monthly_tokens`.
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
        let CollectionUpdate {
            name,
            description,
            group_ids,
            enrichment,
            enrichment_monthly_tokens,
        } = body.0;
        let enrichment = EnrichmentChange {
            is_on: enrichment.map(EnrichmentSwitchName::is_on),
            monthly_tokens: match enrichment_monthly_tokens {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(tokens) => Some(Some(tokens)),
            },
        };
        let name = name.map(|name| readable_text("/name", &name)).transpose()?;
        let description = description.map(|text| plain_text(&text));
        let mut tx = self.db.tenant(actor.tenant).await?;
        let old = shown(&mut tx, actor, collection_id.0).await?;
        tx.update_collection(collection_id.0, name.as_deref(), description.as_deref())
            .await
            .on_constraint("collections_name_key", || {
                name_taken(name.as_deref().unwrap_or_default())
            })?;
        if let Some(group_ids) = group_ids {
            limit_collection(&mut tx, actor, collection_id.0, &group_ids).await?;
        }
        change_enrichment(&mut tx, actor, collection_id.0, enrichment).await?;
        let updated = shown(&mut tx, actor, collection_id.0).await?;
        let (before, after) = (told(&old), told(&updated));
        if before != after {
            let entry = actor.audit("collection.updated").on("collection", collection_id.0);
            tx.append_audit(entry.before(before).after(after)).await?;
        }
        tx.commit().await?;
        self.receiver.wake_worker();
        Ok(Json(updated))
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
        if self.receiver.remove_collection(actor, collection_id.0).await? {
            Ok(DeleteResponse::Deleted)
        } else {
            Err(ApiError::not_found("collection"))
        }
    }
}

/// Refuses a credential that names its collections to whoever makes a new one.
///
/// # Errors
/// 403.
pub(super) fn refuse_listed(actor: &Actor) -> Result<(), ApiError> {
    match Reader::from(actor) {
        Reader::Listed(_) | Reader::Attachments(_) => {
            Err(ApiError::new(ProblemCode::Forbidden, NEW_OUT_OF_REACH))
        }
        Reader::Everything | Reader::Person(_) | Reader::Program => Ok(()),
    }
}

/// A collection as the actor sees it.
///
/// # Errors
/// 404 when it is not there or out of reach.
async fn shown(
    tx: &mut TenantTx,
    actor: &Actor,
    collection_id: Uuid,
) -> Result<CollectionView, ApiError> {
    let reach = Reach::of(tx, &actor.into()).await?;
    let found = tx.find_collection(collection_id).await?;
    let collection = found
        .filter(|_| reach.holds(collection_id))
        .ok_or_else(|| ApiError::not_found("collection"))?;
    let mut groups = tx.list_collection_groups(&[collection_id]).await?;
    Ok(view(collection, groups.remove(&collection_id).unwrap_or_default())?)
}

fn view(collection: Collection, group_ids: Vec<Uuid>) -> db::Result<CollectionView> {
    let waits_for = collection.enrichment_waits_for.as_deref();
    Ok(CollectionView {
        id: collection.collection_id,
        name: collection.name,
        description: collection.description,
        chunk_count: collection.chunk_count,
        group_ids,
        enrichment: EnrichmentSwitchName::of(collection.enrichment == "on"),
        enrichment_monthly_tokens: collection.enrichment_monthly_tokens,
        enrichment_waits_for: waits_for.map(EnrichmentWait::from_row).transpose()?,
        created_at: collection.created_at,
        updated_at: collection.updated_at,
    })
}

impl From<LimitError> for ApiError {
    fn from(error: LimitError) -> Self {
        let text = error.to_string();
        match error {
            LimitError::NotManager(_) | LimitError::Grant(_) => {
                Self::new(ProblemCode::Forbidden, text)
            }
            LimitError::UnknownGroup => Self::not_found("group"),
            LimitError::Database(error) => error.into(),
        }
    }
}

/// What the audit log tells of a collection.
fn told(collection: &CollectionView) -> Value {
    json!({ "name": collection.name, "description": collection.description })
}

fn name_taken(name: &str) -> ApiError {
    ApiError::new(
        ProblemCode::Conflict,
        format!("there is a collection \"{name}\" already; choose another name"),
    )
}
