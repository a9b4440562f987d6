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
        keeps(&header, RULES.iter().map(|(_, rule)| *rule))?;
        Ok(Self {
            algorithm: word(&header, "alg").to_owned(),
            kid: word(&header, "kid").to_owned(),
            is_typed_access: word(&header, "typ").to_ascii_lowercase().ends_with("at+jwt"),
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

type Rule = fn(&Map<String, Value>) -> Result<(), Refused>;

/// Every rule of the header. The tests take each of them out, and see a forged header pass without it.
const RULES: [(&str, Rule); 4] = [
    ("nothing unusual", asks_for_nothing_unusual),
    ("algorithm", has_a_good_algorithm),
    ("key id", names_a_key),
    ("type", has_a_good_type),
];

fn keeps(
    header: &Map<String, Value>,
    mut rules: impl Iterator<Item = Rule>,
) -> Result<(), Refused> {
    rules.try_for_each(|rule| rule(header))
}

fn asks_for_nothing_unusual(header: &Map<String, Value>) -> Result<(), Refused> {
    if REFUSED_FIELDS.iter().any(|field| header.contains_key(*field)) {
        return Err(Refused::Bad("its header brings a key or asks for something unusual"));
    }
    Ok(())
}

fn has_a_good_algorithm(header: &Map<String, Value>) -> Result<(), Refused> {
    if !ALGORITHMS.contains(&word(header, "alg")) {
        return Err(Refused::Bad("its algorithm is not let in"));
    }
    Ok(())
}

fn names_a_key(header: &Map<String, Value>) -> Result<(), Refused> {
    if !is_key_id(word(header, "kid")) {
        return Err(Refused::Bad("its key id is missing or none"));
    }
    Ok(())
}

fn has_a_good_type(header: &Map<String, Value>) -> Result<(), Refused> {
    let kind = word(header, "typ").to_ascii_lowercase();
    if header.contains_key("typ") && !TYPES.contains(&kind.as_str()) {
        return Err(Refused::Bad("its type is not that of an access token"));
    }
    Ok(())
}

/// A text of the header; empty where there is none.
fn word<'a>(header: &'a Map<String, Value>, name: &str) -> &'a str {
    header.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    match parse_strict(&bytes, MAX_DEPTH) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn passes(header: &Value, without: Option<&str>) -> bool {
        let header = header.as_object().expect("an object");
        let rules = RULES.iter().filter(|(name, _)| Some(*name) != without);
        keeps(header, rules.map(|(_, rule)| *rule)).is_ok()
    }

    #[test]
    fn without_any_one_rule_a_forged_header_passes() {
        let forged = [
            (
                "nothing unusual",
                json!({ "alg": "RS256", "kid": "1", "jku": "https://evil.example" }),
            ),
            ("algorithm", json!({ "alg": "HS256", "kid": "1" })),
            ("key id", json!({ "alg": "RS256", "kid": "" })),
            ("type", json!({ "alg": "RS256", "kid": "1", "typ": "logout+jwt" })),
        ];
        assert!(passes(&json!({ "alg": "RS256", "kid": "1", "typ": "JWT" }), None), "a good one");
        for (rule, header) in &forged {
            assert!(!passes(header, None), "{rule}: {header}");
            assert!(passes(header, Some(rule)), "{rule} stops nothing by itself: {header}");
        }
        let named: Vec<&str> = forged.iter().map(|(rule, _)| *rule).collect();
        let rules: Vec<&str> = RULES.iter().map(|(name, _)| *name).collect();
        assert_eq!(named, rules, "a rule without a forged header that it alone stops");
    }
}
