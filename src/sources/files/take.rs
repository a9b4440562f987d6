//! Makes a document of a file, unless its name is that of a document which others have made.

use sha2::{Digest, Sha256};

use crate::db;
use crate::kernel::ids::TenantId;
use crate::sources::fetch::Validators;
use crate::sources::receive::Material;
use crate::sources::settle::Look;
use crate::sources::store::items::Item;
use crate::sources::store::leases::ClaimedRun;
use crate::sources::store::pages::NextPage;
use crate::sources::sync::SourceSync;

impl SourceSync {
    /// Takes a file in. Paths are not unique as addresses are: what somebody uploaded under this name, or another source
    /// brought in, is not written over, unless it is the same.
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
        let mut tx = self.db.tenant(tenant).await?;
        let is_taken = tx.is_document_name_taken(run, &page.url, digest.as_slice()).await?;
        drop(tx);
        if is_taken {
            let detail = "the collection has another document of this name, which this source did not bring in; give the source a name_prefix or a collection of its own, or delete that document";
            return Ok(refused(item.is_some(), "name_taken", detail));
        }
        let material = Material {
            bytes,
            format_name: page.url.clone(),
            declared_type: None,
            source_url: None,
            validators,
            links: Vec::new(),
        };
        Ok(self.receive(tenant, run, page, item, material).await)
    }
}

/// What becomes of a file that can not be taken. One that has a document has failed, so that nothing is deleted for it; one that
/// never was a document keeps nobody from finding what is gone.
pub(in crate::sources) fn refused(is_known: bool, code: &str, detail: &str) -> Look {
    if is_known { Look::failed(code, detail) } else { Look::skipped(code, detail) }
}
