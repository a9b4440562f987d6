//! Changes a tenant's own settings: its name, whose logins it lets in, and which web pages may call.

use serde_json::{Value, json};

use super::{Actor, LOCAL, Principal};
use crate::db::{self, TenantTx};
use crate::tenancy::{MAX_ORIGINS, Tenant, allowed_origin};

/// What to change; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct TenantChange {
    /// New name.
    pub name: Option<String>,
    /// Login providers whose people may enter; `Some(None)` for every one.
    pub login_providers: Option<Option<Vec<String>>>,
    /// Web origins whose pages may call, as they were given.
    pub allowed_origins: Option<Vec<String>>,
}

/// Why the tenant was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeTenantError {
    /// The operator has set up no such provider.
    #[error("there is no login provider \"{0}\"; there is {1}")]
    UnknownProvider(String, String),
    /// Nobody could enter.
    #[error("must name a login provider, or be null for every one")]
    NoProvider,
    /// Who asks could not come back.
    #[error(
        "you logged in with {0} yourself and would lock yourself out; keep it, or change this with another login"
    )]
    OwnProvider(String),
    /// Not an origin.
    #[error("\"{0}\" is no origin; give one such as https://docs.example.com, without a path")]
    Origin(String),
    /// Too many of them.
    #[error("has more than {MAX_ORIGINS} origins")]
    TooManyOrigins,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Changes the transaction's tenant; `configured` are the providers that the operator has set up.
///
/// # Errors
/// See [`ChangeTenantError`].
pub async fn change_tenant(
    tx: &mut TenantTx,
    actor: &Actor,
    change: TenantChange,
    configured: &[String],
) -> Result<Tenant, ChangeTenantError> {
    let before = tx.lock_tenant().await?;
    let mut after = before.clone();
    if let Some(name) = change.name {
        after.name = name;
    }
    if let Some(providers) = change.login_providers {
        after.login_providers = providers.map(|names| checked(names, configured)).transpose()?;
        refuse_lock_out(tx, actor, &after).await?;
    }
    if let Some(origins) = change.allowed_origins {
        after.allowed_origins = normalised(origins)?;
    }
    if facts(&before) == facts(&after) {
        return Ok(after);
    }
    tx.update_tenant(&after).await?;
    let entry = actor.audit("tenant.changed").on("tenant", tx.tenant());
    tx.append_audit(entry.before(facts(&before)).after(facts(&after))).await?;
    Ok(after)
}

fn checked(
    mut names: Vec<String>,
    configured: &[String],
) -> Result<Vec<String>, ChangeTenantError> {
    if names.is_empty() {
        return Err(ChangeTenantError::NoProvider);
    }
    names.sort_unstable();
    names.dedup();
    for name in &names {
        if name != LOCAL && !configured.contains(name) {
            let known: Vec<&str> =
                configured.iter().map(String::as_str).chain(std::iter::once(LOCAL)).collect();
            return Err(ChangeTenantError::UnknownProvider(name.clone(), known.join(", ")));
        }
    }
    Ok(names)
}

/// A key stays good whatever providers there are; a person would find the door closed at the next login.
async fn refuse_lock_out(
    tx: &mut TenantTx,
    actor: &Actor,
    after: &Tenant,
) -> Result<(), ChangeTenantError> {
    let Principal::Member { member_id, .. } = actor.principal else { return Ok(()) };
    match tx.find_member(member_id).await? {
        Some(member) if !after.admits(&member.provider) => {
            Err(ChangeTenantError::OwnProvider(member.provider))
        }
        _ => Ok(()),
    }
}

fn normalised(origins: Vec<String>) -> Result<Vec<String>, ChangeTenantError> {
    let mut distinct: Vec<String> = Vec::new();
    for text in origins {
        let origin = allowed_origin(&text).ok_or(ChangeTenantError::Origin(text))?;
        if !distinct.contains(&origin) {
            distinct.push(origin);
        }
    }
    if distinct.len() > MAX_ORIGINS {
        return Err(ChangeTenantError::TooManyOrigins);
    }
    Ok(distinct)
}

fn facts(tenant: &Tenant) -> Value {
    json!({
        "name": tenant.name,
        "login_providers": tenant.login_providers,
        "allowed_origins": tenant.allowed_origins,
    })
}
