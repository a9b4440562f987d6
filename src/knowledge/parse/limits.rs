//! Bounds on reading: each is a setting, so that a house with larger files can raise them.

use serde::{Deserialize, Serialize};

/// Bounds on the work and on the size of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParseLimits {
    /// Unicode scalar values in [`Extraction::text`](super::Extraction::text).
    pub max_text_chars: usize,
    /// Depth of nested HTML elements or Markdown containers.
    pub max_nesting: usize,
    /// Blocks in [`Extraction::blocks`](super::Extraction::blocks).
    pub max_blocks: usize,
    /// Nodes of the HTML tree; about 200 bytes of memory each.
    pub max_html_nodes: usize,
    /// Attributes of one HTML tag; the tokenizer compares each with all before it.
    pub max_tag_attributes: usize,
    /// Files in an archive: parts of an Office document, of an EPUB.
    pub max_entries: usize,
    /// Bytes that come out of an archive, counted as they are written.
    pub max_unpacked_bytes: usize,
    /// The same as a multiple of the file's size; the first 1 MiB is free, since tiny files are dense.
    pub max_ratio: usize,
    /// Depth of nested XML elements.
    pub max_xml_depth: usize,
    /// Pages of a PDF, slides of a presentation.
    pub max_pages: usize,
    /// Sheets of a workbook.
    pub max_sheets: usize,
    /// Cells with content, of all sheets or rows together.
    pub max_cells: usize,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self {
            max_text_chars: 10_000_000,
            max_nesting: 512,
            max_blocks: 200_000,
            max_html_nodes: 1_500_000,
            max_tag_attributes: 2048,
            max_entries: 1_000,
            max_unpacked_bytes: 200_000_000,
            max_ratio: 100,
            max_xml_depth: 256,
            max_pages: 2_000,
            max_sheets: 256,
            max_cells: 1_000_000,
        }
    }
}
