//! Public keys of an issuer, read from its key document (RFC 7517). Each key is good for one algorithm, which the key
//! decides and never a token: RS256, PS256 or ES256.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// Longest key id, in bytes.
const MAX_KID_BYTES: usize = 200;
/// Sizes of an RSA modulus, in bytes: below it is weak (NIST SP 800-131A), above it costs too much.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
/// Bytes of a coordinate on P-256.
const P256_COORDINATE_BYTES: usize = 32;

/// A public key that verifies signatures.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.kid, self.algorithm())
    }
}

impl SigningKey {
    /// Id of the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm that the key is good for.
    pub fn algorithm(&self) -> &'static str {
        match self.algorithm {
            Algorithm::PS256 => "PS256",
            Algorithm::ES256 => "ES256",
            _ => "RS256",
        }
    }

    /// Whether the signature (base64url) is the key's over the message.
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message, &self.key, self.algorithm).unwrap_or(false)
    }

    /// A key of the document; `None` for one that does not sign tokens that we take.
    fn read(jwk: &Value) -> Option<Self> {
        let text = |field: &str| jwk.get(field).and_then(Value::as_str);
        let kid = text("kid").filter(|kid| is_key_id(kid))?;
        let signs = match jwk.get("use") {
            None => true,
            Some(purpose) => purpose == "sig",
        };
        let verifies = match jwk.get("key_ops") {
            None => true,
            Some(operations) => operations.as_array()?.iter().any(|each| each == "verify"),
        };
        if !signs || !verifies {
            return None;
        }
        let algorithm = jwk.get("alg").map(|name| name.as_str().unwrap_or_default());
        let (algorithm, key) = match (text("kty")?, algorithm) {
            ("RSA", None | Some("RS256")) => (Algorithm::RS256, rsa(text("n")?, text("e")?)?),
            ("RSA", Some("PS256")) => (Algorithm::PS256, rsa(text("n")?, text("e")?)?),
            ("EC", None | Some("ES256")) if text("crv") == Some("P-256") => {
                (Algorithm::ES256, p256(text("x")?, text("y")?)?)
            }
            _ => return None,
        };
        Some(Self { kid: kid.to_owned(), algorithm, key })
    }
}

/// Signing keys of a document, those that are of no use left out.
///
/// # Errors
/// There are too many keys, or none is of use.
pub(super) fn read_keys(document: &Value, max_keys: usize) -> Result<Vec<Arc<SigningKey>>, String> {
    let keys = document.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or_else(|| "it has no list of keys".to_owned())?;
    if keys.len() > max_keys {
        return Err(format!("it holds more than {max_keys} keys"));
    }
    let usable: Vec<_> = keys.iter().filter_map(SigningKey::read).map(Arc::new).collect();
    if usable.is_empty() {
        return Err("none of its keys signs tokens with RS256, PS256 or ES256".to_owned());
    }
    Ok(usable)
}

/// Whether a text can be the id of a key: something to look up, short and printable.
pub fn is_key_id(text: &str) -> bool {
    (1..=MAX_KID_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn rsa(modulus: &str, exponent: &str) -> Option<DecodingKey> {
    let (n, e) = (decoded(modulus)?, decoded(exponent)?);
    let significant = n.iter().skip_while(|byte| **byte == 0).count();
    // 65537 is what everybody uses; an exponent of 1 would take any signature.
    let usual = e == [1, 0, 1];
    (RSA_MODULUS_BYTES.contains(&significant) && usual)
        .then(|| DecodingKey::from_rsa_raw_components(&n, &e))
}

fn p256(x: &str, y: &str) -> Option<DecodingKey> {
    let whole =
        |text: &str| decoded(text).is_some_and(|bytes| bytes.len() == P256_COORDINATE_BYTES);
    if !whole(x) || !whole(y) {
        return None;
    }
    DecodingKey::from_ec_components(x, y).ok()
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()
}
