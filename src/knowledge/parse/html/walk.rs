//! Walks the content of a page in document order and fills the builder.
//!
//! Called by `html`. It follows the plan of `furniture` and decides nothing about navigation, but
//! for single lines that are page controls.

use ego_tree::iter::Edge;
use ego_tree::{NodeId, NodeRef};
use scraper::Node;
use scraper::node::Element;

use super::anchors::{Anchors, own_page_fragment, own_target};
use super::dom::text_of;
use super::furniture::{Plan, Strictness};
use super::lists::Lists;
use super::roles::{Role, is_admonition, is_caption, role_of};
use super::survey::{Survey, is_link};
use super::tables::Table;
use super::title::begins_with;
use super::vocabulary::is_control;
use crate::knowledge::parse::builder::{Builder, Joint};
use crate::knowledge::parse::inline::Inline;
use crate::knowledge::parse::{BlockKind, ParseError};

/// A single row with more words is the layout of a page.
const MAX_LONE_ROW_WORDS: usize = 200;

/// The open elements, as far as they matter to the text.
pub(super) struct Walker<'a, 'l> {
    builder: &'a mut Builder<'l>,
    survey: &'a Survey,
    plan: &'a Plan<'a>,
    page_title: Option<&'a str>,
    inline: Inline,
    lists: Lists,
    table: Option<(NodeId, Table)>,
    anchors: Anchors,
    /// Anchor of the heading or term that is open.
    target: Option<String>,
    in_heading: bool,
    in_term: bool,
    code: usize,
    links: usize,
    quotes: usize,
    notes: usize,
    headings: Vec<(u8, String)>,
    makes_slugs: bool,
    /// The block that ends now is the title of what follows.
    is_caption: bool,
}

impl<'a, 'l> Walker<'a, 'l> {
    pub(super) fn new(
        builder: &'a mut Builder<'l>,
        survey: &'a Survey,
        plan: &'a Plan<'a>,
        page_title: Option<&'a str>,
    ) -> Self {
        Self {
            builder,
            survey,
            plan,
            page_title,
            inline: Inline::default(),
            lists: Lists::default(),
            table: None,
            anchors: Anchors::default(),
            target: None,
            in_heading: false,
            in_term: false,
            code: 0,
            links: 0,
            quotes: 0,
            notes: 0,
            headings: Vec::new(),
            makes_slugs: false,
            is_caption: false,
        }
    }

    /// Headings without an id get the anchor that a Markdown heading would have.
    pub(super) fn give_headings_slugs(&mut self) {
        self.makes_slugs = true;
    }

    /// Level and text of the headings so far.
    pub(super) fn headings(&self) -> &[(u8, String)] {
        &self.headings
    }

    pub(super) fn walk(&mut self) -> Result<(), ParseError> {
        let mut skipped: Option<NodeId> = None;
        for edge in self.plan.root.traverse() {
            match edge {
                Edge::Open(node) if skipped.is_none() => match node.value() {
                    Node::Element(element) if self.plan.drops(node.id()) => {
                        self.meet_dropped(element);
                        skipped = Some(node.id());
                    }
                    Node::Element(element) => self.open(node, element)?,
                    Node::Text(text) if self.code > 0 => self.inline.push_verbatim(text),
                    Node::Text(text) => self.inline.push(text, self.links > 0),
                    _ => {}
                },
                Edge::Close(node) if skipped == Some(node.id()) => skipped = None,
                Edge::Close(node) if skipped.is_none() => {
                    if let Node::Element(element) = node.value() {
                        self.close(node, element)?;
                    }
                }
                _ => {}
            }
        }
        self.flush()
    }

    /// The mark beside a heading is dropped, but where it points to is the heading's anchor.
    fn meet_dropped(&mut self, element: &Element) {
        if (self.in_heading || self.in_term) && self.target.is_none() {
            self.target = own_page_fragment(element).map(str::to_owned);
        }
    }

