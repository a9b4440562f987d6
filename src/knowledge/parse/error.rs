//! Why a file could not be read, in words for the person who uploaded it.
//!
//! Returned by `parse` and `MediaType::from_file`; the worker stores `code()` and the message with
//! the document version.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A refusal to read a file. The message says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
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
    #[error(
        "the file looks like {looks_like}; upload PDF, Word, PowerPoint, Excel, EPUB, Markdown, HTML, plain text or source code"
    )]
    UnsupportedType {
        /// e.g. `a PNG image`.
        looks_like: Cow<'static, str>,
    },
    #[error(
        "the {told_by} of the file says that it is {told}, but its content is {found}; give it the right {told_by} and upload it again"
    )]
    TypeMismatch {
        /// `name` or `content type`.
        told_by: Cow<'static, str>,
        /// e.g. `a Word document`.
        told: Cow<'static, str>,
        /// e.g. `a PDF document`.
        found: Cow<'static, str>,
    },
    #[error("the file nests elements more than {limit} deep; split it or simplify its markup")]
    TooDeep { limit: usize },
    #[error("the file holds more than {limit} characters of text; split it into smaller documents")]
    TextTooLong { limit: usize },
    #[error("the file holds more than {limit} {what}; split it into smaller documents")]
    TooComplex { what: Cow<'static, str>, limit: usize },
    #[error(
        "the file unpacks to more than {limit} bytes; take out what is not text, or split it into smaller documents"
    )]
    UnpackedTooLarge { limit: usize },
    #[error(
        "the file unpacks to more than {limit} times its size, as a decompression bomb does; save it anew with the program that made it"
    )]
    UnpacksTooDensely { limit: usize },
    #[error("the file is damaged: {reason}; open it in the program that made it and save it anew")]
    Damaged {
        /// What is wrong with it, e.g. `its archive has no word/document.xml`.
        reason: String,
    },
    #[error("the file is protected by a password; take the protection away and upload it again")]
    Encrypted,
    #[error(
        "the file holds a document type declaration, which is not read since it can name other files; save it anew without one"
    )]
    DocumentTypeDeclaration,
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
            Self::TypeMismatch { .. } => "type_mismatch",
            Self::TooDeep { .. } => "nested_too_deep",
            Self::TextTooLong { .. } => "text_too_long",
            Self::TooComplex { .. } => "too_complex",
            Self::UnpackedTooLarge { .. } => "unpacked_too_large",
            Self::UnpacksTooDensely { .. } => "unpacks_too_densely",
            Self::Damaged { .. } => "damaged",
            Self::Encrypted => "encrypted",
            Self::DocumentTypeDeclaration => "document_type_declaration",
            Self::NoText => "no_text",
        }
    }

    pub(super) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged { reason: reason.into() }
    }

    pub(super) fn too_many(what: &'static str, limit: usize) -> Self {
        Self::TooComplex { what: Cow::Borrowed(what), limit }
    }
}
