//! How what a run reserved ends: with what it used, once, whoever ends the run.

use uuid::Uuid;

use super::quota_amounts::Observed;
use super::quota_use::MOST;
use crate::db::{self, TenantTx};

impl TenantTx {
    /// Ends what a run reserved with what it used; false when that was done before, so that whoever ends a run and
    /// whoever finds it dead may both call this. Belongs into the transaction that ends the run, near its end: the rows
    /// that count a limited subject are locked from here on.
    ///
    /// # Errors
    /// The database failed.
    pub async fn settle_quota(&mut self, run_id: Uuid, observed: &Observed) -> db::Result<bool> {
        let amount = |count: Option<i64>| count.unwrap_or(0).clamp(0, MOST);
        let settled = sqlx::query_scalar!(
            r#"with settled as (
                update quota_reservations
                set
                    settled_at = clock_timestamp(),
                    provider = $3,
                    model = $4,
                    input_tokens = $5,
                    output_tokens = $6,
                    cost_micro_usd = $7
                where tenant_id = $1
                    and run_id = $2
                    and settled_at is null
                returning
                    tenant_id,
                    assistant_id,
                    api_key_id,
                    person_id,
                    reserved_at
            ),
            locked as materialized (
                select
                    c.subject,
                    c.subject_id,
                    c.period
                from settled s
                join quota_counters c
                    on c.tenant_id = $1
                    and c.subject_id = case c.subject
                        when 'tenant' then s.tenant_id
                        when 'assistant' then s.assistant_id
                        when 'key' then s.api_key_id
                        else s.person_id
                    end
                    and c.period_start = case c.period
                        when 'none' then null
                        else date_trunc(c.period, s.reserved_at, 'UTC')
                    end
                order by
                    array_position(array['tenant', 'assistant', 'key', 'person'], c.subject),
                    c.subject_id,
                    array_position(array['minute', 'day', 'month'], c.period)
                for no key update of c
            ),
            counted as (
                update quota_counters c
                set
                    tokens = c.tokens + $5 + $6,
                    cost_micro_usd = c.cost_micro_usd + $7
                from locked l
                where c.tenant_id = $1
                    and c.subject = l.subject
                    and c.subject_id = l.subject_id
                    and c.period = l.period
            )
            select count(*) as "settled!"
            from settled"#,
            self.tenant().uuid(),
            run_id,
            observed.provider.as_deref(),
            observed.model.as_deref(),
            amount(observed.input_tokens),
            amount(observed.output_tokens),
            amount(observed.cost_micro_usd)
        )
        .fetch_one(self.connection())
        .await?;
        Ok(settled == 1)
    }
}
