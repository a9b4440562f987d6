//! One step of a run that reads a web site: its `robots.txt` first, then page by page.

use tokio_util::sync::CancellationToken;

use super::look::Site;
use crate::db;
use crate::kernel::ids::TenantId;
use crate::sources::configuration::Website;
use crate::sources::stopping::STOPPED;
use crate::sources::store::leases::ClaimedRun;
use crate::sources::store::pages::Found;
use crate::sources::sync::{Next, SourceSync, Step};

impl SourceSync {
    /// Goes one step on; `known` is the site as this slice knows it.
    pub(in crate::sources) async fn visit(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        website: &Website,
        known: &mut Option<Site>,
        stop: &CancellationToken,
    ) -> db::Result<Step> {
        let Some(site) = known.take().or_else(|| Site::new(website, &self.settings, run)) else {
            let detail = "the address of the source can not be read".to_owned();
            return self.fail(tenant, run, ("address_refused".to_owned(), detail)).await;
        };
        if run.robots.is_none() {
            return self.begin_visit(tenant, run, &site, stop).await;
        }
        let site = known.insert(site);
        if let Some(wait) = self.long_wait(site.host()) {
            return Ok(Step::Later(wait));
        }
        let page = match self.next_page(tenant, run, site.delay()).await? {
            Next::Look(page) => page,
            Next::Instead(step) => return Ok(step),
        };
        let look = Box::pin(self.look(tenant, run, site, &page, stop)).await?;
        self.settle(tenant, run, &page, look).await
    }

    /// Reads what the site asks not to read, and notes where the run begins.
    async fn begin_visit(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        site: &Site,
        stop: &CancellationToken,
    ) -> db::Result<Step> {
        let robots = match self.unless_stopped(stop, Box::pin(self.read_robots(site))).await {
            Some(Ok(robots)) => robots,
            Some(Err(reason)) => return self.fail(tenant, run, reason).await,
            None => return Ok(STOPPED),
        };
        let start = [site.start()];
        let mut tx = self.db.tenant(tenant).await?;
        tx.put_source_robots(run, &robots).await?;
        run.robots = Some(robots);
        let role = site.first_role();
        let found = Found { urls: &start, role, depth: 0, most: 1 };
        tx.insert_source_pages(run, found).await?;
        if role == "page" {
            run.pages_found = 1
        } else {
            run.sitemaps_found = 1
        }
        if !tx.keep_source_run(run, self.settings.lease).await? {
            return Ok(Step::Over);
        }
        tx.commit().await?;
        Ok(Step::Next)
    }
}
