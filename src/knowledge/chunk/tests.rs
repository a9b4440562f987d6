//! Properties that every cut must have, and the sizes and borders of ordinary documents.

use proptest::prelude::*;

use super::{Chunk, ChunkOptions, chunk, word_count};
use crate::knowledge::parse::{Extraction, MediaType, ParseLimits, Section, parse};

fn read(media: MediaType, source: &str) -> Extraction {
    parse(media, source.as_bytes(), &ParseLimits::default()).unwrap()
}

fn markdown(source: &str) -> Vec<Chunk> {
    chunk(&read(MediaType::Markdown, source), &ChunkOptions::default())
}

fn sentences(count: usize) -> String {
    "Seven words make up this plain sentence. ".repeat(count)
}

fn without_spaces(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Offsets, order and cover; the largest size.
fn check(made: &Extraction, options: &ChunkOptions) {
    let chars: Vec<char> = made.text.chars().collect();
    let chunks = chunk(made, options);
    let mut end = 0;
    let mut joined = String::new();
    for (ordinal, chunk) in chunks.iter().enumerate() {
        assert_eq!(chunk.ordinal as usize, ordinal);
        assert!(chunk.start >= end && chunk.end > chunk.start);
        end = chunk.end;
        let cut: String = chars[chunk.start..chunk.end].iter().collect();
        assert_eq!(cut, chunk.text);
        assert!(!chunk.text.trim().is_empty() && chunk.text == chunk.text.trim_end());
        let most = options.max_words.max(options.target_words).max(options.tiny_words + 40);
        let words = word_count(&chunk.text);
        assert!(words <= most, "{words} words in {:?}", chunk.text);
        joined.push_str(&chunk.text);
    }
    assert_eq!(without_spaces(&joined), without_spaces(&made.text));
}

#[test]
fn a_short_document_is_one_chunk() {
    let chunks = markdown("# Title\n\nShort.\n\n## Part\n\nAlso short.");
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].text, "Title\n\nShort.\n\nPart\n\nAlso short.");
    assert_eq!(chunks[0].heading_path, ["Title"]);
    assert_eq!(chunks[0].anchor.as_deref(), Some("title"));
}

#[test]
fn a_passage_over_several_pages_tells_where_each_begins() {
    let mut read = read(MediaType::PlainText, "One.\n\nTwo.\n\nFour.");
    read.sections = [1, 2, 4].map(|page| Section { page: Some(page), ..Section::default() }).into();
    for (section, block) in read.blocks.iter_mut().enumerate() {
        block.section = section;
    }
    let chunks = chunk(&read, &ChunkOptions::default());
    let [passage] = chunks.as_slice() else { panic!("{chunks:?}") };
    assert_eq!((passage.page, passage.page_starts.as_slice()), (Some(1), &[6, 12, 12][..]));
    read.sections.iter_mut().for_each(|section| section.page = None);
    assert_eq!(chunk(&read, &ChunkOptions::default())[0].page_starts, [0; 0]);
}

#[test]
fn chapters_are_not_mixed() {
    let source = format!("# A\n\n{}\n\n## B\n\n{}", sentences(9), sentences(9));
    let chunks = markdown(&source);
    assert_eq!(chunks.len(), 2);
    assert_eq!(chunks[1].heading_path, ["A", "B"]);
    assert_eq!(chunks[1].anchor.as_deref(), Some("b"));
    assert!(chunks[1].text.starts_with("B\n\nSeven"));
}

#[test]
fn a_title_without_text_goes_to_the_chapter_after_it() {
    let source = format!("# Book\n\n## First\n\n{}\n\n## Second\n\n{}", sentences(9), sentences(9));
    let chunks = markdown(&source);
    assert_eq!(chunks.len(), 2);
    assert!(chunks[0].text.starts_with("Book\n\nFirst\n\nSeven"));
    assert_eq!(chunks[0].heading_path, ["Book", "First"]);
    assert_eq!(chunks[0].anchor.as_deref(), Some("first"));
}

#[test]
fn a_tiny_last_chapter_joins_the_one_before() {
    let source = format!("# A\n\n{}\n\n## See also\n\nB.", sentences(9));
    assert_eq!(markdown(&source).len(), 1);
}

#[test]
fn a_long_paragraph_is_cut_between_sentences() {
    let chunks = markdown(&format!("# A\n\n{}", sentences(100)));
    assert!(chunks.len() >= 3);
    for part in &chunks {
        assert!(part.text.ends_with("sentence."), "{:?}", part.text);
        assert!(word_count(&part.text) > 100);
    }
}

