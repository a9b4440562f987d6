//! SQL of the messages of `jobs` that were set aside.

use uuid::Uuid;

use crate::adapters::queue::{DeadLetter, Message};
use crate::db::{self, SystemTx};

impl SystemTx {
    /// Messages that were set aside, the last one first.
    pub(in crate::db) async fn list_dead_jobs(
        &mut self,
        limit: u32,
    ) -> db::Result<Vec<DeadLetter>> {
        let rows = sqlx::query!(
            "select
                job_id,
                kind,
                for_tenant,
                subject_id,
                receives,
                dead_at
            from jobs
            where dead_at is not null
            order by
                dead_at desc,
                job_id desc
            limit $1",
            i64::from(limit)
        )
        .fetch_all(self.connection())
        .await?;
        let letters = rows.into_iter().map(|row| DeadLetter {
            message: Message {
                message_id: row.job_id,
                kind: row.kind,
                tenant: row.for_tenant.into(),
                subject_id: row.subject_id,
            },
            receives: u32::try_from(row.receives).unwrap_or(u32::MAX),
            dead_at: row.dead_at,
        });
        Ok(letters.collect())
    }

    /// A message that was set aside; `None` when there is none.
    pub(in crate::db) async fn find_dead_job(
        &mut self,
        job_id: Uuid,
    ) -> db::Result<Option<Message>> {
        let row = sqlx::query!(
            "select
                kind,
                for_tenant,
                subject_id
            from jobs
            where job_id = $1
                and dead_at is not null",
            job_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(row.map(|row| Message {
            message_id: job_id,
            kind: row.kind,
            tenant: row.for_tenant.into(),
            subject_id: row.subject_id,
        }))
    }

    /// Removes a message that was set aside; `None` when there is none.
    pub(in crate::db) async fn discard_job(&mut self, job_id: Uuid) -> db::Result<Option<Message>> {
        let row = sqlx::query!(
            "delete from jobs
            where job_id = $1
                and dead_at is not null
            returning
                kind,
                for_tenant,
                subject_id",
            job_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(row.map(|row| Message {
            message_id: job_id,
            kind: row.kind,
            tenant: row.for_tenant.into(),
            subject_id: row.subject_id,
        }))
    }
}
