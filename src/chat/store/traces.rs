//! Rows of `run_traces`, and what a trace tells of runs and their candidates.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::adapters::models::Attempt;
use crate::chat::trace::RunTrace;
use crate::db::{self, TenantTx};
use crate::knowledge::UnreadAttachment;

/// What search found for a run.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Place after fusion, from 1.
    pub rank: i32,
    /// Passage; it may be gone since.
    pub chunk_id: Uuid,
    /// Document; it may be gone since.
    pub document_id: Uuid,
    /// Version; it may be gone since.
    pub version_id: Uuid,
    /// Place in the search by meaning.
    pub dense_rank: Option<i32>,
    /// Cosine similarity of its best window.
    pub similarity: Option<f32>,
    /// Place in the search by words.
    pub lexical_rank: Option<i32>,
    /// BM25 score.
    pub lexical_score: Option<f32>,
    /// Reciprocal rank fusion of both.
    pub fused_score: f32,
    /// Terms of the question that stand in it.
    pub matched_terms: Vec<String>,
    /// Whether the model was given it.
    pub used: bool,
    /// Why not.
    pub dropped: Option<String>,
    /// Collection of the document; absent when it is gone.
    pub collection_id: Option<Uuid>,
    /// Title of the document now.
    pub document_title: Option<String>,
    /// Headings above the passage.
    pub heading_path: Option<Vec<String>>,
    /// The passage.
    pub text: Option<String>,
}

