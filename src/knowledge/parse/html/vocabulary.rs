//! Words that documentation sites use around their content.
//!
//! Lists only; `furniture` and `walk` decide what follows from a match.

/// Elements that never hold content to read.
pub(super) const NEVER: &[&str] = &[
    "head",
    "script",
    "style",
    "noscript",
    "template",
    "svg",
    "iframe",
    "object",
    "embed",
    "canvas",
    "video",
    "audio",
    "map",
    "input",
    "select",
    "textarea",
    "button",
    "dialog",
    "datalist",
    "progress",
    "meter",
    "annotation",
    "rp",
    "frameset",
    "noframes",
    "rustdoc-toolbar",
    "rustdoc-topbar",
];

/// Roles of regions around the content.
pub(super) const ROLES: &[&str] = &[
    "navigation",
    "banner",
    "contentinfo",
    "search",
    "complementary",
    "menu",
    "menubar",
    "tablist",
    "dialog",
    "alertdialog",
    "toolbar",
    "button",
    "switch",
];

/// Words in a class, or a whole id, that name a part around the content.
pub(super) const STRONG: &[&str] = &[
    "navheader",
    "navfooter",
    "navbar",
    "topnav",
    "bottomnav",
    "subnav",
    "sidenav",
    "navpath",
    "breadcrumb",
    "breadcrumbs",
    "footer",
    "cookie",
    "cookies",
    "gdpr",
    "skiplink",
    "skipnav",
    "pagination",
    "pager",
    "paginator",
    "prevnext",
    "masthead",
    "sphinxsidebar",
    "sphinxfooter",
    "newsletter",
    "titlearea",
    "tablist",
    "copybtn",
    "copybutton",
    "linenos",
    "lineno",
    "linenumbers",
    "lnum",
    "gutter",
    "viewcode",
    "headerlink",
    "rightside",
    "navrow",
    "hideme",
];

/// Pairs and triples of words with the same meaning, joined by a space.
pub(super) const PHRASES: &[&str] = &[
    "nav header",
    "nav footer",
    "skip to",
    "skip link",
    "skip main",
    "skip nav",
    "edit page",
    "edit this",
    "prev next",
    "table of contents",
    "page nav",
    "page navigation",
    "page footer",
    "page actions",
    "sr only",
    "visually hidden",
    "screen reader",
    "back to top",
    "line numbers",
    "copy button",
    "version switcher",
    "language switcher",
    "theme switcher",
    "search results",
    "last updated",
    "site header",
    "site footer",
    "site nav",
    "announcement bar",
    "cookie banner",
    "cookie consent",
    "on this page",
    "nav path",
    "code gutter",
    "doc footer",
    "github corner",
    "viewcode link",
    "page helpful",
    "page feedback",
    "source link",
    "mobile nav",
];

/// Words that name such a part only when it also reads like one: mostly links, or very short.
pub(super) const WEAK: &[&str] = &[
    "nav",
    "navigation",
    "menu",
    "menubar",
    "sidebar",
    "toc",
    "localtoc",
    "related",
    "search",
    "searchbox",
    "toolbar",
    "share",
    "social",
    "feedback",
    "helpful",
    "switcher",
    "ads",
    "advert",
    "tableofcontents",
    "minitoc",
    "toctree",
];

/// Words before one of the above that say the opposite.
pub(super) const NEGATIONS: &[&str] = &["has", "with", "no", "without", "is", "not"];

/// Classes of notes and warnings; their heading is no section of the document.
pub(super) const ADMONITIONS: &[&str] = &[
    "note",
    "tip",
    "warning",
    "caution",
    "important",
    "admonition",
    "admonitionblock",
    "danger",
    "hint",
    "attention",
    "error",
    "seealso",
    "callout",
    "alert",
    "deprecated",
    "versionadded",
    "versionchanged",
    "starlight-aside",
];

/// Whole blocks that are page controls, in lower case.
const CONTROLS: &[&str] = &[
    "skip to content",
    "skip to main content",
    "skip navigation",
    "edit this page",
    "edit this page on github",
    "edit on github",
    "edit on gitlab",
    "view page source",
    "view source",
    "show source",
    "report a bug",
    "expand description",
    "copy item path",
    "on this page",
    "in this article",
    "in this section",
    "table of contents",
    "previous topic",
    "next topic",
    "this page",
    "was this page helpful?",
    "was this helpful?",
    "back to top",
    "report an issue",
    "suggest edits",
    "copy",
    "copied!",
    "loading...",
    "toggle navigation",
];

/// Whole blocks that are page controls when they are links.
const LINKED_CONTROLS: &[&str] = &[
    "prev",
    "previous",
    "next",
    "up",
    "home",
    "top",
    "contents",
    "index",
    "source",
    "[source]",
    "modules",
    "previous page",
    "next page",
    "prev up next",
    "prev next",
    "submit correction",
    "edit",
    "permalink",
    "github",
    "all classes",
    "frames",
    "no frames",
];

/// True for a block of text that steers the page, whatever stands around it.
pub(super) fn is_control(text: &str, is_all_linked: bool) -> bool {
    if text.len() > 40 {
        return false;
    }
    let plain = text.trim_matches(|c: char| !c.is_alphanumeric() && !"?!.[]".contains(c));
    let plain = plain.to_lowercase();
    CONTROLS.contains(&plain.as_str())
        || (is_all_linked && LINKED_CONTROLS.contains(&plain.as_str()))
}

/// The words that a class name or an id is made of, in lower case: `tableOfContents_x1`, `md-nav`.
pub(super) fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars().take(120) {
        let begins = c.is_uppercase() && was_lower;
        was_lower = c.is_lowercase() || c.is_ascii_digit();
        if begins {
            words.push(String::new());
        }
        if !c.is_alphanumeric() {
            words.push(String::new());
        } else if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_hyphens_and_at_capitals() {
        assert_eq!(words_of("tableOfContents_bqdL"), ["table", "of", "contents", "bqd", "l"]);
        assert_eq!(words_of("md-nav__item"), ["md", "nav", "item"]);
        assert_eq!(words_of("sidebarblock"), ["sidebarblock"]);
    }

    #[test]
    fn a_control_is_the_whole_block() {
        assert!(is_control("« Prev", true));
        assert!(!is_control("Next", false));
        assert!(is_control("Edit this page →", false));
        assert!(!is_control("Next, edit this page", true));
    }
}
