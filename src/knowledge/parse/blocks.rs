//! Writes the blocks of line-based markup: lists and rows follow each other line by line, headings take the anchor before them.
//!
//! Used by reStructuredText and AsciiDoc.

use super::builder::{Builder, Joint};
use super::{BlockKind, Extraction, ParseError, ParseLimits};

/// Deeper items are not indented further.
const MAX_INDENT: usize = 8;

/// A document of blocks in the making.
pub(super) struct Blocks<'a> {
    builder: Builder<'a>,
    before: Option<BlockKind>,
    anchor: Option<String>,
    title: Option<String>,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(limits: &'a ParseLimits) -> Self {
        Self { builder: Builder::new(limits), before: None, anchor: None, title: None }
    }

    /// Link target of the heading that comes next.
    pub(super) fn anchor(&mut self, name: &str) {
        self.anchor = Some(name.to_owned());
    }

    /// A heading that has `anchor` where no link target stood before it.
    pub(super) fn heading_with_anchor(
        &mut self,
        level: u8,
        title: &str,
        anchor: String,
    ) -> Result<(), ParseError> {
        self.anchor.get_or_insert(anchor);
        self.heading(level, title)
    }

    pub(super) fn heading(&mut self, level: u8, title: &str) -> Result<(), ParseError> {
        self.before = None;
        self.title.get_or_insert_with(|| title.to_owned());
        let anchor = self.anchor.take();
        self.builder.heading(level.clamp(1, 6), title, anchor)
    }

    pub(super) fn paragraph(&mut self, body: &str) -> Result<(), ParseError> {
        self.push(BlockKind::Paragraph, body, body.ends_with(':'))
    }

    /// A line that announces what follows.
    pub(super) fn caption(&mut self, body: &str) -> Result<(), ParseError> {
        self.push(BlockKind::Paragraph, body, true)
    }

    pub(super) fn quote(&mut self, body: &str) -> Result<(), ParseError> {
        self.push(BlockKind::Quote, body, false)
    }

    pub(super) fn code(&mut self, body: &str) -> Result<(), ParseError> {
        self.push(BlockKind::Code, body, false)
    }

    /// An item with its marker, at a depth from 0.
    pub(super) fn item(
        &mut self,
        depth: usize,
        marker: &str,
        body: &str,
    ) -> Result<(), ParseError> {
        let line = format!("{}{marker} {body}", "  ".repeat(depth.min(MAX_INDENT)));
        self.push(BlockKind::ListItem, &line, body.ends_with(':'))
    }

    pub(super) fn table(&mut self, rows: &[Vec<String>]) -> Result<(), ParseError> {
        self.before = None;
        for (number, row) in rows.iter().enumerate() {
            let line = row.join(" | ");
            if !line.chars().all(|c| c == '|' || c == ' ') {
                self.push(BlockKind::TableRow, &line, number == 0)?;
            }
        }
        self.before = None;
        Ok(())
    }

    pub(super) fn finish(self) -> Extraction {
        self.builder.finish(self.title, None)
    }

    fn push(&mut self, kind: BlockKind, body: &str, keeps: bool) -> Result<(), ParseError> {
        let is_line = matches!(kind, BlockKind::ListItem | BlockKind::TableRow);
        let joins = is_line && self.before == Some(kind);
        self.before = Some(kind);
        let joint = if joins { Joint::Line } else { Joint::BlankLine };
        self.builder.push(kind, joint, body, keeps)
    }
}
