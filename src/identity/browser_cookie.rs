//! The cookie of a browser session: `<tenant>.<browser session id>.<secret>`.
//!
//! As with API keys the tenant stands in it, so that it is looked up under that tenant's row-level security.

use uuid::Uuid;

use super::secret::{Secret, plain_id};
use crate::kernel::ids::TenantId;

/// A parsed cookie. The secret is never printed.
#[derive(Clone, Debug)]
pub struct BrowserCookie {
    /// Tenant that it claims.
    pub tenant: TenantId,
    /// Session that it claims to be.
    pub browser_session_id: Uuid,
    secret: Secret<32>,
}

impl BrowserCookie {
    /// Name of the cookie. The prefix makes browsers refuse it unless it is `Secure`, for this host only and for every
    /// path (RFC 6265bis, 4.1.3.2).
    pub const NAME: &str = "__Host-pidima";

    /// A new cookie with a random secret.
    pub fn generate(tenant: TenantId, browser_session_id: Uuid) -> Self {
        Self { tenant, browser_session_id, secret: Secret::generate() }
    }

    /// Reads a value; `None` when the text is not of the form above.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (tenant, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            tenant: plain_id(tenant)?.into(),
            browser_session_id: plain_id(id)?,
            secret: Secret::parse(secret)?,
        })
    }

    /// The value, for the one response that sets it.
    pub fn expose(&self) -> String {
        format!(
            "{}.{}.{}",
            self.tenant.uuid().simple(),
            self.browser_session_id.simple(),
            self.secret.expose()
        )
    }

    /// What is stored of the secret.
    pub fn secret_sha256(&self) -> [u8; 32] {
        self.secret.sha256()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ids::new_id;

    #[test]
    fn a_cookie_survives_being_written_and_read() {
        let cookie = BrowserCookie::generate(TenantId::generate(), new_id());
        let read = BrowserCookie::parse(&cookie.expose()).expect("well-formed");
        assert_eq!(read.tenant, cookie.tenant);
        assert_eq!(read.browser_session_id, cookie.browser_session_id);
        assert_eq!(read.secret_sha256(), cookie.secret_sha256());
    }

    #[test]
    fn anything_but_the_exact_form_is_refused() {
        let good = BrowserCookie::generate(TenantId::generate(), new_id()).expose();
        for bad in [good.to_uppercase(), format!("{good}.x"), good.replace('.', "_"), String::new()]
        {
            assert!(BrowserCookie::parse(&bad).is_none(), "{bad}");
        }
    }
}
