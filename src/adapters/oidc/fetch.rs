//! One bounded GET of a JSON document. It trusts nothing of the answer but its bytes: no redirect, no status other than
//! 200, no more bytes than the limit, no waiting beyond it.

use reqwest::{Client, Url, redirect};
use serde_json::Value;

use super::OidcLimits;

/// Why a provider could not be used. No text holds a secret or a piece of what the provider sent.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OidcError {
    /// Two providers of the settings cannot be told apart.
    #[error(
        "the login providers \"{one}\" and \"{other}\" have one name or issuer; give each its own"
    )]
    Twins {
        /// The first.
        one: String,
        /// The second.
        other: String,
    },
    /// The HTTP client could not be made.
    #[error("no HTTP client for login providers can be made: {0}")]
    Client(String),
    /// No whole answer came in time.
    #[error("{document} of the login provider cannot be fetched: {reason}")]
    Away {
        /// Which document.
        document: &'static str,
        /// What happened.
        reason: String,
    },
    /// An answer came and is not usable.
    #[error("{document} of the login provider is not usable: {reason}")]
    Unusable {
        /// Which document.
        document: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The provider failed a moment ago and is left alone.
    #[error(
        "{document} of the login provider could not be fetched a moment ago; it is asked again in some seconds"
    )]
    Paused {
        /// Which document.
        document: &'static str,
    },
}

impl OidcError {
    /// The task that asked did not come to its end.
    pub(super) fn interrupted(document: &'static str, error: &tokio::task::JoinError) -> Self {
        Self::Away { document, reason: error.to_string() }
    }
}

/// A client that follows no redirect, since one could lead into our own network.
pub(super) fn client(limits: &OidcLimits) -> Result<Client, OidcError> {
    Client::builder()
        .connect_timeout(limits.timeout)
        .timeout(limits.timeout)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("pidima/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| OidcError::Client(error.to_string()))
}

/// The JSON of a document and its text.
pub(super) async fn fetch_json(
    http: &Client,
    document: &'static str,
    url: &str,
    limits: &OidcLimits,
) -> Result<(Value, String), OidcError> {
    let away = |reason: String| OidcError::Away { document, reason };
    let unusable = |reason: String| OidcError::Unusable { document, reason };
    let url = Url::parse(url).map_err(|error| unusable(format!("its address: {error}")))?;
    let request = http.get(url).header("accept", "application/json");
    let mut response = request.send().await.map_err(|error| away(cause(error)))?;
    let status = response.status();
    if status != reqwest::StatusCode::OK {
        return Err(unusable(format!("status {}", status.as_u16())));
    }
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| away(cause(error)))? {
        if bytes.len() + piece.len() > limits.max_document_bytes {
            return Err(unusable(format!("it is larger than {} bytes", limits.max_document_bytes)));
        }
        bytes.extend_from_slice(&piece);
    }
    let text = String::from_utf8(bytes).map_err(|_| unusable("it is no text".to_owned()))?;
    let value = serde_json::from_str(&text)
        .map_err(|error| unusable(format!("no JSON (line {})", error.line())))?;
    Ok((value, text))
}

/// The reason of a failed request, without the address.
fn cause(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let error = error.without_url();
    let inner = std::error::Error::source(&error).map(ToString::to_string);
    inner.unwrap_or_else(|| error.to_string())
}
