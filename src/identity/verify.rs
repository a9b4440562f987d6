//! Turns what a request presents into an [`Actor`], or says why not.
//!
//! One file per kind of credential; here is what they share: which kind it is, and the memory of good ones. It decides
//! nothing about what the actor may do.

mod access_token;
mod api_key;
mod browser_session;
mod operator_key;
mod place;
mod widget_token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use self::place::{Noted, Places};
use super::actor::RequestOrigin;
use super::widget_token::{self as widget, WidgetSigner};
use super::{Actor, Principal};
use crate::adapters::oidc::{OidcError, ProviderRegistry};
use crate::db::{self, Db};
use crate::kernel::ids::TenantId;

/// A verified credential is trusted this long, so that a revocation holds everywhere within this time.
const TRUSTED_FOR: Duration = Duration::from_secs(5);
/// Credentials remembered at once, at most.
const REMEMBERED: usize = 10_000;

/// What a request presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// Text after `Authorization: Bearer`.
    Bearer(String),
    /// Value of the cookie of a browser session.
    Cookie(String),
}

/// Why a credential was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// Not a credential, or none that we know.
    #[error("the credential is malformed or unknown; check that it was copied whole")]
    Unknown,
    /// Known, but its time is over.
    #[error("the API key has expired; ask an admin for a new one")]
    Expired,
    /// Known, but taken back.
    #[error("the API key was revoked; ask an admin for a new one")]
    Revoked,
    /// A token that its issuer signed, whose time is over.
    #[error("the access token has expired; get a new one from your login provider")]
    TokenExpired,
    /// A token that its issuer signed, but not as an access token for us.
    #[error("the token is no access token for this service; ask your login provider for one")]
    TokenUnfit,
    /// A person without a tenant.
    #[error("you are no member of a tenant here; ask an admin to invite you")]
    NoMembership,
    /// A person of several tenants who did not say which, or said one that is none of theirs.
    #[error("send the header Pidima-Tenant with the id of your tenant: {}", listed(.0))]
    ChooseTenant(Vec<TenantId>),
    /// The request names a tenant that the credential is not for.
    #[error("the header Pidima-Tenant names another tenant than the credential; leave it out")]
    OtherTenant,
    /// The tenant chose other login providers.
    #[error(
        "the tenant does not let in people of this login provider; use another or ask an admin"
    )]
    ProviderNotAdmitted,
    /// The keys that the token is to be verified with cannot be had.
    #[error("the login provider cannot be asked for its keys; try again")]
    ProviderAway(#[from] OidcError),
    /// A widget token that was not signed here, is over, or whose publishable key is.
    #[error("the widget token is malformed or no longer good; ask your server for a new one")]
    BadToken,
    /// Good, but not from there. Says nothing of where it would be good.
    #[error("the credential may not be used from here; ask an admin of the tenant")]
    WrongPlace,
    /// A browser session that ended, by itself or by somebody.
    #[error("the login has ended; log in again")]
    LoggedOut,
    /// The operator has suspended the tenant.
    #[error("the tenant is suspended; ask the operator")]
    TenantSuspended,
    /// An admin has suspended the person.
    #[error("the membership is suspended; ask an admin of the tenant")]
    MemberSuspended,
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Denied {
    /// Whether the credential is good and it is its holder who is kept out: 403 instead of 401.
    pub fn is_suspension(&self) -> bool {
        matches!(
            self,
            Self::TenantSuspended
                | Self::MemberSuspended
                | Self::NoMembership
                | Self::ProviderNotAdmitted
        )
    }
}

/// Tenants named to a person who is in too many to list them all.
const LISTED_TENANTS: usize = 20;

fn listed(tenants: &[TenantId]) -> String {
    let ids: Vec<String> = tenants.iter().take(LISTED_TENANTS).map(ToString::to_string).collect();
    ids.join(", ")
}

/// Verifies credentials against the database, remembering good ones for a few seconds.
#[derive(Clone, Debug)]
pub struct Verifier {
    db: Db,
    tasks: TaskTracker,
    providers: ProviderRegistry,
    settings: VerifierSettings,
    signer: Option<WidgetSigner>,
    trusted: Arc<Mutex<Trusted>>,
    noted: Noted,
}

/// A credential that was found good, with what is to be asked again on each request.
#[derive(Clone, Debug)]
struct Verified {
    actor: Actor,
    /// Where it may be used from.
    places: Places,
    /// From then on it is refused, however lately it was verified.
    expires_at: Option<DateTime<Utc>>,
}

impl Verified {
    /// Good from everywhere, and without an end of its own.
    fn anywhere(actor: Actor) -> Self {
        Self { actor, places: Places::default(), expires_at: None }
    }

    fn is_over(&self) -> bool {
        self.expires_at.is_some_and(|end| end <= Utc::now())
    }
}

/// How long logins of browsers last.
#[derive(Clone, Copy, Debug)]
pub struct VerifierSettings {
    /// Time without use after which a browser session ends.
    pub browser_session_idle: Duration,
}

/// Good credentials by the SHA-256 of their text and the tenant that was chosen, with the time at which they were
/// verified.
type Trusted = HashMap<Remembered, (Arc<Verified>, Instant)>;
type Remembered = ([u8; 32], Option<TenantId>);

impl Verifier {
    /// A verifier that has seen nothing yet; `tasks` runs the noting of last uses.
    pub fn new(db: Db, tasks: TaskTracker, settings: VerifierSettings) -> Self {
        let (trusted, noted) = (Arc::default(), Arc::default());
        let providers = ProviderRegistry::default();
        Self { db, tasks, providers, settings, signer: None, trusted, noted }
    }

    /// The same, which takes widget tokens too.
    #[must_use]
    pub fn with_signer(self, signer: Option<WidgetSigner>) -> Self {
        Self { signer, ..self }
    }

    /// The same, which also takes access tokens of these providers.
    #[must_use]
    pub fn with_providers(self, providers: ProviderRegistry) -> Self {
        Self { providers, ..self }
    }

    /// The actor behind what a request presents. `chosen` is the tenant that the request names: it chooses among those of
    /// a person, and must be the credential's own otherwise.
    ///
    /// # Errors
    /// See [`Denied`]. Expiry, revocation and suspension are told only to who has the secret.
    pub async fn verify(
        &self,
        presented: &Presented,
        chosen: Option<TenantId>,
        origin: RequestOrigin,
    ) -> Result<Actor, Denied> {
        let remembered = (fingerprint(presented), chosen);
        // Before the look-up: what changes while it runs is unknown to it.
        let since = Instant::now();
        let (verified, is_new) = match self.trusted(&remembered) {
            Some(verified) => (verified, false),
            None => (Arc::new(self.look_up(presented, chosen).await?), true),
        };
        if is_new {
            if chosen.is_some_and(|chosen| chosen != verified.actor.tenant) {
                return Err(Denied::OtherTenant);
            }
            self.remember(remembered, Arc::clone(&verified), since);
        }
        self.check_place(&verified, &origin)?;
        if is_new {
            self.note_use(&verified.actor);
        }
        Ok(Actor { request: origin, ..verified.actor.clone() })
    }

    async fn look_up(
        &self,
        presented: &Presented,
        chosen: Option<TenantId>,
    ) -> Result<Verified, Denied> {
        match presented {
            Presented::Bearer(text) if text.starts_with(widget::PREFIX) => {
                self.look_up_widget_token(text).await
            }
            Presented::Bearer(text) if is_key(text) => self.look_up_api_key(text).await,
            Presented::Bearer(text) => self.look_up_access_token(text, chosen).await,
            Presented::Cookie(text) => self.look_up_browser_session(text).await,
        }
    }

    fn trusted(&self, remembered: &Remembered) -> Option<Arc<Verified>> {
        let trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        let (verified, since) = trusted.get(remembered)?;
        let is_good = since.elapsed() < TRUSTED_FOR && !verified.is_over();
        is_good.then(|| Arc::clone(verified))
    }

    fn remember(&self, remembered: Remembered, verified: Arc<Verified>, since: Instant) {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        if trusted.len() >= REMEMBERED {
            trusted.retain(|_, (_, since)| since.elapsed() < TRUSTED_FOR);
        }
        if trusted.len() < REMEMBERED {
            trusted.insert(remembered, (verified, since));
        }
    }

    /// Forgets a credential at once, on this instance: for who ends their own login.
    pub fn forget(&self, presented: &Presented) {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = fingerprint(presented);
        trusted.retain(|(fingerprint, _), _| *fingerprint != forgotten);
    }

    /// Time without use after which a browser session ends.
    pub fn browser_session_idle(&self) -> Duration {
        self.settings.browser_session_idle
    }

    /// Forgets one browser session at once, on this instance.
    pub fn forget_browser_session(&self, ended: Uuid) {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        trusted.retain(|_, (verified, _)| {
            !matches!(verified.actor.principal,
            Principal::Member { browser_session_id: Some(id), .. } if id == ended)
        });
    }

    /// Forgets the credentials of a person at once, on this instance; but for one session, where it is named.
    pub fn forget_member(&self, tenant: TenantId, member_id: Uuid, except: Option<Uuid>) {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        trusted.retain(|_, (verified, _)| match verified.actor.principal {
            Principal::Member { member_id: id, browser_session_id } => {
                let is_kept = except.is_some() && browser_session_id == except;
                verified.actor.tenant != tenant || id != member_id || is_kept
            }
            _ => true,
        });
    }

    /// Best effort, away from the request: a lost note costs nothing.
    fn note_use(&self, actor: &Actor) {
        let (db, tenant, principal) = (self.db.clone(), actor.tenant, actor.principal.clone());
        self.tasks.spawn(async move {
            let noted = async {
                let mut tx = db.tenant(tenant).await?;
                match principal {
                    Principal::ApiKey { api_key_id, .. }
                    | Principal::EndUser { api_key_id, .. } => {
                        tx.note_api_key_use(api_key_id).await?;
                    }
                    Principal::Member { member_id, browser_session_id } => {
                        tx.note_member_seen(member_id).await?;
                        if let Some(id) = browser_session_id {
                            tx.note_browser_session_use(id).await?;
                        }
                    }
                }
                tx.commit().await
            };
            if let Err(error) = noted.await {
                tracing::debug!(%error, "noting the use of a credential");
            }
        });
    }
}

/// Whether a bearer credential is one of ours (`pdm_…` and its relatives) and no token of an issuer.
fn is_key(text: &str) -> bool {
    matches!(text.as_bytes(), [b'p', b'd', kind, b'_', ..] if kind.is_ascii_lowercase())
}

/// The kind is part of it: a cookie's value is no bearer credential.
fn fingerprint(presented: &Presented) -> [u8; 32] {
    let (kind, text) = match presented {
        Presented::Bearer(text) => ("bearer ", text),
        Presented::Cookie(text) => ("cookie ", text),
    };
    Sha256::new_with_prefix(kind).chain_update(text.as_bytes()).finalize().into()
}
