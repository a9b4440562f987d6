//! Makes a document of a file, unless its name is that of a document which others have made.

use sha2::{Digest, Sha256};

use crate::db;
use crate::kernel::ids::TenantId;
use crate::knowledge::{ReceiveError, SoleSource};
use crate::sources::fetch::Validators;
use crate::sources::receive::Material;
use crate::sources::settle::Look;
use crate::sources::store::items::Item;
use crate::sources::store::leases::ClaimedRun;
use crate::sources::store::pages::NextPage;
use crate::sources::sync::SourceSync;

impl SourceSync {
    /// Takes a file in. Paths are not unique as addresses are: what somebody uploaded under this name, or another source
    /// brought in, is neither written over nor taken over.
    pub(in crate::sources) async fn take_file(
        &self,
        tenant: TenantId,
        run: &ClaimedRun,
        page: &NextPage,
        item: Option<&Item>,
        bytes: Vec<u8>,
        validators: Validators,
    ) -> db::Result<Look> {
        let digest = Sha256::digest(&bytes);
        // Told before the bytes are stored; what counts is what is found under the lock of the document.
        let mut tx = self.db.tenant(tenant).await?;
        let is_taken = tx.is_document_name_taken(run, &page.url, digest.as_slice()).await?;
        drop(tx);
        if is_taken {
            let detail = ReceiveError::NameTaken.to_string();
            return Ok(refused(has_document(item), "name_taken", &detail));
        }
        let material = Material {
            bytes,
            format_name: page.url.clone(),
            declared_type: None,
            source_url: None,
            validators,
            links: Vec::new(),
            sole_source: Some(SoleSource { source_id: run.source_id, run_id: run.run_id }),
        };
        Ok(self.receive(tenant, run, page, item, material).await)
    }
}

/// Whether a source has a document of a file now. What somebody deleted it can not lose.
pub(in crate::sources) fn has_document(item: Option<&Item>) -> bool {
    item.is_some_and(|item| item.document_id.is_some())
}

/// What becomes of a file that can not be taken. One that has a document has failed, so that nothing is deleted for it; one that
/// never was a document keeps nobody from finding what is gone.
pub(in crate::sources) fn refused(has_document: bool, code: &str, detail: &str) -> Look {
    if has_document { Look::failed(code, detail) } else { Look::skipped(code, detail) }
}
