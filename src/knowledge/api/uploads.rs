//! `/v1/uploads`.

use poem::http::header::CONTENT_LENGTH;
use poem::{Body, Request};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::{Binary, Json};
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use super::documents::{UploadResponse, answer, answer_receipt};
use super::jobs::WaitFor;
use super::upload_views::{UploadComplete, UploadCreate, UploadList, UploadStateName, UploadView};
use crate::db;
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::knowledge::{JobWatch, Uploads};
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::spec::Tag;

const LIST: &str = "uploads";

#[derive(ApiResponse)]
enum CreateResponse {
    /// Send each part to its address, keep the header `ETag` of each answer, then complete the upload.
    #[oai(status = 201)]
    Created(Json<UploadView>),
}

#[derive(ApiResponse)]
enum PartResponse {
    /// The part has arrived.
    #[oai(status = 200)]
    Stored(
        /// Mark of the part, which completing asks for.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
enum DeleteResponse {
    /// The upload is gone, and its parts with it.
    #[oai(status = 204)]
    Deleted,
}

/// Operations on large uploads.
pub struct UploadsApi {
    /// Takes large files.
    pub uploads: Uploads,
    /// Watches for those who wait.
    pub watch: JobWatch,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Knowledge")]
impl UploadsApi {
    /// List uploads
    ///
    /// Large files that were begun, newest first: those whose collection you reach, without their parts. One that has expired
    /// is removed soon. Needs the role editor.
    #[oai(path = "/uploads", method = "get", operation_id = "list_uploads")]
    async fn list_uploads(
        &self,
        caller: Caller,
        /// Uploads in this state only.
        state: Query<Option<UploadStateName>>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<UploadList>, ApiError> {
        let actor = caller.require(Action::UploadRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let state = state.0.map(UploadStateName::as_str);
        let page = self.uploads.list(actor, state, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items = page.items.into_iter().map(TryInto::try_into);
        Ok(Json(UploadList { items: items.collect::<db::Result<_>>()?, next_cursor }))
    }

    /// Create an upload
    ///
    /// Begins the upload of a large file in parts. The answer names each part with its size and a signed address: send the
    /// bytes there with `PUT`, in any order and several at once, and keep the header `ETag` of each answer; no credential is
    /// sent along. Then complete the upload. Needs the role editor.
    #[oai(path = "/uploads", method = "post", operation_id = "create_upload")]
    async fn create_upload(
        &self,
        caller: Caller,
        body: Once<JsonBody<UploadCreate>>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let actor = caller.require(Action::UploadWrite)?;
        let (body, claim) = body.by(actor.id());
        let new = body.0.into_new()?;
        let begun = Box::pin(self.uploads.begin(actor, new, claim.as_ref())).await?;
        let parts = self.uploads.place_begun(actor.tenant, &begun).await?;
        let view = CreateResponse::Created(Json(UploadView::of(begun.upload, parts)?));
        Ok(Replayable::of(view, begun.replayed))
    }

    /// Get an upload
    ///
    /// Shows where an upload stands, which parts have arrived, and where the others are sent to: after an interruption, go on
    /// from here. Needs the role editor.
    #[oai(path = "/uploads/:upload_id", method = "get", operation_id = "get_upload")]
    async fn get_upload(
        &self,
        caller: Caller,
        /// Id of the upload.
        upload_id: Path<Uuid>,
    ) -> Result<Json<UploadView>, ApiError> {
        let actor = caller.require(Action::UploadRead)?;
        let upload = self.uploads.find(actor, upload_id.0).await?;
        let parts = self.uploads.place(actor.tenant, &upload).await?;
        Ok(Json(UploadView::of(upload, parts)?))
    }

    /// Delete an upload
    ///
    /// Ends an upload that will not be completed, and removes the parts that have arrived. Needs the role editor.
    #[oai(path = "/uploads/:upload_id", method = "delete", operation_id = "delete_upload")]
    async fn delete_upload(
        &self,
        caller: Caller,
        /// Id of the upload.
        upload_id: Path<Uuid>,
    ) -> Result<DeleteResponse, ApiError> {
        let actor = caller.require(Action::UploadWrite)?;
        self.uploads.delete(actor, upload_id.0).await?;
        Ok(DeleteResponse::Deleted)
    }

    /// Complete an upload
    ///
    /// Makes a document of the parts, as from a file that is sent at once. The whole file is read and must have the size and the
    /// SHA-256 that were told; else nothing is kept. Who completes an upload again is answered as before. Needs the role editor.
    #[oai(path = "/uploads/:upload_id/complete", method = "post", operation_id = "complete_upload")]
    async fn complete_upload(
        &self,
        caller: Caller,
        /// Id of the upload.
        upload_id: Path<Uuid>,
        /// Answer only when the version is at its end.
        wait: Query<Option<WaitFor>>,
        /// Seconds to wait at most; never longer than the server allows, which is also what counts when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "600")))]
        wait_seconds: Query<Option<u32>>,
        body: Once<JsonBody<UploadComplete>>,
    ) -> Result<Replayable<UploadResponse>, ApiError> {
        let actor = caller.require(Action::UploadWrite)?;
        let (body, claim) = body.by(actor.id());
        let completion = body.0.into_completion()?;
        let (claim, id) = (claim.as_ref(), upload_id.0);
        let receipt = self.uploads.complete(actor, id, completion, claim, answer).await?;
        let wait = wait.0.map(|_| self.watch.wait(wait_seconds.0));
        answer_receipt(&self.watch, actor, receipt, wait).await
    }

    /// Send a part
    ///
    /// Takes the bytes of one part where the store of originals takes none itself: the address with its token is the one that
    /// the upload names, and the token is all that is asked for.
    #[oai(
        path = "/uploads/:upload_id/parts/:part_number",
        method = "put",
        operation_id = "update_upload_part"
    )]
    async fn update_upload_part(
        &self,
        /// Id of the upload.
        upload_id: Path<Uuid>,
        /// Number of the part, from 1.
        #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
        part_number: Path<u32>,
        /// The signature of the address.
        #[oai(validator(max_length = 500))]
        token: Query<String>,
        request: &Request,
        /// The bytes, as many as the upload names for the part.
        bytes: Binary<Body>,
    ) -> Result<PartResponse, ApiError> {
        // Before any of it is read: whoever knows no address must cost nothing.
        let part = self.uploads.expect_part(upload_id.0, part_number.0, &token.0).await?;
        if let Some(size) = announced_length(request) {
            part.check(size)?;
        }
        let bytes = bytes.0.into_bytes().await.map_err(|error| {
            ApiError::new(ProblemCode::MalformedRequest, format!("the body broke off: {error}"))
        })?;
        let etag = self.uploads.put_part(&part, bytes).await?;
        Ok(PartResponse::Stored(format!("\"{etag}\"")))
    }
}

/// Length of the body, where its sender tells it.
fn announced_length(request: &Request) -> Option<u64> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
