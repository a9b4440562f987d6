//! Walks the body of a Word document, or its notes, and fills the builder.

use super::numbering::Numbering;
use super::styles::{Role, Styles, outline_level};
use crate::knowledge::parse::builder::{Builder, Joint};
use crate::knowledge::parse::inline::Inline;
use crate::knowledge::parse::xml::{Element, Node, Xml};
use crate::knowledge::parse::{BlockKind, ParseError};

/// Deeper list items are not indented further.
const MAX_INDENT: usize = 8;

/// What is inside these is not read: old text of tracked changes, and the second form of what stands there once.
const SKIPPED: [&str; 7] =
    ["del", "moveFrom", "Fallback", "pict", "rubyPr", "pPrChange", "rPrChange"];

/// The open elements, as far as they matter to the text.
pub(super) struct Walker<'a, 'l> {
    builder: &'a mut Builder<'l>,
    styles: &'a Styles,
    numbering: Numbering,
    /// A paragraph of the style Title stands above the headings.
    pub(super) has_title: bool,
    inline: Inline,
    paragraph: Paragraph,
    /// Cells of the open row of each open table.
    tables: Vec<Table>,
    headings: Vec<(u8, String)>,
    is_text: bool,
    /// The block before was an item of a list, or a line of code.
    before: Option<BlockKind>,
}

#[derive(Default)]
struct Paragraph {
    role: Option<Role>,
    list: Option<String>,
    level: usize,
}

#[derive(Default)]
struct Table {
    rows: usize,
    cells: Vec<String>,
    cell: Vec<String>,
}

impl<'a, 'l> Walker<'a, 'l> {
    pub(super) fn new(
        builder: &'a mut Builder<'l>,
        styles: &'a Styles,
        numbering: Numbering,
    ) -> Self {
        Self {
            builder,
            styles,
            numbering,
            has_title: false,
            inline: Inline::default(),
            paragraph: Paragraph::default(),
            tables: Vec::new(),
            headings: Vec::new(),
            is_text: false,
            before: None,
        }
    }

    /// Level and text of the headings.
    pub(super) fn into_headings(self) -> Vec<(u8, String)> {
        self.headings
    }

    /// Walks to the end. Marks of notes are `[1]`, with `mark` before the number.
    pub(super) fn walk(&mut self, mut xml: Xml<'_>, mark: &str) -> Result<(), ParseError> {
        while let Some(node) = xml.next()? {
            self.node(&mut xml, node, mark)?;
        }
        self.end_paragraph()
    }

    /// Walks footnotes or endnotes; each begins with its mark.
    pub(super) fn walk_notes(&mut self, mut xml: Xml<'_>, mark: &str) -> Result<(), ParseError> {
        while let Some(node) = xml.next()? {
            if let Node::Open(element) = &node
                && matches!(element.name.as_str(), "footnote" | "endnote")
            {
                // Separators have a type; notes have none.
                if element.attribute("type").is_some_and(|kind| kind != "normal") {
                    let name = element.name.clone();
                    skip(&mut xml, &name)?;
                    continue;
                }
                let id = element.attribute("id").unwrap_or_default();
                self.inline.push(&format!("[{mark}{id}] "), false);
            }
            self.node(&mut xml, node, mark)?;
        }
        self.end_paragraph()
    }

    fn node(&mut self, xml: &mut Xml<'_>, node: Node, mark: &str) -> Result<(), ParseError> {
        match node {
            Node::Open(element) if SKIPPED.contains(&element.name.as_str()) => {
                skip(xml, &element.name)
            }
            Node::Open(element) => {
                self.open(&element, mark);
                Ok(())
            }
            Node::Text(text) => {
                if self.is_text && self.paragraph.role == Some(Role::Code) {
                    self.inline.push_verbatim(&text);
                } else if self.is_text {
                    self.inline.push(&text, false);
                }
                Ok(())
            }
            Node::Close(name) => self.close(&name),
        }
    }

