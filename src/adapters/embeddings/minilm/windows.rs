//! Plans the windows in which a long text is embedded.
//!
//! The model reads at most 256 tokens and would ignore the rest. Called by `minilm` with what the
//! tokenizer knows of a text; it sees neither text nor model.

use std::ops::Range;

/// Most tokens of a window, special ones not counted: about 110 English words, the width at which search
/// quality was measured best (the model itself reads at most 254).
pub const WINDOW_TOKENS: usize = 160;
/// Fewest tokens that two neighbours share, so that a sentence at a border is whole in one of them.
pub const OVERLAP_TOKENS: usize = 40;
/// How far back from its ideal place a border may move to fall between words.
const BORDER_SEARCH: usize = 20;

/// How well a text can be cut before a token, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Border {
    /// Inside a word.
    Inside,
    /// Between two words or signs that touch, as around a hyphen or between Chinese characters.
    Touching,
    /// At white space.
    Space,
}

/// The windows of a text, as ranges of its tokens: one entry of `borders` per token.
///
/// Every token is inside a window; neighbours share at least `OVERLAP_TOKENS`. The windows of a text are of
/// about equal length. An empty text has one empty window.
pub fn plan(borders: &[Border]) -> Vec<Range<usize>> {
    let mut windows = Vec::new();
    let mut start = 0;
    loop {
        let left = borders.len() - start;
        if left <= WINDOW_TOKENS {
            windows.push(start..borders.len());
            return windows;
        }
        // Sharing what is left evenly avoids a last window of a few words. With two or more windows to
        // fill each has over 100 tokens, so `start` always moves on.
        let count = (left - OVERLAP_TOKENS).div_ceil(WINDOW_TOKENS - OVERLAP_TOKENS);
        let length = (left + (count - 1) * OVERLAP_TOKENS).div_ceil(count);
        let end = cut(borders, start + length);
        windows.push(start..end);
        start = cut(borders, end - OVERLAP_TOKENS);
    }
}

/// The best place to cut at or shortly before token `ideal`; the latest of equals.
fn cut(borders: &[Border], ideal: usize) -> usize {
    let mut best = ideal;
    for place in (ideal - BORDER_SEARCH..ideal).rev() {
        if borders[place] > borders[best] {
            best = place;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Borders of words of the given numbers of tokens, with white space between them.
    fn words(lengths: &[usize]) -> Vec<Border> {
        let mut borders = Vec::new();
        for length in lengths {
            borders.push(Border::Space);
            borders.extend(vec![Border::Inside; length - 1]);
        }
        borders
    }

    fn check(borders: &[Border]) -> Vec<Range<usize>> {
        let windows = plan(borders);
        assert_eq!(windows[0].start, 0);
        assert_eq!(windows[windows.len() - 1].end, borders.len());
        for window in &windows {
            assert!(window.len() <= WINDOW_TOKENS, "{window:?}");
        }
        for pair in windows.windows(2) {
            assert!(pair[0].start < pair[1].start);
            assert!(pair[0].end - pair[1].start >= OVERLAP_TOKENS, "{pair:?}");
        }
        windows
    }

    #[test]
    fn every_length_is_covered_with_overlap_and_without_a_tiny_last_window() {
        for length in 0..2_000 {
            for word in [1, 2, 7, 13, 100] {
                let mut lengths = vec![word; length / word];
                if length % word > 0 {
                    lengths.push(length % word);
                }
                let windows = check(&words(&lengths));
                let shortest = windows.iter().map(Range::len).min().unwrap_or(0);
                assert!(shortest >= length.min(80), "{length}: {windows:?}");
            }
        }
    }

    #[test]
    fn each_word_is_whole_in_some_window_and_borders_fall_between_words() {
        let lengths: Vec<usize> = (0..500).map(|index| 1 + index * 7 % 11).collect();
        let borders = words(&lengths);
        let windows = check(&borders);
        let mut start = 0;
        for length in lengths {
            let word = start..start + length;
            let whole = |w: &Range<usize>| w.start <= word.start && word.end <= w.end;
            assert!(windows.iter().any(whole), "{word:?}");
            start = word.end;
        }
        for window in &windows[1..] {
            assert_eq!(borders[window.start], Border::Space);
        }
    }

    #[test]
    fn text_without_white_space_is_cut_between_its_signs() {
        let mut borders = vec![Border::Inside; 400];
        for place in (0..400).step_by(9) {
            borders[place] = Border::Touching;
        }
        for window in &check(&borders)[1..] {
            assert_eq!(borders[window.start], Border::Touching);
        }
    }

    #[test]
    fn one_endless_word_is_cut_rather_than_lost() {
        assert!(check(&[Border::Inside; 1_000]).len() > 6);
    }

    #[test]
    fn an_empty_text_has_one_empty_window() {
        assert_eq!(plan(&[]), vec![Range { start: 0, end: 0 }]);
    }
}
