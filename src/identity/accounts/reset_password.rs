//! An admin of the tenant, or the operator, gives a person a one-time password: the way back for who forgot theirs.

use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use crate::db::audit::AuditEntry;
use crate::db::{self, TenantTx};
use crate::identity::Role;
use crate::identity::passwords::{HashError, Lane, Passwords, one_time_password};

/// Why a password was not reset.
#[derive(Debug, thiserror::Error)]
pub enum ResetPasswordError {
    /// Nobody of the tenant.
    #[error("there is no such member")]
    NoMember,
    /// A person of an outside issuer.
    #[error(
        "this person logs in at an outside provider, which keeps their password; reset it there"
    )]
    NoAccount,
    /// Somebody above who resets.
    #[error(
        "this person has the role {role}; only somebody with that role can reset their password"
    )]
    HigherRole {
        /// Role of the person.
        role: Role,
    },
    /// Nothing was hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Sets a one-time password, which the next login must change, and ends the person's sessions. The caller commits, and
/// shows the password once. `highest` is the role of who resets: nobody becomes somebody above them in this way.
///
/// # Errors
/// See [`ResetPasswordError`].
pub async fn reset_password(
    tx: &mut TenantTx,
    passwords: &Passwords,
    member_id: Uuid,
    highest: Role,
    entry: AuditEntry,
) -> Result<SecretString, ResetPasswordError> {
    let member = tx.find_member(member_id).await?.ok_or(ResetPasswordError::NoMember)?;
    if member.role > highest {
        return Err(ResetPasswordError::HigherRole { role: member.role });
    }
    tx.find_local_account(member_id).await?.ok_or(ResetPasswordError::NoAccount)?;
    let password = one_time_password();
    let hash = passwords.hash(password.clone(), Lane::Known).await?;
    tx.update_password(member_id, &hash, true).await?;
    let ended = tx.end_browser_sessions_of(member_id, None).await?;
    let after = json!({ "must_change": true, "ended_browser_sessions": ended });
    tx.append_audit(entry.on("member", member_id).after(after)).await?;
    Ok(password)
}
