//! The lists that are open: markers, indentation, and whether a block continues its list's lines.
//!
//! Used by the walker only.

use crate::knowledge::parse::BlockKind;
use crate::knowledge::parse::builder::Joint;

/// Deeper lists are not indented further.
const MAX_INDENT: usize = 8;

/// State of the open lists.
#[derive(Debug, Default)]
pub(super) struct Lists {
    open: Vec<Open>,
    lead: Lead,
    /// The block before belongs to the outermost list that is open now.
    joins: bool,
    /// Lists around the last heading: some generators put whole sections into list items.
    base: usize,
}

#[derive(Debug)]
enum Open {
    Bullets,
    Numbers(u64),
    Definitions,
}

/// What the next block of the list is.
#[derive(Debug, Default, PartialEq, Eq)]
enum Lead {
    #[default]
    None,
    Marker(String),
    Term,
    Definition,
}

/// How the next block of text is to be written.
pub(super) struct Shape {
    pub kind: BlockKind,
    pub joint: Joint,
    pub prefix: String,
    pub keep_with_next: bool,
}

impl Lists {
    pub(super) fn open(&mut self, name: &str, start: Option<&str>) {
        self.joins &= !self.open.is_empty();
        self.lead = Lead::None;
        self.open.push(match name {
            "ol" => Open::Numbers(start.and_then(|s| s.trim().parse().ok()).unwrap_or(1)),
            "dl" => Open::Definitions,
            _ => Open::Bullets,
        });
    }

    /// Returns true when no list is open any more.
    pub(super) fn close(&mut self) -> bool {
        self.open.pop();
        self.base = self.base.min(self.open.len());
        self.lead = Lead::None;
        self.open.is_empty()
    }

    pub(super) fn item(&mut self) {
        let marker = match self.open.last_mut() {
            Some(Open::Numbers(next)) => {
                let marker = format!("{next}. ");
                *next = next.saturating_add(1);
                marker
            }
            _ => "- ".to_owned(),
        };
        self.lead = Lead::Marker(marker);
    }

    pub(super) fn term(&mut self) {
        self.lead = Lead::Term;
    }

    pub(super) fn definition(&mut self) {
        self.lead = Lead::Definition;
    }

    pub(super) fn end_part(&mut self) {
        self.lead = Lead::None;
    }

    /// A heading was written: what follows in the same list items is not indented.
    pub(super) fn heading(&mut self) {
        self.interrupt();
        self.base = self.open.len();
    }

    /// A block that is no text of the list (code, a table) was written.
    pub(super) fn interrupt(&mut self) {
        self.joins = false;
        self.lead = Lead::None;
    }

    /// How to write a text block that begins now.
    pub(super) fn next_block(&mut self, otherwise: BlockKind) -> Shape {
        let depth = (self.open.len() - self.base).min(MAX_INDENT);
        let outer = "  ".repeat(depth.saturating_sub(1));
        let inner = "  ".repeat(depth);
        let joint = if self.joins { Joint::Line } else { Joint::BlankLine };
        let (kind, joint, prefix, keep_with_next) = match std::mem::take(&mut self.lead) {
            Lead::None => (otherwise, Joint::BlankLine, inner, false),
            Lead::Marker(marker) => (BlockKind::ListItem, joint, outer + &marker, false),
            Lead::Term => (BlockKind::ListItem, joint, outer, true),
            Lead::Definition => (otherwise, joint, inner, false),
        };
        self.joins = !self.open.is_empty() && (kind == BlockKind::ListItem || joint == Joint::Line);
        Shape { kind, joint, prefix, keep_with_next }
    }
}
