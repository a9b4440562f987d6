//! The text of an invitation: `<tenant>.<invitation id>.<secret>`, which stands in the link that an invited person opens.
//!
//! As with API keys the tenant stands in it, so that it is looked up under that tenant's row-level security.

use uuid::Uuid;

use super::secret::{Secret, plain_id};
use crate::kernel::ids::TenantId;

/// A parsed invitation. The secret is never printed.
#[derive(Clone, Debug)]
pub struct InvitationLink {
    /// Tenant that it claims.
    pub tenant: TenantId,
    /// Invitation that it claims to be.
    pub invitation_id: Uuid,
    secret: Secret<20>,
}

impl InvitationLink {
    /// Path and query of the page that takes the text, which follows at once.
    pub const PAGE: &str = "/login?invitation=";

    /// A new invitation with a random secret.
    pub fn generate(tenant: TenantId, invitation_id: Uuid) -> Self {
        Self { tenant, invitation_id, secret: Secret::generate() }
    }

    /// Reads a text; `None` when it is not of the form above.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (tenant, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            tenant: plain_id(tenant)?.into(),
            invitation_id: plain_id(id)?,
            secret: Secret::parse(secret)?,
        })
    }

    /// The text, for the one response that shows it.
    pub fn expose(&self) -> String {
        format!(
            "{}.{}.{}",
            self.tenant.uuid().simple(),
            self.invitation_id.simple(),
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
