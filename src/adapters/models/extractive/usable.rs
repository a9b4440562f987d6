//! Tells which units can stand in an answer at all, and which lines only name what follows them.
//! Called while the passages are read and when units are weighed; it knows no question.

use super::reading::Unit;
use crate::kernel::terms::sentences::UnitKind;

/// Prose with fewer words is a label; without a stop at its end it needs more to be a sentence.
const FEWEST_WORDS: usize = 4;
const FEWEST_WORDS_WITHOUT_STOP: usize = 7;
/// Longer units are whole pages in one line.
const MOST_WORDS: usize = 90;
/// Longer lines without a stop are prose that lost its end, not the name of what follows.
const MOST_LABEL_WORDS: usize = 10;
/// Share of capitalised words from which a line without a stop is a menu.
const MENU_CAPITALS: f32 = 0.6;

/// Whether a line of prose is a heading without its mark or the term of a definition list: it says
/// nothing itself and names what the lines below are about.
pub(super) fn is_label(text: &str) -> bool {
    let ends_open = !text.ends_with(['.', '!', '?', ';', ',', '。', '！', '？']);
    ends_open && text.split(' ').count() <= MOST_LABEL_WORDS && !is_sentence(text)
}

/// Whether the unit can stand in an answer: no heading, menu, label or endless line, and nothing
/// ambiguous.
pub(super) fn is_usable(unit: &Unit) -> bool {
    match unit.kind {
        UnitKind::Heading => false,
        UnitKind::Code => true,
        UnitKind::TableRow => !is_ambiguous(&unit.folded),
        UnitKind::ListItem => unit.folded.split(' ').count() > 2 && !is_ambiguous(&unit.folded),
        UnitKind::Prose => is_sentence(&unit.folded) && !is_ambiguous(&unit.folded),
    }
}

/// Whether a line of prose says something by itself.
pub(super) fn is_sentence(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let starts_well = |c: char| c.is_alphanumeric() || "(\"'“‘`*_$<".contains(c);
    if !text.starts_with(starts_well) || closes_what_it_did_not_open(text) {
        return false;
    }
    if words.len() < FEWEST_WORDS || words.len() > MOST_WORDS {
        // Scripts without spaces have one "word" in a sentence.
        return words.len() < FEWEST_WORDS && text.ends_with(['。', '！', '？']);
    }
    let end = text.trim_end_matches([')', '"', '”', '’', '\'', '*', '_', '`', ']']);
    if end.ends_with(['.', '!', ':', '。', '！', '…']) {
        return true;
    }
    // Without a stop, signs of code tell a line of a program that lost its fence.
    if text.contains(['{', '}', '=', ';', '<', '>', '\\']) {
        return false;
    }
    // A question in a document asks, it does not answer.
    if end.ends_with(['?', '？']) || words.len() < FEWEST_WORDS_WITHOUT_STOP {
        return false;
    }
    let long: Vec<&&str> = words.iter().filter(|word| word.chars().count() > 3).collect();
    let capitals = long.iter().filter(|word| word.starts_with(char::is_uppercase)).count();
    (capitals as f32) < MENU_CAPITALS * long.len() as f32
}

/// The rest of a sentence that was cut inside its brackets.
fn closes_what_it_did_not_open(text: &str) -> bool {
    text.find(')').is_some_and(|close| !text[..close].contains('('))
}

/// Whether the text would change its meaning inside an answer: `[7]` would be taken for a citation
/// of passage 7, and a code fence would swallow what follows.
pub(super) fn is_ambiguous(text: &str) -> bool {
    if text.contains("```") || text.contains("~~~") {
        return true;
    }
    text.split('[').skip(1).any(|behind| {
        let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        digits > 0 && behind[digits..].starts_with(']')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menus_labels_questions_and_markers_are_no_sentences() {
        assert!(!is_sentence("Get started"));
        assert!(!is_sentence(
            "Quickstart Overview Prompt Library Model Options Enterprise Considerations"
        ));
        assert!(!is_sentence("What does the server do when it starts?"));
        assert!(!is_sentence("reasoning, intent = extract(output) and return both of them"));
        assert!(is_sentence("The server reads its settings at start."));
        assert!(!is_sentence("ENABLE SECURITY), all access to the table must be allowed."));
        assert!(is_sentence("系统会自动重启。"));
        assert!(is_ambiguous("as shown in [12] before"));
        assert!(is_ambiguous("ends in ```"));
        assert!(!is_ambiguous("items[i] and [x] and []"));
    }

    #[test]
    fn a_heading_without_its_mark_and_the_term_of_a_definition_are_labels() {
        assert!(is_label("5.6.7. Renaming a Column"));
        assert!(is_label("max_connections (integer)"));
        assert!(!is_label("The server reads its settings at start."));
        assert!(!is_label("Keep it."));
    }
}
