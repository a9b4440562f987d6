//! SQL of the table `jobs`.

use std::time::Duration;

use chrono::Utc;
use uuid::Uuid;

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

    /// Takes the messages that have waited longest.
    pub(in crate::db) async fn take_jobs(
        &mut self,
        most: u32,
        visibility: Duration,
        receipt: Uuid,
    ) -> db::Result<Vec<Delivery>> {
        let received_at = Utc::now();
        let rows = sqlx::query!(
            // `in (select … limit)` may be evaluated once per row and then takes more than the limit: hence the join with a
            // list that is made once.
            "with taken as materialized (
                select job_id
                from jobs
                where visible_at <= now()
                    and dead_at is null
                order by visible_at
                limit $1
                for update skip locked
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
                j.receives",
            i64::from(most),
            visibility.as_secs_f64(),
            receipt
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
