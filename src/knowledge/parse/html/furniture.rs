//! Decides which part of a page is its content, and what inside is navigation and decoration.
//!
//! Called by `html` once per page and strictness; the walker asks the resulting plan. A rule may
//! drop an element only while most of the page's prose stays: names of classes are only hints.

use std::collections::HashSet;

use ego_tree::{NodeId, NodeRef};
use scraper::node::Element;
use scraper::{Html, Node};

use super::dom::text_of;
use super::survey::{Measure, Survey, is_content_root, is_link, is_never_shown};
use super::vocabulary::{ADMONITIONS, NEGATIONS, PHRASES, ROLES, STRONG, WEAK, words_of};

/// What may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Navigation, decoration, lists of links.
    Content,
    /// Navigation and decoration; lists of links stay, as on a page that is a table of contents.
    Lists,
    /// Only what a reader never sees.
    Everything,
}

/// The root of the content, and the elements below it to leave out.
pub(super) struct Plan<'p> {
    pub root: NodeRef<'p, Node>,
    pub strictness: Strictness,
    dropped: HashSet<NodeId>,
}

impl<'p> Plan<'p> {
    pub(super) fn new(page: &'p Html, survey: &Survey, strictness: Strictness) -> Self {
        let whole = page.tree.root();
        let root = match strictness {
            Strictness::Everything => whole,
            _ => content_root(whole, survey),
        };
        let mut dropped = HashSet::new();
        let rules = Rules { survey, strictness, page: survey.measure(root.id()), root };
        let page_measure = if root == whole { body_measure(whole, survey) } else { rules.page };
        let rules = Rules { page: page_measure, ..rules };
        for node in root.descendants().skip(1) {
            if let Node::Element(element) = node.value()
                && rules.drops(node, element)
            {
                dropped.insert(node.id());
            }
        }
        Self { root, strictness, dropped }
    }

    pub(super) fn drops(&self, node: NodeId) -> bool {
        self.dropped.contains(&node)
    }
}

struct Rules<'a, 'p> {
    survey: &'a Survey,
    strictness: Strictness,
    page: Measure,
    root: NodeRef<'p, Node>,
}

impl Rules<'_, '_> {
    fn drops(&self, node: NodeRef<'_, Node>, element: &Element) -> bool {
        if is_never_shown(element) || is_heading_mark(node, element) {
            return true;
        }
        if self.strictness == Strictness::Everything || is_essential(element) {
            return false;
        }
        let measure = self.survey.measure(node.id());
        let name = element.name();
        if name == "nav" {
            return !measure.has_content_root;
        }
        if is_phrase_element(name) {
            return drops_phrase(element);
        }
        if self.is_most_of_the_page(&measure) || measure.has_content_root {
            return false;
        }
        if element.attr("role").is_some_and(|role| ROLES.contains(&role)) {
            return true;
        }
        match name {
            "header" if !measure.has_main_heading => self.is_outside(node) || is_linky(&measure),
            "footer" => self.is_outside(node) || is_linky(&measure) || measure.words <= 40,
            "aside" => self.drops_aside(element, &measure),
            "form" | "fieldset" => measure.words <= 30,
            _ => self.drops_by_name(element, &measure) || self.is_link_list(element, &measure),
        }
    }

    fn is_most_of_the_page(&self, measure: &Measure) -> bool {
        measure.prose() * 2 > self.page.prose() && measure.prose() > 200
    }

    /// True when the content has no root of its own, so that the whole body is walked.
    fn is_outside(&self, node: NodeRef<'_, Node>) -> bool {
        let is_root =
            |around: &NodeRef<'_, Node>| around.value().as_element().is_some_and(is_content_root);
        !self.root.value().as_element().is_some_and(is_content_root)
            && !node.ancestors().any(|around| is_root(&around))
    }

    /// Notes and footnotes are asides too; lists of links beside the text are not content.
    fn drops_aside(&self, element: &Element, measure: &Measure) -> bool {
        let is_note =
            element.classes().any(|c| ADMONITIONS.contains(&c) || c.starts_with("footnote"))
                || matches!(element.attr("role"), Some("note" | "doc-footnote" | "doc-tip"));
        !is_note && (measure.link_density() >= 40 || measure.words <= 12 || self.is_bare_body())
    }

    fn is_bare_body(&self) -> bool {
        !self.root.value().as_element().is_some_and(is_content_root)
    }

    fn drops_by_name(&self, element: &Element, measure: &Measure) -> bool {
        if measure.has_main_heading {
            return false;
        }
        let hint = strongest_hint(element);
        let reads_like_navigation = measure.link_density() >= 40 || measure.words <= 8;
        match hint {
            Hint::None => false,
            Hint::Weak => self.strictness == Strictness::Content && reads_like_navigation,
            Hint::Strong => true,
        }
    }

