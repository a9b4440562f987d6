//! Browser sessions: looked up under the tenant that the cookie carries.

use chrono::{TimeDelta, Utc};
use subtle::ConstantTimeEq;

use super::{Denied, Verified, Verifier};
use crate::identity::actor::RequestOrigin;
use crate::identity::{Actor, BrowserCookie, LOCAL, Principal};

impl Verifier {
    pub(super) async fn look_up_browser_session(&self, text: &str) -> Result<Verified, Denied> {
        let cookie = BrowserCookie::parse(text).ok_or(Denied::Unknown)?;
        let mut tx = self.db.tenant(cookie.tenant).await?;
        let found = tx.find_browser_session_secret(cookie.browser_session_id).await?;
        let (session, stored) = match found {
            Some((session, secret_sha256)) => (Some(session), secret_sha256),
            None => (None, vec![0; 32]),
        };
        let equal = bool::from(stored.as_slice().ct_eq(&cookie.secret_sha256()));
        let session = session.filter(|_| equal).ok_or(Denied::Unknown)?;
        let now = Utc::now();
        let idle =
            TimeDelta::from_std(self.settings.browser_session_idle).unwrap_or(TimeDelta::MAX);
        if session.ended_at.is_some()
            || session.expires_at <= now
            || now - session.last_seen_at > idle
        {
            return Err(Denied::LoggedOut);
        }
        let member = tx.find_member(session.member_id).await?.ok_or(Denied::LoggedOut)?;
        let tenant = tx.get_tenant().await?;
        if tenant.is_suspended() {
            return Err(Denied::TenantSuspended);
        }
        if member.is_suspended() {
            return Err(Denied::MemberSuspended);
        }
        // A tenant that takes a provider away, or an operator who does, ends what it vouched for.
        let is_there = session.provider == LOCAL || self.providers.get(&session.provider).is_some();
        if !is_there || !tenant.admits(&session.provider) {
            return Err(Denied::ProviderNotAdmitted);
        }
        let actor = Actor {
            tenant: cookie.tenant,
            principal: Principal::Member {
                member_id: member.member_id,
                browser_session_id: Some(session.browser_session_id),
            },
            name: member.shown_name(),
            role: member.role,
            scopes: member.role.own_scopes(),
            allowed_origins: tenant.allowed_origins,
            request: RequestOrigin::default(),
        };
        Ok(Verified { expires_at: Some(session.expires_at), ..Verified::anywhere(actor) })
    }
}
