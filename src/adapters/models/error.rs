//! Why there is no answer, or not all of it, and what that means for whoever asks again.

use std::time::Duration;

/// Why there is no answer, or not all of it. No message holds a key or the text of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// No connection; the request has not been read by the model.
    #[error("no connection to the model server: {0}; check its address and that it is running")]
    Connect(String),
    /// The server took the request and sent nothing of the answer in time.
    #[error(
        "the model sent no first token within {0:?}; try again or raise its first token time-out"
    )]
    FirstTokenTimeout(Duration),
    /// The answer began and then stood still.
    #[error("the model sent nothing for {0:?} inside its answer; try again")]
    NextTokenTimeout(Duration),
    /// The answer as a whole took too long.
    #[error("the model's answer was not complete within {0:?}; ask for a shorter one")]
    TotalTimeout(Duration),
    /// The server refused, by its status or by an error object in place of the answer.
    #[error("the model server answered with status {code}: {message}")]
    Status {
        /// HTTP status; 200 when the error came inside a stream without a code of its own.
        code: u16,
        /// The server's own words, shortened.
        message: String,
        /// How long the server asks to be left alone, where it says so.
        retry_after: Option<Duration>,
    },
    /// What came is not the protocol.
    #[error(
        "the model server's answer cannot be read: {0}; check that it is the server that the settings mean"
    )]
    Malformed(String),
    /// The connection ended without the end of the answer having been seen.
    #[error("the model's answer was cut off before its end; try again")]
    Cut,
    /// An answer without any text.
    #[error("the model ended its answer without any text; try again or ask otherwise")]
    Empty,
    /// The provider failed too often lately and is left alone for a while.
    #[error("the model failed too often lately and is left alone; try again in {0:?}")]
    Resting(Duration),
}

impl ModelError {
    /// A refusal that does not say when to come back.
    pub fn status(code: u16, message: impl Into<String>) -> Self {
        Self::Status { code, message: message.into(), retry_after: None }
    }

    /// Whether the same request may succeed when it is sent again, here or to another provider.
    /// A refused request (bad key, unknown model, too long) stays refused.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Status { code, .. } => matches!(code, 408 | 409 | 425 | 429 | 500..=599),
            Self::Malformed(_) => false,
            Self::Connect(_)
            | Self::FirstTokenTimeout(_)
            | Self::NextTokenTimeout(_)
            | Self::TotalTimeout(_)
            | Self::Cut
            | Self::Empty
            | Self::Resting(_) => true,
        }
    }

    /// How long the provider asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::Resting(wait) => Some(*wait),
            _ => None,
        }
    }

    /// Whether it tells something of the provider. A request that is wrong in itself, or an answer that is too long for
    /// the time, would fail anywhere.
    pub(super) fn is_of_provider(&self) -> bool {
        match self {
            Self::Status { code, .. } => !matches!(code, 400 | 413 | 422),
            Self::TotalTimeout(_) | Self::Resting(_) => false,
            _ => true,
        }
    }

    /// Its name in what is stored and sent.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Connect(_) => "no_connection",
            Self::FirstTokenTimeout(_) => "first_token_timeout",
            Self::NextTokenTimeout(_) => "next_token_timeout",
            Self::TotalTimeout(_) => "total_timeout",
            Self::Status { .. } => "refused",
            Self::Malformed(_) => "malformed",
            Self::Cut => "cut",
            Self::Empty => "empty",
            Self::Resting(_) => "skipped",
        }
    }

    /// Status of a refusal.
    pub(super) fn code(&self) -> Option<u16> {
        if let Self::Status { code, .. } = self { Some(*code) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overloaded_server_is_asked_again_and_a_wrong_key_is_not() {
        let status = |code| ModelError::status(code, "");
        assert!(status(429).is_retryable());
        assert!(status(503).is_retryable());
        assert!(status(529).is_retryable());
        assert!(!status(401).is_retryable());
        assert!(!status(400).is_retryable());
        assert!(ModelError::Cut.is_retryable());
        assert!(!ModelError::Malformed("x".into()).is_retryable());
    }

    #[test]
    fn a_request_that_is_wrong_in_itself_says_nothing_of_the_provider() {
        assert!(!ModelError::status(400, "").is_of_provider());
        assert!(ModelError::status(401, "").is_of_provider());
        assert!(ModelError::status(429, "").is_of_provider());
        assert!(ModelError::Malformed("x".into()).is_of_provider());
        assert!(!ModelError::Resting(Duration::ZERO).is_of_provider());
    }
}
