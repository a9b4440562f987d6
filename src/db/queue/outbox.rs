//! SQL of the table `outbox`: work asked for in the transaction that needs it, so that neither goes without the other.

use std::time::Duration;

use uuid::Uuid;

use crate::adapters::queue::Message;
use crate::db::{self, SystemTx, TenantTx};
use crate::kernel::ids::new_id;

impl TenantTx {
    /// Asks for work on `subject_id` in the name of the transaction's tenant; it begins after the commit.
    pub async fn enqueue(&mut self, kind: &str, subject_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "insert into outbox (message_id, kind, for_tenant, subject_id)
            values ($1, $2, $3, $4)",
            new_id(),
            kind,
            self.tenant().uuid(),
            subject_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

impl SystemTx {
    /// Takes the oldest messages for handing over. Until `lease` is over nobody else takes them; then they are there again,
    /// unless they were removed.
    pub async fn take_outbox(&mut self, most: i64, lease: Duration) -> db::Result<Vec<Message>> {
        let rows = sqlx::query!(
            "with due as materialized (
                select message_id
                from outbox
                where taken_until is null
                    or taken_until <= now()
                order by message_id
                limit $1
                for update skip locked
            )
            update outbox o
            set taken_until = now() + make_interval(secs => $2)
            from due
            where o.message_id = due.message_id
            returning
                o.message_id,
                o.kind,
                o.for_tenant,
                o.subject_id",
            most,
            lease.as_secs_f64()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Message {
                message_id: row.message_id,
                kind: row.kind,
                tenant: row.for_tenant.into(),
                subject_id: row.subject_id,
            })
            .collect())
    }

    /// Ends the handing over of messages that were taken: those of `failed` are there again at once, the others gone.
    pub async fn settle_outbox(&mut self, taken: &[Uuid], failed: &[Uuid]) -> db::Result<()> {
        sqlx::query!(
            "with sent as (
                delete from outbox
                where message_id = any ($1)
                    and message_id <> all ($2)
            )
            update outbox
            set taken_until = null
            where message_id = any ($2)",
            taken,
            failed
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Messages that wait in the outbox.
    pub async fn count_outbox(&mut self) -> db::Result<u64> {
        let count = sqlx::query_scalar!(r#"select count(*) as "count!" from outbox"#)
            .fetch_one(self.connection())
            .await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}
