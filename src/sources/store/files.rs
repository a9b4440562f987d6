//! Rows of `source_pages` that are files of an archive or bucket, and what a source knows of the archive as a whole.

use uuid::Uuid;

use super::leases::ClaimedRun;
use crate::db::{self, TenantTx};
use crate::sources::fetch::Validators;
use crate::sources::files::PlannedFile;

impl TenantTx {
    /// Notes the files that a run looks at, once in a run; how many there are.
    pub(in crate::sources) async fn insert_source_files(
        &mut self,
        run: &ClaimedRun,
        files: &[PlannedFile],
    ) -> db::Result<i32> {
        let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        let number = |file: &PlannedFile| file.entry.and_then(|entry| i32::try_from(entry).ok());
        let entries: Vec<Option<i32>> = files.iter().map(number).collect();
        let refusals = files.iter().map(|file| file.refusal.clone());
        let (codes, details): (Vec<Option<String>>, Vec<Option<String>>) =
            refusals.map(|it| it.map(|it| (it.code, it.detail)).unzip()).unzip();
        let done = sqlx::query!(
            "insert into source_pages (
                tenant_id,
                run_id,
                position,
                url,
                role,
                entry,
                reason_code,
                reason_detail
            )
            select
                $1,
                $2,
                f.place::int,
                f.path,
                'page',
                f.entry,
                f.code,
                f.detail
            from unnest($3::text[], $4::int[], $5::text[], $6::text[])
                with ordinality as f (path, entry, code, detail, place)",
            self.tenant().uuid(),
            run.run_id,
            &paths,
            &entries as &[Option<i32>],
            &codes as &[Option<String>],
            &details as &[Option<String>]
        )
        .execute(self.connection())
        .await?;
        Ok(i32::try_from(done.rows_affected()).unwrap_or(i32::MAX))
    }

    /// How to ask whether there is another archive than the one that all items are from, empty when that is not known; absent
    /// when one of them has no document any more.
    pub(in crate::sources) async fn find_source_validators(
        &mut self,
        source_id: Uuid,
    ) -> db::Result<Option<Validators>> {
        let found = sqlx::query_as!(
            Validators,
            "select
                s.content_etag as etag,
                s.content_last_modified as last_modified
            from sources s
            where s.tenant_id = $1
                and s.source_id = $2
                and not exists (
                    select
                    from source_items i
                    where i.tenant_id = s.tenant_id
                        and i.source_id = s.source_id
                        and i.document_id is null
                )",
            self.tenant().uuid(),
            source_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found)
    }

    /// Writes how to ask whether there is another archive.
    pub(in crate::sources) async fn put_source_validators(
        &mut self,
        source_id: Uuid,
        validators: &Validators,
    ) -> db::Result<()> {
        sqlx::query!(
            "update sources
            set
                content_etag = $3,
                content_last_modified = $4
            where tenant_id = $1
                and source_id = $2",
            self.tenant().uuid(),
            source_id,
            validators.etag.as_deref(),
            validators.last_modified.as_deref()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Whether the documents of a source are named without the folder around its archive; absent when it has none, or when that
    /// is not known.
    pub(in crate::sources) async fn find_top_folder(
        &mut self,
        source_id: Uuid,
    ) -> db::Result<Option<bool>> {
        let strips = sqlx::query_scalar!(
            "select s.strips_top_folder
            from sources s
            where s.tenant_id = $1
                and s.source_id = $2
                and exists (
                    select
                    from source_items i
                    where i.tenant_id = s.tenant_id
                        and i.source_id = s.source_id
                        and i.document_id is not null
                )",
            self.tenant().uuid(),
            source_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(strips.flatten())
    }

    /// Writes how the documents of a source are named from now on.
    pub(in crate::sources) async fn put_top_folder(
        &mut self,
        source_id: Uuid,
        strips: bool,
    ) -> db::Result<()> {
        sqlx::query!(
            "update sources
            set strips_top_folder = $3
            where tenant_id = $1
                and source_id = $2",
            self.tenant().uuid(),
            source_id,
            strips
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Leaves open how they are named: where the archive is, or what becomes of the folder around it, is another now.
    pub(in crate::sources) async fn forget_top_folder(
        &mut self,
        source_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "update sources
            set strips_top_folder = null
            where tenant_id = $1
                and source_id = $2",
            self.tenant().uuid(),
            source_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Writes how to ask whether there is another archive than that of the run, for one that read it whole. Not when a file was left
    /// out for a document of others: once that is gone, the archive has the same file as ever.
    pub(in crate::sources) async fn adopt_source_validators(
        &mut self,
        run: &ClaimedRun,
    ) -> db::Result<()> {
        sqlx::query!(
            "update sources s
            set
                content_etag = r.content_etag,
                content_last_modified = r.content_last_modified
            from source_runs r
            where s.tenant_id = $1
                and s.source_id = $2
                and r.tenant_id = s.tenant_id
                and r.source_id = s.source_id
                and r.run_id = $3
                and r.content_id is not null
                and not exists (
                    select
                    from source_pages p
                    where p.tenant_id = r.tenant_id
                        and p.run_id = r.run_id
                        and p.reason_code = 'name_taken'
                )",
            self.tenant().uuid(),
            run.source_id,
            run.run_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Writes which archive a run reads.
    pub(in crate::sources) async fn put_source_content(
        &mut self,
        run: &ClaimedRun,
        content_id: Uuid,
        validators: &Validators,
    ) -> db::Result<()> {
        sqlx::query!(
            "update source_runs
            set
                content_id = $4,
                content_etag = $5,
                content_last_modified = $6
            where tenant_id = $1
                and run_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            run.run_id,
            run.token,
            content_id,
            validators.etag.as_deref(),
            validators.last_modified.as_deref()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that all items are there as they were, and counts them; how many there are.
    pub(in crate::sources) async fn touch_source_items(
        &mut self,
        run: &ClaimedRun,
    ) -> db::Result<i32> {
        let count = sqlx::query_scalar!(
            r#"with touched as (
                update source_items
                set last_run_id = $3
                where tenant_id = $1
                    and source_id = $2
                returning url
            )
            update source_runs
            set
                seen = seen + (select count(*) from touched)::int,
                unchanged = unchanged + (select count(*) from touched)::int
            where tenant_id = $1
                and run_id = $3
            returning (select count(*) from touched)::int as "count!""#,
            self.tenant().uuid(),
            run.source_id,
            run.run_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }
}
