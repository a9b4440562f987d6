//! Rows of `runs` and `retrievals`.

use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::adapters::models::Attempt;
use crate::chat::output_filter::Filtered;
use crate::chat::trace::Fate;
use crate::db::{self, TenantTx};
use crate::governance::Observed;
use crate::knowledge::Hit;

/// Stands in no term.
const BETWEEN_TERMS: &str = "\u{1f}";

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
    /// Of the tokens of the prompt, those from a provider's cache.
    pub cached_input_tokens: Option<i64>,
    /// Whether some tokens are made from lengths.
    pub usage_estimated: bool,
    /// Each try of a provider.
    pub attempts: Vec<Attempt>,
    /// Markers that stood for nothing.
    pub unknown_markers: i32,
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
    /// What it used and cost, for the quotas.
    pub fn observed(&self, cost: Option<RunCost>) -> Observed {
        Observed {
            provider: Some(self.provider.clone()),
            model: Some(self.model.clone()),
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cost_micro_usd: cost.and_then(|cost| cost.micro_usd),
        }
    }
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
            run.usage_estimated
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

    /// Stores what search found, with what became of it; without `fate` no model was asked.
    pub(in crate::chat) async fn insert_retrievals(
        &mut self,
        run_id: Uuid,
        hits: &[Hit],
        fate: Option<Fate>,
    ) -> db::Result<()> {
        // One statement however many there are: this stands between the last word of an answer and its `done`.
        #[expect(clippy::cast_possible_truncation, reason = "scores are shown, not computed with")]
        let narrow = |score: Option<f64>| score.map(|score| score as f32);
        let (mut chunks, mut documents, mut versions) = (Vec::new(), Vec::new(), Vec::new());
        let (mut dense, mut similarities) = (Vec::new(), Vec::new());
        let (mut lexical, mut scores, mut fused) = (Vec::new(), Vec::new(), Vec::new());
        let mut matched = Vec::new();
        for Hit { passage, ranks, terms } in hits {
            chunks.push(passage.chunk_id);
            documents.push(passage.document_id);
            versions.push(passage.version_id);
            dense.push(ranks.dense_rank);
            similarities.push(narrow(ranks.similarity));
            lexical.push(ranks.lexical_rank);
            scores.push(narrow(ranks.lexical_score));
            fused.push(ranks.fused);
            matched.push(terms.join(BETWEEN_TERMS));
        }
        let place = |place: usize| i64::try_from(place).unwrap_or(i64::MAX);
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
                used,
                dropped,
                matched_terms
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
                n.rank <= $11,
                case
                    when n.rank <= $11 then null
                    when $12::bigint is null then 'run_failed'
                    when n.rank <= $12 then 'prompt_budget'
                    else 'below_cut'
                end,
                string_to_array(n.matched_terms, $14)
            from unnest(
                $3::uuid[],
                $4::uuid[],
                $5::uuid[],
                $6::int[],
                $7::real[],
                $8::int[],
                $9::real[],
                $10::float8[],
                $13::text[]
            ) with ordinality as n (
                chunk_id,
                document_id,
                version_id,
                dense_rank,
                similarity,
                lexical_rank,
                lexical_score,
                fused_score,
                matched_terms,
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
            fate.map_or(0, |fate| place(fate.used)),
            fate.map(|fate| place(fate.wanted)),
            &matched,
            BETWEEN_TERMS
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
