//! SQL of the table `outbox`: work asked for in the transaction that needs it, so that neither goes without the other.

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
    /// Takes the oldest messages out of the outbox; they are back when the transaction is not committed.
    pub async fn take_outbox(&mut self, most: i64) -> db::Result<Vec<Message>> {
        let rows = sqlx::query!(
            "with taken as materialized (
                select message_id
                from outbox
                order by message_id
                limit $1
                for update skip locked
            )
            delete from outbox o
            using taken t
            where o.message_id = t.message_id
            returning
                o.message_id,
                o.kind,
                o.for_tenant,
                o.subject_id",
            most
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

    /// Messages that wait in the outbox.
    pub async fn count_outbox(&mut self) -> db::Result<u64> {
        let count = sqlx::query_scalar!(r#"select count(*) as "count!" from outbox"#)
            .fetch_one(self.connection())
            .await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}
