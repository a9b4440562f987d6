//! Decides how a file is to be read, from its name, its declared type and its first bytes.
//!
//! Called by the upload and by the worker. It does not check that the whole content is readable;
//! that is the duty of `parse`.

mod extensions;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use self::extensions::by_extension;
use super::archive::names_of_parts;
use super::{ParseError, openapi};

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MediaType {
    Markdown,
    Html,
    PlainText,
    /// reStructuredText.
    Rst,
    AsciiDoc,
    /// Kept line by line; programs, configuration, data in text form.
    SourceCode,
    /// Description of an HTTP interface in JSON or YAML, Swagger 2.0 included.
    OpenApi,
    /// Rows with commas between their fields.
    Csv,
    /// Rows with tabs between their fields.
    Tsv,
    /// Jupyter notebook.
    Notebook,
    /// Word document of the XML kind.
    Docx,
    /// PowerPoint presentation of the XML kind.
    Pptx,
    /// Excel workbook of the XML kind.
    Xlsx,
    Epub,
    Pdf,
}

/// First bytes of formats that are often uploaded and cannot be read.
const MAGIC: &[(&[u8], &str)] = &[
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"RIFF", "a RIFF media file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a", "a RAR archive"),
    (b"\x7fELF", "an ELF program"),
    (b"MZ\x90", "a Windows program"),
    (b"\0asm", "a WebAssembly module"),
    (b"\xd0\xcf\x11\xe0", "an Office document of the old kind, or one with a password"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript document"),
    (b"SQLite format 3", "a SQLite database"),
    (b"OggS", "an Ogg media file"),
    (b"ID3", "an MP3 file"),
];

/// Formats that are no text: extension, types that senders declare, what people call a file of it.
const BINARY: &[(MediaType, &str, &[&str], &str)] = &[
    (MediaType::Pdf, "pdf", &["application/pdf", "application/x-pdf"], "a PDF document"),
    (
        MediaType::Docx,
        "docx",
        &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
        "a Word document",
    ),
    (
        MediaType::Pptx,
        "pptx",
        &["application/vnd.openxmlformats-officedocument.presentationml.presentation"],
        "a PowerPoint presentation",
    ),
    (
        MediaType::Xlsx,
        "xlsx",
        &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
        "an Excel workbook",
    ),
    (MediaType::Epub, "epub", &["application/epub+zip"], "an EPUB book"),
];

/// How far into a file readers look for the mark of a PDF.
const PDF_MARK_WITHIN: usize = 1024;

impl MediaType {
    /// `name` may be a path, `declared` is the Content-Type of the upload. The content decides among formats that are no
    /// text, and a name or a declaration that says otherwise is refused; among formats of text the name wins over the
    /// declaration.
    pub fn from_file(name: &str, declared: Option<&str>, bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.is_empty() {
            return Err(ParseError::Empty);
        }
        let from_name = Self::from_name(name);
        let from_declaration = declared.and_then(by_declaration);
        if let Some(found) = binary_content(bytes)? {
            agree("name", from_name, found)?;
            // A sender that knows nothing better declares some kind of text.
            agree("content type", from_declaration.filter(|told| told.is_binary()), found)?;
            return Ok(found);
        }
        refuse_binary(bytes)?;
        let told = from_name.or(from_declaration).unwrap_or_else(|| by_content(bytes));
        if told.is_binary() {
            let told_by = if from_name.is_some() { "name" } else { "content type" };
            return Err(mismatch(told_by, told, "something else"));
        }
        if told == Self::SourceCode && is_data(name, from_name) && openapi::is_one(bytes) {
            return Ok(Self::OpenApi);
        }
        Ok(told)
    }

    /// The format that a name or path tells by itself; absent when its extension is none that is read.
    pub fn from_name(name: &str) -> Option<Self> {
        extension(name).and_then(|ext| by_extension(&ext))
    }

    fn is_binary(self) -> bool {
        BINARY.iter().any(|(media, ..)| *media == self)
    }

    /// What people call a file of it.
    fn noun(self) -> &'static str {
        let binary = BINARY.iter().find(|(media, ..)| *media == self);
        binary.map_or("text", |(.., noun)| noun)
    }
}

fn agree(
    told_by: &'static str,
    told: Option<MediaType>,
    found: MediaType,
) -> Result<(), ParseError> {
    match told {
        Some(told) if told != found => Err(mismatch(told_by, told, found.noun())),
        _ => Ok(()),
    }
}

