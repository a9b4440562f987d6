//! Finds the link target of a heading: its id, one inside it, or one just before it.
//!
//! Used by the walker, which reports what it meets in document order.

use scraper::node::Element;

/// How likely an id is meant for the heading that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// An element around, such as `<div id="content">`.
    Around,
    /// `<a name="…">` or an empty `<span id="…">` just before.
    Before,
    /// `<section id="…">`, `<div class="sect2" id="…">`.
    Section,
}

/// Ids that no heading has taken yet.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    waiting: Option<(Claim, String)>,
}

impl Anchors {
    /// An element that holds a part of the document was opened.
    pub(super) fn enter_section(&mut self, element: &Element) {
        let Some(id) = element.id() else { return };
        let class = element.attr("class").unwrap_or("");
        let is_section = element.name() != "div" || class.contains("sect") || class.contains("ref");
        let claim = if is_section { Claim::Section } else { Claim::Around };
        self.offer(claim, id);
    }

    /// Such an element was closed: its id belongs to nothing that follows.
    pub(super) fn leave_section(&mut self, element: &Element) {
        if self.waiting.as_ref().is_some_and(|(_, id)| element.id() == Some(id)) {
            self.waiting = None;
        }
    }

    /// An inline element was met outside of headings.
    pub(super) fn meet(&mut self, element: &Element) {
        if let Some(id) = own_target(element) {
            self.offer(Claim::Before, id);
        }
    }

    /// Text came: what was before it does not belong to the next heading.
    pub(super) fn clear(&mut self) {
        self.waiting = None;
    }

    pub(super) fn take(&mut self) -> Option<String> {
        self.waiting.take().map(|(_, id)| id)
    }

    /// A later id of the same kind is nearer to the heading; markers before it keep the first.
    fn offer(&mut self, claim: Claim, id: &str) {
        let wins = match &self.waiting {
            None => true,
            Some((known, _)) => claim > *known || (claim == *known && claim != Claim::Before),
        };
        if wins {
            self.waiting = Some((claim, id.to_owned()));
        }
    }
}

/// The id of an element, or the name of an anchor.
pub(super) fn own_target(element: &Element) -> Option<&str> {
    let name = (element.name() == "a").then(|| element.attr("name")).flatten();
    element.id().or(name).filter(|id| !id.is_empty())
}

/// The fragment that a link inside a heading points at, when it points into its own page.
pub(super) fn own_page_fragment(element: &Element) -> Option<&str> {
    if element.name() != "a" {
        return None;
    }
    element.attr("href")?.strip_prefix('#').filter(|fragment| !fragment.is_empty())
}
