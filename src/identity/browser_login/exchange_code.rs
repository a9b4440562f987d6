//! The two legs of the code flow (OpenID Connect Core 3.1): the address to which a browser is sent, and the code that it
//! brings back turned into verified claims. The tokens are dropped here: no caller sees them, and nothing stores them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeDelta, Utc};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet,
    CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AuthUrl, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse, TokenUrl,
};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use crate::adapters::oidc::{Metadata, OidcError, Provider, is_key_id};

/// How far an issuer's clock may be from ours.
const SKEW: TimeDelta = TimeDelta::seconds(30);
/// Largest answer of the token endpoint, in bytes.
const MAX_ANSWER_BYTES: usize = 256 << 10;
/// Signatures that are let in: asymmetric ones alone, so that no secret of a client signs.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 3] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
];

/// Why a code became no claims.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// An address in the settings or in the metadata is none.
    #[error("an address of the login provider is not valid: {0}")]
    Address(#[from] openidconnect::url::ParseError),
    /// The provider is away or answers nonsense.
    #[error(transparent)]
    Provider(#[from] OidcError),
    /// The issuer did not take the code.
    #[error("the token endpoint refused the code: {0}")]
    Refused(String),
    /// The issuer gave no answer that can be used.
    #[error("the token endpoint gave no answer that can be used: {0}")]
    NoAnswer(String),
    /// The keys are none.
    #[error("the keys of the login provider can not be read: {0}")]
    Keys(serde_json::Error),
    /// There is no ID token in the answer.
    #[error("the token endpoint gave no ID token; the scope openid is needed")]
    NoIdToken,
    /// The ID token is not for this login.
    #[error("the ID token is not acceptable: {0}")]
    IdToken(#[from] ClaimsVerificationError),
    /// The ID token is not for this login, by a rule of ours.
    #[error("the ID token is not acceptable: {0}")]
    Claim(&'static str),
}

/// The secrets of one login, as sent to the issuer.
#[derive(Clone, Copy, Debug)]
pub struct LoginSecrets<'a> {
    /// Comes back with the code.
    pub state: &'a str,
    /// Comes back in the ID token.
    pub nonce: &'a str,
    /// Its digest goes to the issuer now, itself with the code.
    pub pkce_verifier: &'a str,
}

/// What an issuer says of a person, once it is verified.
#[derive(Clone, Debug)]
pub struct VerifiedClaims {
    /// The issuer's name for the person.
    pub subject: String,
    /// Every claim of the ID token.
    pub claims: Map<String, Value>,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
>;

/// Where the browser goes to log in.
///
/// # Errors
/// An address of the provider is none.
pub async fn authorization_url(
    provider: &Provider,
    redirect_uri: &str,
    secrets: LoginSecrets<'_>,
) -> Result<String, ExchangeError> {
    let client = client(provider, &*provider.metadata().await?, redirect_uri)?;
    let (state, nonce) = (secrets.state.to_owned(), secrets.nonce.to_owned());
    let verifier = PkceCodeVerifier::new(secrets.pkce_verifier.to_owned());
    let (url, _, _) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            || CsrfToken::new(state),
            || Nonce::new(nonce),
        )
        // The library asks for `openid` by itself.
        .add_scopes(
            provider
                .settings()
                .scopes
                .iter()
                .filter(|scope| *scope != "openid")
                .cloned()
                .map(Scope::new),
        )
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .url();
    Ok(url.into())
}

/// Redeems a code; the ID token that comes, not yet verified.
///
/// # Errors
/// The issuer refused or gave no usable answer.
pub async fn redeem(
    provider: &Provider,
    redirect_uri: &str,
    code: &str,
    pkce_verifier: &str,
) -> Result<CoreIdToken, ExchangeError> {
    let http = provider.http().clone();
    let send = move |request: HttpRequest| fetch(http.clone(), request);
    let tokens = client(provider, &*provider.metadata().await?, redirect_uri)?
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(pkce_verifier.to_owned()))
        .request_async(&send)
        .await
        .map_err(|error| match error {
            // The code of the error alone: the description is the issuer's free text.
            openidconnect::RequestTokenError::ServerResponse(answer) => {
                ExchangeError::Refused(answer.error().to_string())
            }
            openidconnect::RequestTokenError::Request(error) => {
                ExchangeError::NoAnswer(error.to_string())
            }
            openidconnect::RequestTokenError::Parse(error, _) => {
                ExchangeError::NoAnswer(error.to_string())
            }
            openidconnect::RequestTokenError::Other(error) => ExchangeError::NoAnswer(error),
        })?;
    tokens.id_token().cloned().ok_or(ExchangeError::NoIdToken)
}

/// Verifies an ID token: signature, issuer, audience, time, nonce (OpenID Connect Core 3.1.3.7), and what Cognito says
/// of its kind. Keys that the issuer made since we last asked are fetched.
///
/// # Errors
/// Which rule it breaks, or why the keys cannot be had.
pub async fn verify(
    provider: &Provider,
    token: &CoreIdToken,
    nonce: &str,
) -> Result<VerifiedClaims, ExchangeError> {
    let kid = key_id(token).ok_or(ExchangeError::Claim("its header names no key"))?;
    let jwks = provider.jwks(&kid).await?;
    let keys: CoreJsonWebKeySet = serde_json::from_str(&jwks).map_err(ExchangeError::Keys)?;
    let settings = provider.settings();
    let issuer = IssuerUrl::new(settings.issuer.clone())?;
    let verifier = CoreIdTokenVerifier::new_public_client(
        ClientId::new(settings.client_id.clone()),
        issuer,
        keys,
    )
    .set_allowed_algs(ALGORITHMS)
    .set_time_fn(|| Utc::now() - SKEW)
    .set_issue_time_verifier_fn(|issued| {
        if issued > Utc::now() + SKEW { Err("issued in the future".to_owned()) } else { Ok(()) }
    });
    let verified = token.claims(&verifier, &Nonce::new(nonce.to_owned()))?;
    let claims = payload(token).ok_or(ExchangeError::Claim("its payload is no JSON object"))?;
    check_claims(&settings.client_id, &claims)?;
    Ok(VerifiedClaims { subject: verified.subject().to_string(), claims })
}

/// What the library leaves to us.
fn check_claims(client_id: &str, claims: &Map<String, Value>) -> Result<(), ExchangeError> {
    if claims.get("token_use").is_some_and(|token_use| token_use != "id") {
        return Err(ExchangeError::Claim("token_use is not id"));
    }
    if claims.get("azp").is_some_and(|party| party != client_id) {
        return Err(ExchangeError::Claim("azp is another client"));
    }
    // No person of ours: the database takes no NUL.
    if claims.get("sub").and_then(Value::as_str).is_some_and(|subject| subject.contains('\0')) {
        return Err(ExchangeError::Claim("sub holds the character U+0000"));
    }
    let latest = (Utc::now() + SKEW).timestamp();
    match claims.get("nbf") {
        None => {}
        Some(from) if from.as_i64().is_some_and(|from| from <= latest) => {}
        Some(_) => return Err(ExchangeError::Claim("it is not good yet")),
    }
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    // OpenID Connect Core 2: at most 255 characters; an empty one names nobody.
    if subject.is_empty() || subject.len() > 255 {
        return Err(ExchangeError::Claim("sub is empty or longer than 255 bytes"));
    }
    Ok(())
}

/// The claims as sent; the signature over these bytes was verified.
fn payload(token: &CoreIdToken) -> Option<Map<String, Value>> {
    part(token, 1)
}

/// The id of the key that the token says it is signed with.
fn key_id(token: &CoreIdToken) -> Option<String> {
    let header = part(token, 0)?;
    header.get("kid").and_then(Value::as_str).filter(|kid| is_key_id(kid)).map(str::to_owned)
}

fn part(token: &CoreIdToken, index: usize) -> Option<Map<String, Value>> {
    let text = token.to_string();
    let bytes = URL_SAFE_NO_PAD.decode(text.split('.').nth(index)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn client(
    provider: &Provider,
    metadata: &Metadata,
    redirect_uri: &str,
) -> Result<Client, ExchangeError> {
    let settings = provider.settings();
    let client = CoreClient::new(
        ClientId::new(settings.client_id.clone()),
        IssuerUrl::new(settings.issuer.clone())?,
        CoreJsonWebKeySet::default(),
    )
    .set_auth_uri(AuthUrl::new(metadata.authorization_endpoint.clone())?)
    .set_token_uri(TokenUrl::new(metadata.token_endpoint.clone())?)
    .set_redirect_uri(RedirectUrl::new(redirect_uri.to_owned())?);
    Ok(match &settings.client_secret {
        Some(secret) => {
            client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
        }
        None => client,
    })
}

/// What kept an answer from arriving.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{}", without_address(.0))]
    Request(#[from] reqwest::Error),
    #[error("the answer is larger than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
    #[error("the answer can not be read: {0}")]
    Answer(#[from] openidconnect::http::Error),
}

/// The cause without the address, which may hold what is nobody's business.
fn without_address(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "no answer in time".to_owned() } else { String::new() };
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}{}{inner}", if text.is_empty() { "" } else { ": " });
        cause = inner.source();
    }
    text
}

async fn fetch(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, FetchError> {
    let mut response = http.execute(request.try_into()?).await?;
    let mut answer = openidconnect::http::Response::builder().status(response.status());
    for (name, value) in response.headers() {
        answer = answer.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > MAX_ANSWER_BYTES {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(answer.body(body)?)
}
