//! SQL of the table `outbox`: work asked for in the transaction that needs it, so that neither goes without the other.
//!
//! It is also the waiting line of all tenants. The queue behind holds only what is worked on or soon will be, a window of
//! each tenant, so that whoever waits waits here, where it can be chosen whose turn it is. A message stays until its job is
//! done: one that gets lost behind is handed over again.

use std::time::Duration;

use uuid::Uuid;

use crate::adapters::queue::Message;
use crate::db::{self, SystemTx, TenantTx};
use crate::kernel::ids::new_id;
use crate::telemetry::metrics::QueueState;
use crate::telemetry::{self, TraceContext};

/// A kind of which few messages of a tenant are in the queue at once: their work waits for others more than it works.
#[derive(Clone, Copy, Debug)]
pub struct Few {
    /// The kind.
    pub kind: &'static str,
    /// So many, give or take one choice.
    pub most: i64,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceInLine {
    /// Place in the tenant's part of the line, from 1; absent once it was handed to the queue.
    pub place: Option<i64>,
}

impl TenantTx {
    /// Asks for work on `subject_id` in the name of the transaction's tenant; it begins after the commit.
    pub async fn enqueue(&mut self, kind: &str, subject_id: Uuid) -> db::Result<()> {
        self.enqueue_all(kind, &[subject_id]).await
    }

