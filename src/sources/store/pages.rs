//! Rows of `source_pages`: what a run knows of and has still to look at.

use std::time::Duration;

use uuid::Uuid;

use super::leases::ClaimedRun;
use crate::db::{self, TenantTx};

/// A page or sitemap whose turn it is.
#[derive(Clone, Debug)]
pub struct NextPage {
    /// Place in the run, from 1.
    pub position: i32,
    /// Address.
    pub url: String,
    /// `page` or `sitemap`.
    pub role: String,
    /// Links between it and the start.
    pub depth: i32,
    /// How often it was begun, this time included.
    pub attempts: i32,
    /// Whether it was left out before for another page, of which nothing came.
    pub was_left_out: bool,
    /// Number of a file in its archive; absent for a page, and for a file that is refused.
    pub entry: Option<i32>,
    /// Why it is refused, or why the attempt before failed, for programs.
    pub reason_code: Option<String>,
    /// The same in words.
    pub reason_detail: Option<String>,
}

/// What a run does next.
#[derive(Clone, Debug)]
pub enum Turn {
    /// Look at this.
    Page(NextPage),
    /// Wait: what is left is not due.
    Wait(Duration),
    /// Nothing is left.
    Nothing,
}

/// How pages came to be known.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Addresses, each once or more often.
    pub urls: &'a [String],
    /// `page` or `sitemap`.
    pub role: &'a str,
    /// Links between them and the start.
    pub depth: i32,
    /// Most of them that are taken.
    pub most: i64,
}

/// Another look at a page.
#[derive(Clone, Debug)]
pub struct Retry {
    /// After so long.
    pub wait: Duration,
    /// Whether this look was an attempt.
    pub counts: bool,
    /// Whether the whole run rests until then.
    pub rests: bool,
    /// Why, for programs.
    pub code: String,
    /// Why, in words.
    pub detail: String,
}

/// A page that failed or was skipped, as it is shown.
#[derive(Clone, Debug)]
pub struct NotedPage {
    /// Address.
    pub url: String,
    /// `failed` or `skipped`.
    pub outcome: String,
    /// Why, for programs.
    pub reason_code: String,
    /// Why, in words.
    pub reason_detail: String,
}

