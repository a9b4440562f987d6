//! Cuts a text into windows of a bounded number of bytes, between words where there are any.

/// The windows of a text in reading order: at least one, none longer than `most` bytes, together the whole text but for
/// white space where it was cut. An empty text is one window of a blank, which every provider takes.
pub(super) fn split(text: &str, most: usize) -> Vec<String> {
    let mut windows = Vec::new();
    let mut rest = text.trim();
    while rest.len() > most {
        let hard = floor(rest, most.max(4));
        // A cut far before the bound would make a short window: a word of that length is cut.
        let soft = rest[..hard].rfind(char::is_whitespace).filter(|at| *at > hard / 2);
        let (window, behind) = rest.split_at(soft.unwrap_or(hard));
        windows.push(window.trim_end().to_owned());
        rest = behind.trim_start();
    }
    if !rest.is_empty() || windows.is_empty() {
        windows.push(if rest.is_empty() { " ".to_owned() } else { rest.to_owned() });
    }
    windows
}

/// The last boundary of characters at or before a byte.
fn floor(text: &str, most: usize) -> usize {
    let mut at = most.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_is_one_window_and_an_empty_one_is_a_blank() {
        assert_eq!(split("two words", 20), ["two words"]);
        assert_eq!(split(" \n ", 20), [" "]);
        assert_eq!(split("one two three", 8), ["one two", "three"]);
        assert_eq!(split("検索検索検索", 9), ["検索検", "索検索"]);
    }

    proptest! {
        #[test]
        fn no_window_is_too_long_and_nothing_is_lost(text in "[a-zü検 \n]{0,400}", most in 8_usize..80) {
            let windows = split(&text, most);
            prop_assert!(!windows.is_empty());
            prop_assert!(windows.iter().all(|window| window.len() <= most && !window.is_empty()));
            let letters = |text: &str| -> String { text.split_whitespace().collect() };
            prop_assert_eq!(letters(&windows.concat()), letters(&text));
        }
    }
}
