//! Makes a person of a tenant with a local account.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::login_name;
use crate::db::audit::AuditEntry;
use crate::db::{self, TenantTx};
use crate::identity::passwords::{HashError, Lane, PasswordFault, Passwords, one_time_password};
use crate::identity::store::local_accounts::LocalAccount;
use crate::identity::{Identity, LOCAL, Member, Role};
use crate::kernel::clock;
use crate::kernel::ids::new_id;

/// Longest name of a person, in characters.
const NAME_CHARS: usize = 200;

/// A person to be made.
pub struct NewLocalMember {
    /// E-mail address: what they log in with.
    pub email: String,
    /// Name.
    pub display_name: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Password that they chose; a one-time password is made when absent.
    pub password: Option<SecretString>,
}

/// A person who was made.
pub struct CreatedLocalMember {
    /// As stored.
    pub member: Member,
    /// The one-time password, where none was chosen: to be shown once.
    pub one_time_password: Option<SecretString>,
}

/// Why a person was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateLocalMemberError {
    /// Not an address.
    #[error("\"{0}\" is no e-mail address")]
    Email(String),
    /// Not a name.
    #[error("a name has 1 to {NAME_CHARS} characters")]
    Name,
    /// The address has an account in the tenant.
    #[error("{0} has an account in this tenant already; reset its password if it is lost")]
    EmailTaken(String),
    /// The password is not acceptable.
    #[error("the password {0}")]
    Password(PasswordFault),
    /// Nothing was hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Makes the person within the transaction; the caller commits. `entry` says who does it.
///
/// # Errors
/// See [`CreateLocalMemberError`].
pub async fn create_local_member(
    tx: &mut TenantTx,
    passwords: &Passwords,
    new: NewLocalMember,
    entry: AuditEntry,
) -> Result<CreatedLocalMember, CreateLocalMemberError> {
    let name = login_name(&new.email).ok_or(CreateLocalMemberError::Email(new.email))?;
    let fits = |text: &String| (1..=NAME_CHARS).contains(&text.chars().count());
    if !new.display_name.as_ref().is_none_or(fits) {
        return Err(CreateLocalMemberError::Name);
    }
    let (password, one_time) = match new.password {
        Some(chosen) => {
            let checked = passwords.rules().check_new(chosen.expose_secret(), &name);
            checked.map_err(CreateLocalMemberError::Password)?;
            (chosen, None)
        }
        None => {
            let made = one_time_password();
            (made.clone(), Some(made))
        }
    };
    let password_phc = passwords.hash(password, Lane::Known).await?;
    let member_id = new_id();
    let member = Member {
        member_id,
        provider: LOCAL.to_owned(),
        identity: Identity { issuer: LOCAL.to_owned(), subject: member_id.to_string() },
        email: Some(name.clone()),
        display_name: new.display_name,
        role: new.role,
        state: "active".to_owned(),
        created_at: clock::now(),
        last_seen_at: None,
    };
    tx.insert_member(&member).await?;
    let must_change = one_time.is_some();
    let account = LocalAccount { member_id, login_name: name.clone(), password_phc, must_change };
    tx.insert_local_account(&account, || CreateLocalMemberError::EmailTaken(name.clone())).await?;
    let after = json!({ "provider": LOCAL, "email": name, "role": new.role.to_string() });
    tx.append_audit(entry.on("member", member_id).after(after)).await?;
    Ok(CreatedLocalMember { member, one_time_password: one_time })
}
