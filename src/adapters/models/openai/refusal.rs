//! A response that is no answer: its words, what kind of refusal it is, and when to come back.

use std::time::Duration;

use chrono::Utc;
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::timeout;

use super::wire;
use crate::adapters::models::{ModelError, retry_after};

/// What is read of the body of a refusal.
const MOST_ERROR_BYTES: usize = 64 * 1024;
/// How long that body is waited for.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(2);

/// A response with another status than 2xx.
pub(in crate::adapters) struct Refusal {
    code: u16,
    /// The error object, or the body as text.
    error: Value,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// Reads the beginning of the response.
    pub async fn read(response: reqwest::Response) -> Self {
        let code = response.status().as_u16();
        let headers = response.headers().clone();
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let retry_after = retry_after::read(header, Utc::now());
        let text = timeout(ERROR_BODY_TIMEOUT, beginning(response)).await.unwrap_or_default();
        Self { code, error: wire::error_of(&text), retry_after }
    }

    /// The error object, when the request itself is what is refused.
    pub fn of_request(&self) -> Option<&Value> {
        (self.code == 400).then_some(&self.error)
    }

    /// Whether the provider's filter refused the question (Azure tells it so, with status 400).
    pub fn is_filtered(&self) -> bool {
        let code = self.error.get("code").and_then(Value::as_str).unwrap_or_default();
        self.code == 400 && matches!(code, "content_filter" | "content_policy_violation")
    }

    pub fn into_error(self, key: Option<&SecretString>) -> ModelError {
        ModelError::Status {
            code: self.code,
            message: wire::message(&self.error, key),
            retry_after: self.retry_after,
        }
    }
}

/// The beginning of a body as text, as far as it can be read.
pub(super) async fn beginning(mut response: reqwest::Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() >= MOST_ERROR_BYTES {
            body.truncate(MOST_ERROR_BYTES);
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}
