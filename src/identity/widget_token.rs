//! The text of a widget token: `pdw_<tenant>_<publishable key id>_<signed token>`, made for one end user and good for
//! minutes.
//!
//! Signed with a key that is derived for the tenant and the publishable key, both of which stand in front, so that a token
//! of one is worth nothing under another. Nothing is looked up here: whether the publishable key is still good, and where
//! from, is the verifier's business.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::secret::plain_id;
use crate::kernel::ids::TenantId;

/// What the text begins with.
pub const PREFIX: &str = "pdw_";
/// Shortest life, in seconds.
pub const MIN_SECONDS: u32 = 60;
/// Longest life, in seconds.
pub const MAX_SECONDS: u32 = 3_600;
/// Life when nobody says, in seconds.
pub const DEFAULT_SECONDS: u32 = 900;
/// Longest text: an id and a name of 200 characters each, in any script, and what stands around them.
const MAX_BYTES: usize = 4_096;
/// What the tokens are for; no token of another purpose has it.
const AUDIENCE: &str = "pidima-widget";
/// Separates the derived keys from others that may once be made of the same secret.
const PURPOSE: &str = "pidima widget token 1";

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WidgetClaims {
    aud: String,
    /// Tenant; the same as in front.
    tenant: Uuid,
    /// Publishable key; the same as in front.
    key: Uuid,
    /// The customer's id of the end user.
    pub sub: String,
    /// Name of the end user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    iat: i64,
    exp: i64,
}

impl WidgetClaims {
    /// Id of the end user here: the same for each token of the person, another under each publishable key.
    pub fn end_user_id(&self) -> Uuid {
        Uuid::new_v5(&self.key, self.sub.as_bytes())
    }

    /// From then on the token is refused.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.exp, 0)
    }
}

/// The parts of a token whose signature nobody has looked at yet.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    /// Tenant that it claims.
    pub tenant: TenantId,
    /// Publishable key that it claims.
    pub api_key_id: Uuid,
    signed: &'a str,
}

impl<'a> UnverifiedToken<'a> {
    /// Takes a text apart; `None` when it is not of the form above.
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let mut parts = text.strip_prefix(PREFIX)?.splitn(3, '_');
        let (tenant, key, signed) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { tenant: plain_id(tenant)?.into(), api_key_id: plain_id(key)?, signed })
    }
}

/// Signs and reads tokens.
#[derive(Clone)]
pub struct WidgetSigner {
    secret: Arc<SecretString>,
}

impl WidgetSigner {
    /// A signer with the installation's secret.
    pub fn new(secret: SecretString) -> Self {
        Self { secret: Arc::new(secret) }
    }

    /// A token for an end user, and its end.
    ///
    /// # Errors
    /// The signature cannot be made.
    pub fn sign(
        &self,
        tenant: TenantId,
        api_key_id: Uuid,
        end_user: (String, Option<String>),
        seconds: u32,
    ) -> Result<(String, DateTime<Utc>), jsonwebtoken::errors::Error> {
        let now = Utc::now();
        let (sub, name) = end_user;
        let life = i64::from(seconds.clamp(MIN_SECONDS, MAX_SECONDS));
        let claims = WidgetClaims {
            aud: AUDIENCE.to_owned(),
            tenant: tenant.uuid(),
            key: api_key_id,
            sub,
            name,
            iat: now.timestamp(),
            exp: now.timestamp() + life,
        };
        let key = EncodingKey::from_secret(&self.derived(tenant, api_key_id)?);
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)?;
        let (tenant, id) = (tenant.uuid().simple(), api_key_id.simple());
        Ok((format!("{PREFIX}{tenant}_{id}_{signed}"), claims.expires_at().unwrap_or(now)))
    }

    /// What a token says; `None` unless its signature, purpose and time are right. The algorithm is ours to choose, never
    /// the token's.
    pub fn read(&self, token: &UnverifiedToken<'_>) -> Option<WidgetClaims> {
        let key = self.derived(token.tenant, token.api_key_id).ok()?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        validation.leeway = 0;
        let read = jsonwebtoken::decode::<WidgetClaims>(
            token.signed,
            &DecodingKey::from_secret(&key),
            &validation,
        );
        let claims = read.ok()?.claims;
        let is_whole = claims.tenant == token.tenant.uuid()
            && claims.key == token.api_key_id
            && !claims.sub.is_empty()
            && claims.exp.checked_sub(claims.iat)? <= i64::from(MAX_SECONDS);
        is_whole.then_some(claims)
    }

    /// HMAC-SHA-256 of purpose, tenant and key, all of fixed length.
    fn derived(
        &self,
        tenant: TenantId,
        api_key_id: Uuid,
    ) -> Result<Vec<u8>, jsonwebtoken::errors::Error> {
        let master = EncodingKey::from_secret(self.secret.expose_secret().as_bytes());
        let message = format!("{PURPOSE}:{tenant}:{api_key_id}");
        let mac = jsonwebtoken::crypto::sign(message.as_bytes(), &master, Algorithm::HS256)?;
        Ok(URL_SAFE_NO_PAD.decode(mac)?)
    }
}

impl fmt::Debug for WidgetSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WidgetSigner(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ids::new_id;

    fn signer() -> WidgetSigner {
        WidgetSigner::new(SecretString::from("a secret of the tests, 32 bytes or more"))
    }

    fn read(text: &str) -> Option<WidgetClaims> {
        signer().read(&UnverifiedToken::parse(text)?)
    }

    #[test]
    fn a_token_survives_being_written_and_read() {
        let (tenant, key) = (TenantId::generate(), new_id());
        let end_user = ("kunde-7_ä".to_owned(), Some("Ada".to_owned()));
        let (text, expires_at) = signer().sign(tenant, key, end_user, 60).unwrap();
        let claims = read(&text).expect("good");
        assert_eq!((claims.sub.as_str(), claims.name.as_deref()), ("kunde-7_ä", Some("Ada")));
        assert_eq!(claims.expires_at(), Some(expires_at));
        assert!((58..=60).contains(&(expires_at - Utc::now()).num_seconds()));
    }

    #[test]
    fn the_longest_names_fit() {
        let longest = "𝄞".repeat(200);
        let end_user = (longest.clone(), Some(longest));
        let (text, _) = signer().sign(TenantId::generate(), new_id(), end_user, 60).unwrap();
        assert!(read(&text).is_some(), "{} bytes", text.len());
    }

    #[test]
    fn an_end_user_is_the_same_with_each_token_and_another_under_each_key() {
        let tenant = TenantId::generate();
        let id = |key: Uuid, name: &str| {
            let (text, _) = signer().sign(tenant, key, (name.to_owned(), None), 60).unwrap();
            read(&text).unwrap().end_user_id()
        };
        let (one, two) = (new_id(), new_id());
        assert_eq!(id(one, "ada"), id(one, "ada"));
        assert_ne!(id(one, "ada"), id(one, "bob"));
        assert_ne!(id(one, "ada"), id(two, "ada"));
    }

    #[test]
    fn another_secret_signs_nothing_here() {
        let other = WidgetSigner::new(SecretString::from("another secret of 32 bytes or more"));
        let end_user = ("ada".to_owned(), None);
        let (text, _) = other.sign(TenantId::generate(), new_id(), end_user, 60).unwrap();
        assert!(read(&text).is_none());
    }
}