    fn open(&mut self, node: NodeRef<'_, Node>, element: &Element) -> Result<(), ParseError> {
        let role = role_of(node, element);
        if self.code > 0 {
            self.open_in_code(role);
            return Ok(());
        }
        self.links += usize::from(is_link(element));
        if self.in_heading || self.in_term {
            if self.target.is_none() {
                self.target = own_target(element).map(str::to_owned);
            }
        } else if matches!(role, Role::Inline | Role::Link) && self.inline.is_empty() {
            self.anchors.meet(element);
        }
        if is_admonition(element) {
            self.end_text()?;
            self.notes += 1;
        }
        match role {
            Role::Inline | Role::Link => {}
            Role::LineBreak => self.inline.line_break(),
            Role::Image => self.image(element),
            Role::Superscript => self.superscript(node),
            Role::Heading(_) if !self.is_plain_heading() => {
                self.flush()?;
                self.in_heading = true;
                self.target = own_target(element).map(str::to_owned);
            }
            _ if self.in_heading => self.inline.space(),
            _ if self.table.is_some() => self.open_in_table(role),
            _ => self.open_block(node, element, role)?,
        }
        Ok(())
    }

    fn open_in_code(&mut self, role: Role) {
        match role {
            Role::Code => self.code += 1,
            Role::LineBreak => self.inline.push_verbatim("\n"),
            _ => {}
        }
    }

    fn open_in_table(&mut self, role: Role) {
        match role {
            Role::Row | Role::Cell => {
                self.inline.take();
            }
            _ => self.inline.line_break(),
        }
    }

