//! Sends a browser to the issuer. What must come back with it is stored first, tied to this browser.

use super::exchange_code::{LoginSecrets, authorization_url};
use super::once::{digest, is_well_formed, random_text};
use super::return_path::return_path;
use super::{BrowserLogins, LoginFault, PENDING_LIFETIME, PENDING_MOST};
use crate::identity::store::pending_logins::{PendingKey, PendingLogin, PendingStep};
use crate::identity::{AcceptError, InvitationLink, InvitationProof};

/// What a browser asks for when it begins a login.
#[derive(Clone, Debug, Default)]
pub struct LoginWish {
    /// Where to go afterwards; only a path of this server counts.
    pub return_to: Option<String>,
    /// Cookie that ties logins to the browser, when it has one.
    pub browser: Option<String>,
    /// Text of the invitation that the login is to accept.
    pub invitation: Option<String>,
}

/// A login that has begun.
#[derive(Clone, Debug)]
pub struct BegunLogin {
    /// Address of the issuer.
    pub authorization_url: String,
    /// Cookie that ties the login to the browser.
    pub browser: String,
}

impl BrowserLogins {
    /// Begins a login with a provider.
    ///
    /// # Errors
    /// There is no such provider, it is away, too many logins are on their way, or the database is away.
    pub async fn begin(&self, name: &str, wish: LoginWish) -> Result<BegunLogin, LoginFault> {
        let provider = self.provider(name)?;
        let redirect_uri = self.redirect_uri()?;
        let invitation = match &wish.invitation {
            Some(text) => {
                let link = InvitationLink::parse(text);
                Some(InvitationProof::from(&link.ok_or(AcceptError::Refused)?))
            }
            None => None,
        };
        self.make_room().await?;
        let browser = wish.browser.filter(|text| is_well_formed(text)).unwrap_or_else(random_text);
        let (state, nonce, pkce_verifier) = (random_text(), random_text(), random_text());
        let secrets = LoginSecrets { state: &state, nonce: &nonce, pkce_verifier: &pkce_verifier };
        let authorization_url = authorization_url(provider, &redirect_uri, secrets).await?;
        let login = PendingLogin {
            provider: name.to_owned(),
            step: PendingStep::Issuer { nonce, pkce_verifier },
            return_to: return_path(wish.return_to.as_deref()),
            invitation,
        };
        self.keep(&browser, &state, &login).await?;
        Ok(BegunLogin { authorization_url, browser })
    }

    /// Refuses one login more than there may be, once those whose time is over are gone. Requests at once can pass together:
    /// the number is exceeded by as many as begin at the same time, at most.
    async fn make_room(&self) -> Result<(), LoginFault> {
        let most = self.settings.max_pending;
        let mut tx = self.db.system().await?;
        if tx.count_pending_logins(most).await? < most {
            return Ok(());
        }
        tx.sweep_pending_logins().await?;
        let count = tx.count_pending_logins(most).await?;
        tx.commit().await?;
        if count < most { Ok(()) } else { Err(LoginFault::Full) }
    }

    pub(super) async fn keep(
        &self,
        browser: &str,
        state: &str,
        login: &PendingLogin,
    ) -> Result<(), LoginFault> {
        let (browser, state) = (digest(browser), digest(state));
        let key = PendingKey { browser: &browser, state: &state };
        let mut tx = self.db.system().await?;
        tx.insert_pending_login(key, login, PENDING_LIFETIME, PENDING_MOST).await?;
        Ok(tx.commit().await?)
    }

    /// Takes a login out: committed before anything else is done with it, so that it is good for one try whatever comes.
    pub(super) async fn take(
        &self,
        browser: Option<&str>,
        state: Option<&str>,
        chooses: bool,
    ) -> Result<PendingLogin, LoginFault> {
        let (Some(browser), Some(state)) = (browser, state) else {
            return Err(LoginFault::NotPending);
        };
        let (browser, state) = (digest(browser), digest(state));
        let mut tx = self.db.system().await?;
        let key = PendingKey { browser: &browser, state: &state };
        let login = tx.take_pending_login(key, chooses).await?;
        tx.commit().await?;
        login.ok_or(LoginFault::NotPending)
    }
}
