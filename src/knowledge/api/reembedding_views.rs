//! Re-embeddings as they are asked for and shown, and what is told of their faults.

use chrono::{DateTime, Utc};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use crate::db;
use crate::knowledge::reembeddings::ReembeddingError;
use crate::knowledge::store::reembeddings::Reembedding;
use crate::web::problem::{ApiError, ProblemCode};

/// Where a re-embedding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "ReembeddingState", rename_all = "snake_case")]
pub enum ReembeddingStateName {
    /// It waits for a worker.
    Queued,
    /// New vectors are made; searches read the old ones.
    Running,
    /// Every passage has both; searches read the old ones. Switch, or cancel.
    Ready,
    /// Searches read the new ones; the old ones are kept, so that it can be rolled back.
    Switched,
    /// Searches read the new ones, and the old ones are gone.
    Completed,
    /// It was given up; `failure` says why. Searches read the old ones.
    Failed,
    /// Somebody ended it; searches read the old ones.
    Cancelled,
}

/// What was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ShadowRecallSource {
    /// The last questions that were asked of the collection.
    Questions,
    /// Texts of its passages, as nobody had asked anything.
    Passages,
}

/// A change of the embedding model to be begun.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct ReembeddingCreate {
    /// The new model: one of `embedding_models` of the list.
    #[oai(validator(min_length = 1, max_length = 300))]
    pub(super) embedding_model: String,
}

impl Example for ReembeddingCreate {
    fn example() -> Self {
        Self { embedding_model: "amazon.titan-embed-text-v2:0@256".to_owned() }
    }
}

/// How far a re-embedding is.
#[derive(Debug, Object)]
pub struct ReembeddingProgress {
    /// Passages that have vectors of the new model.
    chunks_done: i64,
    /// Passages of the collection, when they were last counted.
    chunks_total: i64,
}

/// How the nearest passages by the new vectors compare with those by the old ones.
#[derive(Debug, Object)]
#[oai(rename = "ShadowRecall", skip_serializing_if_is_none)]
pub struct ShadowRecallView {
    /// Mean share, 0 to 1, of the nearest passages by the old vectors that are among the nearest by the new ones; absent when
    /// there was nothing to compare.
    overlap: Option<f64>,
    /// How many of the nearest passages were compared.
    depth: i32,
    /// For how many questions.
    sample_size: i32,
    /// For which ones.
    source: ShadowRecallSource,
}

/// Why a re-embedding was given up.
#[derive(Debug, Object)]
pub struct ReembeddingFailure {
    /// For programs: `embedding_failed` or `worker_lost`.
    #[oai(validator(max_length = 100))]
    code: String,
    /// For people.
    #[oai(validator(max_length = 2000))]
    detail: String,
}

/// A change of the embedding model of a collection.
#[derive(Debug, Object)]
#[oai(rename = "Reembedding", skip_serializing_if_is_none)]
pub struct ReembeddingView {
    /// Id.
    id: Uuid,
    /// The collection.
    collection_id: Uuid,
    /// Model whose vectors searches read when it began.
    from_model: String,
    /// Model that takes its place.
    to_model: String,
    /// Where it stands.
    state: ReembeddingStateName,
    /// How far it is.
    progress: ReembeddingProgress,
    /// How the new vectors compare with the old ones; absent until it is ready.
    shadow_recall: Option<ShadowRecallView>,
    /// Why it was given up; absent when it was not.
    failure: Option<ReembeddingFailure>,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// When a worker first took it.
    started_at: Option<DateTime<Utc>>,
    /// When every passage had both vectors.
    ready_at: Option<DateTime<Utc>>,
    /// When searches began to read the new ones; absent when they do not.
    switched_at: Option<DateTime<Utc>>,
    /// From then on vectors are removed for good: of one that is switched the old ones. Absent when none are to be.
    removal_at: Option<DateTime<Utc>>,
    /// When it was over.
    finished_at: Option<DateTime<Utc>>,
}

/// A page of re-embeddings, with the models that there are.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ReembeddingList {
    /// Re-embeddings, newest first.
    #[oai(validator(max_items = 100))]
    pub(super) items: Vec<ReembeddingView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub(super) next_cursor: Option<String>,
    /// Model whose vectors searches of the collection read.
    #[oai(validator(max_length = 300))]
    pub(super) embedding_model: String,
    /// Models that the server can embed a collection with.
    #[oai(validator(max_items = 10))]
    pub(super) embedding_models: Vec<String>,
}

impl TryFrom<Reembedding> for ReembeddingView {
    type Error = db::Error;

    fn try_from(row: Reembedding) -> db::Result<Self> {
        let state = match row.state.as_str() {
            "queued" => ReembeddingStateName::Queued,
            "running" => ReembeddingStateName::Running,
            "ready" => ReembeddingStateName::Ready,
            "switched" => ReembeddingStateName::Switched,
            "completed" => ReembeddingStateName::Completed,
            "failed" => ReembeddingStateName::Failed,
            "cancelled" => ReembeddingStateName::Cancelled,
            other => return Err(unknown(other)),
        };
        let source = match row.recall_source.as_deref() {
            None => None,
            Some("questions") => Some(ShadowRecallSource::Questions),
            Some("passages") => Some(ShadowRecallSource::Passages),
            Some(other) => return Err(unknown(other)),
        };
        let compared = source.zip(row.recall_sample.zip(row.recall_depth));
        let failure = row.failure_code.zip(row.failure_detail);
        Ok(Self {
            id: row.reembedding_id,
            collection_id: row.collection_id,
            from_model: row.from_model,
            to_model: row.to_model,
            state,
            progress: ReembeddingProgress {
                chunks_done: row.chunks_done,
                chunks_total: row.chunks_total,
            },
            shadow_recall: compared.map(|(source, (sample_size, depth))| ShadowRecallView {
                overlap: row.recall_overlap,
                depth,
                sample_size,
                source,
            }),
            failure: failure.map(|(code, detail)| ReembeddingFailure { code, detail }),
            created_at: row.created_at,
            started_at: row.started_at,
            ready_at: row.ready_at,
            switched_at: row.switched_at,
            removal_at: row.drop_at,
            finished_at: row.finished_at,
        })
    }
}

fn unknown(value: &str) -> db::Error {
    let detail = format!("\"{value}\" is not one of the names");
    db::Error::Inconsistent { table: "reembeddings", detail }
}

impl From<ReembeddingError> for ApiError {
    fn from(error: ReembeddingError) -> Self {
        let text = error.to_string();
        match error {
            ReembeddingError::UnknownCollection => Self::not_found("collection"),
            ReembeddingError::Unknown => Self::not_found("re-embedding"),
            ReembeddingError::UnknownModel(_) | ReembeddingError::SameModel => {
                Self::invalid("/embedding_model", text)
            }
            ReembeddingError::Live { .. }
            | ReembeddingError::BeingFilled
            | ReembeddingError::State { .. }
            | ReembeddingError::Lacking => Self::new(ProblemCode::Conflict, text),
            ReembeddingError::Model(_) => Self::new(ProblemCode::Unavailable, text),
            ReembeddingError::Database(error) => error.into(),
        }
    }
}
