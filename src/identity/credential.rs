//! The text of an API key: `pdm_<tenant>_<key id>_<secret>`, or `pdp_…` for one that may stand in a web page.
//!
//! The tenant stands in it so that the key can be looked up under that tenant's row-level security: a key of another
//! tenant finds no row.

use uuid::Uuid;

use super::secret::{Secret, plain_id};
use crate::kernel::ids::TenantId;

/// Kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum KeyKind {
    /// Kept by programs.
    #[default]
    Secret,
    /// May stand in a web page: asks only, and only from its origins.
    Publishable,
}

impl KeyKind {
    /// Each kind.
    pub const ALL: [Self; 2] = [Self::Secret, Self::Publishable];

    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Publishable => "publishable",
        }
    }

    /// What the text of such a key begins with: people and scanners tell the kinds apart by it.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Secret => "pdm",
            Self::Publishable => "pdp",
        }
    }
}

/// A parsed API key. The secret is never printed.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Kind that the text says.
    pub kind: KeyKind,
    /// Tenant that the key claims.
    pub tenant: TenantId,
    /// Key that it claims to be.
    pub api_key_id: Uuid,
    secret: Secret<20>,
}

impl Credential {
    /// A new key with a random secret.
    pub fn generate(kind: KeyKind, tenant: TenantId, api_key_id: Uuid) -> Self {
        Self { kind, tenant, api_key_id, secret: Secret::generate() }
    }

    /// Reads a key; `None` when the text is not of the form above.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('_');
        let (prefix, tenant, key, secret) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let kind = KeyKind::ALL.into_iter().find(|kind| kind.prefix() == prefix)?;
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            kind,
            tenant: plain_id(tenant)?.into(),
            api_key_id: plain_id(key)?,
            secret: Secret::parse(secret)?,
        })
    }

    /// The whole key: shown once, to its maker.
    pub fn expose(&self) -> String {
        format!(
            "{}_{}_{}_{}",
            self.kind.prefix(),
            self.tenant.uuid().simple(),
            self.api_key_id.simple(),
            self.secret.expose()
        )
    }

    /// What is stored of the secret.
    pub fn secret_sha256(&self) -> [u8; 32] {
        self.secret.sha256()
    }

    /// Last four characters, to tell keys apart.
    pub fn hint(&self) -> String {
        self.secret.hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ids::new_id;

    #[test]
    fn a_key_survives_being_written_and_read() {
        for kind in KeyKind::ALL {
            let credential = Credential::generate(kind, TenantId::generate(), new_id());
            let read = Credential::parse(&credential.expose()).expect("well-formed");
            assert_eq!(read.kind, kind);
            assert_eq!(read.tenant, credential.tenant);
            assert_eq!(read.api_key_id, credential.api_key_id);
            assert_eq!(read.secret_sha256(), credential.secret_sha256());
        }
    }

    #[test]
    fn anything_but_the_exact_form_is_refused() {
        let good = Credential::generate(KeyKind::Secret, TenantId::generate(), new_id()).expose();
        assert!(Credential::parse(&good.to_uppercase()).is_none());
        assert!(Credential::parse(&format!("{good}_x")).is_none());
        assert!(Credential::parse(&good[..good.len() - 1]).is_none());
        assert!(Credential::parse(&good.replace("pdm", "abc")).is_none());
        assert!(Credential::parse("").is_none());
        assert!(Credential::parse("pdm___").is_none());
        assert!(Credential::parse(&"é".repeat(40)).is_none());
    }

    #[test]
    fn the_secret_is_not_in_the_debug_form() {
        let credential = Credential::generate(KeyKind::Secret, TenantId::generate(), new_id());
        let secret = credential.expose().rsplit('_').next().expect("secret").to_owned();
        assert!(!format!("{credential:?}").contains(&secret));
    }
}
