//! Rows of `run_events`: what was shown of a run, kept as it happens.

use uuid::Uuid;

use crate::db::{self, TenantTx};

/// Events that were written at once.
#[derive(Clone, Debug)]
pub(in crate::chat) struct EventBatch {
    /// Number of the first one.
    pub first_number: i32,
    /// Number of the last one.
    pub last_number: i32,
    /// All of them, as a JSON array.
    pub events: String,
}

impl TenantTx {
    /// Adds events to a run that this instance holds; false when it does not hold it, or when others are the next ones.
    pub(in crate::chat) async fn append_run_events(
        &mut self,
        run_id: Uuid,
        instance_id: Uuid,
        batch: &EventBatch,
        read_collection_ids: Option<&[Uuid]>,
    ) -> db::Result<bool> {
        let EventBatch { first_number, last_number, events } = batch;
        let done = sqlx::query!(
            "with held as (
                update run_leases
                set
                    event_count = $5,
                    read_collection_ids = $6
                where run_id = $2
                    and for_tenant = $1
                    and instance_id = $3
                    and event_count = $4 - 1
                returning run_id
            )
            insert into run_events (
                tenant_id,
                run_id,
                first_number,
                last_number,
                events
            )
            select
                $1,
                run_id,
                $4,
                $5,
                $7
            from held",
            self.tenant().uuid(),
            run_id,
            instance_id,
            first_number,
            last_number,
            read_collection_ids,
            events
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Rows with events after a number, in order.
    pub(in crate::chat) async fn list_run_events(
        &mut self,
        run_id: Uuid,
        after: i32,
        most: i64,
    ) -> db::Result<Vec<EventBatch>> {
        let rows = sqlx::query_as!(
            EventBatch,
            "select
                first_number,
                last_number,
                events
            from run_events
            where tenant_id = $1
                and run_id = $2
                and last_number > $3
            order by first_number
            limit $4",
            self.tenant().uuid(),
            run_id,
            after,
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(rows)
    }

    /// Removes the events of runs that began before this id of a run; how many rows.
    pub(in crate::chat) async fn delete_run_events_before(
        &mut self,
        run_id: Uuid,
    ) -> db::Result<u64> {
        let done = sqlx::query!(
            "delete from run_events
            where tenant_id = $1
                and run_id < $2",
            self.tenant().uuid(),
            run_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}
