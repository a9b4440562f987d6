//! Secrets of endpoints, and the signatures made with them.
//!
//! A secret must be known again whenever something is signed. It is derived from the secret of the installation and stored
//! nowhere: who reads the database can sign nothing. Each endpoint counts its secrets; to rotate is to take the next number.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::kernel::ids::TenantId;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// Separates these keys from others that are derived of the same secret.
const PURPOSE: &str = "pidima webhook secret 1";

/// Derives secrets and signs.
#[derive(Clone)]
pub struct WebhookSigner {
    secret: Arc<SecretString>,
}

/// One secret of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretName {
    /// Tenant.
    pub tenant: TenantId,
    /// Endpoint.
    pub webhook_id: Uuid,
    /// Which of its secrets, from 1.
    pub number: i32,
}

impl WebhookSigner {
    /// A signer with the installation's secret.
    pub fn new(secret: SecretString) -> Self {
        Self { secret: Arc::new(secret) }
    }

    /// The text of a secret, for the one answer that shows it.
    ///
    /// # Errors
    /// It can not be derived.
    pub fn secret(&self, name: SecretName) -> Result<String, Error> {
        Ok(format!("{PREFIX}{}", STANDARD.encode(self.key(name)?)))
    }

    /// The header `webhook-signature`: one signature for each secret.
    ///
    /// # Errors
    /// A signature can not be made.
    pub fn signatures(
        &self,
        names: &[SecretName],
        message_id: &str,
        timestamp: i64,
        body: &str,
    ) -> Result<String, Error> {
        let signed = format!("{message_id}.{timestamp}.{body}");
        let signature = |name: &SecretName| {
            Ok(format!("v1,{}", STANDARD.encode(hmac(&self.key(*name)?, signed.as_bytes())?)))
        };
        let signatures: Result<Vec<String>, Error> = names.iter().map(signature).collect();
        Ok(signatures?.join(" "))
    }

    /// HMAC-SHA-256 of purpose, tenant, endpoint and number, of which only the last one varies in length and ends the text.
    fn key(&self, name: SecretName) -> Result<Vec<u8>, Error> {
        let SecretName { tenant, webhook_id, number } = name;
        let text = format!("{PURPOSE}:{tenant}:{webhook_id}:{number}");
        hmac(self.secret.expose_secret().as_bytes(), text.as_bytes())
    }
}

fn hmac(key: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
    let key = EncodingKey::from_secret(key);
    Ok(URL_SAFE_NO_PAD.decode(jsonwebtoken::crypto::sign(message, &key, Algorithm::HS256)?)?)
}

impl fmt::Debug for WebhookSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSigner(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ids::new_id;

    /// The example of the specification, whose secret and signature are published with it.
    #[test]
    fn the_signature_of_the_specification_comes_out() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        let signature = STANDARD.encode(hmac(&key, signed).unwrap());
        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_secret_is_another_one_and_the_same_again() {
        let signer = WebhookSigner::new(SecretString::from("a secret of 32 bytes, or of more"));
        let name = SecretName { tenant: TenantId::generate(), webhook_id: new_id(), number: 1 };
        let secret = signer.secret(name).unwrap();
        assert_eq!(signer.secret(name).unwrap(), secret);
        let bytes = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!(bytes.len(), 32);
        for other in [
            SecretName { number: 2, ..name },
            SecretName { webhook_id: new_id(), ..name },
            SecretName { tenant: TenantId::generate(), ..name },
        ] {
            assert_ne!(signer.secret(other).unwrap(), secret);
        }
    }
}
