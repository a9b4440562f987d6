//! Turns an uploaded file into readable text with its outline: blocks, sections, anchors.
//!
//! Called by the ingestion worker (in its child process) and by `chunk`, which cuts the result.
//! Pure: it reads no file, knows no tenant and writes nothing. All limits are given by the caller,
//! and every input, however hostile, ends in an [`Extraction`] or in a [`ParseError`].

mod builder;
mod decode;
mod error;
mod html;
mod inline;
mod markdown;
mod media;
mod plain;
#[cfg(test)]
mod tests_hostile;

pub use error::ParseError;
pub use media::MediaType;

/// Bounds on the work and on the size of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseLimits {
    /// Unicode scalar values in [`Extraction::text`].
    pub max_text_chars: usize,
    /// Depth of nested HTML elements or Markdown containers.
    pub max_nesting: usize,
    /// Blocks in [`Extraction::blocks`].
    pub max_blocks: usize,
    /// Nodes of the HTML tree; about 200 bytes of memory each.
    pub max_html_nodes: usize,
    /// Attributes of one HTML tag; the tokenizer compares each with all before it.
    pub max_tag_attributes: usize,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self {
            max_text_chars: 10_000_000,
            max_nesting: 512,
            max_blocks: 200_000,
            max_html_nodes: 1_500_000,
            max_tag_attributes: 2048,
        }
    }
}

/// Readable text of one document and its outline.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// Headings above and including this section's own, outermost first, each cut to 200 characters.
    pub heading_path: Vec<String>,
    /// Nearest link target at or above the section: an HTML id or a heading's slug, without `#`.
    pub anchor: Option<String>,
}

/// Parses `bytes` as `media`.
pub fn parse(
    media: MediaType,
    bytes: &[u8],
    limits: &ParseLimits,
) -> Result<Extraction, ParseError> {
    let source = decode::text(media, bytes)?;
    let extraction = match media {
        MediaType::Markdown => markdown::parse(&source, limits)?,
        MediaType::Html => html::parse(&source, limits)?,
        MediaType::PlainText => plain::parse(&source, limits)?,
        MediaType::SourceCode => plain::parse_source_code(&source, limits)?,
    };
    if extraction.blocks.is_empty() {
        return Err(ParseError::NoText);
    }
    Ok(extraction)
}
