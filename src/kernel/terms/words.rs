//! Finds the words of a text and takes identifiers apart. Called by the analysis of terms alone; it
//! gives byte ranges and changes no character.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// What a word is, which decides the terms it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One word or number without inner structure.
    Plain,
    /// `camelCase`, `snake_case`, `kebab-case`, `dotted.path`, `path::to`.
    Identifier,
    /// `1.2.3`, `v18.6`: the parts are its leading numbers.
    Version,
    /// A run of a script that sets no spaces: the parts are its characters and their pairs.
    Unspaced,
}

/// A word, and for other shapes than [`Shape::Plain`] the ranges of its parts.
#[derive(Debug)]
pub(super) struct Word {
    pub range: Range<usize>,
    pub parts: Vec<Range<usize>>,
    pub shape: Shape,
}

/// The words of the text in reading order.
pub(super) fn split(text: &str) -> Vec<Word> {
    runs(text).into_iter().map(|run| word_of(text, run)).collect()
}

/// Words by the rules of Unicode, joined again where an identifier was cut at `-`, `::` or `.`.
fn runs(text: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut last_unspaced = false;
    for (start, word) in text.unicode_word_indices() {
        let end = start + word.len();
        let unspaced = word.chars().any(is_unspaced);
        let joined = runs.last_mut().filter(|run| {
            let between = &text[run.end..start];
            if last_unspaced || unspaced {
                return last_unspaced && unspaced && between.is_empty();
            }
            matches!(between, "-" | "::" | ".")
        });
        match joined {
            Some(run) => run.end = end,
            None => runs.push(start..end),
        }
        last_unspaced = unspaced;
    }
    runs
}

fn word_of(text: &str, range: Range<usize>) -> Word {
    let word = &text[range.clone()];
    let (shape, parts) = if word.chars().any(is_unspaced) {
        (Shape::Unspaced, characters_and_pairs(word))
    } else if let Some(numbers) = version_numbers(word) {
        (Shape::Version, numbers)
    } else if word.bytes().all(|byte| byte.is_ascii_digit() || byte == b',') {
        (Shape::Plain, Vec::new())
    } else {
        (Shape::Identifier, pieces(word))
    };
    let is_plain = parts.is_empty() || (parts.len() == 1 && shape == Shape::Identifier);
    if is_plain {
        return Word { range, parts: Vec::new(), shape: Shape::Plain };
    }
    let shifted = parts.into_iter().map(|part| part.start + range.start..part.end + range.start);
    Word { parts: shifted.collect(), range, shape }
}

/// For `1.2.3` the ranges of `1` and `1.2`; with a letter in front also that of `1.2.3` itself.
fn version_numbers(word: &str) -> Option<Vec<Range<usize>>> {
    let start = usize::from(word.starts_with(['v', 'V']));
    let number = word.get(start..)?;
    let is_version =
        number.contains('.') && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_version {
        return None;
    }
    let dots = number.match_indices('.').map(|(at, _)| start..start + at);
    let whole = (start > 0).then_some(start..word.len());
    Some(dots.chain(whole).filter(|part| !part.is_empty()).collect())
}

/// Each character and each pair of neighbours: a question may name one character or a whole word.
fn characters_and_pairs(run: &str) -> Vec<Range<usize>> {
    let graphemes: Vec<(usize, &str)> = run.grapheme_indices(true).collect();
    let mut parts = Vec::with_capacity(graphemes.len() * 2);
    for (index, (start, grapheme)) in graphemes.iter().enumerate() {
        parts.push(*start..start + grapheme.len());
        if let Some((next, following)) = graphemes.get(index + 1) {
            parts.push(*start..next + following.len());
        }
    }
    parts
}

/// Cuts at everything that is no letter or digit, between a small and a capital letter and before
/// the last capital of several (`HTTPServer`). Digits stay with their letters (`sha256`): apart,
/// they are numbers that many other names hold too.
fn pieces(word: &str) -> Vec<Range<usize>> {
    let word_end = ending_start(word);
    let characters: Vec<(usize, char)> = word[..word_end].char_indices().collect();
    let mut parts = Vec::new();
    let mut start = None;
    for (index, (at, character)) in characters.iter().copied().enumerate() {
        if !(character.is_alphanumeric() || is_mark(character)) {
            if let Some(from) = start.take() {
                parts.push(from..at);
            }
            continue;
        }
        let Some(from) = start else {
            start = Some(at);
            continue;
        };
        let next = characters.get(index + 1).map(|(_, next)| *next);
        if is_boundary(characters[index - 1].1, character, next) {
            parts.push(from..at);
            start = Some(at);
        }
    }
    if let Some(from) = start {
        parts.push(from..word_end);
    }
    parts
}

/// Where "'s" or another short ending begins; a name with an apostrophe has none.
fn ending_start(word: &str) -> usize {
    let mark = word.char_indices().rev().find(|(_, c)| matches!(c, '\'' | '’'));
    match mark {
        Some((at, mark)) if at > 0 && word.len() - at - mark.len_utf8() <= 2 => at,
        _ => word.len(),
    }
}

fn is_boundary(previous: char, current: char, next: Option<char>) -> bool {
    let camel = previous.is_lowercase() && current.is_uppercase();
    let acronym_end =
        previous.is_uppercase() && current.is_uppercase() && next.is_some_and(char::is_lowercase);
    camel || acronym_end
}

fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

/// Chinese, Japanese, Thai, Lao, Burmese and Khmer: scripts that set no space between words.
fn is_unspaced(character: char) -> bool {
    matches!(character,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(word: &str) -> Vec<&str> {
        let words = split(word);
        assert_eq!(words.len(), 1, "{words:?}");
        words[0].parts.iter().map(|part| &word[part.clone()]).collect()
    }

    #[test]
    fn capitals_digits_and_joints_cut_an_identifier() {
        assert_eq!(parts("parseHTTPRequest2"), ["parse", "HTTP", "Request2"]);
        assert_eq!(parts("a-b_c.d::e"), ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn a_plain_word_has_no_parts() {
        assert!(parts("Words").is_empty());
        assert!(parts("user's").is_empty());
        assert!(parts("2024").is_empty());
    }

    #[test]
    fn a_full_stop_before_a_space_ends_the_word() {
        assert_eq!(split("one. two").len(), 2);
    }
}
