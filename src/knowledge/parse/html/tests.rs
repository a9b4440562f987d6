//! Pages in the shapes that documentation generators give them (fixtures in `tests/data/parse`).

use crate::knowledge::parse::{
    Block, BlockKind, Extraction, MediaType, ParseError, ParseLimits, parse,
};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/data/parse/", $name))
    };
}

fn read(page: &str) -> Extraction {
    parse(MediaType::Html, page.as_bytes(), &ParseLimits::default()).unwrap()
}

fn text_of(made: &Extraction, block: &Block) -> String {
    made.text.chars().skip(block.start).take(block.end - block.start).collect()
}

/// Heading path and anchor of the block that contains `needle`.
fn place(made: &Extraction, needle: &str) -> (Vec<String>, Option<String>) {
    let block = made.blocks.iter().find(|b| text_of(made, b).contains(needle));
    let block = block.unwrap_or_else(|| panic!("{needle:?} is not in {:?}", made.text));
    let section = &made.sections[block.section];
    (section.heading_path.clone(), section.anchor.clone())
}

fn assert_without(made: &Extraction, words: &[&str]) {
    for word in words {
        assert!(!made.text.contains(word), "{word:?} is in {}", made.text);
    }
}

#[test]
fn docbook_keeps_synopsis_terms_and_tables_and_drops_its_navigation() {
    let made = read(fixture!("docbook.html"));
    assert_eq!(made.title.as_deref(), Some("OPEN VALVE"));
    assert_without(&made, &["Prev", "Next", "Home", "Up", "SHUT VALVE", "4.2 Documentation"]);
    let (path, anchor) = place(&made, "created before");
    assert_eq!(path, ["OPEN VALVE", "Parameters"]);
    assert_eq!(anchor.as_deref(), Some("PARAM-NAME"));
    assert_eq!(place(&made, "let water pass").1.as_deref(), Some("CMD-OPENVALVE"));
    assert!(made.text.contains("OPEN VALVE name\n    [ FOR seconds ]"));
    assert!(made.text.contains("name\n  The valve to open. It must have been created before."));
    assert!(made.text.contains("State | Meaning\nopen | Water passes\nstuck | Call a plumber"));
    assert!(made.text.contains("2^12 litres"));
    assert_eq!(place(&made, "Never open two").0, ["OPEN VALVE", "Notes"]);
}

#[test]
fn sphinx_keeps_signatures_with_their_anchors() {
    let made = read(fixture!("sphinx.html"));
    assert_eq!(made.title.as_deref(), Some("kettle — Heat water"));
    assert_eq!(made.language.as_deref(), Some("en"));
    assert_without(
        &made,
        &["¶", "script text", "[source]", "Report a Bug", "Copyright", "Gamma", "index", "next"],
    );
    let (path, anchor) = place(&made, "kettle.boil(litres)");
    assert_eq!(path, ["kettle — Heat water", "Functions"]);
    assert_eq!(anchor.as_deref(), Some("kettle.boil"));
    assert!(made.text.contains("import kettle\nif ready:\n    kettle.boil(2)"));
    assert_eq!(place(&made, "all is calm").1.as_deref(), Some("functions"));
    assert!(made.text.contains("Tap water will do."));
}

#[test]
fn mdbook_keeps_headings_that_are_links_and_drops_the_menu() {
    let made = read(fixture!("mdbook.html"));
    assert_eq!(made.title.as_deref(), Some("Borrowing a bicycle"));
    assert_without(&made, &["The Cycling Book", "Print", "Introduction", "chapter", "ignore"]);
    assert_eq!(place(&made, "One rider.").1.as_deref(), Some("rules"));
    assert!(made.text.contains("- One rider.\n  - No passengers.\n- Lights at night."));
    assert!(made.text.contains("3. Mount.\n4. Push off:\n\nfn ride() {\n    pedal();\n}"));
    let quote = made.blocks.iter().find(|b| b.kind == BlockKind::Quote).unwrap();
    assert_eq!(text_of(&made, quote), "Balance comes with speed.");
}

#[test]
fn docusaurus_keeps_a_section_that_is_called_navigation() {
    let made = read(fixture!("docusaurus.html"));
    assert_eq!(made.title.as_deref(), Some("Deploy a garden"));
    assert_eq!(made.language.as_deref(), Some("en-GB"));
    assert_without(
        &made,
        &["Skip", "compost", "On this page", "Edit", "Last updated", "Soil", "Copy", "Community"],
    );
    let (path, anchor) = place(&made, "keep them free");
    assert_eq!(path, ["Deploy a garden", "Navigation"]);
    assert_eq!(anchor.as_deref(), Some("navigation"));
    assert!(made.text.contains("seedling sow --row 1\n  --depth 2cm"));
    assert!(made.text.contains("tip\n\nUse a string"));
}