    /// A list of the page's own sections is never content. Inside a declared content root a short
    /// list of other links is likely to be.
    fn is_link_list(&self, element: &Element, measure: &Measure) -> bool {
        if self.strictness != Strictness::Content {
            return false;
        }
        if element.attr("class") == Some("summary") && is_linky(measure) {
            return true; // Doxygen's links above the title
        }
        let is_own = measure.own_links == measure.links;
        let enough = match (is_own, self.is_bare_body()) {
            (true, _) => 3,
            (false, true) => 4,
            (false, false) => 40,
        };
        matches!(element.name(), "ul" | "ol" | "dl" | "table" | "div")
            && measure.links >= enough
            && measure.link_density() >= 85
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hint {
    None,
    Weak,
    Strong,
}

fn strongest_hint(element: &Element) -> Hint {
    let class = element.attr("class").unwrap_or("");
    if class.len() > 2000 {
        return Hint::None;
    }
    let by_class = class.split_whitespace().map(|name| hint_of(&words_of(name))).max();
    by_class.unwrap_or(Hint::None).max(hint_by_id(element, class))
}

fn hint_of(words: &[String]) -> Hint {
    if words.first().is_some_and(|first| NEGATIONS.contains(&first.as_str())) && words.len() > 1 {
        return Hint::None;
    }
    let is_in = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let has_phrase = (2..=3)
        .any(|len| words.windows(len).any(|window| PHRASES.contains(&window.join(" ").as_str())));
    if is_in(STRONG) || has_phrase {
        Hint::Strong
    } else if is_in(WEAK) {
        Hint::Weak
    } else {
        Hint::None
    }
}

/// The id of a section is made from its heading, which may well be "Navigation"; so ids count only
/// as a whole and on elements that are no sections.
fn hint_by_id(element: &Element, class: &str) -> Hint {
    let Some(id) = element.id() else {
        return Hint::None;
    };
    if element.name() == "section" || class.contains("sect") {
        return Hint::None;
    }
    let words = words_of(id);
    let whole = words.join(" ");
    if STRONG.contains(&whole.as_str()) || PHRASES.contains(&whole.as_str()) {
        Hint::Strong
    } else if WEAK.contains(&whole.as_str()) {
        Hint::Weak
    } else {
        Hint::None
    }
}

/// `main` or `[role=main]` with the most prose, or the one article that holds most of it.
fn content_root<'p>(whole: NodeRef<'p, Node>, survey: &Survey) -> NodeRef<'p, Node> {
    let is_main =
        |element: &Element| element.name() == "main" || element.attr("role") == Some("main");
    let main = most_prose(whole, survey, is_main);
    let within = main.unwrap_or(whole);
    let around = main.map_or_else(|| body_measure(whole, survey), |m| survey.measure(m.id()));
    let article = most_prose(within, survey, |element| element.name() == "article");
    article
        .filter(|found| survey.measure(found.id()).prose() * 10 >= around.prose() * 6)
        .unwrap_or(within)
}

fn most_prose<'p>(
    within: NodeRef<'p, Node>,
    survey: &Survey,
    is_wanted: impl Fn(&Element) -> bool,
) -> Option<NodeRef<'p, Node>> {
    within
        .descendants()
        .filter(|node| node.value().as_element().is_some_and(&is_wanted))
        .filter(|node| survey.measure(node.id()).chars > 0)
        .max_by_key(|node| survey.measure(node.id()).prose())
}

fn body_measure(whole: NodeRef<'_, Node>, survey: &Survey) -> Measure {
    whole
        .children()
        .filter(|child| child.value().is_element())
        .map(|child| survey.measure(child.id()))
        .max_by_key(|measure| measure.chars)
        .unwrap_or_default()
}

fn is_linky(measure: &Measure) -> bool {
    measure.links >= 2 && measure.link_density() >= 40
}

/// Elements whose absence would change the outline.
fn is_essential(element: &Element) -> bool {
    is_content_root(element)
        || matches!(element.name(), "html" | "body" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

fn is_phrase_element(name: &str) -> bool {
    matches!(name, "a" | "span" | "code" | "em" | "strong" | "b" | "i" | "small" | "label")
}

/// Inside running text and code only marks that are plainly not content are dropped.
fn drops_phrase(element: &Element) -> bool {
    element.classes().any(|class| {
        matches!(
            class,
            "linenos"
                | "lineno"
                | "linenumber"
                | "line-number"
                | "line-numbers"
                | "lnt"
                | "viewcode-link"
                | "viewcode-back"
                | "sr-only"
                | "visually-hidden"
                | "rightside"
                | "skip-link"
                | "skip-to-content"
                | "skip-to-content-link"
                | "md-skip"
                | "src"
                | "edit-this-page"
                | "theme-edit-this-page"
                | "copybtn"
                | "hideme"
        )
    })
}

/// The link beside a heading that points at the heading: `¶`, `#`, `§`, an icon.
fn is_heading_mark(node: NodeRef<'_, Node>, element: &Element) -> bool {
    if !is_link(element) || element.attr("href").is_none_or(|href| !href.contains('#')) {
        return false;
    }
    let named = element.classes().any(|class| {
        matches!(
            class,
            "headerlink"
                | "hash-link"
                | "permalink"
                | "header-anchor"
                | "heading-anchor"
                | "anchorjs-link"
                | "doc-anchor"
                | "direct-link"
                | "anchor-link"
        )
    });
    if !named && node.children().nth(2).is_some() {
        return false;
    }
    let text = text_of(node);
    let is_mark = !text.chars().any(char::is_alphanumeric) && text.chars().count() <= 3;
    let holds_image = node
        .descendants()
        .any(|n| n.value().as_element().is_some_and(|e| matches!(e.name(), "img" | "code")));
    (is_mark && !holds_image) || (named && text.split_whitespace().count() <= 4)
}
