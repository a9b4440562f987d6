//! Signs the addresses of parts that we take ourselves, where the store can not.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::kernel::clock;
use crate::kernel::ids::TenantId;

/// Separates these signatures from others that are made with the same secret.
const PURPOSE: &str = "pidima upload part 1";

/// Signs addresses of parts.
#[derive(Clone)]
pub struct PartSigner {
    secret: Arc<SecretString>,
}

impl PartSigner {
    /// A signer with the installation's secret.
    pub fn new(secret: SecretString) -> Self {
        Self { secret: Arc::new(secret) }
    }

    /// The text that lets anybody send this part until then, in seconds since 1970: `<tenant>.<until>.<signature>`.
    ///
    /// # Errors
    /// It can not be signed.
    pub fn token(
        &self,
        tenant: TenantId,
        upload_id: Uuid,
        part: u32,
        until: i64,
    ) -> Result<String, Error> {
        Ok(format!("{tenant}.{until}.{}", self.signature(tenant, upload_id, part, until)?))
    }

    /// The tenant whose part may be sent with this text now; none when it is not ours or its time is over.
    pub fn verify(&self, token: &str, upload_id: Uuid, part: u32) -> Option<TenantId> {
        let mut fields = token.splitn(3, '.');
        let tenant = TenantId::from(fields.next()?.parse::<Uuid>().ok()?);
        let until: i64 = fields.next()?.parse().ok()?;
        let ours = self.signature(tenant, upload_id, part, until).ok()?;
        let is_ours: bool = ours.as_bytes().ct_eq(fields.next()?.as_bytes()).into();
        (is_ours && until > clock::now().timestamp()).then_some(tenant)
    }

    /// HMAC-SHA-256 of ids and numbers, none of which holds a colon.
    fn signature(
        &self,
        tenant: TenantId,
        upload_id: Uuid,
        part: u32,
        until: i64,
    ) -> Result<String, Error> {
        let text = format!("{PURPOSE}:{tenant}:{upload_id}:{part}:{until}");
        let key = EncodingKey::from_secret(self.secret.expose_secret().as_bytes());
        jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256)
    }
}

impl fmt::Debug for PartSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartSigner")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ids::new_id;

    #[test]
    fn a_text_is_good_for_one_part_of_one_upload_of_one_tenant_until_its_time_is_over() {
        let signer = PartSigner::new("a secret of the installation".into());
        let (tenant, upload, now) = (TenantId::generate(), new_id(), clock::now().timestamp());
        let token = signer.token(tenant, upload, 3, now + 60).expect("a token");
        assert_eq!(signer.verify(&token, upload, 3), Some(tenant));
        assert_eq!(signer.verify(&token, upload, 4), None);
        assert_eq!(signer.verify(&token, new_id(), 3), None);
        let other = PartSigner::new("another secret".into());
        assert_eq!(other.verify(&token, upload, 3), None);
        let longer = token.replace(&(now + 60).to_string(), &(now + 61).to_string());
        assert_eq!(signer.verify(&longer, upload, 3), None);
        let foreign = token.replace(&tenant.to_string(), &TenantId::generate().to_string());
        assert_eq!(signer.verify(&foreign, upload, 3), None);
        for until in [now - 60, now] {
            let over = signer.token(tenant, upload, 3, until).expect("a token");
            assert_eq!(signer.verify(&over, upload, 3), None);
        }
        for broken in ["", ".", "..", "a.b.c", &token[..token.len() - 1]] {
            assert_eq!(signer.verify(broken, upload, 3), None, "{broken}");
        }
    }
}