#[test]
fn mkdocs_keeps_code_in_line_numbered_tables_and_lists_of_links_in_the_text() {
    let made = read(fixture!("mkdocs.html"));
    assert_eq!(made.title.as_deref(), Some("Quick start"));
    assert_without(
        &made,
        &["Skip", "Other page", "Table of contents", "helpful", "cookies", "Next", "¶", "1\n"],
    );
    assert!(made.text.contains("\n\nlantern light\nlantern hang\n\n"));
    assert!(made.text.contains("Does it need oil?\n\nYes, rapeseed oil."));
    assert!(made.text.contains("- Brass lantern\n- Tin lantern"));
}

#[test]
fn doxygen_javadoc_and_rustdoc_keep_their_members() {
    let doxygen = read(fixture!("doxygen.html"));
    assert_eq!(doxygen.title.as_deref(), Some("kite::Line Class Reference"));
    assert_without(&doxygen, &["Libkite", "List of all members", "Generated by", "◆"]);
    assert!(doxygen.text.contains("void | reel (int metres)"));
    assert_eq!(place(&doxygen, "Takes in").1.as_deref(), Some("a1"));
    let javadoc = read(fixture!("javadoc.html"));
    assert_eq!(javadoc.title.as_deref(), Some("Class Anchor"));
    assert_without(&javadoc, &["Overview", "JavaScript", "Copyright", "Skip"]);
    let (path, anchor) = place(&javadoc, "Lets the anchor fall");
    assert_eq!(path, ["Class Anchor", "Method Details", "drop"]);
    assert_eq!(anchor.as_deref(), Some("drop(int)"));
    assert!(javadoc.text.contains("Parameters:\n  metres - length of chain"));
    let rustdoc = read(fixture!("rustdoc.html"));
    assert_eq!(rustdoc.title.as_deref(), Some("Struct Nest"));
    assert_without(&rustdoc, &["Source", "Copy item path", "Expand", "§", "Methods", "1.62.0"]);
    assert_eq!(place(&rustdoc, "one a day").1.as_deref(), Some("method.lay"));
}

#[test]
fn a_page_that_is_only_a_table_of_contents_keeps_its_entries() {
    let made = read(fixture!("contents_only.html"));
    assert_eq!(made.title.as_deref(), Some("Manual"));
    assert_eq!(made.text, "Manual\n\n- Arriving\n- Mooring\n- Leaving\n- Fees");
}

#[test]
fn a_page_whose_content_looks_like_a_footer_is_not_emptied() {
    let prose = "All of the words of this page stand in an element with a misleading name. ";
    let page = format!("<body><div class='footer'><p>{}</p></div></body>", prose.repeat(9));
    assert_eq!(read(&page).text.matches("misleading").count(), 9);
    assert_eq!(read("<nav><a href=x>Only navigation</a></nav>").text, "Only navigation");
}

#[test]
fn hidden_parts_are_left_out() {
    let made = read(
        "<p>Shown.</p><p hidden>a1</p><div aria-hidden='true'>a2</div>\
         <div style='color:red; display: none'>a3</div><template><p>a4</p></template>\
         <select><option>a5</select><!-- a6 --><noscript>a7</noscript>",
    );
    assert_eq!(made.text, "Shown.");
}

#[test]
fn an_anchor_before_or_in_the_heading_is_its_link_target() {
    let made = read(
        "<a name='early'></a><h2>One</h2><p>1</p><h2><a id='inner'></a>Two</h2><p>2</p>\
         <div id='around'><div><h3>Three</h3><p>3</p></div></div><p>x <a id='stray'></a></p>\
         <h2>Four<a href='#mark'>#</a></h2><p>4</p>",
    );
    let anchors: Vec<_> = made.sections.iter().skip(1).map(|s| s.anchor.as_deref()).collect();
    assert_eq!(anchors, [Some("early"), Some("inner"), Some("around"), Some("mark")]);
    assert_without(&made, &["#"]);
}

#[test]
fn a_script_with_end_tags_and_an_open_comment_leave_no_trace() {
    let made = read("<p>Before</p><script>'</div><p>no</p>'</script><p>After</p><!-- open <p>no");
    assert_eq!(made.text, "Before\n\nAfter");
}

#[test]
fn a_layout_table_is_read_as_blocks() {
    let made = read("<table><tr><td><h1>Title</h1><p>One.</p><p>Two.</p></td></tr></table>");
    assert_eq!(made.text, "Title\n\nOne.\n\nTwo.");
}

#[test]
fn a_page_without_text_says_so() {
    let page = b"<html><head><title>App</title></head><body><div id=app></div><script>x</script>";
    let error = parse(MediaType::Html, page, &ParseLimits::default());
    assert_eq!(error, Err(ParseError::NoText));
}
