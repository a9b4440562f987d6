//! `/v1/platform/dead_letters`: messages that no worker came to an end with, for the operator. The queue has no walls between
//! tenants, so that no tenant looks into it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use crate::adapters::queue::{DeadLetter, Queue, QueueError};
use crate::db::Db;
use crate::identity::api::OperatorCaller;
use crate::knowledge::Receiver;
use crate::knowledge::redrive_message::{discard_message, redrive_message};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::spec::Tag;

/// Letters that are listed when nobody says.
const DEFAULT_LIMIT: u32 = 50;

/// A message that was set aside.
#[derive(Debug, Object)]
#[oai(rename = "DeadLetter", skip_serializing_if_is_none)]
pub struct DeadLetterView {
    /// Id of the message.
    id: Uuid,
    /// Name of the job, e.g. `ingest_version`.
    #[oai(validator(max_length = 100))]
    kind: String,
    /// Tenant in whose name it runs.
    tenant_id: Uuid,
    /// What it is about, e.g. the ingestion job.
    subject_id: Uuid,
    /// How often it was handed to a worker.
    receives: i64,
    /// When it was set aside, where the queue knows.
    dead_at: Option<DateTime<Utc>>,
}

/// Messages that were set aside.
#[derive(Debug, Object)]
pub struct DeadLetterList {
    /// The last one first. To see more than a page, redrive or delete these.
    #[oai(validator(max_items = 100))]
    items: Vec<DeadLetterView>,
}

#[derive(ApiResponse)]
enum DoneResponse {
    /// It is no dead letter any more.
    #[oai(status = 204)]
    Done,
}

/// Operations of the operator on dead letters.
pub struct DeadLettersApi {
    /// The database.
    pub db: Db,
    /// The queue.
    pub queue: Arc<dyn Queue>,
    /// Wakes the worker.
    pub receiver: Receiver,
}

#[OpenApi(prefix_path = "/v1/platform", tag = "Tag::Platform")]
impl DeadLettersApi {
    /// List dead letters
    ///
    /// Messages that were handed to workers too often and are set aside: ids only, nothing of what a tenant stores. Needs a
    /// key of the operator.
    #[oai(path = "/dead_letters", method = "get", operation_id = "list_dead_letters")]
    async fn list_dead_letters(
        &self,
        caller: OperatorCaller,
        /// Most letters of the answer.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
    ) -> Result<Json<DeadLetterList>, ApiError> {
        tracing::debug!(operator = %caller.0.operator_key_id, "listing dead letters");
        let letters = self.queue.dead(limit.0.unwrap_or(DEFAULT_LIMIT)).await?;
        Ok(Json(DeadLetterList { items: letters.into_iter().map(Into::into).collect() }))
    }

    /// Redrive a dead letter
    ///
    /// Gives a message back to the workers, and lets the document that was given up because of it begin again. Needs a key of
    /// the operator.
    #[oai(
        path = "/dead_letters/:dead_letter_id/redrive",
        method = "post",
        operation_id = "redrive_dead_letter"
    )]
    async fn redrive_dead_letter(
        &self,
        caller: OperatorCaller,
        /// Id of the message.
        dead_letter_id: Path<Uuid>,
    ) -> Result<DoneResponse, ApiError> {
        let id = dead_letter_id.0;
        let found = redrive_message(&self.db, &*self.queue, &caller.0, id).await?;
        self.receiver.wake_worker();
        done(found)
    }

    /// Delete a dead letter
    ///
    /// Removes a message for good. A document that was given up because of it stays so; its tenant may retry the job. Needs
    /// a key of the operator.
    #[oai(
        path = "/dead_letters/:dead_letter_id",
        method = "delete",
        operation_id = "delete_dead_letter"
    )]
    async fn delete_dead_letter(
        &self,
        caller: OperatorCaller,
        /// Id of the message.
        dead_letter_id: Path<Uuid>,
    ) -> Result<DoneResponse, ApiError> {
        done(discard_message(&self.db, &*self.queue, &caller.0, dead_letter_id.0).await?)
    }
}

fn done(found: bool) -> Result<DoneResponse, ApiError> {
    if found { Ok(DoneResponse::Done) } else { Err(ApiError::not_found("dead letter")) }
}

impl From<DeadLetter> for DeadLetterView {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.message.message_id,
            kind: letter.message.kind,
            tenant_id: letter.message.tenant.uuid(),
            subject_id: letter.message.subject_id,
            receives: letter.receives.into(),
            dead_at: letter.dead_at,
        }
    }
}

impl From<QueueError> for ApiError {
    fn from(error: QueueError) -> Self {
        tracing::warn!(error = &error as &dyn std::error::Error, "the queue failed");
        Self::new(ProblemCode::Unavailable, "the queue cannot be reached; try again")
    }
}
