//! Rows of `quota_counters` and `quota_reservations`: what was used, and what runs that go on may use yet. How a run ends
//! is a file of its own.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::quota_amounts::{Counted, LimitInForce, Open, Place, Spent};
use crate::db::{self, TenantTx};
use crate::governance::quotas::{EACH, Measure, Period, Reservation, Subject};
use crate::kernel::ids::first_id_at;

/// Most tokens, and most millionths of a US dollar, of one run: what a provider counts beyond it is no count.
pub(super) const MOST: i64 = 1_000_000_000_000;

/// Columns of places, for `unnest`.
pub(super) struct PlaceColumns {
    pub subjects: Vec<String>,
    pub ids: Vec<Uuid>,
    pub periods: Vec<String>,
    pub starts: Vec<DateTime<Utc>>,
    /// No run of these periods has an earlier id: an id is made some moments before the run is reserved.
    first_run: Uuid,
}

impl PlaceColumns {
    pub fn of(places: &[Place]) -> Self {
        let earliest = places.iter().map(|place| place.start).min().unwrap_or_default();
        Self {
            subjects: places.iter().map(|place| place.subject.as_str().to_owned()).collect(),
            ids: places.iter().map(|place| place.subject_id).collect(),
            periods: places.iter().map(|place| place.period.as_str().to_owned()).collect(),
            starts: places.iter().map(|place| place.start).collect(),
            first_run: first_id_at(earliest - chrono::TimeDelta::hours(1)),
        }
    }
}

