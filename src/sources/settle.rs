//! Writes what became of a page, and ends runs: each in one transaction that is nothing when the run is no longer ours.

use serde_json::json;
use uuid::Uuid;

use super::canonicals::reopen_left_out;
use super::store::items::Item;
use super::store::leases::{ClaimedRun, RunEnd};
use super::store::pages::{Found, NextPage, Retry};
use super::sync::{SourceSync, Step};
use crate::db::{self, TenantTx};
use crate::kernel::ids::TenantId;
use crate::webhooks::{Event, announce};

/// Longest reason in words, in characters.
const MAX_DETAIL: usize = 1_000;

/// What became of a page.
#[derive(Debug)]
pub(super) struct Look {
    /// What is written.
    pub fate: Fate,
    /// Bytes that were read.
    pub bytes: usize,
    /// What the source knows of the page from now on.
    pub item: Kept,
    /// Pages that it leads to.
    pub pages: Vec<String>,
    /// Lists of pages that it leads to.
    pub sitemaps: Vec<String>,
    /// It leads to more than is taken of one page.
    pub cut: bool,
    /// The page that stands for it, when it was left out for another one.
    pub leads_to: Option<String>,
}

/// Whether a page is done with.
#[derive(Debug)]
pub(super) enum Fate {
    /// `new`, `changed`, `unchanged`, or `read` for a list of pages.
    Good(&'static str),
    /// It makes no document, for this reason.
    Skipped(String, String),
    /// It could not be looked at, for this reason.
    Failed(String, String),
    /// It is looked at once more.
    Again(Retry),
}

/// What the source knows of a page.
#[derive(Debug)]
pub(super) enum Kept {
    /// What it knew, and the run did not find it.
    Missing,
    /// What it knew, and it is there.
    AsItWas,
    /// This.
    Now(Item),
}

impl Look {
    /// A page of which there is nothing else to tell.
    pub fn plain(fate: Fate) -> Self {
        Self {
            fate,
            bytes: 0,
            item: Kept::Missing,
            pages: Vec::new(),
            sitemaps: Vec::new(),
            cut: false,
            leads_to: None,
        }
    }

    /// A page that makes no document.
    pub fn skipped(code: &str, detail: &str) -> Self {
        Self::plain(Fate::Skipped(code.to_owned(), detail.to_owned()))
    }

    /// A page that could not be looked at.
    pub fn failed(code: &str, detail: &str) -> Self {
        Self::plain(Fate::Failed(code.to_owned(), detail.to_owned()))
    }
}

impl SourceSync {
    /// Writes what became of a page.
    pub(super) async fn settle(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        page: &NextPage,
        look: Look,
    ) -> db::Result<Step> {
        let mut tx = self.db.tenant(tenant).await?;
        // The run before its pages, in the order of whoever cancels it: neither waits for the other one.
        if !tx.lock_source_lease(run).await? {
            return Ok(Step::Over);
        }
        run.bytes_read += i64::try_from(look.bytes).unwrap_or(i64::MAX);
        if let Fate::Again(retry) = &look.fate {
            tx.postpone_source_page(run.run_id, page.position, retry).await?;
        } else {
            self.add_found(&mut tx, run, page, &look).await?;
            write(&mut tx, run, page, &look).await?;
            reopen_left_out(&mut tx, run, page, &look).await?;
        }
        if !tx.keep_source_run(run, self.settings.lease).await? {
            drop(tx);
            return self.note_last(tenant, run, &look).await;
        }
        tx.commit().await?;
        match look.fate {
            Fate::Again(retry) if retry.rests => Ok(Step::Later(retry.wait)),
            // What came in, or what waits for its next turn: nobody is kept waiting for it.
            _ => Ok(Step::Next),
        }
    }

    /// Notes a document that came in while its run was cancelled: as long as the lease is ours, nobody deletes the source, and
    /// whoever does so afterwards finds it.
    async fn note_last(&self, tenant: TenantId, run: &ClaimedRun, look: &Look) -> db::Result<Step> {
        if let Kept::Now(item) = &look.item {
            let mut tx = self.db.tenant(tenant).await?;
            if tx.lock_source_lease(run).await? {
                tx.put_source_item(run, item).await?;
                tx.commit().await?;
            }
        }
        Ok(Step::Over)
    }

