//! Inputs made to hurt: very deep, very long, very many. Each must end soon, with text or an error.

use std::time::{Duration, Instant};

use super::{Extraction, MediaType, ParseError, ParseLimits, parse};
use crate::knowledge::chunk::{ChunkOptions, chunk};

const MB: usize = 1 << 20;

/// Parses and chunks, and checks that both were done soon.
fn survive(media: MediaType, source: &str) -> Result<Extraction, ParseError> {
    let begun = Instant::now();
    let made = parse(media, source.as_bytes(), &ParseLimits::default());
    if let Ok(made) = &made {
        let chunks = chunk(made, &ChunkOptions::default());
        assert!(!chunks.is_empty());
    }
    // Without optimisation and beside other work; what takes quadratic time takes hours here.
    assert!(begun.elapsed() < Duration::from_secs(60), "took {:?}", begun.elapsed());
    made
}

fn code_of(media: MediaType, source: &str) -> &'static str {
    survive(media, source).map_or_else(|error| error.code(), |_| "read")
}

#[test]
fn nothing_and_white_space_are_empty() {
    for media in [MediaType::Html, MediaType::Markdown, MediaType::PlainText] {
        assert_eq!(parse(media, b"", &ParseLimits::default()), Err(ParseError::Empty));
        assert_eq!(code_of(media, " \n\t \r\n"), "empty");
    }
    assert_eq!(code_of(MediaType::Markdown, "---\ntitle: x\n---\n"), "no_text");
    assert_eq!(code_of(MediaType::Html, "<div></div>"), "no_text");
}

#[test]
fn a_line_of_nine_megabytes_is_read() {
    let line = "lorem ipsum dolor. ".repeat(9 * MB / 19);
    for media in [MediaType::Html, MediaType::Markdown, MediaType::PlainText, MediaType::SourceCode]
    {
        assert_eq!(code_of(media, &line), "read", "{media:?}");
    }
}

#[test]
fn a_word_of_two_megabytes_is_cut_into_chunks() {
    let made = survive(MediaType::PlainText, &"x".repeat(2 * MB)).unwrap();
    let chunks = chunk(&made, &ChunkOptions::default());
    assert!(chunks.len() > 500 && chunks.iter().all(|c| c.text.len() <= 12 * 280));
    assert_eq!(code_of(MediaType::PlainText, &"数".repeat(MB)), "read");
}

#[test]
fn text_above_the_limit_is_refused() {
    let line = "lorem ipsum dolor. ".repeat(11 * MB / 19);
    assert_eq!(code_of(MediaType::PlainText, &line), "text_too_long");
}

#[test]
fn a_hundred_thousand_open_elements_are_refused() {
    for tag in ["<div>", "<b>", "<a href=x><i>", "<ul><li>", "<blockquote>", "<table><td>", "<svg>"]
    {
        let code = code_of(MediaType::Html, &tag.repeat(100_000));
        assert_eq!(code, "nested_too_deep", "{tag}");
    }
    let closed = format!("{}x{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
    assert_eq!(code_of(MediaType::Html, &closed), "nested_too_deep");
}

#[test]
fn a_hundred_thousand_elements_side_by_side_are_read() {
    for tag in ["<p>a", "<li>a", "<tr><td>a", "<h2>a</h2>b", "a<br>", "</div>a", "<dt>a<dd>b"] {
        let code = code_of(MediaType::Html, &tag.repeat(100_000));
        assert!(["read", "too_complex"].contains(&code), "{tag}: {code}");
    }
    assert_eq!(code_of(MediaType::Html, &"<table>".repeat(100_000)), "no_text");
}

#[test]
fn formatting_reopened_in_every_paragraph_is_refused() {
    let bold: String = (0..400).map(|n| format!("<b id=b{n}>")).collect();
    let page = format!("<p>{bold}{}", "<p>x".repeat(200_000));
    assert_eq!(code_of(MediaType::Html, &page), "too_complex");
}

#[test]
fn open_comments_scripts_and_tags_end() {
    for start in
        ["<!--", "<script>", "<style>", "<title>", "<p title=\"", "<![CDATA[", "<textarea>"]
    {
        let page = format!("<p>a</p>{}", start.repeat(100_000));
        let code = code_of(MediaType::Html, &page);
        assert!(["read", "too_complex"].contains(&code), "{start}: {code}");
    }
}

#[test]
fn deep_markdown_containers_are_refused() {
    for mark in [">", "> ", "- ", "1. ", "* "] {
        let code = code_of(MediaType::Markdown, &mark.repeat(100_000));
        assert_eq!(code, "nested_too_deep", "{mark}");
    }
    let lists = format!("{}\n{}a", "- ".repeat(300), "\n".repeat(100_000));
    assert_eq!(code_of(MediaType::Markdown, &lists), "read");
}

#[test]
fn floods_of_markdown_marks_are_read() {
    for mark in
        ["[", "![", "*a ", "_", "`", "``a`", "<", "&", "[a](", "[a]: b\n", "[^a]: b\n\n", "|"]
    {
        let source = format!("Text.\n\n{}", mark.repeat(100_000));
        assert_eq!(code_of(MediaType::Markdown, &source), "read", "{mark}");
    }
    let wide = format!("|{}\n|{}\n{}", "a|".repeat(5000), "-|".repeat(5000), "|b\n".repeat(5000));
    let code = code_of(MediaType::Markdown, &wide);
    assert!(["read", "too_complex", "text_too_long"].contains(&code), "{code}");
}

#[test]
fn many_raw_html_blocks_are_read() {
    let source = "<div>\na\n</div>\n\n".repeat(20_000);
    assert_eq!(code_of(MediaType::Markdown, &source), "read");
    let headings = "# a\n\n".repeat(150_000);
    assert_eq!(code_of(MediaType::Markdown, &headings), "read");
}

#[test]
fn bidirectional_marks_twins_and_joined_emoji_keep_their_characters() {
    let text = "\u{202e}abc\u{202c} e\u{301} é 👩\u{200d}👩\u{200d}👧 🇩🇪";
    for media in [MediaType::Html, MediaType::Markdown, MediaType::PlainText] {
        assert_eq!(survive(media, text).unwrap().text, text);
    }
}

#[test]
fn control_characters_do_not_come_back_as_entities() {
    for media in [MediaType::Html, MediaType::Markdown] {
        let made = survive(media, "a&#0;b&#1;c&#27;d").unwrap();
        assert!(!made.text.chars().any(char::is_control), "{:?}", made.text);
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let surrogate = b"# a\n\n\xed\xa0\x80";
    let error = parse(MediaType::Markdown, surrogate, &ParseLimits::default()).unwrap_err();
    assert_eq!(error.code(), "not_utf8");
    let error = parse(MediaType::PlainText, b"a\0b", &ParseLimits::default()).unwrap_err();
    assert_eq!(error.code(), "unsupported_type");
}
