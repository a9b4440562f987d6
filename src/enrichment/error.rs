//! Why the work on a document ended early, and what its readers are told of it.

use std::time::Duration;

use super::reserve::UsedUp;
use crate::adapters::embeddings::EmbeddingError;
use crate::adapters::models::ModelError;
use crate::db;

/// Why the work on a document ended early.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Another worker has it, another version is in search, or it is gone.
    #[error("the document is not ours any more")]
    LeaseLost,
    /// The collection was switched off.
    #[error("the collection is switched off")]
    Off,
    /// Others are to have a turn.
    #[error("the slice is over")]
    SliceOver,
    /// Nothing is left to pay with.
    #[error("{} is used up", .0.as_str())]
    UsedUp(UsedUp),
    /// Workers ended without a word.
    #[error("workers stopped in the middle of {attempts} attempts")]
    WorkerLost {
        /// How many.
        attempts: i32,
    },
    /// The model gave nothing.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The embedding model failed.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// Work on a thread of its own ended abnormally.
    #[error("taking the document apart ended abnormally")]
    Crashed(#[source] tokio::task::JoinError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl WorkError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::LeaseLost => "lease_lost",
            Self::Off => "off",
            Self::SliceOver => "slice_over",
            Self::UsedUp(what) => what.as_str(),
            Self::WorkerLost { .. } => "worker_lost",
            Self::Model(_) if self.is_final() => "model_refused",
            Self::Model(_) => "model_failed",
            Self::Embedding(_) => "embedding_failed",
            Self::Crashed(_) => "crashed",
            Self::Database(_) => "database_unavailable",
        }
    }

    /// What a person can do about it. What a provider said is the operator's to read.
    pub fn detail(&self) -> &'static str {
        match self.code() {
            "model_refused" => {
                "the model refuses this document, as when its content is not allowed; change the document, or switch enrichment off and on to try again"
            }
            "model_failed" => {
                "the model did not answer, or answered with an error; it is tried again, and when it was given up, switch enrichment off and on"
            }
            "embedding_failed" => {
                "the embedding model failed; it is tried again, and when it was given up, switch enrichment off and on"
            }
            "worker_lost" => {
                "workers stopped in the middle of each attempt; switch enrichment off and on when the operator has removed the cause"
            }
            "crashed" => "taking the document apart ended abnormally; report it with the file",
            _ => "the work was interrupted; it is tried again",
        }
    }

    /// Whether it says something of this document, and would be so again.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Model(ModelError::Status { code, .. }) => matches!(code, 400 | 413 | 422),
            Self::WorkerLost { .. } | Self::Crashed(_) => true,
            Self::Embedding(error) => !error.is_retryable(),
            _ => false,
        }
    }

    /// Whether it says something of the provider alone, which fails so for each document: one is not given up for it.
    pub fn is_of_provider(&self) -> bool {
        match self {
            Self::Model(ModelError::Status { code, .. }) => {
                matches!(code, 401 | 402 | 403 | 404 | 407 | 429)
            }
            Self::Model(ModelError::Connect(_) | ModelError::Resting(_)) => true,
            _ => false,
        }
    }

    /// How long a provider asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Model(error) = self { error.retry_after() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_given_up_for_what_is_its_own_and_not_for_what_is_the_providers() {
        let of = |code| WorkError::from(ModelError::status(code, "their words"));
        for (code, name, is_final, is_of_provider) in [
            (400, "model_refused", true, false),
            (413, "model_refused", true, false),
            (422, "model_refused", true, false),
            (401, "model_failed", false, true),
            (429, "model_failed", false, true),
            (500, "model_failed", false, false),
        ] {
            let error = of(code);
            assert_eq!((error.code(), error.is_final()), (name, is_final), "{code}");
            assert_eq!(error.is_of_provider(), is_of_provider, "{code}");
            assert!(!error.detail().contains("their words"));
        }
    }
}
