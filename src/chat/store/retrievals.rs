//! Rows of `retrievals`: the candidates of each run.

use uuid::Uuid;

use crate::chat::trace::{DropReason, Fate};
use crate::db::{self, TenantTx};
use crate::knowledge::Hit;

/// Stands in no term.
const BETWEEN_TERMS: &str = "\u{1f}";

impl TenantTx {
    /// Stores what search found, with what became of it.
    pub(in crate::chat) async fn insert_retrievals(
        &mut self,
        run_id: Uuid,
        hits: &[Hit],
        fate: Fate,
    ) -> db::Result<()> {
        let (used, wanted, unasked) = match fate {
            Fate::Given { used, wanted } => (used, wanted, None),
            Fate::Refused => (0, 0, Some(DropReason::BelowThreshold)),
            Fate::Failed => (0, 0, Some(DropReason::RunFailed)),
        };
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
                    when $15::text is not null then $15
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
            place(used),
            place(wanted),
            &matched,
            BETWEEN_TERMS,
            unasked.map(DropReason::as_str)
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
