//! Numbers in brackets that a document brings along: a model that copies them must not cite by them.

use std::borrow::Cow;

use super::scanner;

/// The text with what would be a marker in round brackets, which are none. Brackets that stand at a name, as in `list[3]`,
/// are left alone: they are code, and a model must be able to copy it.
pub fn without_markers(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut copied = 0;
    for (open, _) in text.match_indices('[') {
        let is_of_name = text[..open].chars().next_back().is_some_and(|before| match before {
            // The second of two markers, or the second index of one name.
            ']' => copied != open,
            _ => before.is_alphanumeric() || matches!(before, '_' | ')' | '$'),
        });
        let close = text[open..].find(']').map(|length| open + length);
        let Some(close) = close.filter(|close| scanner::is_marker(&text[open..*close])) else {
            continue;
        };
        if !is_of_name {
            clean.push_str(&text[copied..open]);
            clean.push_str(&format!("({})", &text[open + 1..close]));
            copied = close + 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[copied..]);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_of_a_document_become_numbers_in_round_brackets() {
        assert_eq!(
            without_markers("As told.[3][4] See [1, 22] and [ 4 ], not list[3][4] nor [x] nor []."),
            "As told.(3)(4) See (1, 22) and ( 4 ), not list[3][4] nor [x] nor []."
        );
        assert!(matches!(without_markers("Größe [x]"), Cow::Borrowed(_)));
    }
}
