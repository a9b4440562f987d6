//! The text of an invitation: `<tenant>.<invitation id>.<secret>`, which stands in the link that an invited person opens.
//!
//! As with API keys the tenant stands in it, so that it is looked up under that tenant's row-level security.

use std::fmt;

use rand::RngCore;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::credential::is_lower_hex;
use crate::kernel::ids::TenantId;

/// 160 random bits: far above what can be guessed, so that a plain hash of them is a right store.
const SECRET_BYTES: usize = 20;

/// A parsed invitation. The secret is never printed.
#[derive(Clone)]
pub struct InvitationLink {
    /// Tenant that it claims.
    pub tenant: TenantId,
    /// Invitation that it claims to be.
    pub invitation_id: Uuid,
    secret: SecretString,
}

impl InvitationLink {
    /// Path and query of the page that takes the text, which follows at once.
    pub const PAGE: &str = "/login?invitation=";

    /// A new invitation with a random secret.
    pub fn generate(tenant: TenantId, invitation_id: Uuid) -> Self {
        let mut secret = [0_u8; SECRET_BYTES];
        rand::rng().fill_bytes(&mut secret);
        Self { tenant, invitation_id, secret: SecretString::from(hex::encode(secret)) }
    }

    /// Reads a text; `None` when it is not of the form above.
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
            invitation_id: Uuid::parse_str(id).ok()?,
            secret: SecretString::from(secret.to_owned()),
        })
    }

    /// The text, for the one response that shows it.
    pub fn expose(&self) -> String {
        format!(
            "{}.{}.{}",
            self.tenant.uuid().simple(),
            self.invitation_id.simple(),
            self.secret.expose_secret()
        )
    }

    /// What is stored of the secret.
    pub fn secret_sha256(&self) -> [u8; 32] {
        Sha256::digest(self.secret.expose_secret().as_bytes()).into()
    }
}

impl fmt::Debug for InvitationLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InvitationLink({}, …)", self.invitation_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ids::new_id;

    #[test]
    fn a_text_survives_being_written_and_read_and_is_not_in_the_debug_form() {
        let link = InvitationLink::generate(TenantId::generate(), new_id());
        let read = InvitationLink::parse(&link.expose()).expect("well-formed");
        assert_eq!(read.tenant, link.tenant);
        assert_eq!(read.invitation_id, link.invitation_id);
        assert_eq!(read.secret_sha256(), link.secret_sha256());
        let secret = link.expose().rsplit('.').next().expect("secret").to_owned();
        assert!(!format!("{link:?}").contains(&secret));
    }

    #[test]
    fn anything_but_the_exact_form_is_refused() {
        let good = InvitationLink::generate(TenantId::generate(), new_id()).expose();
        let cut = good[..good.len() - 1].to_owned();
        let bad = [good.to_uppercase(), format!("{good}.x"), good.replace('.', "_"), cut];
        for text in bad.iter().map(String::as_str).chain(["", "..", "é.é.é"]) {
            assert!(InvitationLink::parse(text).is_none(), "{text}");
        }
    }
}
