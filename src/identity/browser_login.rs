//! Logins of browsers through OpenID Connect: to the issuer and back, then into one of the person's tenants.
//!
//! Called by the pages of the login alone. It keeps no token, and tells the browser nothing but where to go and its own
//! cookies. Which credential a later request brings is the verifier's business.

mod begin_login;
mod enter_tenant;
mod exchange_code;
mod finish_login;
mod issuer_logout;
mod once;
mod return_path;

use std::time::Duration;

use crate::adapters::oidc::{Provider, ProviderRegistry};
use crate::db::{self, Db};
use crate::kernel::ids::TenantId;

pub use begin_login::{BegunLogin, LoginWish};
pub use exchange_code::ExchangeError;
pub use finish_login::{Callback, Chosen, FinishedLogin, TenantChoice};
pub use return_path::{DEFAULT as DEFAULT_RETURN_PATH, return_path};

use super::{AcceptError, BrowserCookie};

/// Time that a login may take at the issuer, and the choice of a tenant after it.
pub const PENDING_LIFETIME: Duration = Duration::from_secs(600);
/// Logins of one browser on their way at once; a further one takes the place of the oldest.
pub const PENDING_MOST: i64 = 5;
/// Seconds after which who found too many logins on their way should try again.
pub const FULL_RETRY_SECONDS: u64 = 60;
/// Where the issuer sends the browser back to.
pub const CALLBACK_PATH: &str = "/login/callback";

/// What logins of browsers need.
#[derive(Clone, Debug)]
pub struct BrowserLogins {
    db: Db,
    providers: ProviderRegistry,
    settings: BrowserLoginSettings,
}

/// Where this server is and how long logins last.
#[derive(Clone, Debug)]
pub struct BrowserLoginSettings {
    /// Address of this server as browsers see it. Without it there is no address for the issuer to send browsers to.
    pub public_url: Option<String>,
    /// End of a browser session, from its beginning.
    pub session_lifetime: Duration,
    /// Logins on their way at once, of all browsers.
    pub max_pending: i64,
}

/// A login that ended in a tenant.
#[derive(Debug)]
pub struct EnteredTenant {
    /// Goes to the browser.
    pub cookie: BrowserCookie,
    /// Path of this server to go to.
    pub return_to: String,
}

/// Why a login did not happen. Each is told to the person in plain words.
#[derive(Debug, thiserror::Error)]
pub enum LoginFault {
    /// There is no such provider, or logins are not set up.
    #[error("there is no such login here")]
    NoSuchProvider,
    /// The address of this server is not set.
    #[error("logins need PIDIMA_PUBLIC_URL, which is not set")]
    NoPublicUrl,
    /// As many logins are on their way as there may be.
    #[error(
        "too many logins are on their way; try again in some minutes, or raise PIDIMA_MAX_PENDING_LOGINS"
    )]
    Full,
    /// State missing, used, expired, or of another browser.
    #[error("the login was not begun in this browser, took too long or was finished before")]
    NotPending,
    /// The issuer sent an error instead of a code.
    #[error("the login provider ended the login: {0}")]
    Ended(String),
    /// The issuer's answer lacks something, or names another issuer.
    #[error("the answer of the login provider is not acceptable: {0}")]
    Answer(&'static str),
    /// The code became no verified person.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The person belongs to no tenant.
    #[error("the person belongs to no tenant")]
    NoMembership,
    /// The person belongs to tenants, and none of them lets them in.
    #[error("every membership of the person is suspended or does not take this login")]
    KeptOut,
    /// The person chose a tenant that is not theirs.
    #[error("the tenant is none of the person's")]
    NotTheirs(TenantId),
    /// The invitation that the login brought is not good.
    #[error(transparent)]
    Invitation(#[from] AcceptError),
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl BrowserLogins {
    /// Logins through the providers given.
    pub fn new(db: Db, providers: ProviderRegistry, settings: BrowserLoginSettings) -> Self {
        Self { db, providers, settings }
    }

    /// Names of the providers that a browser can log in with, in the order of the settings.
    pub fn provider_names(&self) -> Vec<String> {
        if self.settings.public_url.is_none() {
            return Vec::new();
        }
        self.providers.iter().map(|provider| provider.settings().name.clone()).collect()
    }

    /// The providers, for the pages that name their addresses.
    pub fn providers(&self) -> &ProviderRegistry {
        &self.providers
    }

    fn provider(&self, name: &str) -> Result<&Provider, LoginFault> {
        self.providers.get(name).ok_or(LoginFault::NoSuchProvider)
    }

    fn redirect_uri(&self) -> Result<String, LoginFault> {
        Ok(format!("{}{CALLBACK_PATH}", self.public_url()?))
    }

    fn public_url(&self) -> Result<&str, LoginFault> {
        let url = self.settings.public_url.as_deref().ok_or(LoginFault::NoPublicUrl)?;
        Ok(url.trim_end_matches('/'))
    }
}
