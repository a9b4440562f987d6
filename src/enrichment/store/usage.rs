//! What enrichment used: rows of `enrichment_usage`, by collection and month of UTC.

use sqlx::types::Json;
use uuid::Uuid;

use crate::adapters::models::{Attempt, ModelUsage};
use crate::db::{self, TenantTx};

/// Tokens that were used in the month that runs.
#[derive(Clone, Copy, Debug)]
pub struct MonthlyTokens {
    /// By the collection.
    pub of_collection: i64,
    /// By all collections of the tenant, those that are gone included.
    pub of_tenant: i64,
}

impl TenantTx {
    /// Tokens that enrichment used in the month that runs.
    pub(in crate::enrichment) async fn find_monthly_tokens(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<MonthlyTokens> {
        let used = sqlx::query_as!(
            MonthlyTokens,
            r#"select
                coalesce(sum(input_tokens + output_tokens) filter (where collection_id = $2), 0)::bigint
                    as "of_collection!",
                coalesce(sum(input_tokens + output_tokens), 0)::bigint as "of_tenant!"
            from enrichment_usage
            where tenant_id = $1
                and month = date_trunc('month', now() at time zone 'UTC')::date"#,
            self.tenant().uuid(),
            collection_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(used)
    }

    /// What tries of models cost, in millionths of a US dollar; absent when one of them has no known price.
    pub(in crate::enrichment) async fn price_attempts(
        &mut self,
        attempts: &[Attempt],
    ) -> db::Result<Option<i64>> {
        let price = sqlx::query_scalar!(
            r#"select app.cost_micro_usd($1, now()) as "micro_usd?""#,
            Json(attempts) as _
        )
        .fetch_one(self.connection())
        .await?;
        Ok(price)
    }

    /// Counts a call of which nobody knows what it used, with as many tokens as it reserved; or takes that back with numbers
    /// below 0.
    pub(in crate::enrichment) async fn count_unknown_call(
        &mut self,
        collection_id: Uuid,
        calls: i64,
        tokens: i64,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into enrichment_usage as u (
                tenant_id,
                collection_id,
                month,
                calls,
                input_tokens
            )
            values (
                $1,
                $2,
                date_trunc('month', now() at time zone 'UTC')::date,
                greatest($3::bigint, 0),
                greatest($4::bigint, 0)
            )
            on conflict on constraint enrichment_usage_pkey do update
            set
                calls = greatest(u.calls + $3::bigint, 0),
                input_tokens = greatest(u.input_tokens + $4::bigint, 0)",
            self.tenant().uuid(),
            collection_id,
            calls,
            tokens
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Counts a call of a model.
    pub(in crate::enrichment) async fn count_enrichment_call(
        &mut self,
        collection_id: Uuid,
        usage: ModelUsage,
        cost_micro_usd: Option<i64>,
    ) -> db::Result<()> {
        let tokens = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        sqlx::query!(
            "insert into enrichment_usage as u (
                tenant_id,
                collection_id,
                month,
                calls,
                input_tokens,
                output_tokens,
                cached_input_tokens,
                cost_micro_usd
            )
            values ($1, $2, date_trunc('month', now() at time zone 'UTC')::date, 1, $3, $4, $5, $6)
            on conflict on constraint enrichment_usage_pkey do update
            set
                calls = u.calls + 1,
                input_tokens = u.input_tokens + excluded.input_tokens,
                output_tokens = u.output_tokens + excluded.output_tokens,
                cached_input_tokens = u.cached_input_tokens + excluded.cached_input_tokens,
                cost_micro_usd = u.cost_micro_usd + excluded.cost_micro_usd",
            self.tenant().uuid(),
            collection_id,
            tokens(usage.input_tokens),
            tokens(usage.output_tokens),
            tokens(usage.cached_input_tokens),
            cost_micro_usd.unwrap_or(0)
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
