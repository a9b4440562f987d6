//! Which format a file's extension tells.

use super::{BINARY, MediaType};

const MARKDOWN: &[&str] = &["md", "markdown", "mdx", "mdown", "mkd"];
const HTML: &[&str] = &["html", "htm", "xhtml"];
const PLAIN: &[&str] = &["txt", "text", "org", "log"];
/// Programs, configuration, data in text form.
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

/// The format of an extension in lower case, without its dot.
pub(super) fn by_extension(ext: &str) -> Option<MediaType> {
    if let Some((media, ..)) = BINARY.iter().find(|(_, known, ..)| *known == ext) {
        return Some(*media);
    }
    [
        (MARKDOWN, MediaType::Markdown),
        (HTML, MediaType::Html),
        (PLAIN, MediaType::PlainText),
        (SOURCE, MediaType::SourceCode),
        (&["rst", "rest"], MediaType::Rst),
        (&["adoc", "asciidoc"], MediaType::AsciiDoc),
        (&["csv"], MediaType::Csv),
        (&["tsv", "tab"], MediaType::Tsv),
        (&["ipynb"], MediaType::Notebook),
    ]
    .into_iter()
    .find(|(list, _)| list.contains(&ext))
    .map(|(_, media)| media)
}
