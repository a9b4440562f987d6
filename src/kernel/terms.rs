//! One analysis of text into search terms. Indexing, searching and the extractive answerer all call
//! it, so that a word of a question and the same word of a passage always meet as the same term.
//!
//! It is total (any text, also broken mark-up or no text at all, gives an answer) and depends on
//! nothing but its argument: no locale, no clock, no setting. A change of its results needs the
//! lexical index to be built again; [`ANALYSIS_VERSION`] is there to notice that.
//!
//! It must not rank and must not read or keep anything.

use std::collections::{BTreeMap, HashSet};

use rust_stemmers::{Algorithm, Stemmer};

mod fold;
pub mod sentences;
mod stop;
mod words;

use words::{Shape, Word};

/// Raised whenever [`analyze`] may give other terms for the same text: what was indexed under
/// another version has to be indexed again.
pub const ANALYSIS_VERSION: u32 = 1;

/// Longer terms are left out: they are keys, hashes and encoded bytes that nobody types. A hash of
/// 64 hexadecimal digits is still kept.
pub const MAX_TERM_CHARS: usize = 64;

/// One search term and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Folded (lower case, no diacritics) and, for plain English words, stemmed.
    pub text: String,
    /// First byte of the term in the text that was analysed.
    pub start: usize,
    /// Byte after the last one of the term.
    pub end: usize,
}

/// The terms of a text in reading order. An identifier gives itself as a whole and then its parts,
/// so the ranges of neighbours may overlap.
pub fn analyze(text: &str) -> Vec<Term> {
    let stemmer = Stemmer::create(Algorithm::English);
    let mut terms = Vec::new();
    for word in words::split(text) {
        push_word(text, &word, &stemmer, &mut terms);
    }
    terms
}

/// How often each term stands in the text; the sum of the counts is the length that BM25 needs.
pub fn frequencies(text: &str) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for term in analyze(text) {
        let count: &mut u32 = counts.entry(term.text).or_default();
        *count = count.saturating_add(1);
    }
    counts
}

/// The distinct terms of a question in the order in which they first stand there. Empty when the
/// question holds stop words only.
pub fn query_terms(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut distinct = Vec::new();
    for term in analyze(text) {
        if seen.insert(term.text.clone()) {
            distinct.push(term.text);
        }
    }
    distinct
}

fn push_word(text: &str, word: &Word, stemmer: &Stemmer, terms: &mut Vec<Term>) {
    if word.shape == Shape::Plain {
        let folded = fold::fold(&text[word.range.clone()]);
        if !stop::is_stop_word(&folded) {
            push_term(stem(folded, stemmer), word.range.start, word.range.end, terms);
        }
        return;
    }
    // A run without spaces is a clause, which nobody repeats as a whole.
    if word.shape != Shape::Unspaced {
        // A whole of letters only, such as `GitHub`, is also written as one plain word: it is
        // stemmed like one, so that both spellings meet.
        let whole = stem(fold::fold(&text[word.range.clone()]), stemmer);
        push_term(whole, word.range.start, word.range.end, terms);
    }
    for part in &word.parts {
        let folded = fold::fold(&text[part.clone()]);
        let is_single_letter = word.shape == Shape::Identifier
            && folded.len() == 1
            && folded.bytes().all(|byte| byte.is_ascii_alphabetic());
        if is_single_letter || stop::is_stop_word(&folded) {
            continue;
        }
        push_term(stem(folded, stemmer), part.start, part.end, terms);
    }
}

fn push_term(text: String, start: usize, end: usize, terms: &mut Vec<Term>) {
    if text.is_empty() || text.chars().count() > MAX_TERM_CHARS {
        return;
    }
    terms.push(Term { text, start, end });
}

fn stem(folded: String, stemmer: &Stemmer) -> String {
    // The rules are those of English; digits and other scripts would only be damaged by them.
    if !folded.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return folded;
    }
    stemmer.stem(&folded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        analyze(text).into_iter().map(|term| term.text).collect()
    }

    #[test]
    fn inflected_words_of_question_and_passage_meet() {
        assert_eq!(texts("Configuring the servers"), texts("configured server"));
    }

    #[test]
    fn an_identifier_is_found_whole_and_by_its_parts() {
        assert_eq!(texts("getUserName"), ["getusernam", "get", "user", "name"]);
        assert_eq!(texts("max_retry_count"), ["max_retry_count", "max", "retri", "count"]);
        assert_eq!(texts("rate-limits"), ["rate-limits", "rate", "limit"]);
        assert_eq!(texts("std::fs::File"), ["std::fs::file", "std", "fs", "file"]);
        assert_eq!(texts("server.tls.cert"), ["server.tls.cert", "server", "tls", "cert"]);
        assert_eq!(texts("HTTPServer"), ["httpserver", "http", "server"]);
    }

    #[test]
    fn a_name_in_camel_case_meets_its_lower_case_spelling() {
        assert!(texts("GitHub").contains(&texts("github")[0]));
        assert!(texts("WebHooks").contains(&texts("webhooks")[0]));
    }

    #[test]
    fn a_version_is_found_by_its_leading_numbers() {
        assert_eq!(texts("v1.2.3"), ["v1.2.3", "1", "1.2", "1.2.3"]);
        assert_eq!(texts("PostgreSQL 18.6")[3..], ["18.6", "18"]);
    }

    #[test]
    fn numbers_are_kept_without_their_thousands_separators() {
        assert_eq!(texts("1,000 requests"), ["1000", "request"]);
    }

    #[test]
    fn stop_words_and_possessives_leave_no_term() {
        assert_eq!(texts("What is the user's role? It doesn't say."), ["user", "role", "say"]);
        assert_eq!(texts("the user’s role"), ["user", "role"]);
        assert!(query_terms("how do I do that?").is_empty());
    }

    #[test]
    fn accents_do_not_separate_two_spellings() {
        assert_eq!(texts("Café"), texts("cafe"));
        assert_eq!(texts("cafe\u{301}"), texts("cafe"));
    }

    #[test]
    fn chinese_text_is_found_by_characters_and_pairs() {
        let terms = texts("检索系统");
        assert!(terms.contains(&"检".to_owned()));
        assert!(terms.contains(&"检索".to_owned()));
        assert!(terms.contains(&"索系".to_owned()));
        let katakana = texts("データベース");
        assert!(texts("データ").iter().all(|term| katakana.contains(term)));
    }

    #[test]
    fn an_endless_token_is_left_out_and_a_hash_is_kept() {
        assert!(texts(&"a1".repeat(33)).iter().all(|term| term.len() <= MAX_TERM_CHARS));
        let hash = "0123456789abcdef".repeat(4);
        assert!(texts(&hash).contains(&hash));
    }

    #[test]
    fn every_term_names_a_range_of_the_text() {
        let text = "Übergröße: see foo_bar.Baz-9 — «x²» 検索 👍🏽 naïve’s";
        for term in analyze(text) {
            assert!(text.get(term.start..term.end).is_some_and(|slice| !slice.is_empty()));
        }
    }

    #[test]
    fn frequencies_count_each_term_and_questions_name_it_once() {
        let counts = frequencies("limit, limits and LIMIT");
        assert_eq!(counts.get("limit"), Some(&3));
        assert_eq!(query_terms("limit limits key"), ["limit", "key"]);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_analysed_the_same_way_twice_within_its_bounds(text in "\\PC{0,200}") {
            let terms = analyze(&text);
            for term in &terms {
                prop_assert!(text.get(term.start..term.end).is_some());
                prop_assert!(!term.text.is_empty());
            }
            prop_assert_eq!(terms, analyze(&text));
        }
    }
}
