//! An admin of the tenant, or the operator, gives a person a one-time password: the way back for who forgot theirs.

use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use super::Accounts;
use crate::db::audit::AuditEntry;
use crate::db::idempotency::{Begun, Claim, Kept, Outcome};
use crate::db::{self, TenantTx};
use crate::identity::passwords::{HashError, Lane, Passwords, one_time_password};
use crate::identity::{Actor, GrantError, may_grant_role};

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
    /// Who resets would get more than they have.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// This very request has set one, which can not be shown again.
    #[error("the password was reset by this request before")]
    DoneBefore(Kept),
    /// Nothing was hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// A one-time password and its hash.
struct OneTime {
    password: SecretString,
    hash: String,
}

impl OneTime {
    async fn new(passwords: &Passwords) -> Result<Self, HashError> {
        let password = one_time_password();
        let hash = passwords.hash(password.clone(), Lane::Known).await?;
        Ok(Self { password, hash })
    }
}

impl Accounts {
    /// Sets a one-time password in the name of an admin, and shows it once: with a claim, once for its key. See
    /// [`reset_password`].
    ///
    /// # Errors
    /// See [`ResetPasswordError`].
    pub async fn reset_password(
        &self,
        actor: &Actor,
        member_id: Uuid,
        claim: Option<&Claim>,
    ) -> Result<SecretString, ResetPasswordError> {
        // Before the transaction: hashing may have to wait, and must not hold a connection and locks meanwhile.
        let one_time = OneTime::new(&self.passwords).await?;
        let mut tx = match self.db.tenant_once(actor.tenant, claim).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Err(ResetPasswordError::DoneBefore(kept)),
        };
        let entry = actor.audit("password.reset");
        let password = store(&mut tx, one_time, member_id, Some(actor), entry).await?;
        let outcome = Outcome::of_secret(201, format!("/v1/members/{member_id}"));
        tx.commit_outcome(&outcome).await?;
        self.verifier.forget_member(actor.tenant, member_id, None);
        Ok(password)
    }
}

/// Sets a one-time password, which the next login must change, and ends the person's sessions. The caller commits, and
/// shows the password once, which is as good as being the person: the actor must have all that they have. The operator
/// is no actor and resets any. For commands: a server has other work for
/// the connection than to wait for the hash.
///
/// # Errors
/// See [`ResetPasswordError`].
pub async fn reset_password(
    tx: &mut TenantTx,
    passwords: &Passwords,
    member_id: Uuid,
    actor: Option<&Actor>,
    entry: AuditEntry,
) -> Result<SecretString, ResetPasswordError> {
    store(tx, OneTime::new(passwords).await?, member_id, actor, entry).await
}

async fn store(
    tx: &mut TenantTx,
    one_time: OneTime,
    member_id: Uuid,
    actor: Option<&Actor>,
    entry: AuditEntry,
) -> Result<SecretString, ResetPasswordError> {
    // Held until the end, so that nobody rises between the comparison of roles and the new password.
    tx.lock_member_and_owners(member_id).await?;
    let member = tx.find_member(member_id).await?.ok_or(ResetPasswordError::NoMember)?;
    if let Some(actor) = actor {
        may_grant_role(actor, member.role)?;
    }
    tx.find_local_account(member_id).await?.ok_or(ResetPasswordError::NoAccount)?;
    tx.update_password(member_id, &one_time.hash, true).await?;
    let ended = tx.end_browser_sessions_of(member_id, None).await?;
    let after = json!({ "must_change": true, "ended_browser_sessions": ended });
    tx.append_audit(entry.on("member", member_id).after(after)).await?;
    Ok(one_time.password)
}
