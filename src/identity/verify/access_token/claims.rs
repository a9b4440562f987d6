//! What the claims of a signed token must say: an access token, for us, good now. Each claim must have the JSON type that
//! its specification gives it; a wrong type is a refusal and never "absent".

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::Refused;
use super::form::TokenForm;
use crate::adapters::oidc::ProviderSettings;

/// How far the issuer's clock may be from ours, in seconds.
pub(super) const SKEW_SECONDS: i64 = 60;
/// Longest subject, in bytes (OpenID Connect Core 1.0, section 2).
const MAX_SUBJECT_BYTES: usize = 255;
/// Most values of `aud` that are looked at.
const MAX_AUDIENCES: usize = 20;
/// Last second of the year 9999: what is beyond it is no time.
const LAST_SECOND: i64 = 253_402_300_799;
/// Claims that stand in ID tokens alone (OpenID Connect Core 1.0, sections 2 and 3.3.2.11).
const ONLY_IN_ID_TOKENS: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];
/// Claims by which a token shows what it gives access to, or whom it was given to.
const ONLY_IN_ACCESS_TOKENS: [&str; 3] = ["scope", "scp", "client_id"];

/// What counts of a token that was let in.
#[derive(Debug)]
pub(super) struct CheckedClaims {
    /// The issuer's name for the person.
    pub(super) subject: String,
    /// `exp`.
    pub(super) expires_at: i64,
}

/// What the rules look at.
struct Token<'a> {
    claims: &'a Map<String, Value>,
    settings: &'a ProviderSettings,
    /// Whether the header says that it is an access token.
    is_typed: bool,
    /// Seconds since 1970.
    now: i64,
}

type Rule = fn(&Token<'_>) -> Result<(), Refused>;

/// Every rule, of which a token must keep all. The tests take each of them out, and see a forged token let in without it.
const RULES: [(&str, Rule); 11] = [
    ("audience", audience_is_ours),
    ("client", client_is_ours),
    ("some audience", names_an_audience),
    ("no ID token", is_no_id_token),
    ("for bearers", is_for_bearers),
    ("use", is_to_be_used_for_access),
    ("access", shows_access),
    ("end", is_not_over),
    ("begin", has_begun),
    ("issue", was_issued_before),
    ("unbound", is_bound_to_no_key),
];

impl CheckedClaims {
    /// Checks everything but the issuer and the signature, by which the provider was found.
    pub(super) fn check(
        form: &TokenForm<'_>,
        settings: &ProviderSettings,
        now: DateTime<Utc>,
    ) -> Result<Self, Refused> {
        let (claims, is_typed) = (form.claims(), form.is_typed_access());
        let token = Token { claims, settings, is_typed, now: now.timestamp() };
        Self::read(&token, RULES.iter().map(|(_, rule)| *rule))
    }

    fn read(token: &Token<'_>, mut rules: impl Iterator<Item = Rule>) -> Result<Self, Refused> {
        rules.try_for_each(|rule| rule(token))?;
        let expires_at = time(token.claims, "exp")?.ok_or(Refused::Bad("it has no end"))?;
        let subject = token.claims.get("sub").and_then(Value::as_str);
        let subject = subject
            .filter(|text| (1..=MAX_SUBJECT_BYTES).contains(&text.len()) && !text.contains('\0'))
            .ok_or(Refused::Bad("the subject is missing or none"))?;
        Ok(Self { subject: subject.to_owned(), expires_at })
    }
}

impl Token<'_> {
    fn is_ours(&self, name: &str) -> bool {
        let ProviderSettings { client_id, audiences, .. } = self.settings;
        name == client_id || audiences.iter().any(|it| it == name)
    }

    /// Cognito marks its tokens so, and no other issuer.
    fn is_of_cognito(&self) -> bool {
        self.claims.contains_key("token_use")
    }
}

fn audience_is_ours(token: &Token<'_>) -> Result<(), Refused> {
    let audience = audiences(token.claims)?;
    if !audience.is_empty() && !audience.iter().any(|name| token.is_ours(name)) {
        return Err(Refused::Bad("it is for another audience"));
    }
    Ok(())
}

/// Cognito names the client in `client_id`; all others name us in `aud`.
fn client_is_ours(token: &Token<'_>) -> Result<(), Refused> {
    let client = token.claims.get("client_id").and_then(Value::as_str);
    if token.is_of_cognito() && !client.is_some_and(|client| token.is_ours(client)) {
        return Err(Refused::Bad("it is for another client"));
    }
    Ok(())
}

fn names_an_audience(token: &Token<'_>) -> Result<(), Refused> {
    if !token.is_of_cognito() && audiences(token.claims)?.is_empty() {
        return Err(Refused::Bad("it names no audience"));
    }
    Ok(())
}

fn audiences(claims: &Map<String, Value>) -> Result<Vec<&str>, Refused> {
    let unfit = Refused::Bad("the audience is neither a text nor a short list of texts");
    match claims.get("aud") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(several)) if (1..=MAX_AUDIENCES).contains(&several.len()) => {
            several.iter().map(|each| each.as_str().ok_or(unfit)).collect()
        }
        Some(_) => Err(unfit),
    }
}

/// An ID token tells a client who logged in. It is no key to this API, though its audience may be right.
fn is_no_id_token(token: &Token<'_>) -> Result<(), Refused> {
    if ONLY_IN_ID_TOKENS.iter().any(|name| token.claims.contains_key(*name)) {
        return Err(Refused::Bad("it is an ID token"));
    }
    Ok(())
}

