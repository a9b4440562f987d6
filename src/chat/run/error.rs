//! Why a run ends without an answer, for the row, for programs and for people.

use crate::adapters::models::ModelError;
use crate::chat::prompt::TooLong;
use crate::db;
use crate::knowledge::SearchError;
use crate::web::problem::ProblemCode;

/// Why a run ended without an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error("searching the documentation failed; try again")]
    Search(#[source] SearchError),
    #[error("{0}")]
    Model(#[from] ModelError),
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error("storing the answer failed; try again")]
    Database(#[from] db::Error),
    #[error("the session was deleted while the answer was made")]
    Gone,
    #[error("answering ended abnormally; try again")]
    Crashed,
    #[error("the answer was cancelled before it had any text; ask again")]
    Cancelled,
    #[error("the server stopped before the answer had any text; ask again")]
    Interrupted,
    #[error("the run was ended by others")]
    Lost,
}

impl RunError {
    /// As stored.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Search(_) => "search_failed",
            Self::Model(_) => "model_failed",
            Self::TooLong(_) => "question_too_long",
            Self::Database(_) => "storage_failed",
            Self::Gone => "session_deleted",
            Self::Crashed => "crashed",
            Self::Cancelled => "cancelled",
            Self::Interrupted | Self::Lost => "interrupted",
        }
    }

    /// State of the run, as stored.
    pub fn state(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Interrupted | Self::Lost => "interrupted",
            _ => "failed",
        }
    }

    /// For programs.
    pub fn code(&self) -> ProblemCode {
        match self {
            Self::Gone | Self::Cancelled => ProblemCode::Conflict,
            Self::TooLong(_) => ProblemCode::ValidationFailed,
            Self::Crashed => ProblemCode::Internal,
            Self::Model(error) if !error.is_retryable() => ProblemCode::Internal,
            _ => ProblemCode::Unavailable,
        }
    }

    /// Whether the same question may be answered when it is asked again.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Model(error) => error.is_retryable(),
            Self::Gone | Self::TooLong(_) => false,
            Self::Search(_)
            | Self::Database(_)
            | Self::Crashed
            | Self::Cancelled
            | Self::Interrupted
            | Self::Lost => true,
        }
    }
}
