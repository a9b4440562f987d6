//! `/v1/sessions/{session_id}/attachments`.

use std::time::Duration;

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use super::attachment_upload::AttachmentUpload;
use super::attachment_views::{AttachmentList, AttachmentView, answer};
use super::sessions::maker;
use crate::chat::store::sessions::Session;
use crate::db::{self, Db, TenantTx};
use crate::governance::note_reading;
use crate::identity::api::Caller;
use crate::identity::{Action, Actor};
use crate::knowledge::api::{WaitFor, document_of};
use crate::knowledge::{
    AttachmentSettings, Author, Document, JobWatch, Reader, Receipt, Receiver, Watcher,
    find_attachment, list_attachments,
};
use crate::web::idempotency::{Once, Replayable, with_part};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

const LIST: &str = "attachments";

/// What the document says of the answers that [`answer`] makes.
#[derive(ApiResponse)]
#[expect(
    dead_code,
    reason = "an answer is kept as it was sent, so that most are made of no such value"
)]
enum AttachResponse {
    /// The same bytes are attached already, so that nothing is done again; or, with `wait=ready`, the version is at its end.
    #[oai(status = 200)]
    Unchanged(Json<AttachmentView>),
    /// A new version was received and waits for the worker; ask for the attachment until its state is `ready` or `failed`.
    #[oai(status = 202)]
    Accepted(Json<AttachmentView>),
}

#[derive(ApiResponse)]
enum DeleteResponse {
    /// The attachment is gone from the session's answers to come.
    #[oai(status = 204)]
    Deleted,
}

/// Operations on the files of a session.
pub struct AttachmentsApi {
    /// The database.
    pub db: Db,
    /// Takes and removes files.
    pub receiver: Receiver,
    /// Watches for those who wait.
    pub watch: JobWatch,
    /// What may be attached.
    pub settings: AttachmentSettings,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Chat")]
impl AttachmentsApi {
    /// List attachments of a session
    ///
    /// Files of a conversation, oldest first, each with the state of its newest version.
    #[oai(
        path = "/sessions/:session_id/attachments",
        method = "get",
        operation_id = "list_attachments"
    )]
    async fn list_attachments(
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
    ) -> Result<Json<AttachmentList>, ApiError> {
        let actor = caller.require(Action::ConversationRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let session = seen(&mut tx, actor, session_id.0).await?;
        let page = list_attachments(&mut tx, session.session_id, keyset).await?;
        tx.commit().await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items: db::Result<Vec<AttachmentView>> =
            page.items.into_iter().map(AttachmentView::try_from).collect();
        Ok(Json(AttachmentList { items: items?, next_cursor }))
    }

    /// Attach a file to a session
    ///
    /// Takes a file as `multipart/form-data`. It is read like a document, and found in the answers of this session alone. The
    /// same name again is a new version; the same bytes again change nothing. With `wait=ready` the answer comes when the
    /// version is at its end, or when the time is over. Whoever may ask in the session may attach to it, save for end users of a widget.
    #[oai(
        path = "/sessions/:session_id/attachments",
        method = "post",
        operation_id = "create_attachment"
    )]
    async fn create_attachment(
        &self,
        caller: Caller,
        /// Id of the session.
        session_id: Path<Uuid>,
        /// Answer only when the version is at its end.
        wait: Query<Option<WaitFor>>,
        /// Seconds to wait at most; never longer than the server allows, which is also what counts when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "600")))]
        wait_seconds: Query<Option<u32>>,
        upload: Once<AttachmentUpload>,
    ) -> Result<Replayable<AttachResponse>, ApiError> {
        let actor = caller.require(Action::AttachmentWrite)?;
        let (upload, claim) = upload.by(actor.id());
        let session = self.own_session(actor, session_id.0).await?;
        let id = session.session_id;
        let document = upload.into_document(id, actor.id(), self.settings).await?;
        let claim = claim.map(|claim| with_part(claim, "file", &document.bytes));
        let author = Author::of_session(actor, id);
        let receipt = self.receiver.receive(&author, document, claim.as_ref(), answer).await?;
        let wait = wait.0.map(|_| self.watch.wait(wait_seconds.0));
        self.answer_receipt(actor, id, receipt, wait).await
    }

    /// Get an attachment
    ///
    /// Shows one file of a conversation and where its newest version stands.
    #[oai(
        path = "/sessions/:session_id/attachments/:attachment_id",
        method = "get",
        operation_id = "get_attachment"
    )]
    async fn get_attachment(
        &self,
        caller: Caller,
        /// Id of the session.
        session_id: Path<Uuid>,
        /// Id of the attachment.
        attachment_id: Path<Uuid>,
    ) -> Result<Json<AttachmentView>, ApiError> {
        let actor = caller.require(Action::ConversationRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let session = seen(&mut tx, actor, session_id.0).await?;
        let found = find_attachment(&mut tx, session.session_id, attachment_id.0).await?;
        tx.commit().await?;
        let attachment = found.ok_or_else(|| ApiError::not_found("attachment"))?;
        Ok(Json(AttachmentView::try_from(attachment)?))
    }

    /// Delete an attachment
    ///
    /// Deletes a file of a conversation with all its versions. Answers that cite it keep their quotes.
    #[oai(
        path = "/sessions/:session_id/attachments/:attachment_id",
        method = "delete",
        operation_id = "delete_attachment"
    )]
    async fn delete_attachment(
        &self,
        caller: Caller,
        /// Id of the session.
        session_id: Path<Uuid>,
        /// Id of the attachment.
        attachment_id: Path<Uuid>,
    ) -> Result<DeleteResponse, ApiError> {
        let actor = caller.require(Action::AttachmentWrite)?;
        let session = self.own_session(actor, session_id.0).await?;
        let (author, id) = (Author::of_session(actor, session.session_id), session.session_id);
        if self.receiver.remove_attachment(&author, id, attachment_id.0).await? {
            Ok(DeleteResponse::Deleted)
        } else {
            Err(ApiError::not_found("attachment"))
        }
    }
}

