//! The cookie of a browser session: `<tenant>.<browser session id>.<secret>`.
//!
//! As with API keys the tenant stands in it, so that it is looked up under that tenant's row-level security.

use std::fmt;

use rand::RngCore;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::credential::is_lower_hex;
use crate::kernel::ids::TenantId;

/// 256 random bits.
const SECRET_BYTES: usize = 32;

/// A parsed cookie. The secret is never printed.
#[derive(Clone)]
pub struct BrowserCookie {
    /// Tenant that it claims.
    pub tenant: TenantId,
    /// Session that it claims to be.
    pub browser_session_id: Uuid,
    secret: SecretString,
}

impl BrowserCookie {
    /// Name of the cookie. The prefix makes browsers refuse it unless it is `Secure`, for this host only and for every
    /// path (RFC 6265bis, 4.1.3.2).
    pub const NAME: &str = "__Host-pidima";

    /// A new cookie with a random secret.
    pub fn generate(tenant: TenantId, browser_session_id: Uuid) -> Self {
        let mut secret = [0_u8; SECRET_BYTES];
        rand::rng().fill_bytes(&mut secret);
        Self { tenant, browser_session_id, secret: SecretString::from(hex::encode(secret)) }
    }

    /// Reads a value; `None` when the text is not of the form above.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (tenant, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let well_formed = parts.next().is_none()
            && [tenant, id].iter().all(|part| is_lower_hex(part, 32))
            && is_lower_hex(secret, SECRET_BYTES * 2);
        if !well_formed {
            return None;
        }
        Some(Self {
            tenant: Uuid::parse_str(tenant).ok()?.into(),
            browser_session_id: Uuid::parse_str(id).ok()?,
            secret: SecretString::from(secret.to_owned()),
        })
    }

    /// The value, for the one response that sets it.
    pub fn expose(&self) -> String {
        format!(
            "{}.{}.{}",
            self.tenant.uuid().simple(),
            self.browser_session_id.simple(),
            self.secret.expose_secret()
        )
    }

    /// What is stored of the secret.
    pub fn secret_sha256(&self) -> [u8; 32] {
        Sha256::digest(self.secret.expose_secret().as_bytes()).into()
    }
}

impl fmt::Debug for BrowserCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrowserCookie({}, …)", self.browser_session_id)
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
