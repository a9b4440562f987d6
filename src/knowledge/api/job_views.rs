//! Jobs of ingestion as they are shown.

use chrono::{DateTime, Utc};
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use super::documents::{Failure, StateName};
use crate::db::{self, PlaceInLine, TenantTx};
use crate::knowledge::INGEST_VERSION;
use crate::knowledge::store::jobs::{Attempt, Job};

/// Where the work on a job is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "IngestionQueueState", rename_all = "snake_case")]
pub enum QueueStateName {
    /// In the tenant's part of the waiting line.
    Waiting,
    /// Handed to the workers: one has it, or the next that is free.
    HandedOver,
}

/// Where a job is in the queue.
#[derive(Debug, Object)]
#[oai(rename = "IngestionQueuePlace", skip_serializing_if_is_none)]
pub struct QueuePlaceView {
    /// Where it is.
    state: QueueStateName,
    /// Jobs of the tenant that go before it, itself counted; absent once it was handed over.
    position: Option<i64>,
}

/// One attempt of a worker.
#[derive(Debug, Object)]
#[oai(rename = "IngestionAttempt", skip_serializing_if_is_none)]
pub struct AttemptView {
    /// Counts from 1 within the job, retries included.
    number: i32,
    /// The last stage that it reached; `ready` when it went through.
    stage: StateName,
    /// Why it ended early; absent when it went through or goes on.
    failure: Option<Failure>,
    /// Milliseconds of reading the file; absent when it did not come to the end of that.
    parse_ms: Option<i32>,
    /// Milliseconds of cutting it into passages.
    chunk_ms: Option<i32>,
    /// Milliseconds of embedding the passages.
    embed_ms: Option<i32>,
    /// Milliseconds of writing the index.
    index_ms: Option<i32>,
    /// When it began.
    started_at: DateTime<Utc>,
    /// When it ended; absent while it goes on.
    ended_at: Option<DateTime<Utc>>,
}

/// The work on one version of a document, from its upload to search.
#[derive(Debug, Object)]
#[oai(rename = "IngestionJob", skip_serializing_if_is_none)]
pub struct JobView {
    /// Id of the job, which is that of the version.
    id: Uuid,
    /// Document that it is a version of.
    document_id: Uuid,
    /// Collection of the document.
    collection_id: Uuid,
    /// Name of the document.
    #[oai(validator(max_length = 1000))]
    document_name: String,
    /// Number of the version within the document.
    version_number: i32,
    /// Where it stands. `ready`, `superseded`, `failed` and `cancelled` are final.
    state: StateName,
    /// Why it was given up.
    failure: Option<Failure>,
    /// How often a worker began.
    attempt_count: i32,
    /// When the next attempt is due, after one that failed; absent when none is.
    next_attempt_at: Option<DateTime<Utc>>,
    /// Where it is in the queue; absent in lists, and when there is nothing left to do.
    queue: Option<QueuePlaceView>,
    /// The latest attempts, oldest first; absent in lists and in events.
    #[oai(validator(max_items = 100))]
    attempts: Option<Vec<AttemptView>>,
    /// When the version was received.
    created_at: DateTime<Utc>,
    /// When the job came to its end.
    ended_at: Option<DateTime<Utc>>,
}

/// A page of jobs.
#[derive(Debug, Object)]
#[oai(rename = "IngestionJobList", skip_serializing_if_is_none)]
pub struct JobList {
    /// Jobs, newest first.
    #[oai(validator(max_items = 100))]
    pub items: Vec<JobView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub next_cursor: Option<String>,
}

impl JobView {
    /// A job with its attempts and its place in the queue.
    ///
    /// # Errors
    /// The database failed.
    pub async fn whole(tx: &mut TenantTx, job: Job) -> db::Result<Self> {
        let place = match job.is_over() {
            true => None,
            false => tx.find_place_in_line(INGEST_VERSION, job.version_id).await?,
        };
        let attempts = tx.list_attempts(job.version_id).await?.into_iter();
        Ok(Self {
            queue: place.map(Into::into),
            attempts: Some(attempts.map(TryInto::try_into).collect::<db::Result<_>>()?),
            ..Self::try_from(job)?
        })
    }
}

impl TryFrom<Job> for JobView {
    type Error = db::Error;

    fn try_from(job: Job) -> db::Result<Self> {
        let waits = job.state == "received" && job.attempts > 0;
        Ok(Self {
            id: job.version_id,
            document_id: job.document_id,
            collection_id: job.collection_id,
            document_name: job.name,
            version_number: job.number,
            state: StateName::from_row(&job.state)?,
            failure: Failure::from_row(job.failure_code, job.failure_detail),
            attempt_count: job.attempts,
            next_attempt_at: job.next_attempt_at.filter(|_| waits),
            queue: None,
            attempts: None,
            created_at: job.created_at,
            ended_at: job.ended_at,
        })
    }
}

impl TryFrom<Attempt> for AttemptView {
    type Error = db::Error;

    fn try_from(attempt: Attempt) -> db::Result<Self> {
        Ok(Self {
            number: attempt.number,
            stage: StateName::from_row(&attempt.stage)?,
            failure: Failure::from_row(attempt.failure_code, attempt.failure_detail),
            parse_ms: attempt.parse_ms,
            chunk_ms: attempt.chunk_ms,
            embed_ms: attempt.embed_ms,
            index_ms: attempt.index_ms,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
        })
    }
}

impl From<PlaceInLine> for QueuePlaceView {
    fn from(PlaceInLine { place }: PlaceInLine) -> Self {
        let state =
            if place.is_some() { QueueStateName::Waiting } else { QueueStateName::HandedOver };
        Self { state, position: place }
    }
}