impl AttachmentsApi {
    /// The session, when the actor may ask in it.
    async fn own_session(&self, actor: &Actor, session_id: Uuid) -> Result<Session, ApiError> {
        let found = self.db.read(actor.tenant).await?.session(session_id, maker(actor)).await?;
        found.ok_or_else(|| ApiError::not_found("session"))
    }

    /// The answer to a sender, who may wait so long for the end of the version.
    async fn answer_receipt(
        &self,
        actor: &Actor,
        session_id: Uuid,
        receipt: Receipt,
        wait: Option<Duration>,
    ) -> Result<Replayable<AttachResponse>, ApiError> {
        if let Some(time) = wait
            && let Some(id) = document_of(&receipt)
        {
            let reader = Reader::Attachments(session_id);
            let watcher = Watcher { tenant: actor.tenant, reader };
            let found = self.watch.document_at_its_end(&watcher, id, time).await?;
            if let Some(attachment) = found.filter(Document::is_settled) {
                let view = AttachResponse::Unchanged(Json(AttachmentView::try_from(attachment)?));
                return Ok(Replayable::of(view, matches!(receipt, Receipt::Before(_))));
            }
        }
        match receipt {
            Receipt::Now(outcome) => Ok(Replayable::anew(outcome)),
            Receipt::Before(kept) => Replayable::before(kept),
        }
    }
}

/// The session, when the actor may read it; who reads that of another is noted.
async fn seen(tx: &mut TenantTx, actor: &Actor, session_id: Uuid) -> Result<Session, ApiError> {
    let found = tx.find_session(session_id, maker(actor)).await?;
    let session = found.ok_or_else(|| ApiError::not_found("session"))?;
    note_reading(tx, actor, session.created_by, "session", session.session_id).await?;
    Ok(session)
}
