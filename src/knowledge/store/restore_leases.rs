//! A restore in the hands of a worker. Each change names the token of its lease: a worker that was taken for dead changes
//! nothing.

use std::time::Duration;

use uuid::Uuid;

use super::dump_leases::Claim;
use crate::db::{self, TenantTx};

/// A restore that is ours.
#[derive(Clone, Debug)]
pub struct ClaimedRestore {
    /// Id.
    pub restore_id: Uuid,
    /// Proof that it is ours.
    pub token: Uuid,
    /// Dump that is brought in.
    pub dump_id: Uuid,
    /// Collection that was made for it.
    pub collection_id: Uuid,
    /// Documents that were dealt with before.
    pub done_count: i32,
    /// Attempt that the claim began.
    pub attempts: i32,
    /// Who asked for it.
    pub created_by: Uuid,
}

impl TenantTx {
    /// Takes a restore that is in nobody's hands, and begins an attempt.
    pub(in crate::knowledge) async fn claim_restore(
        &mut self,
        restore_id: Uuid,
        token: Uuid,
        lease: Duration,
    ) -> db::Result<Claim<ClaimedRestore>> {
        let claimed = sqlx::query_as!(
            ClaimedRestore,
            r#"update restores
            set
                state = 'running',
                attempts = attempts + 1,
                started_at = coalesce(started_at, now()),
                touched_at = now(),
                lease_token = $3,
                lease_expires_at = now() + make_interval(secs => $4)
            where tenant_id = $1
                and restore_id = $2
                and state in ('queued', 'running')
                and (lease_expires_at is null or lease_expires_at <= now())
            returning
                restore_id,
                lease_token as "token!",
                dump_id,
                collection_id,
                done_count,
                attempts,
                created_by"#,
            self.tenant().uuid(),
            restore_id,
            token,
            lease.as_secs_f64()
        )
        .fetch_optional(self.connection())
        .await?;
        if let Some(restore) = claimed {
            return Ok(Claim::Held(restore));
        }
        let busy = sqlx::query_scalar!(
            r#"select extract(epoch from lease_expires_at - now())::float8 as "seconds"
            from restores
            where tenant_id = $1
                and restore_id = $2
                and state in ('queued', 'running')"#,
            self.tenant().uuid(),
            restore_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(Claim::of_another(busy))
    }

    /// Holds a restore for another while; false when it is no longer ours.
    pub(in crate::knowledge) async fn keep_restore(
        &mut self,
        restore: &ClaimedRestore,
        lease: Duration,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update restores
            set
                touched_at = now(),
                lease_expires_at = now() + make_interval(secs => $4)
            where tenant_id = $1
                and restore_id = $2
                and lease_token = $3
                and state = 'running'",
            self.tenant().uuid(),
            restore.restore_id,
            restore.token,
            lease.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Counts one document as dealt with, which was the next one; false when the restore is no longer ours, and nothing of the
    /// document may be committed. The last statement of a transaction: whoever deletes the collection comes to the restore last
    /// too. An attempt that gets on is the first one again.
    pub(in crate::knowledge) async fn advance_restore(
        &mut self,
        restore: &ClaimedRestore,
        done_before: i32,
        is_skipped: bool,
        lease: Duration,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update restores
            set
                done_count = done_count + 1,
                skipped_count = skipped_count + case when $5 then 1 else 0 end,
                attempts = 1,
                touched_at = now(),
                lease_expires_at = now() + make_interval(secs => $6)
            where tenant_id = $1
                and restore_id = $2
                and lease_token = $3
                and state = 'running'
                and done_count = $4",
            self.tenant().uuid(),
            restore.restore_id,
            restore.token,
            done_before,
            is_skipped,
            lease.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends a restore that came to its end, and lets go of it; false when it is no longer ours.
    pub(in crate::knowledge) async fn finish_restore(
        &mut self,
        restore: &ClaimedRestore,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update restores
            set
                state = 'completed',
                finished_at = now(),
                touched_at = now(),
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and restore_id = $2
                and lease_token = $3
                and state = 'running'",
            self.tenant().uuid(),
            restore.restore_id,
            restore.token
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends an attempt without success: the restore waits for the next one, or is given up for a reason. An attempt that was
    /// stopped from outside does not count.
    pub(in crate::knowledge) async fn end_restore_attempt(
        &mut self,
        restore: &ClaimedRestore,
        reason: Option<(&str, &str)>,
        counts_as_attempt: bool,
    ) -> db::Result<()> {
        let (code, detail) = reason.unzip();
        sqlx::query!(
            "update restores
            set
                state = case when $4::text is null then 'queued' else 'failed' end,
                failure_code = $4,
                failure_detail = $5,
                attempts = attempts - case when $6 then 0 else 1 end,
                finished_at = case when $4::text is null then null else now() end,
                touched_at = now(),
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and restore_id = $2
                and lease_token = $3
                and state = 'running'",
            self.tenant().uuid(),
            restore.restore_id,
            restore.token,
            code,
            detail,
            counts_as_attempt
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Attempts of a restore since it last got on.
    pub(in crate::knowledge) async fn count_restore_attempts(
        &mut self,
        restore_id: Uuid,
    ) -> db::Result<i32> {
        let attempts = sqlx::query_scalar!(
            "select attempts
            from restores
            where tenant_id = $1
                and restore_id = $2",
            self.tenant().uuid(),
            restore_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(attempts.unwrap_or_default())
    }

    /// Gives up a restore that nobody works on; false when it is in somebody's hands.
    pub(in crate::knowledge) async fn abandon_restore(
        &mut self,
        restore_id: Uuid,
        code: &str,
        detail: &str,
    ) -> db::Result<bool> {
        sqlx::query!(
            "update restores
            set
                state = 'failed',
                failure_code = $3,
                failure_detail = $4,
                finished_at = now(),
                touched_at = now(),
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and restore_id = $2
                and state in ('queued', 'running')
                and (lease_expires_at is null or lease_expires_at <= now())",
            self.tenant().uuid(),
            restore_id,
            code,
            detail
        )
        .execute(self.connection())
        .await?;
        let is_over = sqlx::query_scalar!(
            r#"select not exists (
                select
                from restores
                where tenant_id = $1
                    and restore_id = $2
                    and state in ('queued', 'running')
            ) as "is_over!""#,
            self.tenant().uuid(),
            restore_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(is_over)
    }

    /// Restores that are not over, in nobody's hands and without a message, all of this for `lost_after`; at most so many. They
    /// count as touched now.
    pub async fn touch_lost_restores(
        &mut self,
        lost_after: Duration,
        most: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "with lost as materialized (
                select r.restore_id
                from restores r
                where r.tenant_id = $1
                    and r.state in ('queued', 'running')
                    and greatest(r.touched_at, r.lease_expires_at) <= now() - make_interval(secs => $2)
                    and not exists (
                        select
                        from outbox o
                        where o.for_tenant = r.tenant_id
                            and o.subject_id = r.restore_id
                    )
                order by r.restore_id
                limit $3
                for update skip locked
            )
            update restores r
            set touched_at = now()
            from lost l
            where r.tenant_id = $1
                and r.restore_id = l.restore_id
            returning r.restore_id",
            self.tenant().uuid(),
            lost_after.as_secs_f64(),
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }
}
