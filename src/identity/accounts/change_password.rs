//! A person changes their own password, with the current one: a browser that was left open is not enough.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::Accounts;
use crate::db;
use crate::identity::passwords::{HashError, Lane, PasswordFault, Verdict};
use crate::identity::{Actor, Principal};

/// The two passwords.
pub struct ChangePassword {
    /// The one until now.
    pub current: SecretString,
    /// The one from now on.
    pub new: SecretString,
}

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// Not a person.
    #[error("only a person has a password; log in at /login")]
    NoPerson,
    /// A person of an outside issuer.
    #[error("you log in at an outside provider, which keeps your password; change it there")]
    NoAccount,
    /// Not the current password.
    #[error("is not the current password")]
    Wrong,
    /// Too many tries.
    #[error("too many tries to change the password; wait")]
    Throttled(Duration),
    /// The new one is not acceptable.
    #[error("{0}")]
    NewPassword(PasswordFault),
    /// Nothing was hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Accounts {
    /// Changes the password and ends the person's other sessions.
    ///
    /// # Errors
    /// See [`ChangePasswordError`].
    pub async fn change_password(
        &self,
        actor: &Actor,
        change: ChangePassword,
    ) -> Result<(), ChangePasswordError> {
        let Principal::Member { member_id, browser_session_id } = actor.principal else {
            return Err(ChangePasswordError::NoPerson);
        };
        let account = self.db.tenant(actor.tenant).await?.find_local_account(member_id).await?;
        let account = account.ok_or(ChangePasswordError::NoAccount)?;
        let rules = self.passwords.rules();
        let (current, new) = (change.current.expose_secret(), change.new.expose_secret());
        rules.check_new(new, &account.login_name).map_err(ChangePasswordError::NewPassword)?;
        rules.check_form(current).map_err(|_| ChangePasswordError::Wrong)?;
        if current == new {
            return Err(ChangePasswordError::NewPassword(PasswordFault::Unchanged));
        }
        // Not given back, whatever the passwords are: who knows the current one could otherwise have hashed without end, in
        // the lane of the logins of all tenants.
        self.by_member.take(member_id).map_err(ChangePasswordError::Throttled)?;
        let stored = Some(account.password_phc.clone());
        let verdict = self.passwords.verify(change.current.clone(), stored, Lane::Known).await?;
        if verdict == Verdict::Wrong {
            return Err(ChangePasswordError::Wrong);
        }
        let hash = self.passwords.hash(change.new, Lane::Known).await?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        if !tx.lock_local_account(&account).await? {
            return Err(ChangePasswordError::Wrong);
        }
        tx.update_password(member_id, &hash, false).await?;
        let ended = tx.end_browser_sessions_of(member_id, browser_session_id).await?;
        let entry = actor.audit("password.changed").on("member", member_id);
        tx.append_audit(entry.after(json!({ "ended_browser_sessions": ended }))).await?;
        tx.commit().await?;
        self.verifier.forget_member(actor.tenant, member_id, browser_session_id);
        Ok(())
    }
}
