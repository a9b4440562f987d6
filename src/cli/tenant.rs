//! `pidima tenant`: the operator's commands on tenants.

mod buckets;

use std::fmt;
use std::io::Write;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::database;
use crate::config::{Env, ObjectsConfig};
use crate::db::Db;
use crate::db::analysts;
use crate::db::audit::{AuditActor, AuditEntry};
use crate::governance::Flag;
use crate::identity::{NewApiKey, Role, create_api_key};
use crate::kernel::ids::TenantId;
use crate::sources::AllowedBucket;
use crate::tenancy::create_tenant;

#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Create a tenant and print its first key, once
    Create {
        /// Short name, unique over all tenants
        slug: String,
        /// Name shown to people; the short name when absent
        #[arg(long)]
        name: Option<String>,
    },
    /// Create another key of the role owner, where the first one is lost or has expired
    CreateKey {
        /// Short name of the tenant
        slug: String,
    },
    /// List tenants
    List,
    /// Switch uploads or questions of one tenant off or on, whatever holds for all
    Flag {
        /// Short name of the tenant
        slug: String,
        /// uploads or questions
        flag: Flag,
        /// on, off, or default for what holds for all
        state: FlagState,
    },
    /// Let sources of one tenant read a part of a bucket of S3, with the role of the worker
    AllowBucket {
        /// Short name of the tenant
        slug: String,
        /// Name of the bucket
        bucket: String,
        #[command(flatten)]
        part: buckets::Part,
        /// Region of the bucket; that of the worker when absent
        #[arg(long)]
        region: Option<String>,
        /// Account of AWS that the bucket must belong to, 12 digits; any when absent
        #[arg(long)]
        owner_account: Option<String>,
    },
    /// Take that back; the documents stay
    ForbidBucket {
        /// Short name of the tenant
        slug: String,
        /// Name of the bucket
        bucket: String,
        #[command(flatten)]
        part: buckets::Part,
    },
    /// List what sources of one tenant may read in buckets of S3
    ListBuckets {
        /// Short name of the tenant
        slug: String,
    },
    /// Create a read-only SQL login that sees one tenant's rows in the views of schema analytics
    GrantAnalyst {
        /// Short name of the tenant
        slug: String,
        /// Connection string of an administrator
        #[arg(long, env = "PIDIMA_ADMIN_DATABASE_URL", hide_env_values = true)]
        admin_url: String,
        /// Days until the login is refused
        #[arg(long, default_value_t = analysts::DEFAULT_DAYS, value_parser = clap::value_parser!(u16).range(1..=365))]
        days: u16,
    },
    /// Take a tenant's SQL login away, and end its connections
    RevokeAnalyst {
        /// Short name of the tenant
        slug: String,
        /// Connection string of an administrator
        #[arg(long, env = "PIDIMA_ADMIN_DATABASE_URL", hide_env_values = true)]
        admin_url: String,
    },
}

/// What becomes of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FlagState {
    On,
    Off,
    Default,
}

impl FlagState {
    fn of(is_on: bool) -> Self {
        if is_on { Self::On } else { Self::Off }
    }

    fn is_on(self) -> Option<bool> {
        (self != Self::Default).then_some(self == Self::On)
    }
}

impl fmt::Display for FlagState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Default => "default",
        })
    }
}

pub async fn run(command: TenantCommand, env: &Env) -> anyhow::Result<()> {
    let own_bucket = match &command {
        TenantCommand::AllowBucket { .. } => ObjectsConfig::from_env(env).s3.bucket,
        _ => String::new(),
    };
    let db = database::open(env).await?;
    let mut out = std::io::stdout();
    match command {
        TenantCommand::Create { slug, name } => {
            let key = create(&db, &slug, name.as_deref().unwrap_or(&slug)).await?;
            writeln!(out, "{key}")?;
            eprintln!(
                "tenant {slug} created; the line above is its first key and is not shown again"
            );
        }
        TenantCommand::CreateKey { slug } => {
            let tenant = find(&db, &slug).await?;
            writeln!(out, "{}", create_key(&db, tenant).await?)?;
            eprintln!("the line above is the key and is not shown again");
        }
        TenantCommand::List => {
            for tenant in db.system().await?.list_tenants().await? {
                writeln!(out, "{}  {}", tenant.id, tenant.slug)?;
            }
        }
        TenantCommand::Flag { slug, flag, state } => {
            set_flag(&db, find(&db, &slug).await?, flag, state).await?;
            eprintln!("{flag} of {slug}: {state}");
        }
        TenantCommand::AllowBucket { slug, bucket, part, region, owner_account } => {
            anyhow::ensure!(
                bucket != own_bucket,
                "{bucket} is the bucket where originals of all tenants lie"
            );
            let prefix = part.prefix()?;
            let allowed = AllowedBucket { bucket, prefix, region, owner_account };
            buckets::allow(&db, find(&db, &slug).await?, &allowed).await?;
            eprintln!("sources of {slug} may read {}/{}", allowed.bucket, allowed.prefix);
        }
        TenantCommand::ForbidBucket { slug, bucket, part } => {
            let prefix = part.prefix()?;
            buckets::forbid(&db, find(&db, &slug).await?, &bucket, &prefix).await?;
            eprintln!("sources of {slug} may read {bucket}/{prefix} no more");
        }
        TenantCommand::ListBuckets { slug } => {
            let mut tx = db.tenant(find(&db, &slug).await?).await?;
            for allowed in tx.list_allowed_buckets().await? {
                writeln!(out, "{}", buckets::shown(&allowed))?;
            }
        }
        TenantCommand::RevokeAnalyst { slug, admin_url } => {
            let tenant = find(&db, &slug).await?;
            revoke_analyst(&db, &admin_url, tenant, &slug).await?;
            eprintln!("the SQL login of {slug} is gone");
        }
        TenantCommand::GrantAnalyst { slug, admin_url, days } => {
            let tenant = find(&db, &slug).await?;
            writeln!(out, "{}", grant_analyst(&db, &admin_url, tenant, &slug, days).await?)?;
            eprintln!(
                "the line above is the login's connection string; a new grant replaces its password"
            );
        }
    }
    Ok(())
}

