//! Rows of `source_pages` that were left out because another page stands for them: the one that they redirect to, or that they
//! call the right one.

use uuid::Uuid;

use super::leases::ClaimedRun;
use crate::db::{self, TenantTx};

/// How far it is followed from a page to the one that stands for it. Who is further away stands for nobody: at worst a text comes
/// in twice.
const MOST_STEPS: i32 = 20;

impl TenantTx {
    /// Whether a page, or the one that stands for it in the end, has a document or may still get one in this run. Not when the
    /// way there comes by `without`.
    pub(in crate::sources) async fn is_source_page_stood_for(
        &mut self,
        run: &ClaimedRun,
        url: &str,
        without: Option<&str>,
    ) -> db::Result<bool> {
        let stands = sqlx::query_scalar!(
            r#"with recursive way as (
                select
                    1 as step,
                    $3::text as url
                union all
                select
                    w.step + 1,
                    p.leads_to
                from way w
                join source_pages p on p.tenant_id = $1 and p.run_id = $2 and p.url = w.url
                where w.step < $5
                    and w.url is distinct from $4::text
                    and p.outcome = 'skipped'
                    and p.leads_to is not null
            )
            select
                w.url is distinct from $4::text
                and p.role is distinct from 'sitemap'
                and (
                    p.outcome is null
                    or p.outcome not in ('skipped', 'failed')
                    or p.outcome = 'failed'
                    and exists (
                        select
                        from source_items i
                        where i.tenant_id = $1
                            and i.source_id = $6
                            and i.url = w.url
                            and i.document_id is not null
                    )
                ) as "stands!"
            from way w
            left join source_pages p on p.tenant_id = $1 and p.run_id = $2 and p.url = w.url
            order by w.step desc
            limit 1"#,
            self.tenant().uuid(),
            run.run_id,
            url,
            without,
            MOST_STEPS,
            run.source_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(stands)
    }

    /// Lets a page wait once more that was left out for `leads_to`, which it calls the right one.
    pub(in crate::sources) async fn reopen_source_page(
        &mut self,
        run_id: Uuid,
        url: &str,
        leads_to: &str,
    ) -> db::Result<()> {
        sqlx::query!(
            "with reopened as (
                update source_pages
                set
                    state = 'waiting',
                    attempts = 0,
                    due_at = now(),
                    outcome = null,
                    reason_code = null,
                    reason_detail = null
                where tenant_id = $1
                    and run_id = $2
                    and url = $3
                    and leads_to = $4
                    and outcome = 'skipped'
                    and reason_code = 'canonical_elsewhere'
                returning run_id
            )
            update source_runs r
            set
                seen = seen - 1,
                skipped = skipped - 1
            from reopened o
            where r.tenant_id = $1
                and r.run_id = o.run_id",
            self.tenant().uuid(),
            run_id,
            url,
            leads_to
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The same for all that were left out for a page of which nothing comes, also by way of others that redirect to it.
    pub(in crate::sources) async fn reopen_left_out_pages(
        &mut self,
        run_id: Uuid,
        url: &str,
    ) -> db::Result<()> {
        sqlx::query!(
            "with recursive left_out as (
                select
                    1 as step,
                    p.position,
                    p.url,
                    p.reason_code
                from source_pages p
                where p.tenant_id = $1
                    and p.run_id = $2
                    and p.leads_to = $3
                    and p.outcome = 'skipped'
                union all
                select
                    l.step + 1,
                    p.position,
                    p.url,
                    p.reason_code
                from left_out l
                join source_pages p on p.tenant_id = $1 and p.run_id = $2 and p.leads_to = l.url
                where l.step < $4
                    and l.reason_code = 'redirected'
                    and p.outcome = 'skipped'
            ),
            reopened as (
                update source_pages p
                set
                    state = 'waiting',
                    attempts = 0,
                    due_at = now(),
                    outcome = null,
                    reason_code = null,
                    reason_detail = null
                where p.tenant_id = $1
                    and p.run_id = $2
                    and p.position in (
                        select l.position
                        from left_out l
                        where l.reason_code = 'canonical_elsewhere'
                    )
                returning p.position
            ),
            counted as (
                select count(*)::int as pages
                from reopened
            )
            update source_runs r
            set
                seen = seen - c.pages,
                skipped = skipped - c.pages
            from counted c
            where r.tenant_id = $1
                and r.run_id = $2
                and c.pages > 0",
            self.tenant().uuid(),
            run_id,
            url,
            MOST_STEPS
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