    fn open(&mut self, element: &Element, mark: &str) {
        let value = element.attribute("val");
        match element.name.as_str() {
            "t" => self.is_text = true,
            "tab" | "ptab" => self.inline.space(),
            "br" | "cr" => self.inline.line_break(),
            "noBreakHyphen" => self.inline.push("-", false),
            "pStyle" => self.paragraph.role = value.and_then(|id| self.styles.role(id)),
            "outlineLvl" if self.paragraph.role.is_none() => {
                self.paragraph.role = value.and_then(outline_level).map(Role::Heading);
            }
            // 0 takes a paragraph out of its list.
            "numId" => self.paragraph.list = value.filter(|id| *id != "0").map(str::to_owned),
            "ilvl" => self.paragraph.level = value.and_then(|it| it.parse().ok()).unwrap_or(0),
            "footnoteReference" => self.refer(element, mark),
            "endnoteReference" => self.refer(element, "e"),
            "tbl" => {
                self.before = None;
                self.tables.push(Table::default());
            }
            _ => {}
        }
    }

    fn refer(&mut self, element: &Element, mark: &str) {
        if let Some(id) = element.attribute("id") {
            self.inline.push(&format!("[{mark}{id}]"), false);
        }
    }

    fn close(&mut self, name: &str) -> Result<(), ParseError> {
        match name {
            "t" => self.is_text = false,
            "p" => self.end_paragraph()?,
            "tc" => {
                if let Some(table) = self.tables.last_mut() {
                    let cell = std::mem::take(&mut table.cell);
                    table.cells.push(cell.join(" "));
                }
            }
            "tr" => self.end_row()?,
            "tbl" => {
                self.tables.pop();
            }
            _ => {}
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), ParseError> {
        let is_inner = self.tables.len() > 1;
        let Some(table) = self.tables.last_mut() else { return Ok(()) };
        let cells = std::mem::take(&mut table.cells);
        if cells.iter().all(String::is_empty) {
            return Ok(());
        }
        table.rows += 1;
        let (is_first, row) = (table.rows == 1, cells.join(" | "));
        if is_inner {
            let outer = self.tables.len() - 2;
            self.tables[outer].cell.push(row);
            return Ok(());
        }
        if cells.len() == 1 {
            // A table of one column is a frame around text.
            return self.builder.push(BlockKind::Paragraph, Joint::BlankLine, &row, false);
        }
        let joint = if is_first { Joint::BlankLine } else { Joint::Line };
        self.builder.push(BlockKind::TableRow, joint, &row, is_first)
    }

    fn end_paragraph(&mut self) -> Result<(), ParseError> {
        let body = self.inline.take();
        let paragraph = std::mem::take(&mut self.paragraph);
        if body.trim().is_empty() || paragraph.role == Some(Role::Contents) {
            return Ok(());
        }
        if let Some(table) = self.tables.last_mut() {
            table.cell.push(body.replace('\n', " "));
            return Ok(());
        }
        let heading = match paragraph.role {
            Some(Role::Title) => Some(1),
            Some(Role::Heading(level)) => Some((level + u8::from(self.has_title)).min(6)),
            _ => None,
        };
        if let Some(level) = heading {
            self.before = None;
            self.headings.push((level, body.clone()));
            return self.builder.heading(level, &body, None);
        }
        let is_item = paragraph.list.is_some() || paragraph.role == Some(Role::ListItem);
        let kind = match paragraph.role {
            _ if is_item => BlockKind::ListItem,
            Some(Role::Code) => BlockKind::Code,
            Some(Role::Quote) => BlockKind::Quote,
            _ => BlockKind::Paragraph,
        };
        let announces = body.ends_with(':');
        let line = if is_item {
            let list = paragraph.list.as_deref().unwrap_or_default();
            let marker = self.numbering.marker(list, paragraph.level);
            format!("{}{marker}{body}", "  ".repeat(paragraph.level.min(MAX_INDENT)))
        } else {
            body
        };
        let joins = self.before == Some(kind) && (is_item || kind == BlockKind::Code);
        self.before = Some(kind);
        let joint = if joins { Joint::Line } else { Joint::BlankLine };
        self.builder.push(kind, joint, &line, announces)
    }
}

/// Passes over everything up to the end of the element that is open.
fn skip(xml: &mut Xml<'_>, name: &str) -> Result<(), ParseError> {
    let mut depth = 1;
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(element) if element.name == name => depth += 1,
            Node::Close(closed) if closed == name => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    Ok(())
}