    /// Adds the pages and lists that a page leads to, as many as the limits leave room for.
    async fn add_found(
        &self,
        tx: &mut TenantTx,
        run: &mut ClaimedRun,
        page: &NextPage,
        look: &Look,
    ) -> db::Result<()> {
        // What a list names is as near as the start.
        let depth = if page.role == "page" { page.depth + 1 } else { 0 };
        let most = i64::from(self.page_limit(run)) - i64::from(run.pages_found);
        let found = Found { urls: &look.pages, role: "page", depth, most };
        let (wanted, taken) = tx.insert_source_pages(run, found).await?;
        run.pages_found += i32::try_from(taken).unwrap_or(i32::MAX);
        if wanted > taken {
            run.limit_code.get_or_insert_with(|| "page_limit".to_owned());
        }
        if look.cut {
            run.limit_code.get_or_insert_with(|| "link_limit".to_owned());
        }
        let most = i64::from(self.settings.max_sitemaps) - i64::from(run.sitemaps_found);
        let found = Found { urls: &look.sitemaps, role: "sitemap", depth: page.depth + 1, most };
        let (wanted, taken) = tx.insert_source_pages(run, found).await?;
        run.sitemaps_found += i32::try_from(taken).unwrap_or(i32::MAX);
        if wanted > taken {
            run.limit_code.get_or_insert_with(|| "sitemap_limit".to_owned());
        }
        Ok(())
    }

    /// Ends a run, and tells of it.
    pub(super) async fn end(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        end: &RunEnd,
    ) -> db::Result<Step> {
        let mut tx = self.db.tenant(tenant).await?;
        if end.state == "completed" {
            // The source before its run, in the order of whoever deletes it.
            tx.adopt_source_validators(run).await?;
        }
        if tx.end_source_run(run, end).await? {
            self.finish(&mut tx, run.source_id, run.run_id).await?;
            tx.commit().await?;
            tracing::info!(source.id = %run.source_id, run.id = %run.run_id, state = end.state, "source read");
        }
        Ok(Step::Over)
    }

    /// Leaves of a run that is over what people want to see, and tells webhooks of it.
    pub(super) async fn finish(
        &self,
        tx: &mut TenantTx,
        source_id: Uuid,
        run_id: Uuid,
    ) -> db::Result<()> {
        tx.trim_source_pages(run_id, self.settings.keep_pages).await?;
        tx.trim_source_runs(source_id, self.settings.keep_runs).await?;
        let Some(run) = tx.find_source_run(source_id, run_id).await? else { return Ok(()) };
        let mut data = json!({
            "source_id": source_id,
            "run_id": run_id,
            "state": run.state,
            "seen": run.seen,
            "new": run.new,
            "changed": run.changed,
            "unchanged": run.unchanged,
            "skipped": run.skipped,
            "failed": run.failed,
            "deleted": run.deleted,
        });
        if let Some(code) = run.reason_code {
            data["reason_code"] = code.into();
        }
        announce(tx, Event::SourceSynced, data).await
    }
}

/// Writes the fate of a page that is done with.
async fn write(
    tx: &mut TenantTx,
    run: &mut ClaimedRun,
    page: &NextPage,
    look: &Look,
) -> db::Result<()> {
    match &look.item {
        Kept::Missing => {}
        Kept::AsItWas => tx.touch_source_item(run, &page.url).await?,
        Kept::Now(item) => tx.put_source_item(run, item).await?,
    }
    let (outcome, reason) = match &look.fate {
        Fate::Good(outcome) => (*outcome, None),
        Fate::Skipped(code, detail) => ("skipped", Some((code, detail))),
        Fate::Failed(code, detail) | Fate::Again(Retry { code, detail, .. }) => {
            ("failed", Some((code, detail)))
        }
    };
    let detail: String =
        reason.map(|(_, detail)| detail.chars().take(MAX_DETAIL).collect()).unwrap_or_default();
    let reason = reason.map(|(code, _)| (code.as_str(), detail.as_str()));
    let leads_to = look.leads_to.as_deref();
    tx.settle_source_page(run.run_id, page.position, outcome, reason, leads_to).await?;
    if page.role == "page" {
        tx.count_source_page(run, outcome).await?;
        run.failed += i32::from(outcome == "failed");
        run.new += i32::from(outcome == "new");
    } else if outcome != "read" {
        // Also one that is not to be read: what it names is not known.
        run.limit_code.get_or_insert_with(|| "sitemap_failed".to_owned());
    }
    Ok(())
}
