//! Finds passages: by meaning and by words, fused by reciprocal rank. Every result can explain itself.

mod ahead;
mod fuse;
mod question_vectors;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;
use tracing::Instrument;
use uuid::Uuid;

pub use ahead::{EmbeddedAhead, SearchedAhead};
pub use fuse::Ranks;

use self::question_vectors::QuestionVectors;
use super::embedders::Embedders;
use super::reach::{Reach, Reader};
use super::store::attachments::UnreadAttachment;
use super::store::search::{DenseMatch, IndexPart, IndexSurvey, Passage, SearchFilter};
use crate::adapters::embeddings::{Embedder, EmbeddingError};
use crate::db::{self, Db, TenantTx};
use crate::kernel::ids::{TenantId, attachments_of};
use crate::kernel::terms;
use crate::telemetry::metrics::metrics;
use crate::telemetry::traced;

/// How search weighs and how far it looks.
#[derive(Clone, Copy, Debug)]
pub struct SearchSettings {
    /// Passages that each of the two searches brings to the fusion.
    pub candidates: i64,
    /// Weight of the search by words, the search by meaning having 1.
    pub lexical_weight: f64,
}

/// Whose documentation is searched, and which part of it.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Tenant.
    pub tenant: TenantId,
    /// Who reads.
    pub reader: Reader,
    /// These collections only; all that the reader reaches when empty.
    pub collection_ids: Vec<Uuid>,
    /// Documents whose metadata contain this object only.
    pub metadata: Option<Value>,
    /// The attachments of this session too, for whoever may ask in it.
    pub session_id: Option<Uuid>,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub struct SearchQuery {
    /// Where.
    pub scope: Scope,
    /// The question, in plain words.
    pub text: String,
    /// Passages wanted.
    pub limit: usize,
}

/// A passage that was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The passage, which all who work on an answer share.
    pub passage: Arc<Passage>,
    /// How it was found.
    pub ranks: Ranks,
    /// Terms of the question that stand in it.
    pub terms: Vec<String>,
}

/// What search found, and how.
#[derive(Clone, Debug)]
pub struct SearchResult {
    /// Passages, best first.
    pub hits: Vec<Hit>,
    /// Terms of the question.
    pub terms: Vec<String>,
    /// Passages that were searched.
    pub searched_chunks: i64,
    /// Candidates of the search by meaning.
    pub dense_candidates: usize,
    /// Candidates of the search by words.
    pub lexical_candidates: usize,
    /// Attachments of the session that could not be searched as they were sent.
    pub unread: Vec<UnreadAttachment>,
    /// Milliseconds: embedding the question, both searches, reading the passages.
    pub times_ms: [f64; 4],
}

/// Why nothing could be searched.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The question could not be embedded.
    #[error("embedding the question failed")]
    Embedding(#[from] EmbeddingError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// A collection that there is not, or that the reader does not reach.
    #[error("there is no such collection")]
    UnknownCollection,
}

/// The search service.
#[derive(Clone)]
pub struct Search {
    db: Db,
    embedders: Embedders,
    settings: SearchSettings,
    /// Tenants of which this process has met a collection whose searches read vectors of another model than the database's own,
    /// and has not seen since that there is none any more.
    with_others: Arc<Mutex<HashSet<TenantId>>>,
}

impl Search {
    /// A search over `db` with the embedder that its passages were embedded with.
    pub fn new(db: Db, embedder: Arc<dyn Embedder>, settings: SearchSettings) -> Self {
        let embedders = Embedders::of(embedder);
        Self { db, embedders, settings, with_others: Arc::default() }
    }

    /// The same search with more embedders, for collections that were re-embedded.
    #[must_use]
    pub fn with_embedders(self, embedders: Embedders) -> Self {
        Self { embedders, ..self }
    }

