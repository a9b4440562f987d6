//! Counts how deep Markdown containers may nest, before they are parsed.
//!
//! The parser visits every open container on each line, so that depth times lines is its cost.

use crate::knowledge::parse::{ParseError, ParseLimits};

/// Refuses a text in which some line opens more containers than the limit allows. The count is an
/// upper bound: markers at the beginning of the line, and those above it that its indentation may
/// continue.
pub(super) fn check(source: &str, limits: &ParseLimits) -> Result<(), ParseError> {
    let mut depth = 0;
    for line in source.lines() {
        let (markers, spaces) = prefix(line);
        if markers == 0 && spaces == 0 {
            continue; // blank, or a line that continues a paragraph at any depth
        }
        depth = markers + depth.min(spaces / 2);
        if depth > limits.max_nesting {
            return Err(ParseError::TooDeep { limit: limits.max_nesting });
        }
    }
    Ok(())
}

/// Quote and list markers before the text of a line, and the spaces among them.
fn prefix(line: &str) -> (usize, usize) {
    let bytes = line.as_bytes();
    let (mut markers, mut spaces, mut at) = (0, 0, 0);
    while let Some(&byte) = bytes.get(at) {
        let ends_word = bytes.get(at + 1).is_none_or(u8::is_ascii_whitespace);
        match byte {
            b' ' => spaces += 1,
            b'\t' => spaces += 4,
            b'>' => markers += 1,
            b'-' | b'+' | b'*' if ends_word => markers += 1,
            b'0'..=b'9' => {
                let digits = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
                let is_marker = matches!(bytes.get(at + digits), Some(b'.' | b')'));
                let ends = bytes.get(at + digits + 1).is_none_or(u8::is_ascii_whitespace);
                if digits > 9 || !is_marker || !ends {
                    break;
                }
                markers += 1;
                at += digits;
            }
            _ => break,
        }
        at += 1;
    }
    (markers, spaces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(source: &str) -> bool {
        let limits = ParseLimits { max_nesting: 8, ..Default::default() };
        check(source, &limits).is_err()
    }

    #[test]
    fn deep_quotes_and_lists_are_refused() {
        assert!(is_refused(&">".repeat(9)));
        assert!(is_refused(&"- ".repeat(9)));
        assert!(is_refused(&"1. ".repeat(9)));
        let stairs: String = (0..9).map(|n| format!("{}- a\n", "  ".repeat(n))).collect();
        assert!(is_refused(&stairs));
    }

    #[test]
    fn indented_code_and_dividers_are_not_deep() {
        assert!(!is_refused(&format!("- a\n\n{}code", " ".repeat(90))));
        assert!(!is_refused("- - - -\n*****\n----------\n> quote\n\n2024. year"));
        assert!(!is_refused(&"> a\n".repeat(100)));
    }
}
