//! Files that a run has planned to look at: how they are written down, and what is said of those that were refused then.

use serde::{Deserialize, Serialize};

use super::{Refusal, refused};
use crate::db;
use crate::kernel::ids::TenantId;
use crate::sources::settle::Look;
use crate::sources::store::leases::ClaimedRun;
use crate::sources::store::pages::NextPage;
use crate::sources::sync::{SourceSync, Step};

/// A file that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// Name of its document, or the path as it is shown when it is refused.
    pub path: String,
    /// Its number among all that there are; absent when it is refused.
    pub entry: Option<usize>,
    /// Why it is refused.
    pub refusal: Option<Refusal>,
}

impl SourceSync {
    /// Writes down the files that a run looks at, as many as it may, once in a run.
    pub(in crate::sources) async fn note_plan(
        &self,
        tenant: TenantId,
        run: &mut ClaimedRun,
        mut files: Vec<PlannedFile>,
    ) -> db::Result<Step> {
        let most = usize::try_from(self.page_limit(run)).unwrap_or(usize::MAX);
        if files.len() > most {
            files.truncate(most);
            run.limit_code.get_or_insert_with(|| "page_limit".to_owned());
        }
        let mut tx = self.db.tenant(tenant).await?;
        if !tx.lock_source_lease(run).await? {
            return Ok(Step::Over);
        }
        run.pages_found = tx.insert_source_files(run, &files).await?;
        run.is_planned = true;
        if !tx.keep_source_run(run, self.settings.lease).await? {
            return Ok(Step::Over);
        }
        tx.commit().await?;
        Ok(Step::Next)
    }
}

/// What becomes of a file that was refused when the run was planned.
pub(in crate::sources) fn refused_before(has_document: bool, page: &NextPage) -> Option<Look> {
    if page.entry.is_some() {
        return None;
    }
    let code = page.reason_code.as_deref().unwrap_or("path_refused");
    Some(refused(has_document, code, page.reason_detail.as_deref().unwrap_or_default()))
}