    /// Finds the passages that answer best.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub async fn find(&self, query: &SearchQuery) -> Result<SearchResult, SearchError> {
        self.find_embedded(query, None).await
    }

    async fn find_embedded(
        &self,
        query: &SearchQuery,
        embedded: Option<EmbeddedAhead>,
    ) -> Result<SearchResult, SearchError> {
        let span = traced!(
            "retrieval",
            retrieval.limit = query.limit,
            retrieval.searched_chunks = tracing::field::Empty,
            retrieval.dense_candidates = tracing::field::Empty,
            retrieval.lexical_candidates = tracing::field::Empty,
        );
        let found = self.look(query, embedded).instrument(span.clone()).await?;
        span.record("retrieval.searched_chunks", found.searched_chunks);
        span.record("retrieval.dense_candidates", found.dense_candidates);
        span.record("retrieval.lexical_candidates", found.lexical_candidates);
        metrics().retrieval(found.dense_candidates, found.lexical_candidates, found.times_ms);
        Ok(found)
    }

    async fn look(
        &self,
        query: &SearchQuery,
        embedded: Option<EmbeddedAhead>,
    ) -> Result<SearchResult, SearchError> {
        let started = Instant::now();
        let ahead = match embedded {
            Some(embedded) => embedded.of(&query.text).await,
            None => None,
        };
        // Before the transaction: it is never held across a call to a model.
        let (expected, mut embedding) = match ahead {
            Some(timed) => timed,
            None => {
                let expected = self.embed_expected(&query.scope, &query.text).await;
                (expected, started.elapsed())
            }
        };
        let mut vectors = match expected {
            // It may be a model that is not needed any more: those that are, are asked below, where a fault counts.
            Err(SearchError::Embedding(_)) if self.embedders.are_several() => {
                QuestionVectors::new()
            }
            expected => expected?,
        };
        let mut embedded = Instant::now();
        let terms = terms::query_terms(&query.text);
        let (mut tx, survey) = loop {
            // One snapshot: a version that is replaced between two statements would be found twice or not at all, and a
            // collection that is switched to another model would be searched half by the one and half by the other.
            let mut tx = self.db.tenant_search(query.scope.tenant).await?;
            let survey = survey(&mut tx, &query.scope).await?;
            let missing = self.missing_models(query.scope.tenant, &survey, &vectors);
            if missing.is_empty() {
                break (tx, survey);
            }
            drop(tx);
            let began = Instant::now();
            self.embed_with(&missing, &query.text, &mut vectors).await?;
            embedded = Instant::now();
            embedding += embedded - began;
        };
        let size = survey.size();
        let IndexSurvey { collection_ids, parts, .. } = survey;
        let filter = SearchFilter { collection_ids, metadata: query.scope.metadata.clone() };
        let unread = unread(&mut tx, query.scope.session_id, &filter).await?;
        let candidates = self.settings.candidates;
        let dense = self
            .search_dense(&mut tx, &filter, &parts, &vectors)
            .instrument(traced!("search dense"))
            .await?;
        let dense_done = Instant::now();
        let lexical = tx
            .search_lexical(&filter, &terms, size, candidates)
            .instrument(traced!("search lexical"))
            .await?;
        let lexical_done = Instant::now();

        let ranked = traced!("fuse")
            .in_scope(|| fuse::fuse(&dense, &lexical, self.settings.lexical_weight, query.limit));
        let ids: Vec<Uuid> = ranked.iter().map(|(id, _)| *id).collect();
        let passages = tx.list_passages(&ids).instrument(traced!("read passages")).await?;
        drop(tx);

        let mut passages: HashMap<Uuid, Passage> =
            passages.into_iter().map(|passage| (passage.chunk_id, passage)).collect();
        let mut matched: HashMap<Uuid, Vec<String>> =
            lexical.iter().map(|found| (found.chunk_id, found.terms.clone())).collect();
        let hits = ranked
            .into_iter()
            .filter_map(|(id, ranks)| {
                let passage = passages.remove(&id)?;
                let passage = Arc::new(passage);
                Some(Hit { passage, ranks, terms: matched.remove(&id).unwrap_or_default() })
            })
            .collect();
        let millis = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1_000.0;
        Ok(SearchResult {
            hits,
            terms,
            searched_chunks: size.chunks,
            dense_candidates: dense.iter().map(Vec::len).sum(),
            lexical_candidates: lexical.len(),
            unread,
            times_ms: [
                embedding.as_secs_f64() * 1_000.0,
                millis(embedded, dense_done),
                millis(dense_done, lexical_done),
                millis(lexical_done, Instant::now()),
            ],
        })
    }

    /// Models that the search of these collections needs and that the question was not embedded with.
    fn missing_models(
        &self,
        tenant: TenantId,
        survey: &IndexSurvey,
        vectors: &QuestionVectors,
    ) -> Vec<String> {
        let parts = &survey.parts;
        if parts.iter().any(|part| part.embedding_model.is_some()) {
            self.with_others.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
        } else if survey.has_all {
            // There are none any more, and nobody need look before the search does.
            self.with_others.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
        }
        let needed = parts.iter().filter(|part| part.chunks > 0).map(|part| self.model_of(part));
        needed.filter(|model| !vectors.contains_key(*model)).map(str::to_owned).collect()
    }

    fn model_of<'a>(&'a self, part: &'a IndexPart) -> &'a str {
        part.embedding_model.as_deref().unwrap_or_else(|| self.embedders.own_model())
    }

    /// Passages nearest in meaning, a list for each model: only vectors of one model can be compared.
    async fn search_dense(
        &self,
        tx: &mut TenantTx,
        filter: &SearchFilter,
        parts: &[IndexPart],
        vectors: &QuestionVectors,
    ) -> db::Result<Vec<Vec<DenseMatch>>> {
        let most = self.settings.candidates;
        let is_mixed = parts.iter().any(|part| part.embedding_model.is_some());
        let mut found = Vec::new();
        for part in parts {
            let model = self.model_of(part);
            // Nothing is there to be searched.
            let Some(vector) = vectors.get(model) else { continue };
            let mut filter = filter.clone();
            if is_mixed {
                filter.collection_ids = Some(part.collection_ids.clone());
            }
            found.push(if self.embedders.is_own(model) {
                tx.search_dense(&filter, model, vector, most).await?
            } else {
                tx.search_dense_beside(&filter, model, vector, most).await?
            });
        }
        Ok(found)
    }
}

