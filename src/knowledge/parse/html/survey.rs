//! Measures every element of a page once: how much text, how much of it in links, what it holds.
//!
//! The rules for navigation and for tables ask it. It decides nothing itself.

use std::collections::HashMap;

use ego_tree::iter::Edge;
use ego_tree::{NodeId, NodeRef};
use scraper::node::Element;
use scraper::{Html, Node};

use super::anchors::own_page_fragment;
use super::vocabulary::NEVER;

/// What an element holds, itself included; hidden parts count nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measure {
    /// Visible characters.
    pub chars: usize,
    /// Those of them that stand in links.
    pub linked: usize,
    pub words: usize,
    pub links: usize,
    /// Those of the links that point into their own page.
    pub own_links: usize,
    pub has_main_heading: bool,
    /// A heading or a table: in a table cell it means that the table is layout.
    pub has_outline: bool,
    pub code_blocks: usize,
    pub rows: usize,
    pub has_content_root: bool,
    /// Most cells in one row.
    pub columns: usize,
}

impl Measure {
    pub(super) fn prose(&self) -> usize {
        self.chars - self.linked
    }

    /// Share of the text that stands in links, in percent.
    pub(super) fn link_density(&self) -> usize {
        (self.linked * 100).checked_div(self.chars).unwrap_or(0)
    }

    fn add(&mut self, inner: &Measure) {
        self.chars += inner.chars;
        self.linked += inner.linked;
        self.words += inner.words;
        self.links += inner.links;
        self.own_links += inner.own_links;
        self.has_main_heading |= inner.has_main_heading;
        self.has_outline |= inner.has_outline;
        self.code_blocks += inner.code_blocks;
        self.rows += inner.rows;
        self.has_content_root |= inner.has_content_root;
        self.columns = self.columns.max(inner.columns);
    }
}

/// The measures of a page's elements.
pub(super) struct Survey {
    measures: HashMap<NodeId, Measure>,
}

impl Survey {
    pub(super) fn of(page: &Html) -> Self {
        let mut measures = HashMap::new();
        let mut open: Vec<Measure> = vec![Measure::default()];
        let mut links = 0;
        let mut hidden: Option<NodeId> = None;
        for edge in page.tree.root().traverse() {
            match edge {
                Edge::Open(node) if hidden.is_none() => match node.value() {
                    Node::Element(element) if is_never_shown(element) => hidden = Some(node.id()),
                    Node::Element(element) => {
                        links += usize::from(is_link(element));
                        open.push(own_measure(node, element));
                    }
                    Node::Text(text) => {
                        if let Some(around) = open.last_mut() {
                            count_text(around, text, links > 0);
                        }
                    }
                    _ => {}
                },
                Edge::Close(node) if hidden == Some(node.id()) => hidden = None,
                Edge::Close(node) if hidden.is_none() => {
                    let Node::Element(element) = node.value() else {
                        continue;
                    };
                    links -= usize::from(is_link(element));
                    let Some(measure) = open.pop() else { continue };
                    if let Some(around) = open.last_mut() {
                        around.add(&measure);
                    }
                    measures.insert(node.id(), measure);
                }
                _ => {}
            }
        }
        Self { measures }
    }

    pub(super) fn measure(&self, node: NodeId) -> Measure {
        self.measures.get(&node).copied().unwrap_or_default()
    }
}

/// Elements without text to read, and those that the page hides.
pub(super) fn is_never_shown(element: &Element) -> bool {
    if NEVER.contains(&element.name()) {
        return true;
    }
    let style = element.attr("style").unwrap_or("");
    element.attr("hidden").is_some()
        || element.attr("aria-hidden") == Some("true")
        || (style.len() < 400 && style.replace(' ', "").to_lowercase().contains("display:none"))
}

pub(super) fn is_link(element: &Element) -> bool {
    element.name() == "a" && element.attr("href").is_some()
}

fn own_measure(node: NodeRef<'_, Node>, element: &Element) -> Measure {
    let name = element.name();
    let is_cell = |child: &NodeRef<'_, Node>| {
        child.value().as_element().is_some_and(|e| matches!(e.name(), "td" | "th"))
    };
    Measure {
        links: usize::from(is_link(element)),
        own_links: usize::from(own_page_fragment(element).is_some()),
        has_main_heading: name == "h1",
        has_outline: matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table"),
        code_blocks: usize::from(name == "pre"),
        rows: usize::from(name == "tr"),
        has_content_root: is_content_root(element),
        columns: if name == "tr" { node.children().filter(is_cell).count() } else { 0 },
        ..Measure::default()
    }
}

/// Elements that say of themselves that they are the content.
pub(super) fn is_content_root(element: &Element) -> bool {
    matches!(element.name(), "main" | "article") || element.attr("role") == Some("main")
}

fn count_text(measure: &mut Measure, text: &str, is_linked: bool) {
    let chars = text.chars().filter(|c| !c.is_whitespace()).count();
    measure.chars += chars;
    measure.linked += if is_linked { chars } else { 0 };
    measure.words += text.split_whitespace().count();
}
