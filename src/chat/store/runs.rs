//! Rows of `runs` and `retrievals`.

use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use crate::adapters::models::Attempt;
use crate::chat::output_filter::Filtered;
use crate::db::{self, TenantTx};
use crate::governance::Observed;
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
    /// Assistant that answers.
    pub assistant_id: Uuid,
    /// Its version; absent for its draft.
    pub assistant_version: Option<i32>,
    /// Digest of the configuration that answers.
    pub configuration_sha256: [u8; 32],
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
    /// Of the tokens of the prompt, those from a provider's cache.
    pub cached_input_tokens: Option<i64>,
    /// Whether some tokens are made from lengths.
    pub usage_estimated: bool,
    /// Each try of a provider.
    pub attempts: Vec<Attempt>,
    /// Markers that stood for nothing.
    pub unknown_markers: i32,
    /// Digest of what the model was told.
    pub prompt_sha256: Option<Vec<u8>>,
    /// What did not fit into the prompt.
    pub prompt_left_out: Option<Value>,
    /// Milliseconds of search.
    pub search_ms: Option<i32>,
    /// Milliseconds to the first text.
    pub first_token_ms: Option<i32>,
    /// Milliseconds to the end.
    pub total_ms: i32,
}

/// What a run cost.
#[derive(Clone, Copy, Debug)]
pub struct RunCost {
    /// In millionths of a US dollar; absent when no price is known.
    pub micro_usd: Option<i64>,
}

impl EndedRun {
    /// What it used, for the quotas.
    pub fn observed(&self) -> Observed {
        Observed {
            provider: Some(self.provider.clone()),
            model: Some(self.model.clone()),
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cost_micro_usd: None,
        }
    }
}

impl TenantTx {
    /// Stores a run that begins.
    pub(in crate::chat) async fn insert_run(&mut self, run: &NewRun) -> db::Result<()> {
        let NewRun {
            run_id,
            session_id,
            question_id,
            collection_ids,
            assistant_id,
            assistant_version,
            configuration_sha256,
            asked_by,
        } = run;
        sqlx::query!(
            "insert into runs (
                tenant_id,
                run_id,
                session_id,
                question_id,
                collection_ids,
                asked_by,
                assistant_id,
                assistant_version,
                configuration_sha256
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            self.tenant().uuid(),
            run_id,
            session_id.as_ref(),
            question_id,
            collection_ids,
            asked_by,
            assistant_id,
            assistant_version.as_ref(),
            configuration_sha256.as_slice()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends a run that is running, and prices it; nothing when it is gone or has ended already.
    pub(in crate::chat) async fn end_run(&mut self, run: &EndedRun) -> db::Result<Option<RunCost>> {
        let cost = sqlx::query_as!(
            RunCost,
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
                attempts = $16,
                cached_input_tokens = $17,
                usage_estimated = $18,
                cost_micro_usd = app.cost_micro_usd($16, now()),
                prompt_sha256 = $19,
                prompt_left_out = $20,
                ended_at = now()
            where tenant_id = $1
                and run_id = $2
                and state = 'running'
            returning cost_micro_usd as micro_usd",
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
            run.total_ms,
            Json(&run.attempts) as _,
            run.cached_input_tokens,
            run.usage_estimated,
            run.prompt_sha256.as_deref(),
            run.prompt_left_out
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(cost)
    }

    /// Stores what was taken out of the model's text, if anything was.
    pub(in crate::chat) async fn note_filtered(
        &mut self,
        run_id: Uuid,
        filtered: Filtered,
    ) -> db::Result<()> {
        if filtered.is_empty() {
            return Ok(());
        }
        let kinds = json!({
            "links": filtered.links,
            "images": filtered.images,
            "markup": filtered.markup,
            "characters": filtered.characters,
        });
        sqlx::query!(
            "update runs
            set filtered = $3
            where tenant_id = $1
                and run_id = $2",
            self.tenant().uuid(),
            run_id,
            kinds
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores what search found; the first `used` were given to the model.
    pub(in crate::chat) async fn insert_retrievals(
        &mut self,
        run_id: Uuid,
        hits: &[Hit],
        used: usize,
    ) -> db::Result<()> {
        // One statement however many there are: this stands between the last word of an answer and its `done`.
        #[expect(clippy::cast_possible_truncation, reason = "scores are shown, not computed with")]
        let narrow = |score: Option<f64>| score.map(|score| score as f32);
        let (mut chunks, mut documents, mut versions) = (Vec::new(), Vec::new(), Vec::new());
        let (mut dense, mut similarities) = (Vec::new(), Vec::new());
        let (mut lexical, mut scores, mut fused) = (Vec::new(), Vec::new(), Vec::new());
        for Hit { passage, ranks, .. } in hits {
            chunks.push(passage.chunk_id);
            documents.push(passage.document_id);
            versions.push(passage.version_id);
            dense.push(ranks.dense_rank);
            similarities.push(narrow(ranks.similarity));
            lexical.push(ranks.lexical_rank);
            scores.push(narrow(ranks.lexical_score));
            fused.push(ranks.fused);
        }
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
            select
                $1,
                $2,
                n.rank,
                n.chunk_id,
                n.document_id,
                n.version_id,
                n.dense_rank,
                n.similarity,
                n.lexical_rank,
                n.lexical_score,
                n.fused_score,
                n.rank <= $11
            from unnest(
                $3::uuid[],
                $4::uuid[],
                $5::uuid[],
                $6::int[],
                $7::real[],
                $8::int[],
                $9::real[],
                $10::float8[]
            ) with ordinality as n (
                chunk_id,
                document_id,
                version_id,
                dense_rank,
                similarity,
                lexical_rank,
                lexical_score,
                fused_score,
                rank
            )",
            self.tenant().uuid(),
            run_id,
            &chunks,
            &documents,
            &versions,
            &dense as &[Option<i32>],
            &similarities as &[Option<f32>],
            &lexical as &[Option<i32>],
            &scores as &[Option<f32>],
            &fused,
            i64::try_from(used).unwrap_or(i64::MAX)
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
