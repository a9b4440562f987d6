//! Rows of `sources`.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};
use crate::knowledge::Reach;

/// One source.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Id.
    pub source_id: Uuid,
    /// Collection that its documents are in.
    pub collection_id: Uuid,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Where and how it is read.
    pub configuration: Value,
    /// `active` or `paused`.
    pub state: String,
    /// How often it is read by itself.
    pub every_minutes: Option<i32>,
    /// When it is read by itself next.
    pub next_run_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl TenantTx {
    /// One source, when its collection is within reach.
    pub async fn find_source(
        &mut self,
        reach: &Reach,
        source_id: Uuid,
    ) -> db::Result<Option<Source>> {
        let found = sqlx::query_as!(
            Source,
            "select
                source_id,
                collection_id,
                name,
                kind,
                configuration,
                state,
                every_minutes,
                next_run_at,
                created_by,
                created_at,
                updated_at
            from sources
            where tenant_id = $1
                and source_id = $2",
            self.tenant().uuid(),
            source_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found.filter(|source| reach.holds(source.collection_id)))
    }

    /// The same, kept from changing until the end of the transaction.
    pub(in crate::sources) async fn lock_source(
        &mut self,
        reach: &Reach,
        source_id: Uuid,
    ) -> db::Result<Option<Source>> {
        sqlx::query!(
            "select source_id
            from sources
            where tenant_id = $1
                and source_id = $2
            for update",
            self.tenant().uuid(),
            source_id
        )
        .fetch_optional(self.connection())
        .await?;
        self.find_source(reach, source_id).await
    }

    /// Sources, oldest first.
    pub async fn list_sources(
        &mut self,
        reach: &Reach,
        collection_id: Option<Uuid>,
        keyset: Keyset,
    ) -> db::Result<Page<Source>> {
        let rows = sqlx::query_as!(
            Source,
            "select
                source_id,
                collection_id,
                name,
                kind,
                configuration,
                state,
                every_minutes,
                next_run_at,
                created_by,
                created_at,
                updated_at
            from sources
            where tenant_id = $1
                and ($2::uuid is null or collection_id = $2)
                and ($3::uuid is null or source_id > $3)
                and ($4::uuid[] is null or collection_id = any($4))
                and collection_id <> all($5)
            order by source_id
            limit $6",
            self.tenant().uuid(),
            collection_id,
            keyset.after,
            reach.only(),
            reach.hidden(),
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |source| source.source_id))
    }

    /// How many sources the tenant has; who asks next waits until the end of this transaction.
    pub(in crate::sources) async fn count_sources(&mut self) -> db::Result<i64> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('sources ' || $1::text, 0))",
            self.tenant().to_string()
        )
        .execute(self.connection())
        .await?;
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from sources
            where tenant_id = $1"#,
            self.tenant().uuid()
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// Stores a source.
    pub(in crate::sources) async fn insert_source(&mut self, source: &Source) -> db::Result<()> {
        sqlx::query!(
            "insert into sources (
                tenant_id,
                source_id,
                collection_id,
                name,
                kind,
                configuration,
                state,
                every_minutes,
                next_run_at,
                created_by,
                created_at,
                updated_at
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
            self.tenant().uuid(),
            source.source_id,
            source.collection_id,
            source.name,
            source.kind,
            source.configuration,
            source.state,
            source.every_minutes,
            source.next_run_at as Option<DateTime<Utc>>,
            source.created_by,
            source.created_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores what somebody changed of a source.
    pub(in crate::sources) async fn update_source(&mut self, source: &Source) -> db::Result<()> {
        sqlx::query!(
            "update sources
            set
                name = $3,
                kind = $4,
                configuration = $5,
                state = $6,
                every_minutes = $7,
                next_run_at = $8,
                updated_at = $9
            where tenant_id = $1
                and source_id = $2",
            self.tenant().uuid(),
            source.source_id,
            source.name,
            source.kind,
            source.configuration,
            source.state,
            source.every_minutes,
            source.next_run_at as Option<DateTime<Utc>>,
            source.updated_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes a source with its runs; its documents stay.
    pub(in crate::sources) async fn delete_source(&mut self, source_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "delete from sources
            where tenant_id = $1
                and source_id = $2",
            self.tenant().uuid(),
            source_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Sources whose time has come and that nobody else is looking at, with the next time set; at most so many. A source that is being
    /// read is left out until its next time. Whoever asks for a run at this moment does not wait for the end of this transaction,
    /// which may itself wait for that run.
    pub(in crate::sources) async fn take_due_sources(
        &mut self,
        most: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            r#"with due as materialized (
                select s.source_id
                from sources s
                where s.tenant_id = $1
                    and s.state = 'active'
                    and s.next_run_at <= now()
                order by s.next_run_at
                limit $2
                for no key update skip locked
            ),
            taken as (
                update sources s
                set next_run_at = now() + make_interval(mins => s.every_minutes)
                from due d
                where s.tenant_id = $1
                    and s.source_id = d.source_id
                returning s.source_id
            )
            select t.source_id as "source_id!"
            from taken t
            where not exists (
                select
                from source_runs r
                where r.tenant_id = $1
                    and r.source_id = t.source_id
                    and r.state in ('queued', 'running')
            )"#,
            self.tenant().uuid(),
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }
}
