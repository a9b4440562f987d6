//! Title and language of a page.

use scraper::Html;

use super::dom::text_of;
use super::is_language_tag;

const SEPARATORS: &[&str] = &[" — ", " – ", " | ", " · ", " :: ", " » ", " - "];

/// Content of `<title>`, with white space collapsed.
pub(super) fn element(page: &Html) -> Option<String> {
    let mut nodes = page.tree.root().descendants();
    let node = nodes.find(|n| n.value().as_element().is_some_and(|e| e.name() == "title"))?;
    Some(text_of(node)).filter(|title| !title.is_empty())
}

/// The first `h1` of the content; else the first heading that the page's title begins with; else
/// the page's title without the name of the site; else the first heading.
pub(super) fn choose(page_title: Option<&str>, headings: &[(u8, String)]) -> Option<String> {
    if let Some((_, heading)) = headings.iter().find(|(level, _)| *level == 1) {
        return Some(heading.clone());
    }
    let first = headings.first().map(|(_, heading)| heading);
    let Some(page_title) = page_title else {
        return first.cloned();
    };
    if let Some(heading) = first.filter(|heading| begins_with(page_title, heading)) {
        return Some(heading.clone());
    }
    let cut = SEPARATORS.iter().filter_map(|s| page_title.rfind(s)).max();
    let title = cut.and_then(|at| page_title.get(..at)).unwrap_or(page_title).trim();
    Some(if title.is_empty() { page_title.to_owned() } else { title.to_owned() })
}

/// True when `page_title` is `heading`, or `heading` and the name of the site.
pub(super) fn begins_with(page_title: &str, heading: &str) -> bool {
    let Some(rest) = page_title.strip_prefix(heading) else {
        return false;
    };
    rest.trim().is_empty() || SEPARATORS.iter().any(|separator| rest.starts_with(separator))
}

/// The `lang` of the root element.
pub(super) fn language(page: &Html) -> Option<String> {
    let mut children = page.tree.root().children();
    let html = children.find_map(|node| node.value().as_element())?;
    let tag = html.attr("lang").or_else(|| html.attr("xml:lang"))?.trim();
    is_language_tag(tag).then(|| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_main_heading_comes_before_the_title_element() {
        let headings = [(2, "Menu".to_owned()), (1, "Vectors".to_owned())];
        assert_eq!(choose(Some("std::vec - Rust"), &headings).as_deref(), Some("Vectors"));
    }

    #[test]
    fn without_a_main_heading_the_name_of_the_site_is_cut_off() {
        let none: [(u8, String); 0] = [];
        let cut = |title| choose(Some(title), &none);
        assert_eq!(cut("Install — Tool 1.2 documentation").as_deref(), Some("Install"));
        assert_eq!(cut("CREATE VIEW").as_deref(), Some("CREATE VIEW"));
        let headings = [(2, "a - b".to_owned())];
        assert_eq!(choose(Some("a - b | Site"), &headings).as_deref(), Some("a - b"));
    }
}
