//! Pages that were left out because another one stands for them come in after all when nothing comes of that one.

use super::settle::{Fate, Look};
use super::store::leases::ClaimedRun;
use super::store::pages::NextPage;
use crate::db::{self, TenantTx};

/// Why a page is left out that gives another address as its own.
pub(super) const CANONICAL_ELSEWHERE: &str = "canonical_elsewhere";

/// Has those looked at once more that were left out for a page which is done with and has no document. Each page comes back
/// once at most, as it is then taken for itself whatever it calls right.
pub(super) async fn reopen_left_out(
    tx: &mut TenantTx,
    run: &ClaimedRun,
    page: &NextPage,
    look: &Look,
) -> db::Result<()> {
    let stands = match (&look.fate, &look.leads_to) {
        (Fate::Good(_) | Fate::Again(_), _) => true,
        // It was looked at before whether that one stands for both.
        (Fate::Skipped(code, _), Some(_)) if code == CANONICAL_ELSEWHERE => true,
        (Fate::Skipped(..), Some(to)) => {
            // One that was left out for this one is the right one after all.
            tx.reopen_source_page(run.run_id, to, &page.url).await?;
            tx.is_source_page_stood_for(run, to, Some(&page.url)).await?
        }
        (Fate::Skipped(..), None) => false,
        // What was there before stays, and is as good as ever.
        (Fate::Failed(..), _) => tx.is_source_page_stood_for(run, &page.url, None).await?,
    };
    if stands { Ok(()) } else { tx.reopen_left_out_pages(run.run_id, &page.url).await }
}
