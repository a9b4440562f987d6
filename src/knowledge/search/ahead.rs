//! A search that is under way while its question is being stored, so that an answer need not wait for one after the other.

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{Scope, Search, SearchError, SearchQuery, SearchResult};
use crate::telemetry::traced_apart;

/// A search for a text, under way.
#[derive(Debug)]
pub struct SearchedAhead {
    text: String,
    limit: usize,
    found: JoinHandle<Result<SearchResult, SearchError>>,
}

impl Search {
    /// Begins to search.
    pub fn search_ahead(
        &self,
        tasks: &TaskTracker,
        scope: Scope,
        text: &str,
        limit: usize,
    ) -> SearchedAhead {
        let query = SearchQuery { scope, text: text.to_owned(), limit };
        let search = self.clone();
        let span = traced_apart!("search ahead");
        let found = tasks.spawn(async move { search.find(&query).await }.instrument(span));
        SearchedAhead { text: text.to_owned(), limit, found }
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