/// The tenant of a short name.
pub async fn find(db: &Db, slug: &str) -> anyhow::Result<TenantId> {
    let found = db.system().await?.find_tenant_by_slug(slug).await?;
    found.ok_or_else(|| anyhow::anyhow!("there is no tenant {slug}; pidima tenant list shows them"))
}

/// Creates a tenant with its first key, and gives the key's text.
pub async fn create(db: &Db, slug: &str, name: &str) -> anyhow::Result<String> {
    let mut created = create_tenant(db, slug, name).await?;
    let entry = AuditEntry::new(by_command(), "tenant.created").on("tenant", created.tenant);
    created.tx.append_audit(entry.after(json!({ "slug": slug, "name": name }))).await?;
    let key = create_api_key(&mut created.tx, first_key(), key_entry()).await?;
    created.tx.commit().await?;
    Ok(key.credential.expose())
}

/// Another key of the role owner for a tenant that exists.
pub async fn create_key(db: &Db, tenant: TenantId) -> anyhow::Result<String> {
    let mut tx = db.tenant(tenant).await?;
    let key = create_api_key(&mut tx, first_key(), key_entry()).await?;
    tx.commit().await?;
    Ok(key.credential.expose())
}

/// Sets or takes away a flag of the tenant's own, and notes it.
async fn set_flag(db: &Db, tenant: TenantId, flag: Flag, state: FlagState) -> anyhow::Result<()> {
    let mut tx = db.tenant(tenant).await?;
    let before = tx.find_flag(flag).await?.map_or(FlagState::Default, FlagState::of);
    if state == before {
        return Ok(());
    }
    match state.is_on() {
        Some(is_on) => tx.set_flag(flag, is_on).await?,
        None => tx.clear_flag(flag).await?,
    }
    let entry = AuditEntry::new(by_command(), "flag.changed").on("flag", flag);
    let told = |state: FlagState| json!({ "state": state.to_string() });
    tx.append_audit(entry.before(told(before)).after(told(state))).await?;
    tx.commit().await?;
    Ok(())
}

/// Grants a SQL login. It is noted before it is made: a login that nobody knows of would be worse than an entry about one
/// that failed, and roles and log are changed over two connections.
pub async fn grant_analyst(
    db: &Db,
    admin_url: &str,
    tenant: TenantId,
    slug: &str,
    days: u16,
) -> anyhow::Result<String> {
    let after = json!({ "days": days });
    note(db, tenant, "analyst.granted", slug, Some(after)).await?;
    Ok(analysts::grant(admin_url, tenant, slug, days).await?)
}

async fn revoke_analyst(
    db: &Db,
    admin_url: &str,
    tenant: TenantId,
    slug: &str,
) -> anyhow::Result<()> {
    note(db, tenant, "analyst.revoked", slug, None).await?;
    anyhow::ensure!(analysts::revoke(admin_url, slug).await?, "{slug} has no SQL login");
    Ok(())
}

async fn note(
    db: &Db,
    tenant: TenantId,
    action: &'static str,
    slug: &str,
    after: Option<Value>,
) -> anyhow::Result<()> {
    let entry = AuditEntry::new(by_command(), action).on("sql_login", analysts::login_of(slug));
    let mut tx = db.tenant(tenant).await?;
    tx.append_audit(AuditEntry { after, ..entry }).await?;
    tx.commit().await?;
    Ok(())
}

fn by_command() -> AuditActor {
    AuditActor::system("command of the operator")
}

fn key_entry() -> AuditEntry {
    AuditEntry::new(by_command(), "api_key.created")
}

fn first_key() -> NewApiKey {
    NewApiKey {
        name: "operator's key".to_owned(),
        role: Role::Owner,
        scopes: None,
        expires_at: None,
    }
}
