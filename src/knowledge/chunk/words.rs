//! Counts words in a way that also bounds text without spaces.
//!
//! Used to size chunks. It is not the search's notion of a word.

/// Longer runs are long identifiers, addresses or another script.
const CHARS_PER_WORD: usize = 12;

/// Words in `text`.
pub(super) fn count(text: &str) -> usize {
    text.split_whitespace().map(count_token).sum()
}

/// Words in a run without white space. Never more than the sum of the counts of its parts, so that
/// the sizes of parts bound the size of the whole.
pub(super) fn count_token(token: &str) -> usize {
    let (mut ideographs, mut others) = (0, 0);
    for c in token.chars() {
        if is_ideograph(c) {
            ideographs += 1;
        } else {
            others += 1;
        }
    }
    ideographs + usize::div_ceil(others, CHARS_PER_WORD)
}

/// Han, Hiragana, Katakana: scripts in which a character carries about as much as half a word.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_with_and_without_spaces() {
        assert_eq!(count("one  two\nthree"), 3);
        assert_eq!(count("数据库。"), 4);
        assert_eq!(count(&"x".repeat(120)), 10);
        assert_eq!(count("identifier_1"), 1);
        assert_eq!(count(""), 0);
    }
}
