//! `pidima audit`: the operator's look at whether audit logs are as they were written.

use std::io::Write;

use clap::Subcommand;

use super::database;
use super::tenant::find;
use crate::config::Env;
use crate::governance::{Anchor, AuditVerdict, verify_audit};
use crate::kernel::ids::TenantId;

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Recompute the chain of digests; fails at the first entry that was changed, added, moved or removed
    Verify {
        /// Short name of the tenant
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        slug: Option<String>,
        /// The logs of all tenants
        #[arg(long)]
        all: bool,
        /// NUMBER:DIGEST that an earlier verification printed: finds a log that was written anew as a whole
        #[arg(long, conflicts_with = "all")]
        anchor: Option<Anchor>,
    },
}

pub async fn run(command: AuditCommand, env: &Env) -> anyhow::Result<()> {
    let AuditCommand::Verify { slug, all: _, anchor } = command;
    let db = database::open(env).await?;
    let tenants = match slug {
        Some(slug) => vec![(find(&db, &slug).await?, slug)],
        None => {
            let listed = db.system().await?.list_tenants().await?;
            listed.into_iter().map(|it| (TenantId::from(it.id), it.slug)).collect()
        }
    };
    let mut broken = 0_usize;
    let mut out = std::io::stdout();
    for (tenant, slug) in tenants {
        match verify_audit(&db, tenant, anchor.as_ref()).await? {
            AuditVerdict::Whole(head) => {
                writeln!(out, "{slug}: {} entries, head {}", head.sequence, head.anchor())?;
            }
            AuditVerdict::Broken { sequence, reason } => {
                broken += 1;
                writeln!(out, "{slug}: BROKEN at entry {sequence}: {reason}")?;
            }
        }
    }
    anyhow::ensure!(broken == 0, "{broken} audit logs are not as they were written");
    Ok(())
}
