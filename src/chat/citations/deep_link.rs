//! Where a reader finds the words of a citation: the original's address with the anchor of the nearest heading, else with
//! a text fragment (URL Fragment Text Directives, WICG), which browsers scroll to and mark.

use std::fmt::Write;

use crate::knowledge::Passage;

/// Words of the begin and of the end of a longer quote: enough to be found, few enough to stand there unchanged.
const WORDS: usize = 6;

/// The link of a quote; absent when the document has no address.
pub fn to(passage: &Passage, quote: &str) -> Option<String> {
    let url = passage.url()?;
    // A line break stands between two blocks of the page: a fragment is found within one.
    let line = quote.lines().map(str::trim).max_by_key(|line| line.chars().count());
    match line.filter(|line| !line.is_empty()) {
        Some(line) if !url.contains('#') => Some(format!("{url}#:~:text={}", directive(line))),
        _ => Some(url),
    }
}

fn directive(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.len() <= 2 * WORDS {
        return encoded(&words.join(" "));
    }
    let (begin, end) = (words[..WORDS].join(" "), words[words.len() - WORDS..].join(" "));
    format!("{},{}", encoded(&begin), encoded(&end))
}

/// Percent-encoded but for what RFC 3986 leaves free everywhere; `-` would make a word a prefix or a suffix.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_quote_is_named_whole_and_a_long_one_by_its_ends() {
        assert_eq!(
            directive("Größe: 5-6 MB, \"x\"."),
            "Gr%C3%B6%C3%9Fe%3A%205%2D6%20MB%2C%20%22x%22."
        );
        let long = "one two three four five six seven eight nine ten eleven twelve thirteen";
        assert_eq!(
            directive(long),
            "one%20two%20three%20four%20five%20six,eight%20nine%20ten%20eleven%20twelve%20thirteen"
        );
    }
}
