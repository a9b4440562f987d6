//! Media types as text of a row.

use crate::knowledge::parse::MediaType;

/// As stored in `document_versions.media_type`.
pub fn to_row(media_type: MediaType) -> &'static str {
    match media_type {
        MediaType::Markdown => "text/markdown",
        MediaType::Html => "text/html",
        MediaType::PlainText => "text/plain",
        MediaType::SourceCode => "text/x-source",
    }
}

/// Back from a row; plain text can be read whatever it was.
pub fn from_row(text: &str) -> MediaType {
    match text {
        "text/markdown" => MediaType::Markdown,
        "text/html" => MediaType::Html,
        "text/x-source" => MediaType::SourceCode,
        _ => MediaType::PlainText,
    }
}
