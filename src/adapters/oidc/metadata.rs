//! Where a provider's parts are: the settings, filled up by OpenID Connect discovery. Fetched when first needed and kept.

use std::sync::Arc;
use std::time::Instant;

use reqwest::{Client, Url};
use serde_json::Value;
use tokio::sync::Mutex;

use super::fetch::fetch_json;
use super::{OidcError, OidcLimits, ProviderSettings};

pub(super) const DOCUMENT: &str = "the metadata document";
/// Where OpenID Connect Discovery 1.0, section 4 puts the document.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Addresses of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Where a login begins.
    pub authorization_endpoint: String,
    /// Where a code becomes tokens.
    pub token_endpoint: String,
    /// Where the keys are.
    pub jwks_uri: String,
    /// Where a logout goes, if anywhere.
    pub end_session_endpoint: Option<String>,
    /// Whether it names itself when it sends a browser back (RFC 9207).
    pub sends_issuer: bool,
}

/// The metadata of one provider. Who asks while they are fetched waits for that fetch.
#[derive(Debug, Default)]
pub(super) struct MetadataCache {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    metadata: Option<(Arc<Metadata>, Instant)>,
    failed_at: Option<Instant>,
}

impl MetadataCache {
    pub(super) async fn get(
        &self,
        settings: &ProviderSettings,
        limits: &OidcLimits,
        http: &Client,
    ) -> Result<Arc<Metadata>, OidcError> {
        let mut kept = self.kept.lock().await;
        if let Some((metadata, since)) = &kept.metadata
            && since.elapsed() < limits.metadata_for
        {
            return Ok(Arc::clone(metadata));
        }
        let old = kept.metadata.as_ref().map(|(metadata, _)| Arc::clone(metadata));
        if kept.failed_at.is_some_and(|at| at.elapsed() < limits.pause) {
            return old.ok_or(OidcError::Paused { document: DOCUMENT });
        }
        match discover(settings, limits, http).await {
            Ok(found) => {
                let found = Arc::new(found);
                *kept =
                    Kept { metadata: Some((Arc::clone(&found), Instant::now())), failed_at: None };
                Ok(found)
            }
            Err(error) => {
                tracing::warn!(provider = settings.name, %error, "discovering a login provider");
                kept.failed_at = Some(Instant::now());
                old.ok_or(error)
            }
        }
    }
}

/// The metadata when everything that is needed is set, so that the provider has to be asked nothing.
pub(super) fn complete(settings: &ProviderSettings) -> Option<Metadata> {
    Some(Metadata {
        authorization_endpoint: settings.authorization_endpoint.clone()?,
        token_endpoint: settings.token_endpoint.clone()?,
        jwks_uri: settings.jwks_uri.clone()?,
        end_session_endpoint: settings.end_session_endpoint.clone(),
        sends_issuer: false,
    })
}

async fn discover(
    settings: &ProviderSettings,
    limits: &OidcLimits,
    http: &Client,
) -> Result<Metadata, OidcError> {
    let default = || format!("{}{WELL_KNOWN}", settings.issuer.trim_end_matches('/'));
    let url = settings.discovery_url.clone().unwrap_or_else(default);
    let (document, _) = fetch_json(http, DOCUMENT, &url, limits).await?;
    read(&document, settings)
}

fn read(document: &Value, settings: &ProviderSettings) -> Result<Metadata, OidcError> {
    let unusable = |reason: String| OidcError::Unusable { document: DOCUMENT, reason };
    // Character by character: another issuer's metadata would bring another issuer's keys.
    if document.get("issuer").and_then(Value::as_str) != Some(settings.issuer.as_str()) {
        return Err(unusable("its issuer is not the configured one".to_owned()));
    }
    let found = |field: &str, set: &Option<String>| match set {
        Some(set) => Ok(Some(set.clone())),
        None => match document.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(url)) if is_as_safe(url, &settings.issuer) => Ok(Some(url.clone())),
            Some(_) => Err(unusable(format!("{field} is no address that may be used"))),
        },
    };
    let needed = |field: &str, set: &Option<String>| {
        found(field, set)?.ok_or_else(|| unusable(format!("it has no {field}")))
    };
    Ok(Metadata {
        authorization_endpoint: needed("authorization_endpoint", &settings.authorization_endpoint)?,
        token_endpoint: needed("token_endpoint", &settings.token_endpoint)?,
        jwks_uri: needed("jwks_uri", &settings.jwks_uri)?,
        end_session_endpoint: found("end_session_endpoint", &settings.end_session_endpoint)?,
        sends_issuer: document.get("authorization_response_iss_parameter_supported")
            == Some(&Value::Bool(true)),
    })
}

/// An issuer on https cannot lead us to plain http, which is where the services inside a network are.
fn is_as_safe(url: &str, issuer: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    match url.scheme() {
        "https" => true,
        "http" => issuer.starts_with("http://"),
        _ => false,
    }
}