#[test]
fn a_heading_is_never_the_end_of_a_chunk() {
    let section = |n: usize| format!("### Step {n}\n\n{}\n\n", sentences(1 + n % 17));
    let source: String = (0..60).map(section).collect();
    for part in markdown(&source) {
        assert!(part.text.ends_with("sentence."), "{:?}", part.text);
    }
}

#[test]
fn code_is_cut_at_blank_lines_before_top_level_lines() {
    let function = |n: usize| {
        let body = "    let value = compute(1, 2, 3) + 4;\n".repeat(6);
        format!("fn f{n}() {{\n{body}\n{body}}}\n\n")
    };
    let source: String = (0..30).map(function).collect();
    let made = read(MediaType::SourceCode, &source);
    let chunks = chunk(&made, &ChunkOptions::default());
    assert!(chunks.len() > 5);
    for part in &chunks {
        assert!(part.text.starts_with("fn f") && part.text.ends_with('}'), "{}", part.text);
    }
}

#[test]
fn table_rows_stay_whole_and_the_header_stays_with_the_first_row() {
    let row = |n: usize| format!("| key{n} | {} |\n", sentences(2).trim());
    let rows: String = (0..60).map(row).collect();
    let source = format!("# T\n\n{}\n\n| Key | Value |\n|---|---|\n{rows}", sentences(25));
    for part in markdown(&source) {
        assert!(!part.text.ends_with("Key | Value"));
        for line in part.text.lines().filter(|line| line.starts_with("key")) {
            assert!(line.ends_with("sentence."), "{line:?}");
        }
    }
}

#[test]
fn joined_emoji_are_not_cut() {
    let family = "👩\u{200d}👩\u{200d}👧";
    let made = read(MediaType::PlainText, &family.repeat(5000));
    let chunks = chunk(&made, &ChunkOptions::default());
    assert!(chunks.len() > 1);
    assert!(chunks.iter().all(|part| part.text.starts_with('👩') && part.text.ends_with('👧')));
}

#[test]
fn an_endless_accent_is_cut_all_the_same() {
    for text in ["\u{301}".repeat(100_000), "👩\u{200d}".repeat(100_000)] {
        check(&read(MediaType::PlainText, &text), &ChunkOptions::default());
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => "[a-z]{1,9}",
        2 => "[a-zA-Z_.]{20,60}",
        1 => "[\u{4e00}-\u{4e40}。]{1,30}",
        1 => Just("e\u{301}👩\u{200d}💻".to_owned()),
        1 => Just("End. Next".to_owned()),
    ];
    let glue = prop_oneof![
        20 => Just(" "), 3 => Just("\n"), 2 => Just("\n\n"), 1 => Just("\n\n## "), 1 => Just("\n# "),
        1 => Just("\n- "), 1 => Just("\n  - "), 1 => Just("\n\n```\n"), 1 => Just("\n| a | b |\n"),
        1 => Just("\n> "), 1 => Just("\n\n    "), 1 => Just(":\n\n"), 1 => Just("<b>"), 1 => Just("</p><h3 id=x>"),
    ];
    proptest::collection::vec((word, glue), 1..400)
        .prop_map(|parts| parts.into_iter().map(|(word, glue)| word + glue).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_visible_character_is_in_one_chunk(
        source in any_text(),
        target in 1usize..120,
        tiny in 0usize..50,
    ) {
        let options = ChunkOptions { target_words: target, max_words: target + target / 2, tiny_words: tiny };
        for media in [MediaType::Markdown, MediaType::Html, MediaType::PlainText, MediaType::SourceCode] {
            if let Ok(made) = parse(media, source.as_bytes(), &ParseLimits::default()) {
                check(&made, &options);
            }
        }
    }

    #[test]
    fn blocks_cover_the_text_in_order(source in any_text()) {
        for media in [MediaType::Markdown, MediaType::Html, MediaType::PlainText] {
            let Ok(made) = parse(media, source.as_bytes(), &ParseLimits::default()) else { continue };
            let chars: Vec<char> = made.text.chars().collect();
            let mut end = 0;
            for block in &made.blocks {
                prop_assert!(block.start >= end && block.end > block.start);
                prop_assert!(chars[end..block.start].iter().all(|c| *c == '\n'));
                prop_assert!(block.section < made.sections.len());
                end = block.end;
            }
            prop_assert_eq!(end, chars.len());
        }
    }
}