fn mismatch(told_by: &'static str, told: MediaType, found: &'static str) -> ParseError {
    let (told_by, told) = (Cow::Borrowed(told_by), Cow::Borrowed(told.noun()));
    ParseError::TypeMismatch { told_by, told, found: Cow::Borrowed(found) }
}

/// The format of content that is no text, as its marks and the names of its parts tell.
fn binary_content(bytes: &[u8]) -> Result<Option<MediaType>, ParseError> {
    let head = &bytes[..bytes.len().min(PDF_MARK_WITHIN)];
    let mark = head.windows(5).position(|window| window == b"%PDF-");
    // Before the mark stands nothing, or what a mail or web program left there, never a text about PDF.
    let is_nothing = |before: &[u8]| {
        let before = before.strip_prefix(b"\xef\xbb\xbf").unwrap_or(before);
        before.trim_ascii().is_empty() || (before.contains(&0) && !bytes.starts_with(b"PK"))
    };
    if mark.is_some_and(|at| is_nothing(&head[..at])) {
        return Ok(Some(MediaType::Pdf));
    }
    if !bytes.starts_with(b"PK\x03\x04") {
        return Ok(None);
    }
    let names = names_of_parts(bytes);
    let has = |part: &str| names.iter().any(|name| name == part);
    let found = [
        ("word/document.xml", MediaType::Docx),
        ("ppt/presentation.xml", MediaType::Pptx),
        ("xl/workbook.xml", MediaType::Xlsx),
        ("META-INF/container.xml", MediaType::Epub),
    ]
    .into_iter()
    .find(|(part, _)| has(part));
    match found {
        Some((_, media)) => Ok(Some(media)),
        None => Err(ParseError::UnsupportedType {
            looks_like: "a ZIP archive that is neither an Office document nor an EPUB book, or a damaged one".into(),
        }),
    }
}

/// Refuses content with a known signature or with NUL characters. A UTF-16 mark is left to the
/// decoder, which can name the remedy.
pub(super) fn refuse_binary(bytes: &[u8]) -> Result<(), ParseError> {
    if let Some((_, looks_like)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(ParseError::UnsupportedType { looks_like: Cow::Borrowed(looks_like) });
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Ok(());
    }
    if bytes.contains(&0) {
        let looks_like = "binary data (it holds NUL characters)".into();
        return Err(ParseError::UnsupportedType { looks_like });
    }
    Ok(())
}

fn extension(name: &str) -> Option<String> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let ext = file.rsplit('.').next().unwrap_or(file);
    (!ext.is_empty()).then(|| ext.to_lowercase())
}

/// Whether a name, where it tells anything, is that of JSON or YAML.
fn is_data(name: &str, from_name: Option<MediaType>) -> bool {
    let ext = extension(name);
    from_name.is_none() || ext.is_some_and(|ext| ["json", "yaml", "yml"].contains(&&*ext))
}

fn by_declaration(declared: &str) -> Option<MediaType> {
    let essence = declared.split(';').next().unwrap_or("").trim().to_lowercase();
    if let Some((media, ..)) = BINARY.iter().find(|(_, _, types, _)| types.contains(&&*essence)) {
        return Some(*media);
    }
    match essence.as_str() {
        "text/x-rst" | "text/prs.fallenstein.rst" => Some(MediaType::Rst),
        "text/asciidoc" | "text/x-asciidoc" => Some(MediaType::AsciiDoc),
        "text/csv" => Some(MediaType::Csv),
        "text/tab-separated-values" => Some(MediaType::Tsv),
        "application/x-ipynb+json" => Some(MediaType::Notebook),
        "text/markdown" | "text/x-markdown" => Some(MediaType::Markdown),
        "text/html" | "application/xhtml+xml" => Some(MediaType::Html),
        "application/json" | "application/yaml" | "application/x-yaml" | "text/yaml"
        | "application/xml" | "text/xml" => Some(MediaType::SourceCode),
        "application/vnd.oai.openapi" | "application/vnd.oai.openapi+json" => {
            Some(MediaType::OpenApi)
        }
        _ => None,
    }
}