    fn open_block(
        &mut self,
        node: NodeRef<'_, Node>,
        element: &Element,
        role: Role,
    ) -> Result<(), ParseError> {
        self.flush()?;
        match role {
            Role::Section => self.anchors.enter_section(element),
            Role::Code => self.code = 1,
            Role::List | Role::DefinitionList => {
                self.lists.open(element.name(), element.attr("start"));
            }
            Role::Item => self.lists.item(),
            Role::Term => {
                self.lists.term();
                self.in_term = true;
                self.target = own_target(element).map(str::to_owned);
            }
            Role::Definition => self.lists.definition(),
            Role::Quote => self.quotes += 1,
            Role::Table | Role::Row => {
                self.lists.interrupt();
                if is_data(node, role, self.survey) {
                    let columns = self.survey.measure(node.id()).columns;
                    self.table = Some((node.id(), Table::new(columns)));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, node: NodeRef<'_, Node>, element: &Element) -> Result<(), ParseError> {
        let role = role_of(node, element);
        if self.code > 0 {
            return if role == Role::Code { self.close_code() } else { Ok(()) };
        }
        self.links -= usize::from(is_link(element));
        match role {
            Role::Inline | Role::Link | Role::LineBreak | Role::Image | Role::Superscript => {}
            Role::Heading(level) if self.in_heading => self.close_heading(level)?,
            _ if self.in_heading => self.inline.space(),
            _ if self.table.is_some() => self.close_in_table(node, element, role)?,
            _ => self.close_block(element, role)?,
        }
        if is_admonition(element) {
            self.end_text()?;
            self.notes = self.notes.saturating_sub(1);
        }
        Ok(())
    }

    fn close_code(&mut self) -> Result<(), ParseError> {
        self.code -= 1;
        if self.code > 0 {
            return Ok(());
        }
        let code = self.inline.take();
        if self.in_heading || self.table.is_some() {
            for line in code.lines() {
                self.inline.push(line, false);
                self.inline.line_break();
            }
            return Ok(());
        }
        self.lists.interrupt();
        self.anchors.clear();
        self.builder.push(BlockKind::Code, Joint::BlankLine, &code, false)
    }

    fn close_heading(&mut self, level: u8) -> Result<(), ParseError> {
        self.in_heading = false;
        let text = self.inline.take();
        let own = self.target.take();
        let waiting = self.anchors.take();
        if text.is_empty() || (self.is_filtering() && is_control(&text, false)) {
            return Ok(());
        }
        self.lists.heading();
        let is_title = self.headings.is_empty()
            && self.page_title.is_some_and(|title| begins_with(title, &text));
        let level = if is_title { 1 } else { level };
        let mut anchor = own.or(waiting);
        if anchor.is_none() && self.makes_slugs {
            anchor = Some(self.builder.slug(&text));
        }
        self.headings.push((level, text.clone()));
        self.builder.heading(level, &text, anchor)
    }

    fn close_in_table(
        &mut self,
        node: NodeRef<'_, Node>,
        element: &Element,
        role: Role,
    ) -> Result<(), ParseError> {
        let Some((id, table)) = &mut self.table else {
            return Ok(());
        };
        match role {
            Role::Cell => table.end_cell(self.inline.take(), element.name() == "th"),
            Role::Row => {
                self.anchors.clear();
                table.end_row(self.builder)?;
                if *id == node.id() {
                    self.table = None;
                }
            }
            Role::Caption => {
                let caption = self.inline.take();
                self.builder.push(BlockKind::Paragraph, Joint::BlankLine, &caption, true)?;
            }
            Role::Table if *id == node.id() => {
                self.table = None;
                self.inline.take();
            }
            _ => self.inline.line_break(),
        }
        Ok(())
    }

    fn close_block(&mut self, element: &Element, role: Role) -> Result<(), ParseError> {
        self.is_caption = is_caption(element);
        if role == Role::Term {
            self.in_term = false;
            if let Some(target) = self.target.take().filter(|_| !self.inline.is_empty()) {
                self.builder.anchor(&target);
            }
        }
        self.flush()?;
        match role {
            Role::List | Role::DefinitionList => self.close_list(),
            Role::Item | Role::Term | Role::Definition => self.lists.end_part(),
            Role::Quote => self.quotes = self.quotes.saturating_sub(1),
            Role::Section => self.anchors.leave_section(element),
            _ => {}
        }
        Ok(())
    }

    fn close_list(&mut self) {
        if self.lists.close() {
            self.builder.end_anchor();
        }
    }

    /// Ends the block before a note; in cells and headings notes are running text.
    fn end_text(&mut self) -> Result<(), ParseError> {
        if self.table.is_some() || self.in_heading {
            self.inline.line_break();
            return Ok(());
        }
        self.flush()
    }

    /// Writes the text read so far as a block.
    fn flush(&mut self) -> Result<(), ParseError> {
        if self.inline.is_empty() {
            self.inline.take();
            return Ok(());
        }
        let is_linked = self.inline.is_all_linked();
        let body = self.inline.take();
        if self.is_filtering() && is_control(&body, is_linked) {
            return Ok(());
        }
        self.anchors.clear();
        let kind = if self.quotes > 0 { BlockKind::Quote } else { BlockKind::Paragraph };
        let shape = self.lists.next_block(kind);
        let is_note_title = self.notes > 0 && body.len() < 40 && !body.ends_with('.');
        let announces = std::mem::take(&mut self.is_caption) || body.ends_with(':');
        let keep = shape.keep_with_next || announces || is_note_title;
        self.builder.push(shape.kind, shape.joint, &(shape.prefix + &body), keep)
    }

    fn image(&mut self, element: &Element) {
        let alt = element.attr("alt").unwrap_or("");
        if !alt.trim().is_empty() {
            self.inline.push(alt, self.links > 0);
        }
    }

    /// `2<sup>32</sup>` is not 232. Ordinals and the linked numbers of footnotes are left as they are.
    fn superscript(&mut self, node: NodeRef<'_, Node>) {
        let measure = self.survey.measure(node.id());
        if !self.inline.ends_with_word() || measure.links > 0 || measure.chars > 8 {
            return;
        }
        let text = text_of(node);
        let is_number = text.chars().all(|c| c.is_ascii_digit() || "-−+".contains(c));
        if is_number || (measure.chars == 1 && text.chars().all(char::is_alphabetic)) {
            self.inline.push("^", false);
        }
    }

    /// Headings in notes and in cells do not open a section.
    fn is_plain_heading(&self) -> bool {
        self.in_heading || self.notes > 0 || self.table.is_some() || self.in_term
    }

    fn is_filtering(&self) -> bool {
        self.plan.strictness != Strictness::Everything
    }
}

/// True for a table, or a row of a layout table, whose cells are short and hold no headings, no
/// tables, and not mostly code.
fn is_data(node: NodeRef<'_, Node>, role: Role, survey: &Survey) -> bool {
    let measure = survey.measure(node.id());
    let holds_outline = node.children().any(|child| survey.measure(child.id()).has_outline);
    let is_page_layout = measure.rows <= 1 && measure.words > MAX_LONE_ROW_WORDS;
    let is_code = measure.code_blocks * 2 > measure.rows;
    let is_row_of_data = role == Role::Table || (measure.columns > 1 && measure.rows == 1);
    !holds_outline && !is_page_layout && !is_code && is_row_of_data
}
