//! A corpus of files made to hurt, each read by the real process: text or a refusal with a name, and nothing else falls over.

mod archives;
mod pdfs;
mod texts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pidima::knowledge::parse::{Extraction, MediaType};
use pidima::knowledge::parser::{Parser, ParserError};

use super::corpus::{Case, changed, cut, good};
use super::parser;

/// Codes that a hostile file may end in. A crash is bounded, and named, but only what a library makes of a binary format may
/// end in one.
const REFUSALS: [&str; 15] = [
    "empty",
    "not_utf8",
    "unsupported_type",
    "nested_too_deep",
    "text_too_long",
    "too_complex",
    "unpacked_too_large",
    "unpacks_too_densely",
    "damaged",
    "encrypted",
    "document_type_declaration",
    "no_text",
    "parser_timed_out",
    "parser_out_of_memory",
    "parser_output_too_long",
];

fn code(read: &Result<Extraction, ParserError>) -> &'static str {
    read.as_ref().map_or_else(ParserError::code, |_| "read")
}

/// Every file of the corpus.
pub fn all() -> Vec<Case> {
    let mut cases = archives::all();
    cases.extend(pdfs::all());
    cases.extend(texts::all());
    cases.extend(cut());
    cases.extend(changed());
    cases
}

/// Reads all, two at once; what became of each.
async fn read_all(parser: &Parser, cases: Vec<Case>) -> Vec<(String, MediaType, &'static str)> {
    let mut ends = Vec::new();
    for case in cases {
        let read = parser.parse(case.media, &case.bytes).await;
        assert!(read.is_ok() || read.as_ref().unwrap_err().is_final(), "{}", case.name);
        ends.push((case.name, case.media, code(&read)));
    }
    ends
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_file_ends_in_text_or_in_a_refusal() {
    let parser = parser(|it| it.wall = Duration::from_secs(20));
    let cases = all();
    let count = cases.len();
    assert!(count >= 120, "{count} files");
    let began = Instant::now();
    let ends = read_all(&parser, cases).await;
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, media, code) in &ends {
        *codes.entry(code).or_default() += 1;
        let is_named = *code == "read" || REFUSALS.contains(code);
        let may_crash = *media == MediaType::Pdf && *code == "parser_crashed";
        assert!(is_named || may_crash, "{name}: {code}");
    }
    println!("{count} files in {:?}: {codes:?}", began.elapsed());
    // The same parser goes on as if nothing had been.
    for case in good() {
        let made = parser.parse(case.media, &case.bytes).await;
        let made = made.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert!(made.text.contains("3 bar"), "{}: {}", case.name, made.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_gives_the_same_text_and_its_blocks_lie_within() {
    let parser = Arc::new(parser(|_| {}));
    let mut cases = good();
    cases.extend(changed());
    for case in cases {
        let first = parser.parse(case.media, &case.bytes).await;
        let second = parser.parse(case.media, &case.bytes).await;
        assert_eq!(code(&first), code(&second), "{}", case.name);
        let (Ok(first), Ok(second)) = (first, second) else { continue };
        assert_eq!(first, second, "{}", case.name);
        let chars: Vec<char> = first.text.chars().collect();
        let mut end = 0;
        for block in &first.blocks {
            assert!(block.start >= end && block.end > block.start, "{}", case.name);
            assert!(block.end <= chars.len() && block.section < first.sections.len());
            assert!(chars[end..block.start].iter().all(|c| *c == '\n'), "{}", case.name);
            end = block.end;
        }
        assert_eq!(end, chars.len(), "{}", case.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn known_tricks_end_as_they_should() {
    let parser = parser(|it| it.wall = Duration::from_secs(20));
    let mut cases = archives::all();
    cases.extend(pdfs::all());
    let expected: BTreeMap<&str, &[&str]> =
        archives::EXPECTED.iter().chain(pdfs::EXPECTED).copied().collect();
    let known =
        cases.into_iter().filter(|case| expected.contains_key(case.name.as_str())).collect();
    let ends = read_all(&parser, known).await;
    assert_eq!(ends.len(), expected.len());
    for (name, _, code) in ends {
        assert!(expected[name.as_str()].contains(&code), "{name}: {code}");
    }
}
