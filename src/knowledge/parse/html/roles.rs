//! What an element does to the text: begins a block, a list, a table; or nothing.
//!
//! Pure look-ups; the walker asks at the start and at the end of each element and must get the
//! same answer twice.

use ego_tree::NodeRef;
use scraper::Node;
use scraper::node::Element;

use super::vocabulary::ADMONITIONS;

/// The part an element plays in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Inline,
    LineBreak,
    Block,
    /// A block that is a part of the document; its id is the anchor of the heading inside.
    Section,
    Heading(u8),
    Code,
    List,
    Item,
    DefinitionList,
    Term,
    Definition,
    Quote,
    Table,
    Caption,
    Row,
    Cell,
    Image,
    Superscript,
    Link,
}

/// The role of `element`, which is `node`'s value.
pub(super) fn role_of(node: NodeRef<'_, Node>, element: &Element) -> Role {
    match element.name() {
        "br" => Role::LineBreak,
        "h1" => Role::Heading(1),
        "h2" => Role::Heading(2),
        "h3" => Role::Heading(3),
        "h4" => Role::Heading(4),
        "h5" => Role::Heading(5),
        "h6" => Role::Heading(6),
        "pre" | "listing" | "xmp" => Role::Code,
        "ul" | "ol" | "menu" | "dir" => Role::List,
        "li" => Role::Item,
        "dl" => Role::DefinitionList,
        "dt" => Role::Term,
        "dd" => Role::Definition,
        "blockquote" => Role::Quote,
        "table" => Role::Table,
        "caption" => Role::Caption,
        "tr" => Role::Row,
        "td" | "th" => Role::Cell,
        "img" => Role::Image,
        "sup" => Role::Superscript,
        "a" => Role::Link,
        "section" | "article" => Role::Section,
        "div" if is_doxygen_title(node, element) => Role::Heading(1),
        "div" => Role::Section,
        "html" | "body" | "main" | "header" | "footer" | "nav" | "aside" | "p" | "address"
        | "figure" | "figcaption" | "details" | "summary" | "form" | "fieldset" | "legend"
        | "center" | "hr" | "thead" | "tbody" | "tfoot" | "colgroup" | "hgroup" | "search"
        | "optgroup" | "option" => Role::Block,
        _ => Role::Inline,
    }
}

/// True for a note or a warning, whose heading is no section of the document.
pub(super) fn is_admonition(element: &Element) -> bool {
    matches!(element.name(), "div" | "aside" | "blockquote" | "details" | "p")
        && element.classes().any(|class| ADMONITIONS.contains(&class))
}

/// True for a paragraph that is the title of a table, an example or a note.
pub(super) fn is_caption(element: &Element) -> bool {
    const TITLES: &[&str] = &["title", "caption", "admonition-title", "filename", "rubric"];
    matches!(element.name(), "p" | "div") && element.classes().any(|c| TITLES.contains(&c))
}

/// Doxygen writes the heading of a page as `<div class="headertitle"><div class="title">`.
fn is_doxygen_title(node: NodeRef<'_, Node>, element: &Element) -> bool {
    let around = node.parent().and_then(|parent| parent.value().as_element());
    element.attr("class") == Some("title")
        && around.is_some_and(|parent| parent.classes().any(|class| class == "headertitle"))
}
