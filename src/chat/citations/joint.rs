//! What stood around a marker that is removed must not become something together: a marker, a link, a definition, an
//! address, a run of backticks.

/// Whether a space is needed between the text before a removed marker and the character after it.
pub fn needs_space(before: &str, after: char) -> bool {
    let Some(last) = before.chars().next_back() else { return false };
    if last.is_whitespace() || after.is_whitespace() {
        return false;
    }
    match after {
        '.' => ends_with_any(before, &["www"]),
        ',' | ';' | '?' | '!' | ')' => false,
        ':' => last == ']' || ends_with_any(before, &["http", "https", "ftp"]),
        _ => true,
    }
}

fn ends_with_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| {
        let begin = text.len().checked_sub(word.len());
        begin.and_then(|begin| text.get(begin..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_joins_a_word_and_nothing_else_does() {
        for (before, after, is_needed) in [
            ("90 days", '.', false),
            ("90 days", ':', false),
            ("90 days ", 'A', false),
            ("90 days", '\n', false),
            ("", 'A', false),
            ("90 days", 'A', true),
            ("[", '1', true),
            ("[a]", '(', true),
            ("[a]", ':', true),
            ("see HTTP", ':', true),
            ("www", '.', true),
            ("`", '`', true),
            ("<", 'i', true),
            ("!", '[', true),
        ] {
            assert_eq!(needs_space(before, after), is_needed, "{before:?} {after:?}");
        }
    }
}
