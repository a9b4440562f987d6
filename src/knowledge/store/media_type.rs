//! Media types as text of a row.

use crate::knowledge::parse::MediaType;

/// Each format, and what stands for it in `document_versions.media_type`.
const ROWS: [(MediaType, &str); 15] = [
    (MediaType::Markdown, "text/markdown"),
    (MediaType::Html, "text/html"),
    (MediaType::PlainText, "text/plain"),
    (MediaType::Rst, "text/x-rst"),
    (MediaType::AsciiDoc, "text/asciidoc"),
    (MediaType::OpenApi, "application/vnd.oai.openapi"),
    (MediaType::SourceCode, "text/x-source"),
    (MediaType::Csv, "text/csv"),
    (MediaType::Tsv, "text/tab-separated-values"),
    (MediaType::Notebook, "application/x-ipynb+json"),
    (MediaType::Docx, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (MediaType::Pptx, "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    (MediaType::Xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (MediaType::Epub, "application/epub+zip"),
    (MediaType::Pdf, "application/pdf"),
];

/// As stored in `document_versions.media_type`.
pub fn to_row(media_type: MediaType) -> &'static str {
    let found = ROWS.iter().find(|(known, _)| *known == media_type);
    found.map_or("text/plain", |(_, row)| row)
}

/// Back from a row; plain text can be read whatever it was.
pub fn from_row(text: &str) -> MediaType {
    let found = ROWS.iter().find(|(_, row)| *row == text);
    found.map_or(MediaType::PlainText, |(known, _)| *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_comes_back_from_its_row() {
        for (media, row) in ROWS {
            assert_eq!((to_row(media), from_row(row)), (row, media));
        }
        assert_eq!(from_row("text/of-tomorrow"), MediaType::PlainText);
    }
}
