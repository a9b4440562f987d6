//! Why a file could not be read, in words for the person who uploaded it.
//!
//! Returned by `parse` and `MediaType::from_file`; the worker stores `code()` and the message with
//! the document version.

use thiserror::Error;

/// A refusal to read a file. The message says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseError {
    #[error("the file is empty; upload one that holds text")]
    Empty,
    #[error(
        "the file is not UTF-8 ({found}, byte {offset}); convert it to UTF-8 and upload it again"
    )]
    NotUtf8 {
        /// First byte that cannot be read.
        offset: usize,
        /// What the bytes seem to be, e.g. `declared as windows-1252`.
        found: String,
    },
    #[error("the file looks like {looks_like}; upload Markdown, HTML, plain text or source code")]
    UnsupportedType {
        /// e.g. `a PDF document`.
        looks_like: &'static str,
    },
    #[error("the file nests elements more than {limit} deep; split it or simplify its markup")]
    TooDeep { limit: usize },
    #[error("the file holds more than {limit} characters of text; split it into smaller documents")]
    TextTooLong { limit: usize },
    #[error("the file holds more than {limit} {what}; split it into smaller documents")]
    TooComplex { what: &'static str, limit: usize },
    #[error(
        "no text was found in the file; check that its content is not made by scripts or images"
    )]
    NoText,
}

impl ParseError {
    /// Stable name for APIs and statistics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::UnsupportedType { .. } => "unsupported_type",
            Self::TooDeep { .. } => "nested_too_deep",
            Self::TextTooLong { .. } => "text_too_long",
            Self::TooComplex { .. } => "too_complex",
            Self::NoText => "no_text",
        }
    }
}
