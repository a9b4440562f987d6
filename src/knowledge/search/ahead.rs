//! A search that is under way while its question is being stored, so that an answer need not wait for one after the other.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::question_vectors::QuestionVectors;
use super::{Scope, Search, SearchError, SearchQuery, SearchResult};
use crate::kernel::ids::TenantId;
use crate::telemetry::traced_apart;

/// What came of embedding, and how long that took.
type Timed = (Result<QuestionVectors, SearchError>, Duration);

/// The vector of a text, under way before it is known where it is searched.
#[derive(Debug)]
pub struct EmbeddedAhead {
    text: String,
    vectors: JoinHandle<Timed>,
}

/// A search for a text, under way.
#[derive(Debug)]
pub struct SearchedAhead {
    text: String,
    limit: usize,
    found: JoinHandle<Result<SearchResult, SearchError>>,
}

impl EmbeddedAhead {
    /// What there is for a text; `None` when it is another one, or when it ended without a word.
    pub(super) async fn of(self, text: &str) -> Option<Timed> {
        if self.text == text { self.vectors.await.ok() } else { None }
    }
}

impl Search {
    /// Begins to embed a text with the database's own model; not for a tenant whose searches may read vectors of others.
    pub fn embed_ahead(
        &self,
        tasks: &TaskTracker,
        tenant: TenantId,
        text: &str,
    ) -> Option<EmbeddedAhead> {
        if self.must_ask_for_models(tenant) {
            return None;
        }
        let (search, asked) = (self.clone(), text.to_owned());
        let span = traced_apart!("embed ahead");
        let embed = async move {
            let began = Instant::now();
            let vectors = search.embed_by_own(&asked).await;
            (vectors, began.elapsed())
        };
        Some(EmbeddedAhead { text: text.to_owned(), vectors: tasks.spawn(embed.instrument(span)) })
    }

    /// Begins to search; with the vector that is under way, if there is one.
    pub fn search_ahead(
        &self,
        tasks: &TaskTracker,
        scope: Scope,
        text: &str,
        limit: usize,
        embedded: Option<EmbeddedAhead>,
    ) -> SearchedAhead {
        let query = SearchQuery { scope, text: text.to_owned(), limit };
        let search = self.clone();
        let span = traced_apart!("search ahead");
        let find = async move { search.find_embedded(&query, embedded).await };
        SearchedAhead { text: text.to_owned(), limit, found: tasks.spawn(find.instrument(span)) }
    }

    /// What a search finds: the one under way when it is for the same text. Its scope must be the same.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub async fn find_ahead(
        &self,
        query: &SearchQuery,
        ahead: Option<SearchedAhead>,
    ) -> Result<SearchResult, SearchError> {
        let is_same =
            |ahead: &SearchedAhead| ahead.text == query.text && ahead.limit == query.limit;
        if let Some(ahead) = ahead.filter(is_same) {
            // It ended without a word when it panicked: then the caller's own try tells.
            if let Ok(found) = ahead.found.await {
                return found;
            }
        }
        self.find(query).await
    }
}
