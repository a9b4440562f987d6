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

impl CheckedClaims {
    /// Checks everything but the issuer and the signature, by which the provider was found.
    pub(super) fn check(
        form: &TokenForm<'_>,
        settings: &ProviderSettings,
        now: DateTime<Utc>,
    ) -> Result<Self, Refused> {
        let claims = form.claims();
        is_for_us(claims, settings)?;
        is_access_token(claims, form.is_typed_access())?;
        let expires_at = check_times(claims, now.timestamp())?;
        // Bound to a key that the sender must prove to hold (RFC 8705, 9449): a bearer proves nothing.
        if claims.contains_key("cnf") {
            return Err(Refused::Bad("it is bound to a key and was sent without a proof"));
        }
        let subject = claims.get("sub").and_then(Value::as_str);
        let subject = subject
            .filter(|text| (1..=MAX_SUBJECT_BYTES).contains(&text.len()) && !text.contains('\0'))
            .ok_or(Refused::Bad("the subject is missing or none"))?;
        Ok(Self { subject: subject.to_owned(), expires_at })
    }
}

/// Cognito names the client in `client_id` and marks its tokens with `token_use`; all others name us in `aud`.
fn is_for_us(claims: &Map<String, Value>, settings: &ProviderSettings) -> Result<(), Refused> {
    let is_ours =
        |name: &str| name == settings.client_id || settings.audiences.iter().any(|it| it == name);
    let audience = audiences(claims)?;
    if !audience.is_empty() && !audience.iter().any(|name| is_ours(name)) {
        return Err(Refused::Bad("it is for another audience"));
    }
    let is_cognito = claims.contains_key("token_use");
    if is_cognito {
        let client = claims.get("client_id").and_then(Value::as_str);
        return match client {
            Some(client) if is_ours(client) => Ok(()),
            _ => Err(Refused::Bad("it is for another client")),
        };
    }
    if audience.is_empty() {
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
fn is_access_token(claims: &Map<String, Value>, is_typed: bool) -> Result<(), Refused> {
    let has = |name: &&str| claims.contains_key(*name);
    if ONLY_IN_ID_TOKENS.iter().any(&has) {
        return Err(Refused::Bad("it is an ID token"));
    }
    // Keycloak's name for the kind of token.
    if claims.get("typ").is_some_and(|kind| kind != "Bearer") {
        return Err(Refused::Bad("it is no token for bearers"));
    }
    match claims.get("token_use") {
        Some(used) if used == "access" => Ok(()),
        Some(_) => Err(Refused::Bad("it is not to be used for access")),
        None if is_typed || ONLY_IN_ACCESS_TOKENS.iter().any(has) => Ok(()),
        None => Err(Refused::Bad("nothing shows that it is an access token")),
    }
}

/// The end of the token, when it is good now.
fn check_times(claims: &Map<String, Value>, now: i64) -> Result<i64, Refused> {
    let expires = time(claims, "exp")?.ok_or(Refused::Bad("it has no end"))?;
    let (issued, begins) = (time(claims, "iat")?, time(claims, "nbf")?);
    if now >= expires.saturating_add(SKEW_SECONDS) {
        return Err(Refused::Expired);
    }
    let latest = now.saturating_add(SKEW_SECONDS);
    if begins.is_some_and(|begins| begins > latest) {
        return Err(Refused::Bad("its time has not come"));
    }
    if issued.is_some_and(|issued| issued > latest || issued > expires) {
        return Err(Refused::Bad("it was issued in the future or after its end"));
    }
    Ok(expires)
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
