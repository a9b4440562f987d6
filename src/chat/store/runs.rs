//! Rows of `runs` and `retrievals`.

use uuid::Uuid;

use crate::db::{self, TenantTx};
use crate::knowledge::Hit;

/// A run that begins.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Id.
    pub run_id: Uuid,
    /// Conversation; absent for a single question.
    pub session_id: Option<Uuid>,
    /// Message of the user.
    pub question_id: Uuid,
    /// Collections that are asked; empty for all.
    pub collection_ids: Vec<Uuid>,
    /// Key that asked.
    pub asked_by: Uuid,
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct EndedRun {
    /// Id.
    pub run_id: Uuid,
    /// completed or failed.
    pub state: &'static str,
    /// Message of the assistant.
    pub answer_id: Option<Uuid>,
    /// How it ended.
    pub outcome: &'static str,
    /// Machine-readable reason.
    pub outcome_reason: Option<String>,
    /// The question as it was searched.
    pub standalone_question: Option<String>,
    /// Provider of the model.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Tokens of the prompt.
    pub input_tokens: Option<i64>,
    /// Tokens of the answer.
    pub output_tokens: Option<i64>,
    /// Markers that stood for nothing.
    pub unknown_markers: i32,
    /// Milliseconds of search.
    pub search_ms: Option<i32>,
    /// Milliseconds to the first text.
    pub first_token_ms: Option<i32>,
    /// Milliseconds to the end.
    pub total_ms: i32,
}

impl TenantTx {
    /// Stores a run that begins.
    pub(in crate::chat) async fn insert_run(&mut self, run: &NewRun) -> db::Result<()> {
        let NewRun { run_id, session_id, question_id, collection_ids, asked_by } = run;
        sqlx::query!(
            "insert into runs (
                tenant_id,
                run_id,
                session_id,
                question_id,
                collection_ids,
                asked_by
            )
            values ($1, $2, $3, $4, $5, $6)",
            self.tenant().uuid(),
            run_id,
            session_id.as_ref(),
            question_id,
            collection_ids,
            asked_by
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends a run that is running; false when it is gone or has ended already.
    pub(in crate::chat) async fn end_run(&mut self, run: &EndedRun) -> db::Result<bool> {
        let done = sqlx::query!(
            "update runs
            set
                state = $3,
                answer_id = $4,
                outcome = $5,
                outcome_reason = $6,
                standalone_question = $7,
                provider = $8,
                model = $9,
                input_tokens = $10,
                output_tokens = $11,
                unknown_markers = $12,
                search_ms = $13,
                first_token_ms = $14,
                total_ms = $15,
                ended_at = now()
            where tenant_id = $1
                and run_id = $2
                and state = 'running'",
            self.tenant().uuid(),
            run.run_id,
            run.state,
            run.answer_id,
            run.outcome,
            run.outcome_reason,
            run.standalone_question,
            run.provider,
            run.model,
            run.input_tokens,
            run.output_tokens,
            run.unknown_markers,
            run.search_ms,
            run.first_token_ms,
            run.total_ms
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Stores what search found; the first `used` were given to the model.
    pub(in crate::chat) async fn insert_retrievals(
        &mut self,
        run_id: Uuid,
        hits: &[Hit],
        used: usize,
    ) -> db::Result<()> {
        #[expect(clippy::cast_possible_truncation, reason = "scores are shown, not computed with")]
        for (place, hit) in hits.iter().enumerate() {
            sqlx::query!(
                "insert into retrievals (
                    tenant_id,
                    run_id,
                    rank,
                    chunk_id,
                    document_id,
                    version_id,
                    dense_rank,
                    similarity,
                    lexical_rank,
                    lexical_score,
                    fused_score,
                    used
                )
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                self.tenant().uuid(),
                run_id,
                i32::try_from(place + 1).unwrap_or(i32::MAX),
                hit.passage.chunk_id,
                hit.passage.document_id,
                hit.passage.version_id,
                hit.ranks.dense_rank,
                hit.ranks.similarity.map(|similarity| similarity as f32),
                hit.ranks.lexical_rank,
                hit.ranks.lexical_score.map(|score| score as f32),
                hit.ranks.fused as f32,
                place < used
            )
            .execute(self.connection())
            .await?;
        }
        Ok(())
    }
}
