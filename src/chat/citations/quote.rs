//! Finds the words of a passage that a claim rests on.
//!
//! Compared are letters and digits only, in lower case, so that white space, punctuation and Markdown do not matter. A
//! claim that stands in the passage is quoted exactly; else the sentence that shares most of the claim's terms is.

use std::collections::BTreeSet;

use crate::kernel::terms::{self, sentences};

/// Characters before a marker that can be its claim.
const CLAIM_CHARS: usize = 600;
/// Share of a claim's terms that a sentence must hold to count as its source.
const VERIFIED_SHARE: f64 = 0.6;

/// A part of a passage.
#[derive(Debug, PartialEq)]
pub struct Quote {
    /// First character within the passage.
    pub start: usize,
    /// Character after the last one.
    pub end: usize,
    /// The words.
    pub text: String,
    /// Whether the claim was found in it.
    pub verified: bool,
}

/// The claim of a marker at the end of `content`: its last sentence or line, other markers left out.
pub fn claim(content: &str) -> &str {
    let mut tail = content.trim_end();
    // Markers and fences directly before belong to the same claim.
    while let Some(rest) = tail.strip_suffix(']') {
        match rest.rfind('[') {
            Some(open) if rest[open + 1..].bytes().all(|byte| byte.is_ascii_digit()) => {
                tail = rest[..open].trim_end();
            }
            _ => break,
        }
    }
    tail = tail.trim_end_matches('`').trim_end();
    let begin = tail.char_indices().rev().nth(CLAIM_CHARS).map_or(0, |(index, _)| index);
    let window = &tail[begin..];
    sentences::sentences(window).last().map_or(window, |range| &window[range.clone()])
}

/// The part of `passage` that `claim` rests on.
pub fn find(claim: &str, passage: &str) -> Quote {
    // As the filter writes the sign: no letters of the claim.
    let claim = claim.replace("&lt;", "<");
    verbatim(&claim, passage).unwrap_or_else(|| best_sentence(&claim, passage))
}

fn verbatim(claim: &str, passage: &str) -> Option<Quote> {
    let wanted: String = folded(claim).map(|(_, character)| character).collect();
    if wanted.is_empty() {
        return None;
    }
    let positions: Vec<(usize, char)> = folded(passage).collect();
    let haystack: String = positions.iter().map(|(_, character)| *character).collect();
    let at = haystack.find(&wanted)?;
    let first = haystack[..at].chars().count();
    let last = first + wanted.chars().count() - 1;
    let (start, end) = (positions.get(first)?.0, positions.get(last)?.0 + 1);
    Some(quote(passage, start, end, true))
}

fn best_sentence(claim: &str, passage: &str) -> Quote {
    let wanted: BTreeSet<String> = terms::query_terms(claim).into_iter().collect();
    let mut best = (0, 0..passage.len());
    for range in sentences::sentences(passage) {
        let found: BTreeSet<String> =
            terms::query_terms(&passage[range.clone()]).into_iter().collect();
        let shared = wanted.intersection(&found).count();
        if shared > best.0 {
            best = (shared, range);
        }
    }
    let (shared, range) = best;
    let start = passage[..range.start].chars().count();
    let end = start + passage[range].chars().count();
    #[expect(clippy::cast_precision_loss, reason = "a handful of terms")]
    let verified = shared > 0 && shared as f64 >= VERIFIED_SHARE * wanted.len() as f64;
    quote(passage, start, end, verified)
}

/// Letters and digits with their place among the characters.
fn folded(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    text.chars()
        .enumerate()
        .filter(|(_, character)| character.is_alphanumeric())
        .map(|(place, character)| (place, character.to_lowercase().next().unwrap_or(character)))
}

/// Closing punctuation belongs to the quote.
fn quote(passage: &str, start: usize, end: usize, verified: bool) -> Quote {
    let after = passage.chars().skip(end);
    let end = end
        + after
            .take_while(|character| matches!(character, '.' | '!' | '?' | ')' | '"' | '`'))
            .count();
    let text: String = passage.chars().skip(start).take(end - start).collect();
    Quote { start, end, text, verified }
}
