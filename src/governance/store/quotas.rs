//! Rows of `quotas`, and the counters made anew when these change.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};
use crate::governance::quotas::{EACH, Period, SetBy, Subject};
use crate::kernel::ids::first_id_at;

/// How much may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Id.
    pub quota_id: Uuid,
    /// `operator` or `tenant`.
    pub set_by: String,
    /// `tenant`, `assistant`, `key` or `person`.
    pub subject: String,
    /// Which one; [`EACH`] for each one that has no quota of its own.
    pub subject_id: Uuid,
    /// `questions`, `tokens`, `cost_micro_usd` or `concurrent_runs`.
    pub measure: String,
    /// `minute`, `day`, `month` or `none`.
    pub period: String,
    /// Where warnings begin.
    pub soft_limit: Option<i64>,
    /// Where refusals begin.
    pub hard_limit: Option<i64>,
    /// When it was set first.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl TenantTx {
    /// One quota.
    pub async fn find_quota(&mut self, quota_id: Uuid) -> db::Result<Option<Quota>> {
        let quota = sqlx::query_as!(
            Quota,
            "select
                quota_id,
                set_by,
                subject,
                subject_id,
                measure,
                period,
                soft_limit,
                hard_limit,
                created_at,
                updated_at
            from quotas
            where tenant_id = $1
                and quota_id = $2",
            self.tenant().uuid(),
            quota_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(quota)
    }

    /// Quotas, oldest first; of one who set them when given.
    pub async fn list_quotas(
        &mut self,
        set_by: Option<SetBy>,
        keyset: Keyset,
    ) -> db::Result<Page<Quota>> {
        let rows = sqlx::query_as!(
            Quota,
            "select
                quota_id,
                set_by,
                subject,
                subject_id,
                measure,
                period,
                soft_limit,
                hard_limit,
                created_at,
                updated_at
            from quotas
            where tenant_id = $1
                and ($2::text is null or set_by = $2)
                and ($3::uuid is null or quota_id > $3)
            order by quota_id
            limit $4",
            self.tenant().uuid(),
            set_by.map(SetBy::as_str),
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |quota| quota.quota_id))
    }

    /// How many the tenant's admins have set.
    pub(in crate::governance) async fn count_quotas(&mut self) -> db::Result<i64> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from quotas
            where tenant_id = $1
                and set_by = 'tenant'"#,
            self.tenant().uuid()
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// Stores a new quota.
    pub(in crate::governance) async fn insert_quota(&mut self, quota: &Quota) -> db::Result<()> {
        let Quota {
            quota_id,
            set_by,
            subject,
            subject_id,
            measure,
            period,
            soft_limit,
            hard_limit,
            created_at,
            updated_at,
        } = quota;
        sqlx::query!(
            "insert into quotas (
                tenant_id,
                quota_id,
                set_by,
                subject,
                subject_id,
                measure,
                period,
                soft_limit,
                hard_limit,
                created_at,
                updated_at
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            self.tenant().uuid(),
            quota_id,
            set_by,
            subject,
            subject_id,
            measure,
            period,
            *soft_limit,
            *hard_limit,
            created_at,
            updated_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores the limits of a quota.
    pub(in crate::governance) async fn update_quota(&mut self, quota: &Quota) -> db::Result<()> {
        sqlx::query!(
            "update quotas
            set
                soft_limit = $3,
                hard_limit = $4,
                updated_at = $5
            where tenant_id = $1
                and quota_id = $2",
            self.tenant().uuid(),
            quota.quota_id,
            quota.soft_limit,
            quota.hard_limit,
            quota.updated_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes a quota.
    pub(in crate::governance) async fn delete_quota(&mut self, quota_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "delete from quotas
            where tenant_id = $1
                and quota_id = $2",
            self.tenant().uuid(),
            quota_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes all quotas that the operator set.
    pub(in crate::governance) async fn delete_ceilings(&mut self) -> db::Result<()> {
        sqlx::query!(
            "delete from quotas
            where tenant_id = $1
                and set_by = 'operator'",
            self.tenant().uuid()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Makes the counters anew from the rows of the runs: of what is limited now, and of nothing else. A question that
    /// is stored in the same moment by a transaction that saw the old quotas may be missing in a counter that is new.
    pub(in crate::governance) async fn recount_quotas(
        &mut self,
        at: DateTime<Utc>,
    ) -> db::Result<()> {
        self.lock_counters().await?;
        let periods = [Period::Minute, Period::Day, Period::Month];
        let names = periods.map(|period| period.as_str().to_owned());
        let starts = periods.map(|period| period.start(at));
        let first_run = first_id_at(Period::Month.start(at) - TimeDelta::hours(1));
        sqlx::query!(
            "with wanted as (
                select distinct
                    q.subject,
                    q.subject_id,
                    q.period,
                    p.period_start
                from quotas q
                join unnest($2::text[], $3::timestamptz[]) as p (period, period_start) on p.period = q.period
                where q.tenant_id = $1
            ),
            spent as (
                select
                    s.subject,
                    s.subject_id,
                    uuid_extract_version(r.run_id) is distinct from 8 as is_question,
                    r.reserved_at,
                    r.input_tokens + r.output_tokens as tokens,
                    r.cost_micro_usd
                from quota_reservations r
                cross join lateral (
                    values
                        ('tenant', r.tenant_id),
                        ('assistant', r.assistant_id),
                        ('key', r.api_key_id),
                        ('person', r.person_id)
                ) as s (subject, subject_id)
                where r.tenant_id = $1
                    and r.run_id >= $4
                    and s.subject_id is not null
            )
            insert into quota_counters (
                tenant_id,
                subject,
                subject_id,
                period,
                period_start,
                questions,
                tokens,
                cost_micro_usd
            )
            select
                $1,
                s.subject,
                s.subject_id,
                p.period,
                p.period_start,
                count(*) filter (where s.is_question),
                sum(s.tokens),
                sum(s.cost_micro_usd)
            from spent s
            join unnest($2::text[], $3::timestamptz[]) as p (period, period_start)
                on s.reserved_at >= p.period_start
            where exists (
                select
                from wanted w
                where w.subject = s.subject
                    and w.period = p.period
                    and w.subject_id in (s.subject_id, $5)
            )
            group by
                s.subject,
                s.subject_id,
                p.period,
                p.period_start
            order by
                array_position(array['tenant', 'assistant', 'key', 'person'], s.subject),
                s.subject_id,
                array_position(array['minute', 'day', 'month'], p.period)
            on conflict on constraint quota_counters_pkey do update
            set
                period_start = excluded.period_start,
                questions = excluded.questions,
                tokens = excluded.tokens,
                cost_micro_usd = excluded.cost_micro_usd",
            self.tenant().uuid(),
            &names,
            &starts,
            first_run,
            EACH
        )
        .execute(self.connection())
        .await?;
        self.delete_unlimited_counters().await
    }

    /// In the order in which questions lock them.
    async fn lock_counters(&mut self) -> db::Result<()> {
        sqlx::query!(
            "select subject
            from quota_counters
            where tenant_id = $1
            order by
                array_position(array['tenant', 'assistant', 'key', 'person'], subject),
                subject_id,
                array_position(array['minute', 'day', 'month', 'none'], period)
            for update",
            self.tenant().uuid()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(())
    }

    async fn delete_unlimited_counters(&mut self) -> db::Result<()> {
        sqlx::query!(
            "delete from quota_counters c
            where c.tenant_id = $1
                and not exists (
                    select
                    from quotas q
                    where q.tenant_id = $1
                        and q.subject = c.subject
                        and q.period = c.period
                        and q.subject_id in (c.subject_id, $2)
                )",
            self.tenant().uuid(),
            EACH
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Whether there is such a subject to limit.
    pub(in crate::governance) async fn has_quota_subject(
        &mut self,
        subject: Subject,
        subject_id: Uuid,
    ) -> db::Result<bool> {
        Ok(match subject {
            Subject::Tenant => subject_id == self.tenant().uuid(),
            Subject::Key => self.find_api_key(subject_id).await?.is_some(),
            Subject::Person => self.find_member(subject_id).await?.is_some(),
            Subject::Assistant => false,
        })
    }
}
