//! Turns an uploaded file into readable text with its outline: blocks, sections, anchors.
//!
//! Called by `parser` in a process of its own, and by `chunk`, which cuts the result.
//! Pure: it reads no file, knows no tenant and writes nothing. All limits are given by the caller. Readers of text end in an
//! [`Extraction`] or in a [`ParseError`] whatever they read; what a library for binary formats does with a hostile file, the
//! process around it bounds.

mod archive;
mod asciidoc;
mod blocks;
mod builder;
mod decode;
mod docx;
mod epub;
mod error;
mod html;
mod inline;
mod limits;
mod markdown;
mod media;
mod notebook;
mod openapi;
mod pdf;
mod plain;
mod pptx;
mod rst;
mod table;
#[cfg(test)]
mod tests_hostile;
mod xlsx;
mod xml;

use serde::{Deserialize, Serialize};

pub use error::ParseError;
pub use limits::ParseLimits;
pub use media::MediaType;

/// Readable text of one document and its outline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extraction {
    /// Front matter title, first main heading or HTML `<title>`, in the order of the format.
    pub title: Option<String>,
    /// BCP 47 tag as the document declares it.
    pub language: Option<String>,
    /// Plain text; blocks are divided by a blank line, items and rows by a line break.
    pub text: String,
    /// In the order of `text`, never overlapping; together they hold every non-space character.
    pub blocks: Vec<Block>,
    /// Referred to by [`Block::section`]; entry 0 is what stands before the first heading.
    pub sections: Vec<Section>,
}

/// A run of text that was one block in the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub kind: BlockKind,
    /// Offset of the first character in [`Extraction::text`], in Unicode scalar values.
    pub start: usize,
    /// Offset behind the last character.
    pub end: usize,
    /// Index into [`Extraction::sections`].
    pub section: usize,
    /// True for a heading, a defined term, a table's header row, a line that announces the next block.
    pub keep_with_next: bool,
}

/// What a block was in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockKind {
    /// Level 1 (outermost) to 6.
    Heading(u8),
    Paragraph,
    Code,
    /// A list item or a defined term, with its marker and indentation.
    ListItem,
    /// Cells joined by ` | `.
    TableRow,
    Quote,
}

/// Where a block stands in the outline of its document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Section {
    /// Headings above and including this section's own, outermost first, each cut to 200 characters.
    pub heading_path: Vec<String>,
    /// Nearest link target at or above the section: an HTML id or a heading's slug, without `#`.
    pub anchor: Option<String>,
    /// Page or slide of the original, from 1; `None` for formats without pages.
    pub page: Option<u32>,
}

impl Extraction {
    /// Whether offsets and indexes point into what is there, as every reader of the struct takes for granted. Asked of what
    /// another process sent.
    pub fn is_sound(&self) -> bool {
        let mut at = 0;
        for block in &self.blocks {
            if block.start < at || block.end <= block.start || block.section >= self.sections.len()
            {
                return false;
            }
            at = block.end;
        }
        at <= self.text.chars().count()
    }
}

/// Parses `bytes` as `media`.
pub fn parse(
    media: MediaType,
    bytes: &[u8],
    limits: &ParseLimits,
) -> Result<Extraction, ParseError> {
    let text = || decode::text(media, bytes);
    let extraction = match media {
        MediaType::Markdown => markdown::parse(&text()?, limits)?,
        MediaType::Html => html::parse(&text()?, limits)?,
        MediaType::PlainText => plain::parse(&text()?, limits)?,
        MediaType::SourceCode => plain::parse_source_code(&text()?, limits)?,
        MediaType::AsciiDoc => asciidoc::parse(&text()?, limits)?,
        MediaType::OpenApi => openapi::parse(&text()?, limits)?,
        MediaType::Rst => rst::parse(&text()?, limits)?,
        MediaType::Csv => table::parse(&text()?, b',', limits)?,
        MediaType::Tsv => table::parse(&text()?, b'\t', limits)?,
        MediaType::Notebook => notebook::parse(&text()?, limits)?,
        MediaType::Docx => docx::parse(bytes, limits)?,
        MediaType::Pptx => pptx::parse(bytes, limits)?,
        MediaType::Xlsx => xlsx::parse(bytes, limits)?,
        MediaType::Epub => epub::parse(bytes, limits)?,
        MediaType::Pdf => pdf::parse(bytes, limits)?,
    };
    if extraction.blocks.is_empty() {
        return Err(ParseError::NoText);
    }
    Ok(extraction)
}
