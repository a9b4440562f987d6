//! Rows of `restores` as they are asked for and shown.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};
use crate::knowledge::reach::Reach;

/// A dump that is brought in again.
#[derive(Clone, Debug, PartialEq)]
pub struct Restore {
    /// Id.
    pub restore_id: Uuid,
    /// Dump that is brought in.
    pub dump_id: Uuid,
    /// Collection that was made for it.
    pub collection_id: Uuid,
    /// `queued`, `running`, `completed` or `failed`.
    pub state: String,
    /// Documents in the dump.
    pub document_count: i32,
    /// Documents dealt with until now.
    pub done_count: i32,
    /// Those among them that were left out.
    pub skipped_count: i32,
    /// Why it failed, for programs.
    pub failure_code: Option<String>,
    /// The same in words.
    pub failure_detail: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When a worker first took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
}

impl TenantTx {
    /// How many restores go on; who asks next waits until the end of this transaction.
    pub(in crate::knowledge) async fn count_open_restores(&mut self) -> db::Result<i64> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('restores ' || $1::text, 0))",
            self.tenant().to_string()
        )
        .execute(self.connection())
        .await?;
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from restores
            where tenant_id = $1
                and state in ('queued', 'running')"#,
            self.tenant().uuid()
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// Whether a dump is being brought in.
    pub(in crate::knowledge) async fn is_being_restored(
        &mut self,
        dump_id: Uuid,
    ) -> db::Result<bool> {
        let found = sqlx::query_scalar!(
            r#"select exists (
                select
                from restores
                where tenant_id = $1
                    and dump_id = $2
                    and state in ('queued', 'running')
            ) as "found!""#,
            self.tenant().uuid(),
            dump_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(found)
    }

    /// Whether a dump is being brought in as a collection.
    pub(in crate::knowledge) async fn is_being_filled(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<bool> {
        let found = sqlx::query_scalar!(
            r#"select exists (
                select
                from restores
                where tenant_id = $1
                    and collection_id = $2
                    and state in ('queued', 'running')
            ) as "found!""#,
            self.tenant().uuid(),
            collection_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(found)
    }

    /// Stores a restore that begins when a worker takes it.
    pub(in crate::knowledge) async fn insert_restore(
        &mut self,
        restore_id: Uuid,
        dump_id: Uuid,
        collection_id: Uuid,
        document_count: i32,
        created_by: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into restores (
                tenant_id,
                restore_id,
                dump_id,
                collection_id,
                document_count,
                created_by
            )
            values ($1, $2, $3, $4, $5, $6)",
            self.tenant().uuid(),
            restore_id,
            dump_id,
            collection_id,
            document_count,
            created_by
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// One restore, when its collection is within reach.
    pub(in crate::knowledge) async fn find_restore(
        &mut self,
        reach: &Reach,
        restore_id: Uuid,
    ) -> db::Result<Option<Restore>> {
        let restore = sqlx::query_as!(
            Restore,
            "select
                restore_id,
                dump_id,
                collection_id,
                state,
                document_count,
                done_count,
                skipped_count,
                failure_code,
                failure_detail,
                created_at,
                started_at,
                finished_at
            from restores
            where tenant_id = $1
                and restore_id = $2",
            self.tenant().uuid(),
            restore_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(restore.filter(|restore| reach.holds(restore.collection_id)))
    }

    /// Restores, newest first.
    pub(in crate::knowledge) async fn list_restores(
        &mut self,
        reach: &Reach,
        keyset: Keyset,
    ) -> db::Result<Page<Restore>> {
        let rows = sqlx::query_as!(
            Restore,
            "select
                restore_id,
                dump_id,
                collection_id,
                state,
                document_count,
                done_count,
                skipped_count,
                failure_code,
                failure_detail,
                created_at,
                started_at,
                finished_at
            from restores
            where tenant_id = $1
                and ($2::uuid is null or restore_id < $2)
                and ($3::uuid[] is null or collection_id = any($3))
                and collection_id <> all($4)
            order by restore_id desc
            limit $5",
            self.tenant().uuid(),
            keyset.after,
            reach.only(),
            reach.hidden(),
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |restore| restore.restore_id))
    }
}
