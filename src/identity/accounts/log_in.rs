//! A login with a password. Whatever is wrong (tenant, name, password, a suspension) the answer is one and the same, and
//! so is the work that is done for it.

use std::net::IpAddr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::failures::Failure;
use super::{Accounts, login_name, network_of, network_text};
use crate::db::audit::{AuditActor, AuditEntry};
use crate::db::{self, TenantTx};
use crate::identity::passwords::{HashError, Lane, PasswordFault, Verdict};
use crate::identity::store::local_accounts::LocalAccount;
use crate::identity::{BrowserCookie, LoginFacts, RequestOrigin, begin_browser_session};
use crate::kernel::ids::TenantId;

/// Longest short name of a tenant; a longer text is none.
const SLUG_BYTES: usize = 50;

/// What somebody gives to log in.
pub struct LoginAttempt {
    /// Short name of the tenant.
    pub tenant: String,
    /// E-mail address.
    pub email: String,
    /// Password.
    pub password: SecretString,
    /// Password to have from now on.
    pub new_password: Option<SecretString>,
    /// Where the attempt comes from.
    pub request: RequestOrigin,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
}

/// Why somebody was not logged in.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// No more is told.
    #[error(
        "tenant, e-mail address or password is wrong, or the account may not log in; check them, or ask an admin of the tenant"
    )]
    Refused,
    /// The password is right and was given by somebody else.
    #[error("the password must be changed first; log in with new_password beside password")]
    MustChange,
    /// Too many failures.
    #[error("too many failed logins; wait")]
    Throttled(Duration),
    /// The password can be nobody's.
    #[error("{0}")]
    Password(PasswordFault),
    /// The new password is not acceptable.
    #[error("{0}")]
    NewPassword(PasswordFault),
    /// Nothing was hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The attempt in one spelling.
struct Named {
    slug: String,
    login_name: String,
    address: Option<IpAddr>,
    key: [u8; 32],
}

/// What an attempt found.
struct Found {
    /// Where there is such a tenant.
    tenant: Option<TenantId>,
    /// Where there is such an account.
    account: Option<LocalAccount>,
    may_enter: bool,
    lane: Lane,
}

impl Accounts {
    /// Begins a browser session for who has the password.
    ///
    /// # Errors
    /// See [`LogInError`].
    pub async fn log_in(&self, attempt: LoginAttempt) -> Result<BrowserCookie, LogInError> {
        let rules = self.passwords.rules();
        rules.check_form(attempt.password.expose_secret()).map_err(LogInError::Password)?;
        let named = Named::new(&attempt);
        self.by_address.take(named.address).map_err(LogInError::Throttled)?;
        let decided = self.decide(&attempt, &named).await;
        // Only a wrong password uses up a try.
        if !matches!(decided, Err(LogInError::Refused | LogInError::Throttled(_))) {
            self.by_address.give_back(named.address);
        }
        decided
    }

    async fn decide(
        &self,
        attempt: &LoginAttempt,
        named: &Named,
    ) -> Result<BrowserCookie, LogInError> {
        let found = self.find(named, &attempt.request).await?;
        if found.lane == Lane::Stranger {
            self.by_account.take(named.key).await.map_err(LogInError::Throttled)?;
        }
        let stored = found.account.as_ref().map(|account| account.password_phc.clone());
        let verified = self.passwords.verify(attempt.password.clone(), stored, found.lane).await;
        if found.lane == Lane::Stranger && !matches!(verified, Ok(Verdict::Wrong)) {
            self.by_account.give_back(named.key).await;
        }
        let (Verdict::Right { is_outdated }, Some(account), Some(tenant), true) =
            (verified?, &found.account, found.tenant, found.may_enter)
        else {
            self.note_failure(&found, named, attempt);
            return Err(LogInError::Refused);
        };
        self.enter(attempt, tenant, account, is_outdated).await
    }

    /// As many statements for a tenant that is none as for one that is there.
    async fn find(&self, named: &Named, request: &RequestOrigin) -> Result<Found, LogInError> {
        let tenant = self.db.system().await?.find_tenant_by_slug(&named.slug).await?;
        let nobody = TenantId::from(Uuid::nil());
        // As the throttle counts: an address of IPv6 changes every day within the network of its person.
        let network = request.address.map(network_text);
        let mut tx = self.db.tenant(tenant.unwrap_or(nobody)).await?;
        let login = tx.find_local_login(&named.login_name, network.as_deref()).await?;
        drop(tx);
        let known = login.as_ref().is_some_and(|login| login.knows_address);
        Ok(Found {
            tenant,
            may_enter: login.as_ref().is_some_and(|login| login.may_enter),
            account: login.map(|login| login.account),
            lane: if known { Lane::Known } else { Lane::Stranger },
        })
    }

