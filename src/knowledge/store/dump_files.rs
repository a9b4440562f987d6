//! Rows of `dump_files`: what may lie in the object store of a dump.

use std::time::Duration;

use uuid::Uuid;

use crate::db::{self, TenantTx};

impl TenantTx {
    /// Announces files that a worker is about to write.
    pub(super) async fn announce_dump_files(
        &mut self,
        files_id: Uuid,
        lease: Duration,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into dump_files (tenant_id, files_id, keep_until)
            values ($1, $2, now() + make_interval(secs => $3))",
            self.tenant().uuid(),
            files_id,
            lease.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Says how long a worker may be writing them.
    pub(super) async fn keep_dump_files(
        &mut self,
        files_id: Uuid,
        lease: Duration,
    ) -> db::Result<()> {
        sqlx::query!(
            "update dump_files
            set keep_until = now() + make_interval(secs => $3)
            where tenant_id = $1
                and files_id = $2",
            self.tenant().uuid(),
            files_id,
            lease.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Says that nobody writes them any more. They are announced once more when they were removed while a worker that was taken
    /// for dead went on writing: what it wrote since is removed too.
    pub(super) async fn leave_dump_files(&mut self, files_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "insert into dump_files (tenant_id, files_id, keep_until)
            values ($1, $2, now())
            on conflict on constraint dump_files_pkey do update
            set keep_until = now()",
            self.tenant().uuid(),
            files_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Files that nobody writes and that are those of no dump, after one of these ids; at most `rows`, by id.
    pub(in crate::knowledge) async fn list_stray_dump_files(
        &mut self,
        after: Option<Uuid>,
        rows: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "select f.files_id
            from dump_files f
            where f.tenant_id = $1
                and f.keep_until <= now()
                and ($2::uuid is null or f.files_id > $2)
                and not exists (
                    select
                    from dumps d
                    where d.tenant_id = f.tenant_id
                        and d.files_id = f.files_id
                )
            order by f.files_id
            limit $3",
            self.tenant().uuid(),
            after,
            rows
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }

    /// Takes the announcement of files away that are removed.
    pub(in crate::knowledge) async fn forget_dump_files(
        &mut self,
        files_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "delete from dump_files
            where tenant_id = $1
                and files_id = $2",
            self.tenant().uuid(),
            files_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
