//! The form of a token (RFC 7515, 7519, 9068): three parts of strict base64url, a header that asks for nothing unusual,
//! JSON without duplicate keys. It believes nothing; what it reads counts once the signature holds.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::Refused;
use crate::adapters::oidc::is_key_id;
use crate::web::body::parse_strict;

/// Longest token, in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Deepest nesting of its JSON.
const MAX_DEPTH: u32 = 16;
/// Algorithms that are let in at all. Symmetric ones never: whoever can verify with them can sign.
const ALGORITHMS: [&str; 3] = ["RS256", "PS256", "ES256"];
/// Types that an access token may call itself: RFC 9068, and the plain one that most issuers write.
const TYPES: [&str; 4] = ["at+jwt", "application/at+jwt", "jwt", "application/jwt"];
/// Parts of a header that bring or name a key of the sender's, or change how the token is to be read.
const REFUSED_FIELDS: [&str; 9] = ["crit", "jku", "jwk", "x5u", "x5c", "b64", "enc", "zip", "cty"];

/// A token taken apart.
pub(super) struct TokenForm<'a> {
    algorithm: String,
    kid: String,
    is_typed_access: bool,
    claims: Map<String, Value>,
    message: &'a [u8],
    signature: &'a str,
}

impl<'a> TokenForm<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Refused> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Refused::Bad("it is longer than 8 kB"));
        }
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused::Bad("it has not three parts"));
        };
        let message = &text.as_bytes()[..header.len() + 1 + payload.len()];
        let header = object(header).ok_or(Refused::Bad("its header cannot be read"))?;
        let claims = object(payload).ok_or(Refused::Bad("its claims cannot be read"))?;
        let signed = URL_SAFE_NO_PAD.decode(signature).is_ok_and(|bytes| !bytes.is_empty());
        if !signed {
            return Err(Refused::Bad("its signature is missing or no base64url"));
        }
        if REFUSED_FIELDS.iter().any(|field| header.contains_key(*field)) {
            return Err(Refused::Bad("its header brings a key or asks for something unusual"));
        }
        let algorithm = header.get("alg").and_then(Value::as_str);
        let algorithm = algorithm
            .filter(|name| ALGORITHMS.contains(name))
            .ok_or(Refused::Bad("its algorithm is not let in"))?;
        let kid = header.get("kid").and_then(Value::as_str).filter(|kid| is_key_id(kid));
        let kid = kid.ok_or(Refused::Bad("its key id is missing or none"))?;
        Ok(Self {
            algorithm: algorithm.to_owned(),
            kid: kid.to_owned(),
            is_typed_access: is_typed_access(&header)?,
            claims,
            message,
            signature,
        })
    }

    pub(super) fn algorithm(&self) -> &str {
        &self.algorithm
    }

    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// Whether the header says that it is an access token and nothing else.
    pub(super) fn is_typed_access(&self) -> bool {
        self.is_typed_access
    }

    pub(super) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    pub(super) fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// What the signature is over.
    pub(super) fn message(&self) -> &[u8] {
        self.message
    }

    pub(super) fn signature(&self) -> &str {
        self.signature
    }
}

fn is_typed_access(header: &Map<String, Value>) -> Result<bool, Refused> {
    let Some(kind) = header.get("typ") else { return Ok(false) };
    let kind = kind.as_str().unwrap_or_default().to_ascii_lowercase();
    if !TYPES.contains(&kind.as_str()) {
        return Err(Refused::Bad("its type is not that of an access token"));
    }
    Ok(kind.ends_with("at+jwt"))
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    match parse_strict(&bytes, MAX_DEPTH) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}
