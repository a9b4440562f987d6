//! Rows of `dumps` as they are asked for, shown and removed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};

/// One dump.
#[derive(Clone, Debug, PartialEq)]
pub struct Dump {
    /// Id.
    pub dump_id: Uuid,
    /// Collection that it is of.
    pub collection_id: Uuid,
    /// `queued`, `running`, `ready` or `failed`.
    pub state: String,
    /// Version of the files' form.
    pub format_version: i32,
    /// Part of the files' keys.
    pub files_id: Option<Uuid>,
    /// Name, size, SHA-256 and rows of each file.
    pub files: Value,
    /// Documents in it until now.
    pub document_count: i32,
    /// Passages of these.
    pub chunk_count: i64,
    /// Vectors of these.
    pub embedding_count: i64,
    /// Size of all files.
    pub size_bytes: i64,
    /// Model of the vectors.
    pub embedding_model: Option<String>,
    /// Numbers in each vector.
    pub embedding_dimensions: Option<i32>,
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
    /// Until when it is kept.
    pub expires_at: DateTime<Utc>,
}

impl TenantTx {
    /// How many dumps the tenant has that hold files or will; who asks next waits until the end of this transaction.
    pub(in crate::knowledge) async fn count_dumps(&mut self) -> db::Result<i64> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('dumps ' || $1::text, 0))",
            self.tenant().to_string()
        )
        .execute(self.connection())
        .await?;
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from dumps
            where tenant_id = $1
                and (state in ('queued', 'running') or state = 'ready' and expires_at > now())"#,
            self.tenant().uuid()
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// Stores a dump that begins when a worker takes it; false when the collection has one that is not over. The constraint
    /// `dumps_collection_id_fkey` refuses a collection that there is not.
    pub(in crate::knowledge) async fn insert_dump(
        &mut self,
        dump_id: Uuid,
        collection_id: Uuid,
        created_by: Uuid,
        lifetime: Duration,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "insert into dumps (tenant_id, dump_id, collection_id, created_by, expires_at)
            values ($1, $2, $3, $4, now() + make_interval(secs => $5))
            on conflict (tenant_id, collection_id) where state in ('queued', 'running') do nothing",
            self.tenant().uuid(),
            dump_id,
            collection_id,
            created_by,
            lifetime.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// One dump whose time is not over.
    pub(in crate::knowledge) async fn find_dump(
        &mut self,
        dump_id: Uuid,
    ) -> db::Result<Option<Dump>> {
        self.find_dump_within(dump_id, false).await
    }

    /// One dump, also when its time is over, for the restore that keeps it.
    pub(in crate::knowledge) async fn find_restored_dump(
        &mut self,
        dump_id: Uuid,
    ) -> db::Result<Option<Dump>> {
        self.find_dump_within(dump_id, true).await
    }

    async fn find_dump_within(
        &mut self,
        dump_id: Uuid,
        also_expired: bool,
    ) -> db::Result<Option<Dump>> {
        let dump = sqlx::query_as!(
            Dump,
            "select
                dump_id,
                collection_id,
                state,
                format_version,
                files_id,
                files,
                document_count,
                chunk_count,
                embedding_count,
                size_bytes,
                embedding_model,
                embedding_dimensions,
                failure_code,
                failure_detail,
                created_at,
                started_at,
                finished_at,
                expires_at
            from dumps
            where tenant_id = $1
                and dump_id = $2
                and ($3 or expires_at > now() or state in ('queued', 'running'))",
            self.tenant().uuid(),
            dump_id,
            also_expired
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(dump)
    }

    /// Keeps a dump from changing until the end of the transaction.
    pub(in crate::knowledge) async fn lock_dump(&mut self, dump_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "select dump_id
            from dumps
            where tenant_id = $1
                and dump_id = $2
            for update",
            self.tenant().uuid(),
            dump_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(())
    }

    /// Dumps of a collection, newest first.
    pub(in crate::knowledge) async fn list_dumps(
        &mut self,
        collection_id: Uuid,
        keyset: Keyset,
    ) -> db::Result<Page<Dump>> {
        let rows = sqlx::query_as!(
            Dump,
            "select
                dump_id,
                collection_id,
                state,
                format_version,
                files_id,
                files,
                document_count,
                chunk_count,
                embedding_count,
                size_bytes,
                embedding_model,
                embedding_dimensions,
                failure_code,
                failure_detail,
                created_at,
                started_at,
                finished_at,
                expires_at
            from dumps
            where tenant_id = $1
                and collection_id = $2
                and (expires_at > now() or state in ('queued', 'running'))
                and ($3::uuid is null or dump_id < $3)
            order by dump_id desc
            limit $4",
            self.tenant().uuid(),
            collection_id,
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |dump| dump.dump_id))
    }

    /// Removes a dump; a worker that is at work on it notices. Its files are those of nobody then.
    pub(in crate::knowledge) async fn delete_dump(&mut self, dump_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "delete from dumps
            where tenant_id = $1
                and dump_id = $2",
            self.tenant().uuid(),
            dump_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes the dumps whose time is over, but for those that are being brought in; how many there were.
    pub(in crate::knowledge) async fn delete_expired_dumps(&mut self) -> db::Result<u64> {
        // First of all, so that the next statement sees the restores of those who held one of them.
        sqlx::query!(
            "select dump_id
            from dumps
            where tenant_id = $1
                and expires_at <= now()
                and state in ('ready', 'failed')
            order by dump_id
            for update",
            self.tenant().uuid()
        )
        .fetch_all(self.connection())
        .await?;
        let done = sqlx::query!(
            "delete from dumps d
            where d.tenant_id = $1
                and d.expires_at <= now()
                and d.state in ('ready', 'failed')
                and not exists (
                    select
                    from restores r
                    where r.tenant_id = d.tenant_id
                        and r.dump_id = d.dump_id
                        and r.state in ('queued', 'running')
                )",
            self.tenant().uuid()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}