/// Keycloak's name for the kind of token.
fn is_for_bearers(token: &Token<'_>) -> Result<(), Refused> {
    if token.claims.get("typ").is_some_and(|kind| kind != "Bearer") {
        return Err(Refused::Bad("it is no token for bearers"));
    }
    Ok(())
}

fn is_to_be_used_for_access(token: &Token<'_>) -> Result<(), Refused> {
    if token.claims.get("token_use").is_some_and(|used| used != "access") {
        return Err(Refused::Bad("it is not to be used for access"));
    }
    Ok(())
}

fn shows_access(token: &Token<'_>) -> Result<(), Refused> {
    let has = |name: &&str| token.claims.contains_key(*name);
    if token.is_of_cognito() || token.is_typed || ONLY_IN_ACCESS_TOKENS.iter().any(has) {
        return Ok(());
    }
    Err(Refused::Bad("nothing shows that it is an access token"))
}

fn is_not_over(token: &Token<'_>) -> Result<(), Refused> {
    let expires = time(token.claims, "exp")?.ok_or(Refused::Bad("it has no end"))?;
    if token.now >= expires.saturating_add(SKEW_SECONDS) {
        return Err(Refused::Expired);
    }
    Ok(())
}

fn has_begun(token: &Token<'_>) -> Result<(), Refused> {
    let latest = token.now.saturating_add(SKEW_SECONDS);
    if time(token.claims, "nbf")?.is_some_and(|begins| begins > latest) {
        return Err(Refused::Bad("its time has not come"));
    }
    Ok(())
}

fn was_issued_before(token: &Token<'_>) -> Result<(), Refused> {
    let latest = token.now.saturating_add(SKEW_SECONDS);
    let (issued, expires) = (time(token.claims, "iat")?, time(token.claims, "exp")?);
    let is_late = |issued| issued > latest || expires.is_some_and(|expires| issued > expires);
    if issued.is_some_and(is_late) {
        return Err(Refused::Bad("it was issued in the future or after its end"));
    }
    Ok(())
}

/// Bound to a key that the sender must prove to hold (RFC 8705, 9449): a bearer proves nothing.
fn is_bound_to_no_key(token: &Token<'_>) -> Result<(), Refused> {
    if token.claims.contains_key("cnf") {
        return Err(Refused::Bad("it is bound to a key and was sent without a proof"));
    }
    Ok(())
}

/// Seconds since 1970; a JSON number, as RFC 7519 says, and nothing that only looks like one.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, Refused> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let whole = match value.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "bounded below")]
        Some(number) if (0.0..=9e12).contains(&number) => number as i64,
        _ => return Err(Refused::Bad("a time is no number of seconds")),
    };
    if whole > LAST_SECOND {
        return Err(Refused::Bad("a time is beyond the calendar"));
    }
    Ok(Some(whole))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn settings() -> ProviderSettings {
        ProviderSettings {
            name: "main".to_owned(),
            issuer: "https://login.example".to_owned(),
            client_id: "web".to_owned(),
            client_secret: None,
            audiences: vec!["api".to_owned()],
            discovery_url: None,
            jwks_uri: None,
            authorization_endpoint: None,
            token_endpoint: None,
            end_session_endpoint: None,
            scopes: Vec::new(),
            tenant_claim: None,
            groups_claim: "groups".to_owned(),
            group_prefix: None,
            swagger_client_id: None,
        }
    }

    /// Claims of a good token with some set; null takes one out.
    fn claims(changes: &Value) -> Map<String, Value> {
        let good = json!({
            "sub": "person", "aud": "api", "scope": "openid", "iat": NOW, "nbf": NOW, "exp": NOW + 600,
        });
        let mut claims = good.as_object().expect("an object").clone();
        for (name, value) in changes.as_object().expect("an object") {
            if value.is_null() {
                claims.remove(name)
            } else {
                claims.insert(name.clone(), value.clone())
            };
        }
        claims
    }

    fn is_let_in(changes: &Value, without: Option<&str>) -> bool {
        let (claims, settings) = (claims(changes), settings());
        let token = Token { claims: &claims, settings: &settings, is_typed: false, now: NOW };
        let rules = RULES.iter().filter(|(name, _)| Some(*name) != without);
        CheckedClaims::read(&token, rules.map(|(_, rule)| *rule)).is_ok()
    }

    #[test]
    fn without_any_one_rule_a_forged_token_is_let_in() {
        let forged = [
            ("audience", json!({ "aud": "elsewhere" })),
            ("client", json!({ "aud": null, "token_use": "access", "client_id": "mobile" })),
            ("some audience", json!({ "aud": null })),
            ("no ID token", json!({ "nonce": "n" })),
            ("for bearers", json!({ "typ": "Refresh" })),
            ("use", json!({ "token_use": "id", "client_id": "web" })),
            ("access", json!({ "scope": null })),
            ("end", json!({ "exp": NOW - 61, "iat": NOW - 600, "nbf": NOW - 600 })),
            ("begin", json!({ "nbf": NOW + 61 })),
            ("issue", json!({ "iat": NOW + 61 })),
            ("unbound", json!({ "cnf": { "jkt": "x" } })),
        ];
        assert!(is_let_in(&json!({}), None), "a good one");
        for (rule, changes) in &forged {
            assert!(!is_let_in(changes, None), "{rule}: {changes}");
            assert!(is_let_in(changes, Some(rule)), "{rule} stops nothing by itself: {changes}");
        }
        let named: Vec<&str> = forged.iter().map(|(rule, _)| *rule).collect();
        let rules: Vec<&str> = RULES.iter().map(|(name, _)| *name).collect();
        assert_eq!(named, rules, "a rule without a forged token that it alone stops");
    }
}
