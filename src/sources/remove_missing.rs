//! The end of a run: says whether everything was looked at, and only then removes what was not found any more.

use super::canonicals::CANONICAL_ELSEWHERE;
use super::configuration::Configuration;
use super::store::leases::{ClaimedRun, RunEnd};
use super::store::pages::NotedPage;
use super::sync::{SourceSync, Step};
use crate::db;
use crate::kernel::ids::TenantId;
use crate::knowledge::{Author, remove_document};

/// What may become of the first page without the run coming to nothing: it led somewhere else.
const LED_ON: [&str; 3] = ["noindex", "redirected", CANONICAL_ELSEWHERE];

impl SourceSync {
    /// Ends a run that has nothing left to look at, or goes on to what is gone.
    pub(super) async fn conclude(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
    ) -> db::Result<Step> {
        let configuration = Configuration::from_row(&run.kind, &run.configuration)?;
        let mut tx = self.db.tenant(tenant).await?;
        let trouble = match configuration.begins_at_one() {
            true => tx.find_start_trouble(run.run_id).await?,
            false => None,
        };
        let (all, missing) = tx.count_source_items(run).await?;
        drop(tx);
        if let Some(NotedPage { reason_code, reason_detail, .. }) =
            trouble.filter(|page| !LED_ON.contains(&page.reason_code.as_str()))
        {
            let detail = format!("the first page could not be read: {reason_detail}");
            return self.fail(tenant, run, (reason_code, detail)).await;
        }
        let kept = "; what was not found stays as it is";
        if let Some(code) = run.limit_code.clone() {
            let detail =
                format!("not everything was looked at: {}{kept}", self.limit_in_words(run, &code));
            return self.partial(tenant, run, (code, detail)).await;
        }
        if run.failed > 0 {
            let detail = format!("pages that failed: {}{kept}", run.failed);
            return self.partial(tenant, run, ("pages_failed".to_owned(), detail)).await;
        }
        if run.pages_found == 0 && !run.allow_mass_deletion {
            let detail = configuration.nothing_found().to_owned();
            return self.fail(tenant, run, ("nothing_found".to_owned(), detail)).await;
        }
        let before = all - i64::from(run.new);
        let percent = i64::from(self.settings.max_deleted_percent);
        // One page may always go: of three it is a third.
        let most = (before * percent / 100).max(percent.min(1));
        if !run.allow_mass_deletion && missing > most {
            let detail = format!(
                "{missing} of {before} pages are gone, and a run deletes {most} of them at most; look at the site, and start a run with allow_mass_deletion when that is right"
            );
            return self.partial(tenant, run, ("too_many_deletions".to_owned(), detail)).await;
        }
        "removing".clone_into(&mut run.phase);
        let mut tx = self.db.tenant(tenant).await?;
        if !tx.keep_source_run(run, self.settings.lease).await? {
            return Ok(Step::Over);
        }
        tx.commit().await?;
        Ok(Step::Next)
    }

    /// Removes one page that is gone; ends the run when there is none left.
    pub(super) async fn remove_one(&self, tenant: TenantId, run: &ClaimedRun) -> db::Result<Step> {
        let mut tx = self.db.tenant(tenant).await?;
        // Nobody cancels the run or takes it over until the document is gone.
        if !tx.keep_source_run(run, self.settings.lease).await? {
            return Ok(Step::Over);
        }
        let Some(item) = tx.next_missing_item(run).await? else {
            drop(tx);
            return self.end(tenant, run, &RunEnd { state: "completed", reason: None }).await;
        };
        let mut has_removed = false;
        if let Some(document_id) = item.document_id
            && tx.lock_own_document(run.source_id, document_id).await?
        {
            let author = Author::source(tenant, run.source_id, run.collection_id);
            has_removed = remove_document(&mut tx, &author, document_id).await?;
        }
        tx.delete_source_item(run.source_id, &item.url).await?;
        tx.count_deleted_page(run).await?;
        tx.commit().await?;
        if has_removed {
            self.wake_worker();
        }
        Ok(Step::Next)
    }

    /// Most pages of a run.
    pub(super) fn page_limit(&self, run: &ClaimedRun) -> u32 {
        let configuration = Configuration::from_row(&run.kind, &run.configuration);
        let own = configuration.ok().and_then(|configuration| configuration.most());
        own.map_or(self.settings.max_pages, |most| most.min(self.settings.max_pages))
    }

    pub(super) async fn partial(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        reason: (String, String),
    ) -> db::Result<Step> {
        self.end(tenant, run, &RunEnd { state: "partial", reason: Some(reason) }).await
    }

    fn limit_in_words(&self, run: &ClaimedRun, code: &str) -> String {
        match code {
            "page_limit" => format!("there are more than {} pages or files", self.page_limit(run)),
            "sitemap_limit" => {
                format!("there are more than {} sitemaps", self.settings.max_sitemaps)
            }
            "link_limit" => {
                format!("there is a page with more than {} links", self.settings.max_links)
            }
            "byte_limit" => format!("{} bytes were read", self.settings.max_run_bytes),
            "time_limit" => format!("{} seconds were over", self.settings.max_run.as_secs()),
            _ => "a sitemap could not be read".to_owned(),
        }
    }
}
