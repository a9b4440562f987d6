//! Markdown as documentation repositories hold it.

use crate::knowledge::parse::{BlockKind, Extraction, MediaType, ParseLimits, parse};

fn read(source: &str) -> Extraction {
    parse(MediaType::Markdown, source.as_bytes(), &ParseLimits::default()).unwrap()
}

#[test]
fn the_title_comes_from_front_matter_then_the_main_heading() {
    let made = read("---\ntitle: Real title\nlang: de\n---\n\n# Heading\n\nText");
    assert_eq!(made.title.as_deref(), Some("Real title"));
    assert_eq!(made.language.as_deref(), Some("de"));
    assert_eq!(made.text, "Heading\n\nText");
    assert_eq!(read("## Two\n\n# One\n\nx").title.as_deref(), Some("One"));
    assert_eq!(read("## Two\n\n### Three").title.as_deref(), Some("Two"));
    assert_eq!(read("no heading").title, None);
}

#[test]
fn sections_carry_slugs_and_explicit_ids() {
    let made =
        read("# The `run` command!\n\na\n\n## Usage\n\nb\n\n## Usage\n\nc\n\n## X {#own-id}\n\nd");
    let anchors: Vec<_> = made.sections[1..].iter().filter_map(|s| s.anchor.as_deref()).collect();
    assert_eq!(anchors, ["the-run-command", "usage", "usage-1", "own-id"]);
    assert_eq!(made.sections[2].heading_path, ["The run command!", "Usage"]);
}

#[test]
fn lists_follow_each_other_line_by_line() {
    let made = read("- one\n- two\n  1. deep\n  2. er\n- [x] done\n\nAfter\n\n3. three\n4. four\n");
    let expected = "- one\n- two\n  1. deep\n  2. er\n- [x] done\n\nAfter\n\n3. three\n4. four";
    assert_eq!(made.text, expected);
    assert_eq!(made.blocks[0].kind, BlockKind::ListItem);
}

#[test]
fn an_item_of_several_paragraphs_is_indented() {
    let made = read("1. First\n\n   More on it.\n\n   ```sh\n   run  --it\n   ```\n\n2. Second\n");
    assert_eq!(made.text, "1. First\n\n  More on it.\n\nrun  --it\n\n2. Second");
}

#[test]
fn a_table_cell_with_a_pipe_keeps_its_text() {
    let made = read("| Key | Means |\n|---|---|\n| `a \\| b` | **either** |\n| c |  |\n");
    assert_eq!(made.text, "Key | Means\na | b | either\nc |");
    assert!(made.blocks[0].keep_with_next);
    assert_eq!(made.blocks[1].kind, BlockKind::TableRow);
}

#[test]
fn links_images_and_inline_html_leave_their_text() {
    let made = read(
        "See [the *guide*](x.md), ![a chart](c.png) and <https://a.example> <b>now</b><br>line~~2~~.",
    );
    assert_eq!(made.text, "See the guide, a chart and https://a.example now\nline2.");
}

#[test]
fn code_keeps_its_lines_and_indentation() {
    let made = read("Run:\n\n```py\n\n  def f():\n\n\n      pass\n\n```\n");
    assert_eq!(made.text, "Run:\n\n  def f():\n\n\n      pass");
    assert!(made.blocks[0].keep_with_next);
}

#[test]
fn raw_html_is_read_as_html() {
    let made = read(
        "<h1 align=\"center\">Tool</h1>\n\n<details>\n<summary>More</summary>\n\nHidden *text*.\n\n\
         </details>\n\n<table><tr><th>A</th></tr><tr><td>1</td></tr></table>\n\n<script>x</script>\n\n<!-- c -->\n",
    );
    assert_eq!(made.text, "Tool\n\nMore\n\nHidden text.\n\nA\n1");
    assert_eq!(made.sections[1].anchor.as_deref(), Some("tool"));
}

#[test]
fn quotes_alerts_and_footnotes_are_text() {
    let made = read("> Wise word[^1].\n\n> [!WARNING]\n> Hot.\n\n[^1]: By *someone*.\n");
    assert_eq!(made.text, "Wise word[1].\n\nWarning:\n\nHot.\n\n[1] By someone.");
    assert_eq!(made.blocks[0].kind, BlockKind::Quote);
}

#[test]
fn wrapped_lines_are_joined_with_a_space_but_not_in_chinese() {
    assert_eq!(read("one\ntwo").text, "one two");
    assert_eq!(read("数据\n库").text, "数据库");
}

#[test]
fn mdx_and_admonitions_leave_their_text() {
    let made = read(
        "import Tabs from '@theme/Tabs';\n\n# Page\n\n<Tabs>\n<TabItem value=\"a\">\n\nInside.\n\n</TabItem>\n</Tabs>\n\n:::note\nMind it.\n:::\n",
    );
    assert_eq!(made.text, "Page\n\nInside.\n\nNote\n\nMind it.");
}
