//! `/v1/search`.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde_json::Value;
use uuid::Uuid;

use super::upload::check_metadata;
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::knowledge::{Hit, Scope, Search, SearchError, SearchQuery, SearchResult};
use crate::web::body::JsonBody;
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

/// What to look for, and where.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct SearchRequest {
    /// The question, in plain words.
    #[oai(validator(min_length = 1, max_length = 4000))]
    query: String,
    /// Passages wanted; 10 when absent.
    #[oai(validator(minimum(value = "1"), maximum(value = "50")))]
    limit: Option<u32>,
    /// Search these collections only; all when absent or empty.
    #[oai(validator(max_items = 50))]
    collection_ids: Option<Vec<Uuid>>,
    /// Search documents whose metadata contain this object only.
    metadata: Option<Value>,
    /// Also tell how each passage was found.
    explain: Option<bool>,
}

impl Example for SearchRequest {
    fn example() -> Self {
        Self {
            query: "How do I create an API key?".to_owned(),
            limit: Some(3),
            collection_ids: None,
            metadata: None,
            explain: Some(true),
        }
    }
}

/// A passage that was found.
#[derive(Debug, Object)]
#[oai(rename = "SearchHit", skip_serializing_if_is_none)]
pub struct HitView {
    /// Id of the passage.
    chunk_id: Uuid,
    /// Document that it stands in.
    document_id: Uuid,
    /// Name of the document.
    #[oai(validator(max_length = 1000))]
    document_name: String,
    /// Title of the document.
    #[oai(validator(max_length = 2000))]
    document_title: String,
    /// Version that it was read from.
    version_id: Uuid,
    /// Number of that version.
    version_number: i32,
    /// Headings above it, outermost first.
    #[oai(validator(max_items = 20))]
    heading_path: Vec<String>,
    /// Where a reader finds it: address of the original with the anchor.
    #[oai(validator(max_length = 2500))]
    url: Option<String>,
    /// Page of the original on which it begins, from 1; absent for formats without pages.
    page: Option<i32>,
    /// First character in the extracted text of the version, from 0.
    char_start: i32,
    /// Character after the last one.
    char_end: i32,
    /// The passage.
    #[oai(validator(max_length = 20000))]
    text: String,
    /// Reciprocal rank fusion of both searches; comparable within one answer only.
    score: f64,
    /// How it was found, when asked for.
    explanation: Option<HitExplanation>,
}

/// How a passage was found.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct HitExplanation {
    /// Place in the search by meaning, from 1; absent when it was not among its candidates.
    pub dense_rank: Option<i32>,
    /// Cosine similarity of its best window, -1 to 1.
    pub similarity: Option<f64>,
    /// Place in the search by words, from 1; absent when it was not among its candidates.
    pub lexical_rank: Option<i32>,
    /// BM25 score.
    pub lexical_score: Option<f64>,
    /// Terms of the question that stand in it.
    #[oai(validator(max_items = 1000))]
    pub matched_terms: Vec<String>,
}

/// How the whole search went.
#[derive(Debug, Object)]
pub struct SearchExplanation {
    /// Terms of the question.
    #[oai(validator(max_items = 1000))]
    pub terms: Vec<String>,
    /// Passages that were searched.
    pub searched_chunks: i64,
    /// Passages that the search by meaning brought.
    pub dense_candidates: u32,
    /// Passages that the search by words brought.
    pub lexical_candidates: u32,
    /// Milliseconds to embed the question.
    pub embed_ms: f64,
    /// Milliseconds of the search by meaning.
    pub dense_ms: f64,
    /// Milliseconds of the search by words.
    pub lexical_ms: f64,
    /// Milliseconds to fuse and to read the passages.
    pub fuse_ms: f64,
}

/// What was found.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct SearchResponse {
    /// Passages, best first.
    #[oai(validator(max_items = 50))]
    items: Vec<HitView>,
    /// How the whole search went, when asked for.
    explanation: Option<SearchExplanation>,
}

/// Operations that find passages.
pub struct SearchApi {
    /// The search.
    pub search: Search,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Search")]
impl SearchApi {
    /// Search passages
    ///
    /// Finds the passages that answer a question best, by meaning and by words, fused by reciprocal rank. With
    /// `explain` each stage tells what it found.
    #[oai(path = "/search", method = "post", operation_id = "search_passages")]
    async fn search_passages(
        &self,
        caller: Caller,
        body: JsonBody<SearchRequest>,
    ) -> Result<Json<SearchResponse>, ApiError> {
        let actor = caller.require(Action::Search)?;
        let SearchRequest { query, limit, collection_ids, metadata, explain } = body.0;
        metadata.as_ref().map(check_metadata).transpose()?;
        let query = SearchQuery {
            scope: Scope {
                tenant: actor.tenant,
                reader: actor.into(),
                collection_ids: collection_ids.unwrap_or_default(),
                metadata,
                session_id: None,
            },
            text: readable_text("/query", &query)?,
            limit: limit.unwrap_or(10) as usize,
        };
        let found = self.search.find(&query).await?;
        Ok(Json(view(found, explain.unwrap_or(false))))
    }
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::UnknownCollection => Self::not_found("collection"),
            SearchError::Database(error) => error.into(),
            SearchError::Embedding(error) if error.is_retryable() => {
                Self::new(ProblemCode::Unavailable, "the embedding model is busy; try again")
            }
            SearchError::Embedding(error) => Self::internal(error),
        }
    }
}

fn view(found: SearchResult, explain: bool) -> SearchResponse {
    let [embed_ms, dense_ms, lexical_ms, fuse_ms] = found.times_ms;
    let explanation = explain.then(|| SearchExplanation {
        terms: found.terms.clone(),
        searched_chunks: found.searched_chunks,
        dense_candidates: u32::try_from(found.dense_candidates).unwrap_or(u32::MAX),
        lexical_candidates: u32::try_from(found.lexical_candidates).unwrap_or(u32::MAX),
        embed_ms,
        dense_ms,
        lexical_ms,
        fuse_ms,
    });
    let items = found.hits.into_iter().map(|hit| hit_view(hit, explain)).collect();
    SearchResponse { items, explanation }
}

fn hit_view(hit: Hit, explain: bool) -> HitView {
    let Hit { passage, ranks, terms } = hit;
    let passage = Arc::unwrap_or_clone(passage);
    HitView {
        url: passage.url(),
        chunk_id: passage.chunk_id,
        document_id: passage.document_id,
        document_name: passage.document_name,
        document_title: passage.document_title,
        version_id: passage.version_id,
        version_number: passage.version_number,
        heading_path: passage.heading_path,
        page: passage.page,
        char_start: passage.char_start,
        char_end: passage.char_end,
        text: passage.body,
        score: ranks.fused,
        explanation: explain.then_some(HitExplanation {
            dense_rank: ranks.dense_rank,
            similarity: ranks.similarity,
            lexical_rank: ranks.lexical_rank,
            lexical_score: ranks.lexical_score,
            matched_terms: terms,
        }),
    }
}
