//! Whether a tenant's sources may read a bucket. They are read with the role of this service, which may see what others have: the
//! name of a bucket alone must open nothing.

use crate::adapters::buckets::BucketPlace;
use crate::db::{self, TenantTx};
use crate::sources::configuration::{Bucket, ConfigurationError, is_bucket_name};
use crate::sources::sync::SourceSync;

/// What is said when it may not.
const REFUSED: &str = "the operator has not allowed this bucket and prefix for the tenant; ask for it, or name a prefix within one that is allowed";

impl SourceSync {
    /// Where a bucket is, when the tenant may read what begins with its prefix. The one where originals of all tenants lie is
    /// nobody's, whatever was allowed.
    pub(super) async fn find_allowed(
        &self,
        tx: &mut TenantTx,
        bucket: &Bucket,
    ) -> db::Result<Option<BucketPlace>> {
        // Also of a source that was made before such names were refused.
        if self.buckets.is_own(&bucket.bucket) || !is_bucket_name(&bucket.bucket) {
            return Ok(None);
        }
        tx.find_allowed_bucket(&bucket.bucket, &bucket.prefix).await
    }

    /// What is wrong with a configuration that names what the tenant may not read.
    pub(in crate::sources) async fn refuse_bucket(
        &self,
        tx: &mut TenantTx,
        bucket: &Bucket,
    ) -> db::Result<Option<ConfigurationError>> {
        let is_allowed = self.find_allowed(tx, bucket).await?.is_some();
        Ok((!is_allowed).then(|| ConfigurationError {
            pointer: "/configuration/bucket",
            detail: REFUSED.to_owned(),
        }))
    }
}

/// The same for a run, whose source was made before.
pub(super) fn refusal() -> (String, String) {
    ("bucket_not_allowed".to_owned(), REFUSED.to_owned())
}