/// What is there of a scope, and how much.
async fn survey(tx: &mut TenantTx, scope: &Scope) -> Result<IndexSurvey, SearchError> {
    let named = searched_collections(tx, scope).await?;
    let attachments = scope.session_id.map(attachments_of);
    Ok(tx.survey_index(named.as_deref(), attachments).await?)
}

/// Attachments of the session that are not in search; asked only when there is a collection of any.
async fn unread(
    tx: &mut TenantTx,
    session_id: Option<Uuid>,
    filter: &SearchFilter,
) -> db::Result<Vec<UnreadAttachment>> {
    let searched = filter.collection_ids.as_deref().unwrap_or_default();
    match session_id.map(attachments_of).filter(|id| searched.contains(id)) {
        Some(id) => tx.list_unread_attachments(id).await,
        None => Ok(Vec::new()),
    }
}

/// Collections of documentation to search: those named, else those within reach, else all. A reader who reaches everything costs no look;
/// for anybody else the sizes and the statistics are those of what they reach too.
async fn searched_collections(
    tx: &mut TenantTx,
    scope: &Scope,
) -> Result<Option<Vec<Uuid>>, SearchError> {
    let reach = Reach::of(tx, &scope.reader).await?;
    let mut named = scope.collection_ids.clone();
    named.sort_unstable();
    named.dedup();
    if !tx.has_collections(&reach, &named).await? {
        return Err(SearchError::UnknownCollection);
    }
    Ok(match named.is_empty() {
        false => Some(named),
        true if reach.is_limited() => Some(tx.list_reached_collections(&reach).await?),
        true => None,
    })
}