/// The row of a run, as far as a trace tells it.
#[derive(Clone, Debug)]
pub struct TracedRun {
    /// Run.
    pub run_id: Uuid,
    /// running, completed, failed, interrupted or cancelled.
    pub state: String,
    /// How it ended.
    pub outcome: Option<String>,
    /// Machine-readable reason.
    pub outcome_reason: Option<String>,
    /// Message of the assistant.
    pub answer_id: Option<Uuid>,
    /// The question as it was searched.
    pub standalone_question: Option<String>,
    /// Provider of the model.
    pub provider: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Tokens of the prompt.
    pub input_tokens: Option<i64>,
    /// Tokens of the answer.
    pub output_tokens: Option<i64>,
    /// Price of both, in millionths of a US dollar.
    pub cost_micro_usd: Option<i64>,
    /// Of the tokens of the prompt, those from a provider's cache.
    pub cached_input_tokens: Option<i64>,
    /// Whether some tokens are made from lengths.
    pub usage_estimated: bool,
    /// Each try of a provider, in order.
    pub attempts: Json<Vec<Attempt>>,
    /// What was taken out of the answer or made harmless, by kind.
    pub filtered: Option<Value>,
    /// Markers that stood for nothing.
    pub unknown_markers: i32,
    /// Milliseconds that the search was waited for.
    pub search_ms: Option<i32>,
    /// Milliseconds to the first text.
    pub first_token_ms: Option<i32>,
    /// Milliseconds to the end.
    pub total_ms: Option<i32>,
    /// When the question came.
    pub created_at: DateTime<Utc>,
    /// When the run ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl TenantTx {
    /// Stores how the answer of a run came about.
    pub(in crate::chat) async fn insert_run_trace(
        &mut self,
        run_id: Uuid,
        trace: &RunTrace,
    ) -> db::Result<()> {
        let RunTrace {
            terms,
            searched_chunks,
            dense_candidates,
            lexical_candidates,
            prepare_ms,
            embed_ms,
            dense_ms,
            lexical_ms,
            fuse_ms,
            history_messages,
            prompt_chars,
            max_output_tokens,
            unread_attachments,
        } = trace;
        let unread = (!unread_attachments.is_empty()).then_some(Json(unread_attachments));
        sqlx::query!(
            "insert into run_traces (
                tenant_id,
                run_id,
                terms,
                searched_chunks,
                dense_candidates,
                lexical_candidates,
                prepare_ms,
                embed_ms,
                dense_ms,
                lexical_ms,
                fuse_ms,
                history_messages,
                prompt_chars,
                max_output_tokens,
                unread_attachments
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            self.tenant().uuid(),
            run_id,
            terms,
            *searched_chunks,
            *dense_candidates,
            *lexical_candidates,
            *prepare_ms,
            *embed_ms,
            *dense_ms,
            *lexical_ms,
            *fuse_ms,
            history_messages,
            *prompt_chars,
            *max_output_tokens,
            unread as _
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// How the answer of a run came about; nothing while it goes on, and of runs from before there were traces.
    pub(in crate::chat) async fn find_run_trace(
        &mut self,
        run_id: Uuid,
    ) -> db::Result<Option<RunTrace>> {
        let row = sqlx::query!(
            r#"select
                terms,
                searched_chunks,
                dense_candidates,
                lexical_candidates,
                prepare_ms,
                embed_ms,
                dense_ms,
                lexical_ms,
                fuse_ms,
                history_messages,
                prompt_chars,
                max_output_tokens,
                unread_attachments as "unread_attachments: Json<Vec<UnreadAttachment>>"
            from run_traces
            where tenant_id = $1
                and run_id = $2"#,
            self.tenant().uuid(),
            run_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(row.map(|row| RunTrace {
            terms: row.terms,
            searched_chunks: row.searched_chunks,
            dense_candidates: row.dense_candidates,
            lexical_candidates: row.lexical_candidates,
            prepare_ms: row.prepare_ms,
            embed_ms: row.embed_ms,
            dense_ms: row.dense_ms,
            lexical_ms: row.lexical_ms,
            fuse_ms: row.fuse_ms,
            history_messages: row.history_messages,
            prompt_chars: row.prompt_chars,
            max_output_tokens: row.max_output_tokens,
            unread_attachments: row.unread_attachments.map(|unread| unread.0).unwrap_or_default(),
        }))
    }

    /// The row of a run, as far as a trace tells it.
    pub(in crate::chat) async fn find_traced_run(
        &mut self,
        run_id: Uuid,
    ) -> db::Result<Option<TracedRun>> {
        let run = sqlx::query_as!(
            TracedRun,
            r#"select
                run_id,
                state,
                outcome,
                outcome_reason,
                answer_id,
                standalone_question,
                provider,
                model,
                input_tokens,
                output_tokens,
                cost_micro_usd,
                cached_input_tokens,
                usage_estimated,
                attempts as "attempts: Json<Vec<Attempt>>",
                filtered,
                unknown_markers,
                search_ms,
                first_token_ms,
                total_ms,
                created_at,
                ended_at
            from runs
            where tenant_id = $1
                and run_id = $2"#,
            self.tenant().uuid(),
            run_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(run)
    }

    /// What search found for a run, best first, with what is there of it still.
    pub(in crate::chat) async fn list_candidates(
        &mut self,
        run_id: Uuid,
    ) -> db::Result<Vec<Candidate>> {
        let candidates = sqlx::query_as!(
            Candidate,
            r#"select
                r.rank,
                r.chunk_id,
                r.document_id,
                r.version_id,
                r.dense_rank,
                r.similarity,
                r.lexical_rank,
                r.lexical_score,
                r.fused_score,
                r.matched_terms,
                r.used,
                r.dropped,
                d.collection_id as "collection_id?",
                d.title as "document_title?",
                c.heading_path as "heading_path?",
                c.body as "text?"
            from retrievals r
            left join documents d on d.tenant_id = r.tenant_id and d.document_id = r.document_id
            left join chunks c on c.tenant_id = r.tenant_id and c.chunk_id = r.chunk_id
            where r.tenant_id = $1
                and r.run_id = $2
            order by r.rank"#,
            self.tenant().uuid(),
            run_id
        )
        .fetch_all(self.connection())
        .await?;
        Ok(candidates)
    }
}
