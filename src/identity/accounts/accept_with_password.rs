//! Accepting an invitation with a password: makes the member, their local account and their first browser session.

use secrecy::{ExposeSecret, SecretString};

use super::{Accounts, login_name, network_of};
use crate::db;
use crate::identity::passwords::{HashError, Lane, PasswordFault};
use crate::identity::store::local_accounts::LocalAccount;
use crate::identity::{
    AcceptError, BrowserCookie, Identity, InvitationLink, LOCAL, LoginFacts, Newcomer,
    RequestOrigin, accept_invitation, begin_browser_session, find_open_invitation,
};
use crate::kernel::ids::new_id;

/// What an invited person gives.
pub struct Acceptance {
    /// Text of the link.
    pub invitation: String,
    /// Name.
    pub display_name: Option<String>,
    /// Password that they choose.
    pub password: SecretString,
    /// Where it comes from.
    pub request: RequestOrigin,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
}

/// Why an invitation did not make an account.
#[derive(Debug, thiserror::Error)]
pub enum AcceptWithPasswordError {
    /// The invitation.
    #[error(transparent)]
    Accept(#[from] AcceptError),
    /// The password is not acceptable.
    #[error("{0}")]
    Password(PasswordFault),
    /// Too many that were not good.
    #[error("too many failed tries; wait")]
    Throttled(std::time::Duration),
    /// Nothing was hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Accounts {
    /// Makes the member that the invitation promises, with a password, and logs them in.
    ///
    /// # Errors
    /// See [`AcceptWithPasswordError`]. Nothing of the password is told to who has no good invitation.
    pub async fn accept_with_password(
        &self,
        acceptance: Acceptance,
    ) -> Result<BrowserCookie, AcceptWithPasswordError> {
        let address = acceptance.request.address.map(network_of);
        self.by_address.take(address).map_err(AcceptWithPasswordError::Throttled)?;
        let accepted = self.accept(acceptance).await;
        let is_guess =
            matches!(accepted, Err(AcceptWithPasswordError::Accept(AcceptError::Refused)));
        if !is_guess {
            self.by_address.give_back(address);
        }
        accepted
    }

    async fn accept(
        &self,
        acceptance: Acceptance,
    ) -> Result<BrowserCookie, AcceptWithPasswordError> {
        let link = InvitationLink::parse(&acceptance.invitation).ok_or(AcceptError::Refused)?;
        // Read first, so that no transaction is open while the password is hashed.
        let mut tx = self.db.tenant(link.tenant).await?;
        let invitation = find_open_invitation(&mut tx, &link).await?;
        drop(tx);
        let login_name = login_name(&invitation.email).ok_or(AcceptError::Refused)?;
        let text = acceptance.password.expose_secret();
        let checked = self.passwords.rules().check_new(text, &login_name);
        checked.map_err(AcceptWithPasswordError::Password)?;
        let password_phc = self.passwords.hash(acceptance.password.clone(), Lane::Known).await?;

        let mut tx = self.db.tenant(link.tenant).await?;
        let newcomer = Newcomer {
            identity: Identity { issuer: LOCAL.to_owned(), subject: new_id().to_string() },
            provider: LOCAL.to_owned(),
            email: Some(login_name.clone()),
            display_name: acceptance.display_name,
            request: acceptance.request.clone(),
        };
        let member = accept_invitation(&mut tx, &link, newcomer).await?;
        let member_id = member.member_id;
        let account = LocalAccount { member_id, login_name, password_phc, must_change: false };
        tx.insert_local_account(&account, || AcceptError::AlreadyMember).await?;
        let facts = LoginFacts {
            request: acceptance.request,
            user_agent: acceptance.user_agent,
            lifetime: self.session_lifetime,
        };
        let cookie = begin_browser_session(&mut tx, &member, &facts).await?;
        tx.commit().await?;
        Ok(cookie)
    }
}