    fn note_failure(&self, found: &Found, named: &Named, attempt: &LoginAttempt) {
        let Some(tenant) = found.tenant else {
            tracing::info!("a login failed: there is no such tenant");
            return;
        };
        self.failures.note(Failure {
            tenant,
            member_id: found.account.as_ref().map(|account| account.member_id),
            login_name: named.login_name.clone(),
            request: attempt.request.clone(),
        });
    }

    /// The password was right. What is stored may have changed since it was read: then it was not.
    async fn enter(
        &self,
        attempt: &LoginAttempt,
        tenant: TenantId,
        account: &LocalAccount,
        is_outdated: bool,
    ) -> Result<BrowserCookie, LogInError> {
        let password = &attempt.password;
        let new_hash = match &attempt.new_password {
            Some(new) => Some(self.hash_new(password, new, &account.login_name).await?),
            None if account.must_change => return Err(LogInError::MustChange),
            None => None,
        };
        let rehash = match is_outdated && new_hash.is_none() {
            true => Some(self.passwords.hash(password.clone(), Lane::Known).await?),
            false => None,
        };
        let mut tx = self.db.tenant(tenant).await?;
        if !tx.lock_local_account(account).await? {
            return Err(LogInError::Refused);
        }
        let member = tx.find_member(account.member_id).await?;
        let member = member.filter(|member| !member.is_suspended()).ok_or(LogInError::Refused)?;
        if let Some(hash) = &rehash {
            tx.rehash_password(member.member_id, hash).await?;
        }
        if let Some(hash) = &new_hash {
            store_change(&mut tx, member.member_id, &member.shown_name(), hash, &attempt.request)
                .await?;
        }
        let facts = LoginFacts {
            request: attempt.request.clone(),
            user_agent: attempt.user_agent.clone(),
            lifetime: self.session_lifetime,
        };
        let cookie = begin_browser_session(&mut tx, &member, &facts).await?;
        tx.note_member_seen(member.member_id).await?;
        tx.commit().await?;
        if new_hash.is_some() {
            self.verifier.forget_member(tenant, member.member_id, None);
        }
        Ok(cookie)
    }

    async fn hash_new(
        &self,
        old: &SecretString,
        new: &SecretString,
        login_name: &str,
    ) -> Result<String, LogInError> {
        let text = new.expose_secret();
        self.passwords.rules().check_new(text, login_name).map_err(LogInError::NewPassword)?;
        if text == old.expose_secret() {
            return Err(LogInError::NewPassword(PasswordFault::Unchanged));
        }
        Ok(self.passwords.hash(new.clone(), Lane::Known).await?)
    }
}

/// Stores a password that the person chose, and ends the sessions that began with the old one.
async fn store_change(
    tx: &mut TenantTx,
    member_id: Uuid,
    name: &str,
    hash: &str,
    request: &RequestOrigin,
) -> db::Result<()> {
    tx.update_password(member_id, hash, false).await?;
    let ended = tx.end_browser_sessions_of(member_id, None).await?;
    let actor = AuditActor { kind: "member", id: Some(member_id), name: name.to_owned() };
    let entry = AuditEntry {
        request_id: request.request_id.clone(),
        address: request.address.map(|address| address.to_string()),
        ..AuditEntry::new(actor, "password.changed")
    };
    let after = serde_json::json!({ "ended_browser_sessions": ended });
    tx.append_audit(entry.on("member", member_id).after(after)).await
}

impl Named {
    /// Texts that can be no slug or no address stand for nothing that is there; they cost the same look-ups.
    fn new(attempt: &LoginAttempt) -> Self {
        let slug = attempt.tenant.trim();
        let is_slug = slug.len() <= SLUG_BYTES
            && slug
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let slug = if is_slug { slug.to_owned() } else { String::new() };
        let login_name = login_name(&attempt.email).unwrap_or_default();
        let key = Sha256::new_with_prefix(slug.as_bytes())
            .chain_update([0])
            .chain_update(login_name.as_bytes())
            .finalize()
            .into();
        Self { slug, login_name, address: attempt.request.address.map(network_of), key }
    }
}
