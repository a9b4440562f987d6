//! Decides how a file is to be read, from its name, its declared type and its first bytes.
//!
//! Called by the upload and by the worker. It does not check that the whole content is readable;
//! that is the duty of `parse`.

use super::ParseError;

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    Markdown,
    Html,
    PlainText,
    /// Kept line by line; programs, configuration, data in text form.
    SourceCode,
}

const MARKDOWN: &[&str] = &["md", "markdown", "mdx", "mdown", "mkd"];
const HTML: &[&str] = &["html", "htm", "xhtml"];
const PLAIN: &[&str] = &["txt", "text", "rst", "adoc", "asciidoc", "org", "log"];
const SOURCE: &[&str] = &[
    "rs",
    "py",
    "js",
    "mjs",
    "cjs",
    "ts",
    "tsx",
    "jsx",
    "go",
    "java",
    "kt",
    "kts",
    "scala",
    "c",
    "h",
    "cc",
    "cpp",
    "cxx",
    "hpp",
    "cs",
    "fs",
    "swift",
    "rb",
    "php",
    "pl",
    "pm",
    "lua",
    "r",
    "jl",
    "sh",
    "bash",
    "zsh",
    "fish",
    "ps1",
    "bat",
    "sql",
    "proto",
    "graphql",
    "tf",
    "hcl",
    "json",
    "jsonc",
    "jsonl",
    "yaml",
    "yml",
    "toml",
    "ini",
    "cfg",
    "conf",
    "properties",
    "env",
    "xml",
    "csv",
    "tsv",
    "css",
    "scss",
    "less",
    "vue",
    "svelte",
    "dart",
    "ex",
    "exs",
    "erl",
    "hs",
    "ml",
    "clj",
    "zig",
    "nim",
    "asm",
    "s",
    "cmake",
    "gradle",
    "dockerfile",
    "makefile",
    "mk",
    "diff",
    "patch",
    "vim",
    "el",
    "tex",
];

/// First bytes of formats that are often uploaded and cannot be read.
const MAGIC: &[(&[u8], &str)] = &[
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
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
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript document"),
    (b"SQLite format 3", "a SQLite database"),
    (b"OggS", "an Ogg media file"),
    (b"ID3", "an MP3 file"),
];

impl MediaType {
    /// `name` may be a path, `declared` is the Content-Type of the upload. The name wins over the
    /// declaration; content that is plainly something else is refused whatever both say.
    pub fn from_file(name: &str, declared: Option<&str>, bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.is_empty() {
            return Err(ParseError::Empty);
        }
        refuse_binary(bytes)?;
        let from_name = extension(name).and_then(|ext| by_extension(&ext));
        let from_declaration = declared.and_then(by_declaration);
        Ok(from_name.or(from_declaration).unwrap_or_else(|| by_content(bytes)))
    }
}

/// Refuses content with a known signature or with NUL characters. A UTF-16 mark is left to the
/// decoder, which can name the remedy.
pub(super) fn refuse_binary(bytes: &[u8]) -> Result<(), ParseError> {
    if let Some((_, looks_like)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(ParseError::UnsupportedType { looks_like });
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Ok(());
    }
    if bytes.contains(&0) {
        let looks_like = "binary data (it holds NUL characters)";
        return Err(ParseError::UnsupportedType { looks_like });
    }
    Ok(())
}

fn extension(name: &str) -> Option<String> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let ext = file.rsplit('.').next().unwrap_or(file);
    (!ext.is_empty()).then(|| ext.to_lowercase())
}

fn by_extension(ext: &str) -> Option<MediaType> {
    [
        (MARKDOWN, MediaType::Markdown),
        (HTML, MediaType::Html),
        (PLAIN, MediaType::PlainText),
        (SOURCE, MediaType::SourceCode),
    ]
    .into_iter()
    .find(|(list, _)| list.contains(&ext))
    .map(|(_, media)| media)
}

fn by_declaration(declared: &str) -> Option<MediaType> {
    let essence = declared.split(';').next().unwrap_or("").trim().to_lowercase();
    match essence.as_str() {
        "text/markdown" | "text/x-markdown" => Some(MediaType::Markdown),
        "text/html" | "application/xhtml+xml" => Some(MediaType::Html),
        "application/json" | "application/xml" | "text/xml" | "text/csv" => {
            Some(MediaType::SourceCode)
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
        assert_eq!(media("guide.rst", None, "x"), MediaType::PlainText);
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
            (&b"%PDF-1.7"[..], "PDF"),
            (b"PK\x03\x04....", "ZIP"),
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
    fn an_empty_file_is_refused() {
        assert_eq!(MediaType::from_file("a.md", None, b""), Err(ParseError::Empty));
    }
}
