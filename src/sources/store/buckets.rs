//! Rows of `tenant_buckets`: what the operator lets a tenant's sources read.

use crate::adapters::buckets::BucketPlace;
use crate::db::{self, TenantTx};

/// A part of a bucket that a tenant may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedBucket {
    /// Name of the bucket.
    pub bucket: String,
    /// Beginning of the keys; empty for all.
    pub prefix: String,
    /// Region; that of the worker when absent.
    pub region: Option<String>,
    /// Account that the bucket must belong to.
    pub owner_account: Option<String>,
}

impl TenantTx {
    /// Where a bucket is, when keys that begin so are allowed. Of several permissions the narrowest counts.
    pub(in crate::sources) async fn find_allowed_bucket(
        &mut self,
        bucket: &str,
        prefix: &str,
    ) -> db::Result<Option<BucketPlace>> {
        let place = sqlx::query_as!(
            BucketPlace,
            "select
                bucket,
                region,
                owner_account
            from tenant_buckets
            where tenant_id = $1
                and bucket = $2
                and starts_with($3, prefix)
            order by length(prefix) desc
            limit 1",
            self.tenant().uuid(),
            bucket,
            prefix
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(place)
    }

    /// All that the tenant may read.
    pub async fn list_allowed_buckets(&mut self) -> db::Result<Vec<AllowedBucket>> {
        let rows = sqlx::query_as!(
            AllowedBucket,
            "select
                bucket,
                prefix,
                region,
                owner_account
            from tenant_buckets
            where tenant_id = $1
            order by
                bucket,
                prefix",
            self.tenant().uuid()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(rows)
    }

    /// Lets the tenant read a part of a bucket, or says anew where it is.
    pub async fn allow_bucket(&mut self, place: &AllowedBucket) -> db::Result<()> {
        sqlx::query!(
            "insert into tenant_buckets (tenant_id, bucket, prefix, region, owner_account)
            values ($1, $2, $3, $4, $5)
            on conflict on constraint tenant_buckets_pkey do update
            set
                region = excluded.region,
                owner_account = excluded.owner_account",
            self.tenant().uuid(),
            place.bucket,
            place.prefix,
            place.region.as_deref(),
            place.owner_account.as_deref()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes that back; whether it was there.
    pub async fn forbid_bucket(&mut self, bucket: &str, prefix: &str) -> db::Result<bool> {
        let done = sqlx::query!(
            "delete from tenant_buckets
            where tenant_id = $1
                and bucket = $2
                and prefix = $3",
            self.tenant().uuid(),
            bucket,
            prefix
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
