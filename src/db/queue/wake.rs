//! Messages of which one for a subject is enough: the job looks for itself what there is to do.

use std::time::Duration;

use uuid::Uuid;

use crate::db::{self, TenantTx};

impl TenantTx {
    /// Has the work on `subject_id` looked after: a message that waits in the line is due at once; only where there is none, a new
    /// one is written. One that was handed over does not count, since its job may have looked already. Until the end of the
    /// transaction the message waits, so that its job sees what the transaction wrote. With a `pause` it is due that much later:
    /// what happens a thousand times in a minute is looked after a few times.
    pub async fn wake(&mut self, kind: &str, subject_id: Uuid, pause: Duration) -> db::Result<()> {
        let woken = sqlx::query!(
            "update outbox
            set due_at = least(due_at, now() + make_interval(secs => $4))
            where for_tenant = $1
                and subject_id = $2
                and kind = $3
                and handed_at is null",
            self.tenant().uuid(),
            subject_id,
            kind,
            pause.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        if woken.rows_affected() == 0 {
            self.enqueue(kind, subject_id).await?;
            // A new one is due at once.
            if !pause.is_zero() {
                self.delay_waiting(kind, subject_id, pause).await?;
            }
        }
        Ok(())
    }

    /// Lets the messages about a subject that wait in the line be due no sooner than after `pause`.
    async fn delay_waiting(
        &mut self,
        kind: &str,
        subject_id: Uuid,
        pause: Duration,
    ) -> db::Result<()> {
        sqlx::query!(
            "update outbox
            set due_at = greatest(due_at, now() + make_interval(secs => $4))
            where for_tenant = $1
                and subject_id = $2
                and kind = $3
                and handed_at is null",
            self.tenant().uuid(),
            subject_id,
            kind,
            pause.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Whether another message about a subject waits in the line: it is due within `delay` then, and this one is needed no more.
    pub async fn leave_to_another(
        &mut self,
        message_id: Uuid,
        kind: &str,
        subject_id: Uuid,
        delay: Duration,
    ) -> db::Result<bool> {
        // One that is being handed over at this moment does not wait.
        let left = sqlx::query!(
            "with other as materialized (
                select message_id
                from outbox
                where for_tenant = $1
                    and subject_id = $2
                    and kind = $3
                    and message_id <> $4
                    and handed_at is null
                order by due_at, message_id
                limit 1
                for update skip locked
            )
            update outbox o
            set due_at = least(o.due_at, now() + make_interval(secs => $5))
            from other n
            where o.message_id = n.message_id",
            self.tenant().uuid(),
            subject_id,
            kind,
            message_id,
            delay.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(left.rows_affected() > 0)
    }

    /// How long the oldest message of a kind has been due that is not done: it waits in the line, or is under way for no longer
    /// than `trusted`. `None` when there is none.
    pub async fn find_oldest_due(
        &mut self,
        kind: &str,
        trusted: Duration,
    ) -> db::Result<Option<Duration>> {
        let seconds = sqlx::query_scalar!(
            r#"select extract(epoch from now() - min(due_at))::float8 as "seconds?"
            from outbox
            where for_tenant = $1
                and kind = $2
                and due_at <= now()
                and (handed_at is null or handed_at > now() - make_interval(secs => $3))"#,
            self.tenant().uuid(),
            kind,
            trusted.as_secs_f64()
        )
        .fetch_one(self.connection())
        .await?;
        Ok(seconds.map(|seconds| Duration::from_secs_f64(seconds.max(0.0))))
    }
}
