//! `pidima member`: the operator's commands on people with local accounts, for the first one of a tenant and for who is
//! locked out.

use std::io::Write;

use clap::Subcommand;
use secrecy::ExposeSecret;

use super::{database, tenant};
use crate::app::passwords;
use crate::config::{AccountsConfig, Env};
use crate::db::Db;
use crate::db::audit::{AuditActor, AuditEntry};
use crate::identity::{
    CreatedLocalMember, NewLocalMember, Passwords, Role, create_local_member, login_name,
    reset_password,
};
use crate::kernel::ids::TenantId;

/// How the audit log names who uses these commands.
const ACTOR: &str = "pidima member";

#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Create a person who logs in with a password, and print a password for the first login
    Create {
        /// Short name of the tenant
        slug: String,
        /// E-mail address, which they log in with
        #[arg(long)]
        email: String,
        /// What they may do: analyst, member, editor, admin or owner
        #[arg(long)]
        role: Role,
        /// Name shown to people; the address when absent
        #[arg(long)]
        name: Option<String>,
    },
    /// Replace a password that was lost: end every login of the person and print a password for the next one
    ResetPassword {
        /// Short name of the tenant
        slug: String,
        /// E-mail address of the account
        email: String,
    },
}

pub async fn run(command: MemberCommand, env: &Env) -> anyhow::Result<()> {
    let accounts = AccountsConfig::from_env(env);
    let db = database::open(env).await?;
    let passwords = passwords(&accounts);
    let password = match command {
        MemberCommand::Create { slug, email, role, name } => {
            let id = tenant::find(&db, &slug).await?;
            let new = NewLocalMember { email, display_name: name, role, password: None };
            let created = create(&db, &passwords, id, new).await?;
            eprintln!("member {} created in the tenant {slug}", created.member.member_id);
            created.one_time_password
        }
        MemberCommand::ResetPassword { slug, email } => {
            Some(reset(&db, &passwords, &slug, &email).await?)
        }
    };
    if let Some(password) = password {
        writeln!(std::io::stdout(), "{}", password.expose_secret())?;
        eprintln!(
            "the line above is a password for one login, which must choose another; it is not shown again"
        );
    }
    Ok(())
}

/// Makes a person of a tenant in the operator's name.
pub async fn create(
    db: &Db,
    passwords: &Passwords,
    tenant: TenantId,
    new: NewLocalMember,
) -> anyhow::Result<CreatedLocalMember> {
    let mut tx = db.tenant(tenant).await?;
    let entry = AuditEntry::new(AuditActor::system(ACTOR), "member.created");
    let created = create_local_member(&mut tx, passwords, new, entry).await?;
    tx.commit().await?;
    Ok(created)
}

/// Gives a person another password in the operator's name.
pub async fn reset(
    db: &Db,
    passwords: &Passwords,
    slug: &str,
    email: &str,
) -> anyhow::Result<secrecy::SecretString> {
    let mut tx = db.tenant(tenant::find(db, slug).await?).await?;
    let found = match login_name(email) {
        Some(name) => tx.find_member_by_login_name(&name).await?,
        None => None,
    };
    let member_id = found.ok_or_else(|| {
        anyhow::anyhow!(
            "{email} has no local account in the tenant {slug}; pidima member create makes one"
        )
    })?;
    let entry = AuditEntry::new(AuditActor::system(ACTOR), "password.reset");
    let password = reset_password(&mut tx, passwords, member_id, None, entry).await?;
    tx.commit().await?;
    Ok(password)
}
