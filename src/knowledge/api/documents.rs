//! `/v1/documents`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::{Example, ToJSON};
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use serde_json::Value;
use uuid::Uuid;

use super::jobs::{WaitFor, watcher};
use super::upload::{DocumentUpload, check_metadata, check_url};
use super::versions::{self, VersionList};
use crate::db::idempotency::Outcome;
use crate::db::{self, Db};
use crate::identity::api::Caller;
use crate::identity::{Action, Actor};
use crate::knowledge::receive_document::{Receipt, Received, update_document};
use crate::knowledge::store::documents::{DocumentChange, DocumentFilter};
use crate::knowledge::{Document, JobWatch, Reach, Receiver, VersionState};
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable, with_part};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

const LIST: &str = "documents";

/// Where a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "VersionState", rename_all = "snake_case")]
pub enum StateName {
    /// Waiting for a worker.
    Received,
    /// Being read.
    Parsing,
    /// Being cut into passages.
    Chunking,
    /// Being embedded.
    Embedding,
    /// In search.
    Ready,
    /// Was in search until a newer version was ready.
    Superseded,
    /// Given up; `failure` says why.
    Failed,
    /// Given up because it was asked for.
    Cancelled,
}

/// Why a version was given up.
#[derive(Clone, Debug, Object)]
pub struct Failure {
    /// For programs, e.g. `not_utf8`.
    #[oai(validator(max_length = 100))]
    code: String,
    /// What happened and what to do about it.
    #[oai(validator(max_length = 2000))]
    detail: String,
}

/// A document and where its newest version stands.
#[derive(Debug, Object)]
#[oai(rename = "Document", skip_serializing_if_is_none)]
pub struct DocumentView {
    /// Id of the document.
    id: Uuid,
    /// Collection that it is in.
    collection_id: Uuid,
    /// File name or path.
    #[oai(validator(max_length = 1000))]
    name: String,
    /// Title found in the content, else the name.
    #[oai(validator(max_length = 2000))]
    title: String,
    /// Where a reader finds the original.
    #[oai(validator(max_length = 2000))]
    source_url: Option<String>,
    /// The object of your own.
    metadata: Value,
    /// Number of the newest version.
    version_number: i32,
    /// Where the newest version stands.
    state: StateName,
    /// Why the newest version was given up.
    failure: Option<Failure>,
    /// Whether a version of it is in search: also true while a newer one is being processed or has failed.
    searchable: bool,
    /// When it was first received.
    created_at: DateTime<Utc>,
    /// When anything of it last changed.
    updated_at: DateTime<Utc>,
}

/// What to change of a document; what is absent stays.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct DocumentUpdate {
    /// New address of the original.
    #[oai(validator(max_length = 2000))]
    source_url: Option<String>,
    /// New object of your own; it replaces the old one whole.
    metadata: Option<Value>,
}

impl Example for DocumentUpdate {
    fn example() -> Self {
        Self { source_url: None, metadata: Some(serde_json::json!({ "product": "app" })) }
    }
}

/// A page of documents.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct DocumentList {
    /// Documents, oldest first.
    #[oai(validator(max_items = 100))]
    items: Vec<DocumentView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    next_cursor: Option<String>,
}

/// What the document says of the answers that [`answer`] makes.
#[derive(ApiResponse)]
#[expect(dead_code, reason = "an answer is kept as it was sent, so that none is made of these")]
pub(super) enum UploadResponse {
    /// The same bytes are there already, so that nothing is done again; or, with `wait=ready`, the version is at its end.
    #[oai(status = 200)]
    Unchanged(Json<DocumentView>),
    /// A new version was received and waits for the worker; ask for the document until its state is `ready` or `failed`.
    #[oai(status = 202)]
    Accepted(Json<DocumentView>),
}

#[derive(ApiResponse)]
enum DeleteResponse {
    /// The document is gone from search.
    #[oai(status = 204)]
    Deleted,
}