    /// The same for several, in this order.
    pub async fn enqueue_all(&mut self, kind: &str, subject_ids: &[Uuid]) -> db::Result<()> {
        let message_ids: Vec<Uuid> = subject_ids.iter().map(|_| new_id()).collect();
        let trace = telemetry::current().map(|context| context.to_string());
        sqlx::query!(
            "insert into outbox (message_id, kind, for_tenant, subject_id, traceparent)
            select
                n.message_id,
                $3,
                $4,
                n.subject_id,
                $5
            from unnest($1::uuid[], $2::uuid[]) as n (message_id, subject_id)",
            &message_ids,
            subject_ids,
            kind,
            self.tenant().uuid(),
            trace.as_deref()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Where the message about a subject is; of several, the one that is farthest. `None` when there is none.
    pub async fn find_place_in_line(
        &mut self,
        kind: &str,
        subject_id: Uuid,
    ) -> db::Result<Option<PlaceInLine>> {
        let place = sqlx::query_scalar!(
            r#"select
                case
                    when m.handed_at is null then (
                        select count(*)
                        from outbox o
                        where o.for_tenant = m.for_tenant
                            and o.kind = m.kind
                            and o.handed_at is null
                            and (o.due_at, o.message_id) <= (m.due_at, m.message_id)
                    )
                end as "place?"
            from outbox m
            where m.for_tenant = $1
                and m.subject_id = $2
                and m.kind = $3
            order by
                m.handed_at nulls last,
                m.due_at,
                m.message_id
            limit 1"#,
            self.tenant().uuid(),
            subject_id,
            kind
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(place.map(|place| PlaceInLine { place }))
    }
}

impl SystemTx {
    /// Whether there is a message that was handed over and nothing was heard of for too long.
    pub async fn has_silent_messages(&mut self) -> db::Result<bool> {
        let found = sqlx::query_scalar!(
            r#"select exists (
                select
                from outbox
                where handed_at is not null
                    and lost_at <= now()
            ) as "found!""#
        )
        .fetch_one(self.connection())
        .await?;
        Ok(found)
    }

    /// Messages that were handed over and are not done.
    pub async fn count_handed(&mut self) -> db::Result<u64> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from outbox where handed_at is not null"#
        )
        .fetch_one(self.connection())
        .await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Takes no message that was handed over for lost before `patience` is over.
    pub async fn trust_all_messages(&mut self, patience: Duration) -> db::Result<()> {
        sqlx::query!(
            "update outbox
            set lost_at = greatest(lost_at, now() + make_interval(secs => $1))
            where handed_at is not null
                and lost_at <= now()",
            patience.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Lets messages that got lost in the queue wait again, each at its old place; how many there were.
    pub async fn return_lost_messages(&mut self) -> db::Result<u64> {
        let done = sqlx::query!(
            "update outbox
            set
                handed_at = null,
                lost_at = null
            where handed_at is not null
                and lost_at <= now()"
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }

    /// Chooses the messages that are handed to the queue next: of each tenant those that are due longest, at most `window` in
    /// the queue at once, and first of the tenants that have the fewest there. They are taken for lost when nobody says otherwise within
    /// `grace`. It looks at no more than a window of each tenant that waits, however many wait. Of the kind `few` a tenant's messages go
    /// only while fewer than so many are there.
    pub async fn hand_over(
        &mut self,
        most: i64,
        window: u32,
        grace: Duration,
        few: Few,
    ) -> db::Result<Vec<Message>> {
        let rows = sqlx::query!(
            // From tenant to tenant along the index. Two that choose at the same moment see the same rows, and the second one
            // skips what the first has locked, so that no window is overrun.
            r#"with recursive tenants (for_tenant) as (
                (
                    select for_tenant
                    from outbox
                    where handed_at is null
                    order by for_tenant
                    limit 1
                )
                union all
                select (
                    select o.for_tenant
                    from outbox o
                    where o.handed_at is null
                        and o.for_tenant > t.for_tenant
                    order by o.for_tenant
                    limit 1
                )
                from tenants t
                where t.for_tenant is not null
            ),
            next as materialized (
                select
                    n.message_id,
                    h.handed + row_number() over (
                        partition by t.for_tenant
                        order by n.due_at, n.message_id
                    ) as place
                from tenants t
                cross join lateral (
                    select
                        count(*) as handed,
                        count(*) filter (where o.kind = $4) as few
                    from outbox o
                    where o.for_tenant = t.for_tenant
                        and o.handed_at is not null
                ) h
                cross join lateral (
                    select
                        o.message_id,
                        o.due_at
                    from outbox o
                    where o.for_tenant = t.for_tenant
                        and o.handed_at is null
                        and o.due_at <= now()
                        and (o.kind <> $4 or h.few < $5)
                    order by o.due_at, o.message_id
                    limit greatest($2::bigint - h.handed, 0)
                ) n
                order by place, n.due_at, n.message_id
            ),
            taken as materialized (
                select
                    l.message_id,
                    n.place
                from next n
                cross join lateral (
                    select o.message_id
                    from outbox o
                    where o.message_id = n.message_id
                        and o.handed_at is null
                    for update skip locked
                ) l
                limit $1
            ),
            handed as (
                update outbox o
                set
                    handed_at = now(),
                    lost_at = now() + make_interval(secs => $3)
                from taken t
                where o.message_id = t.message_id
                returning
                    o.message_id,
                    o.kind,
                    o.for_tenant,
                    o.subject_id,
                    t.place
            )
            select
                message_id as "message_id!",
                kind as "kind!",
                for_tenant as "for_tenant!",
                subject_id as "subject_id!"
            from handed
            order by
                place,
                message_id"#,
            most,
            i64::from(window),
            grace.as_secs_f64(),
            few.kind,
            few.most
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

    /// Says that messages are in the queue or in hand: they are not taken for lost before `patience` is over.
    pub async fn trust_messages(
        &mut self,
        message_ids: &[Uuid],
        patience: Duration,
    ) -> db::Result<()> {
        sqlx::query!(
            "update outbox
            set lost_at = greatest(lost_at, now() + make_interval(secs => $2))
            where message_id = any($1)
                and handed_at is not null",
            message_ids,
            patience.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The same of a message whose job begins; the trace that asked for it.
    pub async fn begin_message(
        &mut self,
        message_id: Uuid,
        patience: Duration,
    ) -> db::Result<Option<TraceContext>> {
        let trace = sqlx::query_scalar!(
            "update outbox
            set lost_at = greatest(lost_at, now() + make_interval(secs => $2))
            where message_id = $1
                and handed_at is not null
            returning traceparent",
            message_id,
            patience.as_secs_f64()
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(trace.flatten().as_deref().and_then(TraceContext::parse))
    }

    /// Takes messages back that the queue did not take: they wait again.
    pub async fn take_back_messages(&mut self, message_ids: &[Uuid]) -> db::Result<()> {
        sqlx::query!(
            "update outbox
            set
                handed_at = null,
                lost_at = null
            where message_id = any($1)",
            message_ids
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Lets a message that was handed over wait in the line again, until it is due; false when it is not there. What a queue delivers may be forged: the
    /// ids must belong together.
    pub async fn park_message(&mut self, message: &Message, delay: Duration) -> db::Result<bool> {
        let done = sqlx::query!(
            "update outbox
            set
                handed_at = null,
                lost_at = null,
                due_at = now() + make_interval(secs => $4)
            where message_id = $1
                and for_tenant = $2
                and subject_id = $3",
            message.message_id,
            message.tenant.uuid(),
            message.subject_id,
            delay.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Removes a message whose job is done. What a queue delivers may be forged: the ids must belong together.
    pub async fn settle_message(&mut self, message: &Message) -> db::Result<()> {
        sqlx::query!(
            "delete from outbox
            where message_id = $1
                and for_tenant = $2
                and subject_id = $3",
            message.message_id,
            message.tenant.uuid(),
            message.subject_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// How many messages wait and are under way, and how long the oldest has been due; what is not due yet does not wait.
    pub async fn queue_state(&mut self) -> db::Result<QueueState> {
        let row = sqlx::query!(
            r#"select
                count(*) filter (where handed_at is null and due_at <= now()) as "waiting!",
                count(*) filter (where handed_at is not null) as "handed!",
                coalesce(extract(epoch from now() - min(due_at) filter (where due_at <= now())), 0)::float8 as "oldest!"
            from outbox"#
        )
        .fetch_one(self.connection())
        .await?;
        Ok(QueueState {
            waiting: u64::try_from(row.waiting).unwrap_or_default(),
            handed: u64::try_from(row.handed).unwrap_or_default(),
            oldest_seconds: row.oldest.max(0.0),
        })
    }

    /// Messages that wait in the line or are on their way.
    pub async fn count_outbox(&mut self) -> db::Result<u64> {
        let count = sqlx::query_scalar!(r#"select count(*) as "count!" from outbox"#)
            .fetch_one(self.connection())
            .await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}