impl TenantTx {
    /// Adds those that the run did not know; how many there were, and how many of them were taken.
    pub(in crate::sources) async fn insert_source_pages(
        &mut self,
        run: &ClaimedRun,
        found: Found<'_>,
    ) -> db::Result<(i64, i64)> {
        let counts = sqlx::query!(
            r#"with wanted as materialized (
                select
                    w.url,
                    min(w.place) as place
                from unnest($3::text[]) with ordinality as w (url, place)
                where not exists (
                    select
                    from source_pages p
                    where p.tenant_id = $1
                        and p.run_id = $2
                        and p.url = w.url
                )
                group by w.url
            ),
            taken as (
                insert into source_pages (tenant_id, run_id, url, role, depth, position)
                select
                    $1,
                    $2,
                    w.url,
                    $4,
                    $5,
                    $6::int + (row_number() over (order by w.place))::int
                from wanted w
                order by w.place
                limit $7
                returning position
            )
            select
                (select count(*) from wanted) as "wanted!",
                (select count(*) from taken) as "taken!""#,
            self.tenant().uuid(),
            run.run_id,
            found.urls,
            found.role,
            found.depth,
            run.pages_found + run.sitemaps_found,
            found.most.max(0)
        )
        .fetch_one(self.connection())
        .await?;
        Ok((counts.wanted, counts.taken))
    }

    /// Begins the next page: sitemaps first, as they tell what there is; then pages by their distance from the start. One that
    /// waits for another attempt keeps those further away waiting, as it may lead to them on a shorter way.
    pub(in crate::sources) async fn take_source_page(&mut self, run_id: Uuid) -> db::Result<Turn> {
        let page = sqlx::query_as!(
            NextPage,
            r#"update source_pages p
            set attempts = p.attempts + 1
            where p.tenant_id = $1
                and p.run_id = $2
                and p.position = (
                    select n.position
                    from source_pages n
                    where n.tenant_id = $1
                        and n.run_id = $2
                        and n.state = 'waiting'
                        and n.due_at <= now()
                        and (
                            n.role = 'sitemap'
                            or n.depth = (
                                select min(d.depth)
                                from source_pages d
                                where d.tenant_id = $1
                                    and d.run_id = $2
                                    and d.state = 'waiting'
                                    and d.role = 'page'
                            )
                        )
                    order by
                        n.role desc,
                        n.depth,
                        n.position
                    limit 1
                )
            returning
                p.position,
                p.url,
                p.role,
                p.depth,
                p.attempts,
                p.leads_to is not null as "was_left_out!",
                p.entry,
                p.reason_code,
                p.reason_detail"#,
            self.tenant().uuid(),
            run_id
        )
        .fetch_optional(self.connection())
        .await?;
        if let Some(page) = page {
            return Ok(Turn::Page(page));
        }
        let seconds = sqlx::query_scalar!(
            r#"select extract(epoch from min(n.due_at) - now())::float8 as "seconds"
            from source_pages n
            where n.tenant_id = $1
                and n.run_id = $2
                and n.state = 'waiting'
                and (
                    n.role = 'sitemap'
                    or n.depth = (
                        select min(d.depth)
                        from source_pages d
                        where d.tenant_id = $1
                            and d.run_id = $2
                            and d.state = 'waiting'
                            and d.role = 'page'
                    )
                )"#,
            self.tenant().uuid(),
            run_id
        )
        .fetch_one(self.connection())
        .await?;
        let wait = |seconds: f64| Turn::Wait(Duration::from_secs_f64(seconds.max(0.0)));
        Ok(seconds.map_or(Turn::Nothing, wait))
    }

    /// Notes what became of a page, and which one stands for it when it was left out for another one.
    pub(in crate::sources) async fn settle_source_page(
        &mut self,
        run_id: Uuid,
        position: i32,
        outcome: &str,
        reason: Option<(&str, &str)>,
        leads_to: Option<&str>,
    ) -> db::Result<()> {
        let (code, detail) = reason.unzip();
        sqlx::query!(
            "update source_pages
            set
                state = 'done',
                outcome = $4,
                reason_code = $5,
                reason_detail = $6,
                leads_to = $7
            where tenant_id = $1
                and run_id = $2
                and position = $3",
            self.tenant().uuid(),
            run_id,
            position,
            outcome,
            code,
            detail,
            leads_to
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Lets a page wait for another attempt, and notes why.
    pub(in crate::sources) async fn postpone_source_page(
        &mut self,
        run_id: Uuid,
        position: i32,
        retry: &Retry,
    ) -> db::Result<()> {
        sqlx::query!(
            "update source_pages
            set
                attempts = attempts - (not $5)::int,
                due_at = now() + make_interval(secs => $4),
                reason_code = $6,
                reason_detail = $7
            where tenant_id = $1
                and run_id = $2
                and position = $3",
            self.tenant().uuid(),
            run_id,
            position,
            retry.wait.as_secs_f64(),
            retry.counts,
            retry.code,
            retry.detail
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// What became of the page that a run began with, when it failed or was skipped.
    pub(in crate::sources) async fn find_start_trouble(
        &mut self,
        run_id: Uuid,
    ) -> db::Result<Option<NotedPage>> {
        let page = sqlx::query_as!(
            NotedPage,
            r#"select
                url,
                outcome as "outcome!",
                reason_code as "reason_code!",
                reason_detail as "reason_detail!"
            from source_pages
            where tenant_id = $1
                and run_id = $2
                and position = 1
                and outcome in ('skipped', 'failed')"#,
            self.tenant().uuid(),
            run_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(page)
    }

    /// Pages that failed, then those that were skipped, each in the order in which they were found.
    pub async fn list_noted_pages(
        &mut self,
        run_id: Uuid,
        most: i64,
    ) -> db::Result<Vec<NotedPage>> {
        let pages = sqlx::query_as!(
            NotedPage,
            r#"select
                url,
                outcome as "outcome!",
                reason_code as "reason_code!",
                reason_detail as "reason_detail!"
            from source_pages
            where tenant_id = $1
                and run_id = $2
                and outcome in ('skipped', 'failed')
            order by
                outcome,
                position
            limit $3"#,
            self.tenant().uuid(),
            run_id,
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(pages)
    }

    /// Removes the pages of a run that is over, but so many of those that failed or were skipped.
    pub(in crate::sources) async fn trim_source_pages(
        &mut self,
        run_id: Uuid,
        keep: u32,
    ) -> db::Result<()> {
        sqlx::query!(
            "delete from source_pages
            where tenant_id = $1
                and run_id = $2
                and position not in (
                    select position
                    from source_pages
                    where tenant_id = $1
                        and run_id = $2
                        and outcome in ('skipped', 'failed')
                    order by
                        outcome,
                        position
                    limit $3
                )",
            self.tenant().uuid(),
            run_id,
            i64::from(keep)
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
