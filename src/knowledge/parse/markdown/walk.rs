//! Walks the events of `pulldown-cmark` and fills the builder.

use pulldown_cmark::{BlockQuoteKind, Event, HeadingLevel, Tag, TagEnd};

use crate::knowledge::parse::builder::{Builder, Joint};
use crate::knowledge::parse::inline::Inline;
use crate::knowledge::parse::{BlockKind, ParseError, ParseLimits, html};

/// Deeper lists are not indented further.
const MAX_INDENT: usize = 8;

/// The open containers, and the block being read.
pub(super) struct Walker<'a> {
    builder: Builder<'a>,
    limits: &'a ParseLimits,
    inline: Inline,
    lists: Vec<Option<u64>>,
    /// Marker of the list item whose first block has not come yet.
    marker: Option<String>,
    quotes: usize,
    cells: Vec<String>,
    raw_html: String,
    is_html: bool,
    is_code: bool,
    heading_id: Option<String>,
    /// The block before belongs to the list or table that is open now.
    joins: bool,
    title: Option<(u8, String)>,
}

impl<'a> Walker<'a> {
    pub(super) fn new(builder: Builder<'a>, limits: &'a ParseLimits) -> Self {
        Self {
            builder,
            limits,
            inline: Inline::default(),
            lists: Vec::new(),
            marker: None,
            quotes: 0,
            cells: Vec::new(),
            raw_html: String::new(),
            is_html: false,
            is_code: false,
            heading_id: None,
            joins: false,
            title: None,
        }
    }

    /// The builder, and the title that the headings give.
    pub(super) fn finish(mut self) -> Result<(Builder<'a>, Option<String>), ParseError> {
        self.flush()?;
        Ok((self.builder, self.title.map(|(_, title)| title)))
    }

    pub(super) fn event(&mut self, event: Event<'_>) -> Result<(), ParseError> {
        match event {
            Event::Start(tag) => return self.start(tag),
            Event::End(tag) => return self.end(tag),
            Event::Text(text) if self.is_html => self.raw_html.push_str(&text),
            Event::Text(text) if self.is_code => self.inline.push_verbatim(&text),
            Event::Text(text) | Event::Code(text) => self.inline.push(&text, false),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.inline.push(&text, false),
            Event::Html(text) => self.raw_html.push_str(&text),
            Event::InlineHtml(tag) => {
                if tag.starts_with("<br") {
                    self.inline.line_break();
                }
            }
            Event::FootnoteReference(label) => self.inline.push(&format!("[{label}]"), false),
            Event::SoftBreak => self.inline.wrap(),
            Event::HardBreak => self.inline.line_break(),
            Event::Rule => self.flush()?,
            Event::TaskListMarker(done) => {
                self.inline.push(if done { "[x] " } else { "[ ] " }, false);
            }
        }
        Ok(())
    }

