//! What enrichment reserves, beside what questions do: rows of `quota_reservations`, told from those of runs by their id, and the
//! counters without a question more.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::quota_amounts::{Counted, Place};
use super::quota_use::{MOST, PlaceColumns};
use crate::db::{self, TenantTx};
use crate::governance::quotas::Estimate;

impl TenantTx {
    /// Stores what a call of a model reserves.
    pub(in crate::governance) async fn insert_enrichment_reservation(
        &mut self,
        call_id: Uuid,
        estimate: Estimate,
        at: DateTime<Utc>,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into quota_reservations (
                tenant_id,
                run_id,
                reserved_at,
                reserved_tokens,
                reserved_cost_micro_usd
            )
            values ($1, $2, $3, $4, $5)",
            self.tenant().uuid(),
            call_id,
            at,
            estimate.tokens.clamp(0, MOST),
            estimate.cost_micro_usd.clamp(0, MOST)
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// What was used in each place, in the order given; the rows are locked until the transaction ends.
    pub(in crate::governance) async fn lock_counted(
        &mut self,
        places: &[Place],
    ) -> db::Result<Vec<Counted>> {
        let PlaceColumns { subjects, ids, periods, starts, .. } = PlaceColumns::of(places);
        let counted = sqlx::query_as!(
            Counted,
            r#"insert into quota_counters as c (
                tenant_id,
                subject,
                subject_id,
                period,
                period_start
            )
            select
                $1,
                n.subject,
                n.subject_id,
                n.period,
                n.period_start
            from unnest($2::text[], $3::uuid[], $4::text[], $5::timestamptz[]) with ordinality as n (
                subject,
                subject_id,
                period,
                period_start,
                place
            )
            order by n.place
            on conflict on constraint quota_counters_pkey do update
            set
                period_start = greatest(c.period_start, excluded.period_start),
                questions = case
                    when c.period_start < excluded.period_start then 0
                    else c.questions
                end,
                tokens = case
                    when c.period_start < excluded.period_start then 0
                    else c.tokens
                end,
                cost_micro_usd = case
                    when c.period_start < excluded.period_start then 0
                    else c.cost_micro_usd
                end
            returning
                c.subject,
                c.period,
                c.questions as "questions_before!",
                c.tokens,
                c.cost_micro_usd"#,
            self.tenant().uuid(),
            &subjects,
            &ids,
            &periods,
            &starts
        )
        .fetch_all(self.connection())
        .await?;
        Ok(counted)
    }
}