fn by_content(bytes: &[u8]) -> MediaType {
    let head = &bytes[..bytes.len().min(1024)];
    let head = String::from_utf8_lossy(head).to_lowercase();
    let head = head.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if head.starts_with("<!doctype html") || head.starts_with("<html") {
        return MediaType::Html;
    }
    if head.starts_with("<?xml") && head.contains("<html") {
        return MediaType::Html;
    }
    MediaType::PlainText
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(name: &str, declared: Option<&str>, text: &str) -> MediaType {
        MediaType::from_file(name, declared, text.as_bytes()).unwrap()
    }

    #[test]
    fn the_extension_decides_before_the_declared_type() {
        assert_eq!(media("a/B.MD", Some("text/html"), "x"), MediaType::Markdown);
        assert_eq!(media("page.htm", None, "x"), MediaType::Html);
        assert_eq!(media("guide.rst", None, "x"), MediaType::Rst);
        assert_eq!(media("src/Dockerfile", None, "x"), MediaType::SourceCode);
    }

    #[test]
    fn without_a_known_extension_the_declaration_then_the_content_decide() {
        assert_eq!(media("x", Some("text/markdown; charset=utf-8"), "x"), MediaType::Markdown);
        assert_eq!(media("page.aspx", None, " <!DOCTYPE HTML><p>x"), MediaType::Html);
        assert_eq!(media("README", Some("application/octet-stream"), "x"), MediaType::PlainText);
    }

    #[test]
    fn binary_content_is_refused_whatever_its_name() {
        for (bytes, word) in [
            (&b"PK\x03\x04...."[..], "ZIP"),
            (b"\x89PNG\r\n", "PNG"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"\x7fELF\x02", "ELF"),
            (b"text with \0 in it", "NUL"),
        ] {
            let error = MediaType::from_file("notes.md", None, bytes).unwrap_err();
            assert_eq!(error.code(), "unsupported_type");
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn the_content_decides_among_formats_that_are_no_text() {
        let pdf = b"%PDF-1.7\n\0";
        assert_eq!(MediaType::from_file("a.pdf", None, pdf), Ok(MediaType::Pdf));
        assert_eq!(MediaType::from_file("scan", Some("text/plain"), pdf), Ok(MediaType::Pdf));
        for before in ["\n", " \r\n", "\u{feff}"] {
            let moved = [before.as_bytes(), pdf].concat();
            assert_eq!(
                MediaType::from_file("a.pdf", None, &moved),
                Ok(MediaType::Pdf),
                "{before:?}"
            );
        }
        let word = crate::knowledge::parse::archive::tests::zip(&[("word/document.xml", "<a/>")]);
        assert_eq!(MediaType::from_file("A.DOCX", None, &word), Ok(MediaType::Docx));
        let book = crate::knowledge::parse::archive::tests::zip(&[("META-INF/container.xml", "")]);
        assert_eq!(
            MediaType::from_file("x", Some("application/epub+zip"), &book),
            Ok(MediaType::Epub)
        );
    }

    #[test]
    fn a_name_or_a_declaration_that_contradicts_the_content_is_refused() {
        let pdf = b"%PDF-1.7\n\0".as_slice();
        let word = crate::knowledge::parse::archive::tests::zip(&[("word/document.xml", "<a/>")]);
        let epub = Some("application/epub+zip");
        for (name, declared, bytes, words) in [
            ("notes.md", None, pdf, ["text", "a PDF document"]),
            ("notes.docx", None, pdf, ["a Word document", "a PDF document"]),
            ("notes.pdf", None, &word, ["a PDF document", "a Word document"]),
            ("notes.pdf", None, b"Plain words.", ["a PDF document", "something else"]),
            ("notes", epub, b"Plain words.", ["an EPUB book", "something else"]),
            ("notes.docx", epub, &word, ["an EPUB book", "a Word document"]),
        ] {
            let error = MediaType::from_file(name, declared, bytes).unwrap_err();
            assert_eq!(error.code(), "type_mismatch", "{name}");
            assert!(words.iter().all(|word| error.to_string().contains(word)), "{error}");
        }
    }

    #[test]
    fn a_text_that_names_the_mark_of_a_pdf_is_a_text() {
        let text = "A file that begins with %PDF- is a PDF document.";
        assert_eq!(media("marks.txt", None, text), MediaType::PlainText);
    }

    #[test]
    fn an_empty_file_is_refused() {
        assert_eq!(MediaType::from_file("a.md", None, b""), Err(ParseError::Empty));
    }
}
