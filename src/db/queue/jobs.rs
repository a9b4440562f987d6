//! SQL of the table `jobs`.

use std::time::Duration;

use chrono::Utc;
use uuid::Uuid;

use super::Fairness;
use crate::adapters::queue::{Delivery, Message, Receipt};
use crate::db::{self, SystemTx};

impl SystemTx {
    /// Queues messages; an id that is there already is left alone.
    pub(in crate::db) async fn insert_jobs(&mut self, messages: &[Message]) -> db::Result<()> {
        let ids: Vec<Uuid> = messages.iter().map(|message| message.message_id).collect();
        let kinds: Vec<String> = messages.iter().map(|message| message.kind.clone()).collect();
        let tenants: Vec<Uuid> = messages.iter().map(|message| message.tenant.uuid()).collect();
        let subjects: Vec<Uuid> = messages.iter().map(|message| message.subject_id).collect();
        sqlx::query!(
            "insert into jobs (job_id, kind, for_tenant, subject_id)
            select *
            from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[])
            on conflict on constraint jobs_pkey do nothing",
            &ids,
            &kinds,
            &tenants,
            &subjects
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes messages in turn: of the tenant with the fewest in hand, then of the one that was served longest ago, then the
    /// one that has waited longest. It looks at as many rows of each tenant as that tenant may have in hand, however many wait.
    pub(in crate::db) async fn take_jobs(
        &mut self,
        most: u32,
        visibility: Duration,
        receipt: Uuid,
        fairness: &Fairness,
    ) -> db::Result<Vec<Delivery>> {
        let received_at = Utc::now();
        let rows = sqlx::query!(
            // From tenant to tenant along the index. Whoever takes at the same moment sees the same rows: what the other has
            // locked is skipped, so that no tenant gets above its limit.
            // The lists are made once, each in its order; locks are taken row by row and no further than the limit.
            r#"with recursive tenants (for_tenant) as (
                (
                    select for_tenant
                    from jobs
                    where dead_at is null
                    order by for_tenant
                    limit 1
                )
                union all
                select (
                    select j.for_tenant
                    from jobs j
                    where j.dead_at is null
                        and j.for_tenant > t.for_tenant
                    order by j.for_tenant
                    limit 1
                )
                from tenants t
                where t.for_tenant is not null
            ),
            due as materialized (
                select
                    n.job_id,
                    h.in_hand + row_number() over (partition by t.for_tenant order by n.visible_at, n.job_id) as place
                from tenants t
                cross join lateral (
                    select count(*) as in_hand
                    from jobs j
                    where j.for_tenant = t.for_tenant
                        and j.dead_at is null
                        and j.visible_at > now()
                        and j.receipt is not null
                ) h
                cross join lateral (
                    select
                        j.job_id,
                        j.visible_at
                    from jobs j
                    where j.for_tenant = t.for_tenant
                        and j.dead_at is null
                        and j.visible_at <= now()
                    order by j.visible_at, j.job_id
                    limit greatest($4::bigint - h.in_hand, 0)
                ) n
                order by
                    place,
                    coalesce(array_position($5::uuid[], t.for_tenant), 0),
                    n.visible_at,
                    n.job_id
            ),
            taken as materialized (
                select l.job_id
                from due d
                cross join lateral (
                    select j.job_id
                    from jobs j
                    where j.job_id = d.job_id
                        and j.visible_at <= now()
                        and j.dead_at is null
                    for update skip locked
                ) l
                limit $1
            )
            update jobs j
            set
                receives = j.receives + 1,
                receipt = $3,
                visible_at = now() + make_interval(secs => $2)
            from taken t
            where j.job_id = t.job_id
            returning
                j.job_id,
                j.kind,
                j.for_tenant,
                j.subject_id,
                j.receives"#,
            i64::from(most),
            visibility.as_secs_f64(),
            receipt,
            i64::from(fairness.max_in_hand),
            &fairness.turns
        )
        .fetch_all(self.connection())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Delivery {
                message: Message {
                    message_id: row.job_id,
                    kind: row.kind,
                    tenant: row.for_tenant.into(),
                    subject_id: row.subject_id,
                },
                receipt: Receipt::new(receipt.to_string()),
                receives: u32::try_from(row.receives).unwrap_or(u32::MAX),
                received_at,
            })
            .collect())
    }

    /// Moves the end of a delivery's visibility; false when it is held by another.
    pub(in crate::db) async fn delay_job(
        &mut self,
        delivery: &Delivery,
        delay: Duration,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update jobs
            set visible_at = now() + make_interval(secs => $3)
            where job_id = $1
                and receipt = $2",
            delivery.message.message_id,
            uuid_of(&delivery.receipt),
            delay.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives a delivery that is still ours back: it is in nobody's hand until it comes again.
    pub(in crate::db) async fn release_job(
        &mut self,
        delivery: &Delivery,
        delay: Duration,
    ) -> db::Result<()> {
        sqlx::query!(
            "update jobs
            set
                receipt = null,
                visible_at = now() + make_interval(secs => $3)
            where job_id = $1
                and receipt = $2",
            delivery.message.message_id,
            uuid_of(&delivery.receipt),
            delay.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends a delivery that is still ours.
    pub(in crate::db) async fn delete_job(&mut self, delivery: &Delivery) -> db::Result<()> {
        sqlx::query!(
            "delete from jobs
            where job_id = $1
                and receipt = $2",
            delivery.message.message_id,
            uuid_of(&delivery.receipt)
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Sets a delivery that is still ours aside.
    pub(in crate::db) async fn bury_job(&mut self, delivery: &Delivery) -> db::Result<()> {
        sqlx::query!(
            "update jobs
            set dead_at = now()
            where job_id = $1
                and receipt = $2",
            delivery.message.message_id,
            uuid_of(&delivery.receipt)
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Messages that are not dead.
    pub(in crate::db) async fn count_jobs(&mut self) -> db::Result<u64> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from jobs
            where dead_at is null"#
        )
        .fetch_one(self.connection())
        .await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

/// The receipt as the table has it. One of another queue is that of no row.
fn uuid_of(receipt: &Receipt) -> Uuid {
    receipt.as_str().parse().unwrap_or(Uuid::nil())
}
