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

/// Events that are to be added to a run.
#[derive(Clone, Debug)]
pub(in crate::chat) struct RunAppend {
    /// Run.
    pub run_id: Uuid,
    /// What follows on the events that are stored.
    pub batch: EventBatch,
    /// Collections whose text the model was given; absent until that is known.
    pub read_collection_ids: Option<Vec<Uuid>>,
}

impl TenantTx {
    /// Adds events to runs that this instance holds; the runs that they were added to. Left out are those that it does not hold,
    /// and those of which others are the next events.
    pub(in crate::chat) async fn append_run_events(
        &mut self,
        instance_id: Uuid,
        appends: &[RunAppend],
    ) -> db::Result<Vec<Uuid>> {
        let rows = Columns::of(appends);
        // Leases are locked in the order of their ids, as by whoever renews them: two that lock many do not wait for each other.
        let stored = sqlx::query_scalar!(
            "with given as (
                select *
                from unnest($3::uuid[], $4::int[], $5::int[], $6::text[], $7::text[])
                    as given (run_id, first_number, last_number, events, read_collection_ids)
            ),
            locked as materialized (
                select run_leases.run_id
                from run_leases
                join given using (run_id)
                where run_leases.for_tenant = $1
                    and run_leases.instance_id = $2
                    and run_leases.event_count = given.first_number - 1
                order by run_leases.run_id
                for update of run_leases
            ),
            held as (
                update run_leases
                set
                    event_count = given.last_number,
                    read_collection_ids = given.read_collection_ids::uuid[]
                from given
                join locked using (run_id)
                where run_leases.run_id = given.run_id
                returning run_leases.run_id
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
                first_number,
                last_number,
                events
            from given
            join held using (run_id)
            returning run_id",
            self.tenant().uuid(),
            instance_id,
            &rows.run_ids,
            &rows.first_numbers,
            &rows.last_numbers,
            &rows.events as &[&str],
            &rows.read_collection_ids as &[Option<String>]
        )
        .fetch_all(self.connection())
        .await?;
        Ok(stored)
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

/// Appends as they are handed over: an array a column.
#[derive(Default)]
struct Columns<'a> {
    run_ids: Vec<Uuid>,
    first_numbers: Vec<i32>,
    last_numbers: Vec<i32>,
    events: Vec<&'a str>,
    /// Each an array as PostgreSQL writes it: arrays in an array would have to be of one length.
    read_collection_ids: Vec<Option<String>>,
}

impl<'a> Columns<'a> {
    fn of(appends: &'a [RunAppend]) -> Self {
        let mut columns = Self::default();
        for RunAppend { run_id, batch, read_collection_ids } in appends {
            columns.run_ids.push(*run_id);
            columns.first_numbers.push(batch.first_number);
            columns.last_numbers.push(batch.last_number);
            columns.events.push(&batch.events);
            columns.read_collection_ids.push(read_collection_ids.as_deref().map(array));
        }
        columns
    }
}

fn array(ids: &[Uuid]) -> String {
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    format!("{{{}}}", ids.join(","))
}