/// Operations on documents.
pub struct DocumentsApi {
    /// The database.
    pub db: Db,
    /// Takes and removes documents.
    pub receiver: Receiver,
    /// Watches for those who wait.
    pub watch: JobWatch,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Knowledge")]
impl DocumentsApi {
    /// List documents
    ///
    /// Documents of the tenant, oldest first, each with the state of its newest version.
    #[oai(path = "/documents", method = "get", operation_id = "list_documents")]
    async fn list_documents(
        &self,
        caller: Caller,
        /// Documents of this collection only.
        collection_id: Query<Option<Uuid>>,
        /// Documents whose newest version is in this state only.
        state: Query<Option<StateName>>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<DocumentList>, ApiError> {
        let actor = caller.require(Action::DocumentRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let filter = DocumentFilter {
            collection_id: collection_id.0,
            state: state.0.map(StateName::as_str),
        };
        let mut tx = self.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        let page = tx.list_documents(&reach, &filter, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items: db::Result<Vec<DocumentView>> =
            page.items.into_iter().map(DocumentView::try_from).collect();
        Ok(Json(DocumentList { items: items?, next_cursor }))
    }

    /// Upload a document
    ///
    /// Takes a file as `multipart/form-data`. The same name in the same collection is a new version, which replaces the
    /// old one in search when it is ready; the same bytes again change nothing. With `wait=ready` the answer comes when the
    /// version is at its end, or when the time is over. Needs the role editor.
    #[oai(path = "/documents", method = "post", operation_id = "create_document")]
    async fn create_document(
        &self,
        caller: Caller,
        /// Answer only when the version is at its end.
        wait: Query<Option<WaitFor>>,
        /// Seconds to wait at most; never longer than the server allows, which is also what counts when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "600")))]
        wait_seconds: Query<Option<u32>>,
        upload: Once<DocumentUpload>,
    ) -> Result<Replayable<UploadResponse>, ApiError> {
        let actor = caller.require(Action::DocumentWrite)?;
        let (upload, claim) = upload.by(actor.id());
        let document = upload.into_document(actor.id()).await?;
        let claim = claim.map(|claim| with_part(claim, "file", &document.bytes));
        let receipt =
            self.receiver.receive(&actor.into(), document, claim.as_ref(), answer).await?;
        let wait = wait.0.map(|_| self.watch.wait(wait_seconds.0));
        answer_receipt(&self.watch, actor, receipt, wait).await
    }

    /// Get a document
    ///
    /// Shows one document and where its newest version stands.
    #[oai(path = "/documents/:document_id", method = "get", operation_id = "get_document")]
    async fn get_document(
        &self,
        caller: Caller,
        /// Id of the document.
        document_id: Path<Uuid>,
    ) -> Result<Json<DocumentView>, ApiError> {
        let actor = caller.require(Action::DocumentRead)?;
        let read = self.db.read(actor.tenant).await?;
        let found = read.document(&actor.into(), document_id.0).await?;
        let document = found.ok_or_else(|| ApiError::not_found("document"))?;
        Ok(Json(DocumentView::try_from(document)?))
    }

    /// Update a document
    ///
    /// Changes the address of the original or your own metadata; what is absent stays. Needs the role editor.
    #[oai(path = "/documents/:document_id", method = "patch", operation_id = "update_document")]
    async fn update_document(
        &self,
        caller: Caller,
        /// Id of the document.
        document_id: Path<Uuid>,
        body: JsonBody<DocumentUpdate>,
    ) -> Result<Json<DocumentView>, ApiError> {
        let actor = caller.require(Action::DocumentWrite)?;
        let DocumentUpdate { source_url, metadata } = body.0;
        source_url.as_deref().map(check_url).transpose()?;
        metadata.as_ref().map(check_metadata).transpose()?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        if tx.find_reached_document(&reach, document_id.0).await?.is_none() {
            return Err(ApiError::not_found("document"));
        }
        let change = DocumentChange { source_url, metadata };
        update_document(&mut tx, &actor.into(), document_id.0, &change).await?;
        let updated = tx.find_document(document_id.0).await?;
        tx.commit().await?;
        let document = updated.ok_or_else(|| ApiError::not_found("document"))?;
        Ok(Json(DocumentView::try_from(document)?))
    }

    /// Delete a document
    ///
    /// Deletes the document with all its versions. It is gone from search at once; answers that cite it keep their
    /// quotes. Needs the role editor.
    #[oai(path = "/documents/:document_id", method = "delete", operation_id = "delete_document")]
    async fn delete_document(
        &self,
        caller: Caller,
        /// Id of the document.
        document_id: Path<Uuid>,
    ) -> Result<DeleteResponse, ApiError> {
        let actor = caller.require(Action::DocumentWrite)?;
        if self.receiver.remove(&actor.into(), document_id.0).await? {
            Ok(DeleteResponse::Deleted)
        } else {
            Err(ApiError::not_found("document"))
        }
    }

    /// List versions of a document
    ///
    /// Versions, newest first, each with its state, attempts and, when it was given up, the reason.
    #[oai(
        path = "/documents/:document_id/versions",
        method = "get",
        operation_id = "list_document_versions"
    )]
    async fn list_document_versions(
        &self,
        caller: Caller,
        /// Id of the document.
        document_id: Path<Uuid>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<VersionList>, ApiError> {
        let actor = caller.require(Action::DocumentRead)?;
        versions::list(&self.db, actor, document_id.0, limit.0, cursor.0.as_deref()).await
    }
}

/// The answer to a sender, who may wait so long for the end of the version.
///
/// # Errors
/// The database failed.
pub(super) async fn answer_receipt(
    watch: &JobWatch,
    actor: &Actor,
    receipt: Receipt,
    wait: Option<Duration>,
) -> Result<Replayable<UploadResponse>, ApiError> {
    if let Some(time) = wait
        && let Some(document_id) = document_of(&receipt)
    {
        let found = watch.document_at_its_end(&watcher(actor), document_id, time).await?;
        if let Some(document) = found.filter(Document::is_settled) {
            let view = UploadResponse::Unchanged(Json(DocumentView::try_from(document)?));
            return Ok(Replayable::of(view, matches!(receipt, Receipt::Before(_))));
        }
    }
    match receipt {
        Receipt::Now(outcome) => Ok(Replayable::anew(outcome)),
        Receipt::Before(kept) => Replayable::before(kept),
    }
}

/// What [`UploadResponse`] says, as it is kept.
pub(super) fn answer(received: &Received) -> db::Result<Outcome> {
    let view = DocumentView::try_from(received.document.clone())?;
    let status = if received.is_new_version { 202 } else { 200 };
    Ok(Outcome { status, body: Some(view.to_json_string()), ..Outcome::default() })
}

/// The document that a sender was told of, now or before.
pub fn document_of(receipt: &Receipt) -> Option<Uuid> {
    let outcome = match receipt {
        Receipt::Now(outcome) => outcome,
        Receipt::Before(kept) => &kept.outcome,
    };
    let told: Value = serde_json::from_str(outcome.body.as_deref()?).ok()?;
    told["id"].as_str()?.parse().ok()
}

impl StateName {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Parsing => "parsing",
            Self::Chunking => "chunking",
            Self::Embedding => "embedding",
            Self::Ready => "ready",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// From the text of a row.
    ///
    /// # Errors
    /// It is none that there is.
    pub fn from_row(state: &str) -> db::Result<Self> {
        Ok(match VersionState::from_row(state)? {
            VersionState::Received => Self::Received,
            VersionState::Parsing => Self::Parsing,
            VersionState::Chunking => Self::Chunking,
            VersionState::Embedding => Self::Embedding,
            VersionState::Ready => Self::Ready,
            VersionState::Superseded => Self::Superseded,
            VersionState::Failed => Self::Failed,
            VersionState::Cancelled => Self::Cancelled,
        })
    }
}

impl Failure {
    /// From the two columns of a row.
    pub fn from_row(code: Option<String>, detail: Option<String>) -> Option<Self> {
        Some(Self { code: code?, detail: detail.unwrap_or_default() })
    }
}

impl TryFrom<Document> for DocumentView {
    type Error = db::Error;

    fn try_from(document: Document) -> db::Result<Self> {
        Ok(Self {
            id: document.document_id,
            collection_id: document.collection_id,
            name: document.name,
            title: document.title,
            source_url: document.source_url,
            metadata: document.metadata,
            version_number: document.version_number,
            state: StateName::from_row(&document.state)?,
            failure: Failure::from_row(document.failure_code, document.failure_detail),
            searchable: document.active_version_id.is_some(),
            created_at: document.created_at,
            updated_at: document.updated_at,
        })
    }
}
