//! Writes the chosen units as the text of an answer with its citation markers. Called by the
//! extractive answerer; it adds no word of its own.

use super::reading::{Reading, Unit};
use crate::adapters::models::Passage;
use crate::kernel::terms::sentences::UnitKind;

/// The answer in pieces that belong together (a sentence, a list item, a block); joined they are
/// the whole text.
pub(super) fn compose(reading: &Reading, passages: &[Passage], chosen: &[usize]) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut previous: Option<&Unit> = None;
    let mut at = 0;
    while let Some(index) = chosen.get(at) {
        let unit = &reading.units[*index];
        let passage = &passages[unit.passage];
        let run = run_length(reading, &chosen[at..]);
        let last = &reading.units[chosen[at + run - 1]];
        let body = match unit.kind {
            UnitKind::Code => fenced(&passage.text[unit.range.start..last.range.end]),
            UnitKind::TableRow => {
                let rows: Vec<&str> = chosen[at..at + run]
                    .iter()
                    .map(|row| reading.units[*row].folded.as_str())
                    .collect();
                fenced(&rows.join("\n"))
            }
            _ => format!("{} [{}]", without_markers(&unit.folded), passage.marker),
        };
        let is_fence = matches!(unit.kind, UnitKind::Code | UnitKind::TableRow);
        let is_led_in = previous.is_some_and(|previous| {
            previous.passage == unit.passage && previous.kind == UnitKind::Prose
        });
        let marker =
            if is_fence && !is_led_in { format!("\n[{}]", passage.marker) } else { String::new() };
        pieces.push(format!("{}{body}{marker}", joint(previous, unit)));
        previous = Some(last);
        at += run;
    }
    pieces
}

/// How many of the units are written as one: the lines of a code block, the rows of a table.
fn run_length(reading: &Reading, rest: &[usize]) -> usize {
    let first = &reading.units[rest[0]];
    if !matches!(first.kind, UnitKind::Code | UnitKind::TableRow) {
        return 1;
    }
    let belongs = |index: &&usize| {
        let unit = &reading.units[**index];
        (unit.passage, unit.block) == (first.passage, first.block)
    };
    rest.iter().take_while(belongs).count()
}

fn joint(previous: Option<&Unit>, unit: &Unit) -> &'static str {
    let Some(previous) = previous else { return "" };
    let both = |kind| previous.kind == kind && unit.kind == kind;
    let same_passage = previous.passage == unit.passage;
    if same_passage && both(UnitKind::Prose) {
        return " ";
    }
    if same_passage && previous.block == unit.block && both(UnitKind::ListItem) {
        return "\n";
    }
    "\n\n"
}

/// Numbers in brackets that the document itself has are no markers: the word around them becomes code.
fn without_markers(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((open, close)) = find_marker(rest) {
        let before = rest[..open].trim_end_matches(|letter: char| !letter.is_whitespace());
        let start = before.len();
        let end = rest[close..].find(char::is_whitespace).map_or(rest.len(), |at| close + at);
        let word = &rest[start..end];
        plain.push_str(before);
        if word.contains('`') {
            plain.push_str(&word.replace('[', "\\["));
        } else {
            plain.push_str(&format!("`{word}`"));
        }
        rest = &rest[end..];
    }
    plain.push_str(rest);
    plain
}

/// Begin and end of the first bracket with nothing but numbers in it.
fn find_marker(text: &str) -> Option<(usize, usize)> {
    text.match_indices('[').find_map(|(open, _)| {
        let length = text[open..].find(']')?;
        let inside = &text[open + 1..open + length];
        let is_marker = !inside.trim().is_empty()
            && inside.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b' '));
        is_marker.then_some((open, open + length + 1))
    })
}

/// A code fence longer than any run of backticks inside.
fn fenced(code: &str) -> String {
    let longest = code.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{code}\n{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_brackets_of_the_document_are_no_markers() {
        assert_eq!(
            without_markers("Größe list[3]. [x], a[1, 2] b, ``c`[4] [] and ["),
            "Größe `list[3].` [x], `a[1, 2]` b, ``c`\\[4] [] and ["
        );
    }

    #[test]
    fn a_fence_is_longer_than_the_backticks_inside() {
        assert_eq!(fenced("a"), "```\na\n```");
        assert!(fenced("x ``` y").starts_with("````\n"));
    }
}