    fn start(&mut self, tag: Tag<'_>) -> Result<(), ParseError> {
        match tag {
            Tag::Heading { id, .. } => {
                self.flush()?;
                self.heading_id = id.map(|id| id.to_string());
            }
            Tag::BlockQuote(kind) => {
                self.flush()?;
                self.quotes += 1;
                if let Some(kind) = kind {
                    self.inline.push(alert_name(kind), false);
                    self.flush()?;
                }
            }
            Tag::CodeBlock(_) => {
                self.flush()?;
                self.is_code = true;
            }
            Tag::HtmlBlock => {
                self.flush()?;
                self.is_html = true;
            }
            Tag::List(first) => {
                self.flush()?;
                self.joins &= !self.lists.is_empty();
                self.lists.push(first);
            }
            Tag::Item => self.start_item()?,
            Tag::FootnoteDefinition(label) => {
                self.flush()?;
                self.inline.push(&format!("[{label}] "), false);
            }
            Tag::Table(_) => {
                self.flush()?;
                self.joins = false;
            }
            Tag::TableHead | Tag::TableRow => self.cells.clear(),
            Tag::Paragraph if !self.inline.is_empty() => self.inline.space(),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) -> Result<(), ParseError> {
        match tag {
            TagEnd::Heading(level) => self.end_heading(level)?,
            TagEnd::Paragraph => self.flush()?,
            TagEnd::BlockQuote(_) => {
                self.flush()?;
                self.quotes -= 1;
            }
            TagEnd::CodeBlock => self.end_code()?,
            TagEnd::HtmlBlock => self.end_html()?,
            TagEnd::List(_) => {
                self.flush()?;
                self.lists.pop();
            }
            TagEnd::Item => {
                self.flush()?;
                self.marker = None;
            }
            TagEnd::TableCell => self.cells.push(self.inline.take().replace('\n', " ")),
            TagEnd::TableHead => self.end_row(true)?,
            TagEnd::TableRow => self.end_row(false)?,
            TagEnd::FootnoteDefinition => self.flush()?,
            _ => {}
        }
        Ok(())
    }

    fn start_item(&mut self) -> Result<(), ParseError> {
        self.flush()?;
        let Some(next) = self.lists.last_mut() else {
            return Ok(());
        };
        self.marker = Some(match next {
            None => "- ".to_owned(),
            Some(number) => {
                let marker = format!("{number}. ");
                *number += 1;
                marker
            }
        });
        Ok(())
    }

    fn end_heading(&mut self, level: HeadingLevel) -> Result<(), ParseError> {
        let title = self.inline.take();
        let id = self.heading_id.take();
        self.joins = false;
        if title.is_empty() {
            return Ok(());
        }
        let level = level as u8;
        let anchor = id.unwrap_or_else(|| self.builder.slug(&title));
        let is_better = self.title.as_ref().is_none_or(|(known, _)| *known > 1 && level == 1);
        if is_better {
            self.title = Some((level, title.clone()));
        }
        self.builder.heading(level, &title, Some(anchor))
    }

    fn end_code(&mut self) -> Result<(), ParseError> {
        self.is_code = false;
        self.marker = None;
        self.joins = false;
        let code = self.inline.take();
        self.builder.push(BlockKind::Code, Joint::BlankLine, &code, false)
    }

    fn end_html(&mut self) -> Result<(), ParseError> {
        self.is_html = false;
        self.joins = false;
        let raw = std::mem::take(&mut self.raw_html);
        html::append_fragment(&raw, &mut self.builder, self.limits)
    }

    fn end_row(&mut self, is_header: bool) -> Result<(), ParseError> {
        let row = self.cells.join(" | ");
        self.cells.clear();
        if row.chars().all(|c| c == '|' || c == ' ') {
            return Ok(());
        }
        let joint = if self.joins { Joint::Line } else { Joint::BlankLine };
        self.joins = true;
        self.builder.push(BlockKind::TableRow, joint, &row, is_header)
    }

    fn flush(&mut self) -> Result<(), ParseError> {
        let body = self.inline.take();
        if body.is_empty() {
            return Ok(());
        }
        let depth = self.lists.len().min(MAX_INDENT);
        let announces = body.ends_with(':');
        if let Some(marker) = self.marker.take() {
            let line = format!("{}{marker}{body}", "  ".repeat(depth.saturating_sub(1)));
            let joint = if self.joins { Joint::Line } else { Joint::BlankLine };
            self.joins = true;
            return self.builder.push(BlockKind::ListItem, joint, &line, announces);
        }
        let kind = if self.quotes > 0 { BlockKind::Quote } else { BlockKind::Paragraph };
        self.joins = false;
        let line = format!("{}{body}", "  ".repeat(depth));
        self.builder.push(kind, Joint::BlankLine, &line, announces)
    }
}

fn alert_name(kind: BlockQuoteKind) -> &'static str {
    match kind {
        BlockQuoteKind::Note => "Note:",
        BlockQuoteKind::Tip => "Tip:",
        BlockQuoteKind::Important => "Important:",
        BlockQuoteKind::Warning => "Warning:",
        BlockQuoteKind::Caution => "Caution:",
    }
}
