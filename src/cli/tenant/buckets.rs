//! What sources of a tenant may read in buckets of S3. The worker reads with a role of its own, so that the operator alone says
//! what of it is for whom.

use clap::Args;
use serde_json::{Value, json};

use super::by_command;
use crate::db::Db;
use crate::db::audit::AuditEntry;
use crate::kernel::ids::TenantId;
use crate::sources::{AllowedBucket, is_bucket_name, is_prefix};

/// Which part of a bucket.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Part {
    /// Beginning of the keys that may be read, with a slash at its end, such as docs/acme/
    #[arg(long)]
    prefix: Option<String>,
    /// The whole bucket
    #[arg(long)]
    whole: bool,
}

impl Part {
    /// The beginning of the keys; empty for all.
    pub fn prefix(self) -> anyhow::Result<String> {
        let Some(prefix) = self.prefix else { return Ok(String::new()) };
        anyhow::ensure!(
            !prefix.is_empty() && is_prefix(&prefix),
            "the prefix must end with a slash, as in docs/acme/, and have 500 bytes at most, without . and .. as names; --whole allows the whole bucket"
        );
        Ok(prefix)
    }
}

/// Lets a tenant read a part of a bucket, and notes it.
pub async fn allow(db: &Db, tenant: TenantId, allowed: &AllowedBucket) -> anyhow::Result<()> {
    anyhow::ensure!(is_bucket_name(&allowed.bucket), "{} is no name of a bucket", allowed.bucket);
    let is_region = |text: &str| {
        (1..=32).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if let Some(region) = &allowed.region {
        anyhow::ensure!(is_region(region), "{region} is no region, as eu-central-1 is");
    }
    if let Some(account) = &allowed.owner_account {
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        anyhow::ensure!(is_account, "{account} is no account: give its 12 digits");
    }
    let mut tx = db.tenant(tenant).await?;
    tx.allow_bucket(allowed).await?;
    let entry = AuditEntry::new(by_command(), "bucket.allowed").on("bucket", &allowed.bucket);
    tx.append_audit(entry.after(told(allowed))).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes that back, and notes it.
pub async fn forbid(db: &Db, tenant: TenantId, bucket: &str, prefix: &str) -> anyhow::Result<()> {
    let mut tx = db.tenant(tenant).await?;
    let was_there = tx.forbid_bucket(bucket, prefix).await?;
    anyhow::ensure!(
        was_there,
        "{bucket}/{prefix} was not allowed; pidima tenant list-buckets shows what is"
    );
    let entry = AuditEntry::new(by_command(), "bucket.forbidden").on("bucket", bucket);
    tx.append_audit(entry.before(json!({ "prefix": prefix }))).await?;
    tx.commit().await?;
    Ok(())
}

/// A line of the list.
pub fn shown(allowed: &AllowedBucket) -> String {
    let AllowedBucket { bucket, prefix, region, owner_account } = allowed;
    let region = region.as_deref().unwrap_or("own region");
    let account = owner_account.as_deref().unwrap_or("any account");
    format!("{bucket}/{prefix}  {region}  {account}")
}

fn told(allowed: &AllowedBucket) -> Value {
    json!({
        "prefix": allowed.prefix,
        "region": allowed.region,
        "owner_account": allowed.owner_account,
    })
}
