//! What became of deliveries. A write of a worker is fenced by the token of its lease.

use std::time::Duration;

use uuid::Uuid;

use super::deliveries::FailedSending;
use crate::db::{self, TenantTx};

impl TenantTx {
    /// It was taken; false when the lease was lost.
    pub(in crate::webhooks) async fn finish_delivery(
        &mut self,
        delivery_id: Uuid,
        token: Uuid,
        status: u16,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update webhook_deliveries
            set
                state = 'delivered',
                last_status = $4,
                failure_code = null,
                failure_detail = null,
                lease_token = null,
                lease_expires_at = null,
                ended_at = now()
            where tenant_id = $1
                and delivery_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            delivery_id,
            token,
            i32::from(status)
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// It was not taken: it waits for the next attempt, or is given up. False when the lease was lost.
    pub(in crate::webhooks) async fn fail_delivery(
        &mut self,
        delivery_id: Uuid,
        token: Uuid,
        failed: FailedSending<'_>,
    ) -> db::Result<bool> {
        let FailedSending { code, detail, status, again_after } = failed;
        let done = sqlx::query!(
            "update webhook_deliveries
            set
                state = case when $7::float8 is null then 'failed' else 'pending' end,
                last_status = $4,
                failure_code = $5,
                failure_detail = $6,
                next_attempt_at = now() + make_interval(secs => $7::float8),
                ended_at = case when $7::float8 is null then now() end,
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and delivery_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            delivery_id,
            token,
            status.map(i32::from) as Option<i32>,
            code,
            detail,
            again_after.map(|wait| wait.as_secs_f64()) as Option<f64>
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives up what an endpoint waits for, as it is switched off.
    pub(in crate::webhooks) async fn fail_pending_deliveries(
        &mut self,
        webhook_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "update webhook_deliveries
            set
                state = 'failed',
                failure_code = 'webhook_disabled',
                failure_detail = 'the webhook was switched off; enable it, then redeliver',
                next_attempt_at = null,
                lease_token = null,
                lease_expires_at = null,
                ended_at = now()
            where tenant_id = $1
                and webhook_id = $2
                and state = 'pending'",
            self.tenant().uuid(),
            webhook_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Gives up a delivery that is in nobody's hands; false when it is in somebody's.
    pub(in crate::webhooks) async fn abandon_delivery(
        &mut self,
        delivery_id: Uuid,
        code: &str,
        detail: &str,
    ) -> db::Result<bool> {
        sqlx::query!(
            "update webhook_deliveries
            set
                state = 'failed',
                failure_code = $3,
                failure_detail = $4,
                next_attempt_at = null,
                lease_token = null,
                lease_expires_at = null,
                ended_at = now()
            where tenant_id = $1
                and delivery_id = $2
                and state = 'pending'
                and (lease_expires_at is null or lease_expires_at <= now())",
            self.tenant().uuid(),
            delivery_id,
            code,
            detail
        )
        .execute(self.connection())
        .await?;
        let is_pending = sqlx::query_scalar!(
            r#"select exists (
                select
                from webhook_deliveries
                where tenant_id = $1
                    and delivery_id = $2
                    and state = 'pending'
            ) as "found!""#,
            self.tenant().uuid(),
            delivery_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(!is_pending)
    }

    /// Lets a delivery that is over begin again: its attempts stay, and the limit counts from here. False when it is not over.
    pub(in crate::webhooks) async fn reopen_delivery(
        &mut self,
        delivery_id: Uuid,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update webhook_deliveries
            set
                state = 'pending',
                attempts_before = attempts,
                failure_code = null,
                failure_detail = null,
                last_status = null,
                ended_at = null
            where tenant_id = $1
                and delivery_id = $2
                and state in ('delivered', 'failed')",
            self.tenant().uuid(),
            delivery_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Deliveries that wait, are in nobody's hands and have no message, all of this for `lost_after`; at most so many.
    pub async fn touch_lost_deliveries(
        &mut self,
        lost_after: Duration,
        most: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "with lost as materialized (
                select d.delivery_id
                from webhook_deliveries d
                where d.tenant_id = $1
                    and d.state = 'pending'
                    and greatest(d.created_at, d.next_attempt_at, d.lease_expires_at) <= now() - make_interval(secs => $2)
                    and not exists (
                        select
                        from outbox o
                        where o.for_tenant = d.tenant_id
                            and o.subject_id = d.delivery_id
                    )
                order by d.delivery_id
                limit $3
                for update skip locked
            )
            update webhook_deliveries d
            set next_attempt_at = now()
            from lost l
            where d.tenant_id = $1
                and d.delivery_id = l.delivery_id
            returning d.delivery_id",
            self.tenant().uuid(),
            lost_after.as_secs_f64(),
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }

    /// Removes deliveries that were over so long ago, at most so many; how many there were.
    pub async fn sweep_deliveries(&mut self, keep: Duration, most: i64) -> db::Result<u64> {
        let done = sqlx::query!(
            "delete from webhook_deliveries
            where tenant_id = $1
                and delivery_id in (
                    select delivery_id
                    from webhook_deliveries
                    where tenant_id = $1
                        and ended_at < now() - make_interval(secs => $2)
                    limit $3
                )",
            self.tenant().uuid(),
            keep.as_secs_f64(),
            most
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}