impl TenantTx {
    /// Stores what a run reserves; what is told are the limits in force for its subjects.
    pub(in crate::governance) async fn insert_reservation(
        &mut self,
        reservation: &Reservation,
        subjects: &[(Subject, Uuid)],
    ) -> db::Result<Vec<LimitInForce>> {
        let Reservation { run_id, charged, estimate, at } = reservation;
        let names: Vec<String> = subjects.iter().map(|(name, _)| name.to_string()).collect();
        let ids: Vec<Uuid> = subjects.iter().map(|(_, id)| *id).collect();
        let rows = sqlx::query_as!(
            LimitRow,
            r#"with reserved as (
                insert into quota_reservations (
                    tenant_id,
                    run_id,
                    assistant_id,
                    api_key_id,
                    person_id,
                    reserved_at,
                    reserved_tokens,
                    reserved_cost_micro_usd
                )
                values ($1, $2, $3, $4, $5, $6, $7, $8)
            )
            select distinct on (q.subject, q.measure, q.period, q.set_by)
                q.subject,
                s.subject_id as "subject_id!",
                q.measure,
                q.period,
                q.soft_limit,
                q.hard_limit
            from unnest($9::text[], $10::uuid[]) as s (subject, subject_id)
            join quotas q
                on q.tenant_id = $1
                and q.subject = s.subject
                and q.subject_id in (s.subject_id, $11)
            order by
                q.subject,
                q.measure,
                q.period,
                q.set_by,
                q.subject_id = $11"#,
            self.tenant().uuid(),
            run_id,
            charged.assistant_id,
            charged.api_key_id,
            charged.person_id,
            at,
            estimate.tokens.clamp(0, MOST),
            estimate.cost_micro_usd.clamp(0, MOST),
            &names,
            &ids,
            EACH
        )
        .fetch_all(self.connection())
        .await?;
        rows.into_iter().map(LimitInForce::try_from).collect()
    }

    /// The limits in force for subjects, of which there is at most one of a kind.
    pub(in crate::governance) async fn list_limits_in_force(
        &mut self,
        subjects: &[(Subject, Uuid)],
    ) -> db::Result<Vec<LimitInForce>> {
        let names: Vec<String> = subjects.iter().map(|(name, _)| name.to_string()).collect();
        let ids: Vec<Uuid> = subjects.iter().map(|(_, id)| *id).collect();
        let rows = sqlx::query_as!(
            LimitRow,
            r#"select distinct on (q.subject, q.measure, q.period, q.set_by)
                q.subject,
                s.subject_id as "subject_id!",
                q.measure,
                q.period,
                q.soft_limit,
                q.hard_limit
            from unnest($2::text[], $3::uuid[]) as s (subject, subject_id)
            join quotas q
                on q.tenant_id = $1
                and q.subject = s.subject
                and q.subject_id in (s.subject_id, $4)
            order by
                q.subject,
                q.measure,
                q.period,
                q.set_by,
                q.subject_id = $4"#,
            self.tenant().uuid(),
            &names,
            &ids,
            EACH
        )
        .fetch_all(self.connection())
        .await?;
        rows.into_iter().map(LimitInForce::try_from).collect()
    }

    /// Counts a question in each place, in the order given; the rows are locked until the transaction ends. A question of
    /// a period that is over already, by a clock that is late, counts in no later one.
    pub(in crate::governance) async fn count_question(
        &mut self,
        places: &[Place],
    ) -> db::Result<Vec<Counted>> {
        let PlaceColumns { subjects, ids, periods, starts, .. } = PlaceColumns::of(places);
        let counted = sqlx::query_as!(
            Counted,
            r#"insert into quota_counters as c (
                tenant_id,
                subject,
                subject_id,
                period,
                period_start,
                questions
            )
            select
                $1,
                n.subject,
                n.subject_id,
                n.period,
                n.period_start,
                1
            from unnest($2::text[], $3::uuid[], $4::text[], $5::timestamptz[]) with ordinality as n (
                subject,
                subject_id,
                period,
                period_start,
                place
            )
            order by n.place
            on conflict on constraint quota_counters_pkey do update
            set
                period_start = greatest(c.period_start, excluded.period_start),
                questions = case
                    when c.period_start < excluded.period_start then 1
                    when c.period_start = excluded.period_start then c.questions + 1
                    else c.questions
                end,
                tokens = case
                    when c.period_start < excluded.period_start then 0
                    else c.tokens
                end,
                cost_micro_usd = case
                    when c.period_start < excluded.period_start then 0
                    else c.cost_micro_usd
                end
            returning
                c.subject,
                c.period,
                greatest(c.questions - 1, 0) as "questions_before!",
                c.tokens,
                c.cost_micro_usd"#,
            self.tenant().uuid(),
            &subjects,
            &ids,
            &periods,
            &starts
        )
        .fetch_all(self.connection())
        .await?;
        Ok(counted)
    }

    /// What runs that go on may use yet, without the one given, for each place. A call of a model about a document, whose id
    /// has version 8, is no run.
    pub(in crate::governance) async fn list_open(
        &mut self,
        places: &[Place],
        without: Uuid,
    ) -> db::Result<Vec<Open>> {
        let PlaceColumns { subjects, ids, periods, starts, first_run } = PlaceColumns::of(places);
        let open = sqlx::query_as!(
            Open,
            r#"select
                n.subject as "subject!",
                n.period as "period!",
                count(r.run_id) filter (where uuid_extract_version(r.run_id) is distinct from 8) as "runs!",
                coalesce(sum(r.reserved_tokens), 0)::bigint as "tokens!",
                coalesce(sum(r.reserved_cost_micro_usd), 0)::bigint as "cost_micro_usd!"
            from unnest($2::text[], $3::uuid[], $4::text[], $5::timestamptz[]) as n (
                subject,
                subject_id,
                period,
                period_start
            )
            left join quota_reservations r
                on r.tenant_id = $1
                and r.settled_at is null
                and r.run_id >= $6
                and r.run_id <> $7
                and r.reserved_at >= n.period_start
                and n.subject_id = case n.subject
                    when 'tenant' then r.tenant_id
                    when 'assistant' then r.assistant_id
                    when 'key' then r.api_key_id
                    else r.person_id
                end
            group by
                n.subject,
                n.period"#,
            self.tenant().uuid(),
            &subjects,
            &ids,
            &periods,
            &starts,
            first_run,
            without
        )
        .fetch_all(self.connection())
        .await?;
        Ok(open)
    }

    /// What one subject used and reserved, for each place, from the rows of the runs; those of calls are told as above.
    pub(in crate::governance) async fn list_spent(
        &mut self,
        places: &[Place],
    ) -> db::Result<Vec<Spent>> {
        let PlaceColumns { subjects, ids, periods, starts, first_run } = PlaceColumns::of(places);
        let rows = sqlx::query!(
            r#"select
                n.period as "period!",
                count(r.run_id) filter (where uuid_extract_version(r.run_id) is distinct from 8) as "questions!",
                coalesce(sum(r.input_tokens + r.output_tokens), 0)::bigint as "tokens!",
                coalesce(sum(r.cost_micro_usd), 0)::bigint as "cost_micro_usd!",
                count(r.run_id) filter (
                    where uuid_extract_version(r.run_id) is distinct from 8
                        and r.settled_at is null
                ) as "open!",
                coalesce(sum(r.reserved_tokens) filter (where r.settled_at is null), 0)::bigint as "reserved_tokens!",
                coalesce(sum(r.reserved_cost_micro_usd) filter (where r.settled_at is null), 0)::bigint
                    as "reserved_cost_micro_usd!"
            from unnest($2::text[], $3::uuid[], $4::text[], $5::timestamptz[]) as n (
                subject,
                subject_id,
                period,
                period_start
            )
            left join quota_reservations r
                on r.tenant_id = $1
                and r.run_id >= $6
                and r.reserved_at >= n.period_start
                and n.subject_id = case n.subject
                    when 'tenant' then r.tenant_id
                    when 'assistant' then r.assistant_id
                    when 'key' then r.api_key_id
                    else r.person_id
                end
            group by n.period"#,
            self.tenant().uuid(),
            &subjects,
            &ids,
            &periods,
            &starts,
            first_run
        )
        .fetch_all(self.connection())
        .await?;
        let spent = Period::ALL.into_iter().filter_map(|period| {
            let row = rows.iter().find(|row| row.period == period.as_str())?;
            Some(Spent {
                period,
                questions: row.questions,
                tokens: row.tokens,
                cost_micro_usd: row.cost_micro_usd,
                open: row.open,
                reserved_tokens: row.reserved_tokens,
                reserved_cost_micro_usd: row.reserved_cost_micro_usd,
            })
        });
        Ok(spent.collect())
    }
}

struct LimitRow {
    subject: String,
    subject_id: Uuid,
    measure: String,
    period: String,
    soft_limit: Option<i64>,
    hard_limit: Option<i64>,
}

impl TryFrom<LimitRow> for LimitInForce {
    type Error = db::Error;

    fn try_from(row: LimitRow) -> db::Result<Self> {
        let parts = (
            Subject::from_row(&row.subject),
            Measure::from_row(&row.measure),
            Period::from_row(&row.period),
        );
        let (Some(subject), Some(measure), Some(period)) = parts else {
            let detail = format!("{} of {} in {}", row.measure, row.subject, row.period);
            return Err(db::Error::Inconsistent { table: "quotas", detail });
        };
        Ok(Self {
            subject,
            subject_id: row.subject_id,
            measure,
            period,
            soft_limit: row.soft_limit,
            hard_limit: row.hard_limit,
        })
    }
}
