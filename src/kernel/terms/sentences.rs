//! Cuts a text into the units that can stand alone in an answer: sentences of prose, and list
//! items, headings, table rows and code lines, each a unit of its own. Called by the extractive
//! answerer and by whoever quotes a passage; it changes no character and knows nothing of terms.
//!
//! Sentence ends are those of Unicode (UAX 29), repaired where an abbreviation or an initial was
//! taken for one. Lines of a paragraph that was wrapped by hand are read as one.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

mod lines;

use lines::Line;
pub use lines::UnitKind;

/// Abbreviations after which a sentence goes on although a capital letter may follow.
const ABBREVIATIONS: [&str; 26] = [
    "e.g.", "i.e.", "cf.", "vs.", "viz.", "approx.", "resp.", "incl.", "al.", "fig.", "figs.",
    "eq.", "sec.", "ch.", "vol.", "no.", "nos.", "pp.", "mr.", "mrs.", "ms.", "dr.", "prof.",
    "st.", "inc.", "ca.",
];

/// A prose line at least this long may have been wrapped by hand; a shorter one that ends without
/// punctuation is a label, a link or a heading.
const WRAPPED_LINE_CHARS: usize = 60;

/// A piece of text that can stand alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Bytes of the text, without surrounding white space and never empty.
    pub range: Range<usize>,
    /// What the unit is.
    pub kind: UnitKind,
    /// Number of the block that the unit belongs to: the lines of one code block, the items of one
    /// list, the rows of one table and the sentences of one paragraph share it. Blocks rise by
    /// order.
    pub block: usize,
}

/// The byte ranges of all units of the text in order; white space and code fences are left out.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    units(text).into_iter().map(|unit| unit.range).collect()
}

/// The units of the text in order, with their kind and block.
pub fn units(text: &str) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut block = 0;
    let mut paragraph: Option<Range<usize>> = None;
    let mut last_kind = None;
    let mut last_content = None;
    for Line { range, kind } in lines::read(text) {
        // Empty lines between the items of a list do not end it.
        let list_goes_on =
            kind == Some(UnitKind::ListItem) && last_content == Some(UnitKind::ListItem);
        // Nor does the line of dashes between the head of a table and its rows.
        let table_goes_on = kind == Some(UnitKind::TableRow)
            && units.last().is_some_and(|last: &Unit| {
                last.kind == UnitKind::TableRow && text[last.range.end..range.start].contains("--")
            });
        let starts_block = last_kind != kind || kind == Some(UnitKind::Heading);
        last_kind = kind;
        last_content = kind.or(last_content);
        if starts_block && !list_goes_on && !table_goes_on {
            end_paragraph(text, &mut paragraph, block, &mut units);
            // A line that only separates is in no block.
            block += usize::from(kind.is_some());
        }
        match kind {
            None => {}
            Some(UnitKind::Prose) => {
                match &mut paragraph {
                    Some(open) if goes_on(&text[open.clone()], &text[range.clone()]) => {
                        open.end = range.end;
                    }
                    _ => {
                        end_paragraph(text, &mut paragraph, block, &mut units);
                        paragraph = Some(range);
                    }
                };
            }
            Some(kind) => units.push(Unit { range, kind, block }),
        }
    }
    end_paragraph(text, &mut paragraph, block, &mut units);
    units
}

/// Whether the next line is the same sentence or paragraph, wrapped.
fn goes_on(paragraph: &str, next: &str) -> bool {
    let last_line = paragraph.lines().next_back().unwrap_or_default();
    let open_end = !last_line.ends_with(['.', '!', '?', ':', ';', '。', '！', '？']);
    let starts_small = next.starts_with(|first: char| first.is_lowercase() || first == '(');
    open_end && (starts_small || last_line.chars().count() >= WRAPPED_LINE_CHARS)
}

fn end_paragraph(
    text: &str,
    paragraph: &mut Option<Range<usize>>,
    block: usize,
    units: &mut Vec<Unit>,
) {
    let Some(range) = paragraph.take() else {
        return;
    };
    for sentence in prose_sentences(&text[range.clone()]) {
        let shifted = sentence.start + range.start..sentence.end + range.start;
        units.push(Unit { range: shifted, kind: UnitKind::Prose, block });
    }
}

fn prose_sentences(paragraph: &str) -> Vec<Range<usize>> {
    // UAX 29 ends a sentence at every line break; a space of the same length keeps the offsets.
    let flat = paragraph.replace(['\n', '\r'], " ");
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut continues = false;
    for (start, piece) in flat.split_sentence_bound_indices() {
        let content = piece.trim();
        if content.is_empty() {
            continue;
        }
        let from = start + (piece.len() - piece.trim_start().len());
        let range = from..from + content.len();
        match found.last_mut() {
            Some(last) if continues => last.end = range.end,
            _ => found.push(range),
        }
        // `ALTER TABLE ... ENABLE`: dots that leave something out end no sentence by themselves.
        continues = ends_in_abbreviation(content) || content.ends_with(" ...");
    }
    found
}

fn ends_in_abbreviation(sentence: &str) -> bool {
    let last = sentence.split_whitespace().next_back().unwrap_or_default();
    let last = last.trim_start_matches(['(', '[', '"', '“', '\'']);
    let is_initial = last.len() == 2 && last.starts_with(char::is_uppercase) && last.ends_with('.');
    is_initial || ABBREVIATIONS.iter().any(|known| last.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn an_abbreviation_does_not_end_a_sentence() {
        let text =
            "Use a proxy, e.g. Squid or (cf. Fig. 2) another. It needs version 1.2.3 or later.";
        assert_eq!(
            cut(text),
            [
                "Use a proxy, e.g. Squid or (cf. Fig. 2) another.",
                "It needs version 1.2.3 or later."
            ]
        );
    }

    #[test]
    fn dots_in_the_place_of_words_do_not_end_a_sentence() {
        assert_eq!(cut("Enable it (with ALTER TABLE ... ENABLE SECURITY) first.").len(), 1);
    }

    #[test]
    fn a_paragraph_wrapped_by_hand_is_read_as_one() {
        let text = "The server reads its settings once, when it is started, and\nkeeps them. A\nchange needs a restart.";
        assert_eq!(cut(text).len(), 2);
        assert!(cut(text)[0].ends_with("keeps them."));
    }

    #[test]
    fn short_lines_without_a_stop_are_units_of_their_own() {
        assert_eq!(
            cut("Get started\nQuickstart\nPrompt library"),
            ["Get started", "Quickstart", "Prompt library"]
        );
    }

    #[test]
    fn list_items_table_rows_and_code_lines_stand_alone() {
        let text = "# Set up\nDo this:\n- one. Two.\n- three\n\n| a | b |\n|---|---|\n| 1 | 2 |\n```sh\ncd x. Y\nls\n```\nDone.";
        let kinds: Vec<_> =
            units(text).iter().map(|unit| (unit.kind, &text[unit.range.clone()])).collect();
        assert_eq!(
            kinds,
            [
                (UnitKind::Heading, "# Set up"),
                (UnitKind::Prose, "Do this:"),
                (UnitKind::ListItem, "- one. Two."),
                (UnitKind::ListItem, "- three"),
                (UnitKind::TableRow, "| a | b |"),
                (UnitKind::TableRow, "| 1 | 2 |"),
                (UnitKind::Code, "cd x. Y"),
                (UnitKind::Code, "ls"),
                (UnitKind::Prose, "Done."),
            ]
        );
        let blocks: Vec<_> = units(text).iter().map(|unit| unit.block).collect();
        assert!(blocks.is_sorted());
        assert_eq!(blocks[2], blocks[3]);
        assert_eq!(blocks[6], blocks[7]);
        assert_eq!(blocks[4], blocks[5]);
        assert_ne!(blocks[5], blocks[6]);
    }

    #[test]
    fn text_without_content_has_no_sentences() {
        assert!(sentences("").is_empty());
        assert!(sentences(" \n\t\r\n```\n```").is_empty());
    }

    #[test]
    fn chinese_sentences_end_at_their_own_full_stop() {
        assert_eq!(cut("第一句。第二句。"), ["第一句。", "第二句。"]);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn units_lie_in_order_inside_any_text(text in "(\\PC|[\\n.`|#* -]){0,200}") {
            let mut end = 0;
            for unit in units(&text) {
                prop_assert!(unit.range.start >= end);
                prop_assert!(text.get(unit.range.clone()).is_some_and(|it| !it.trim().is_empty()));
                end = unit.range.end;
            }
        }
    }
}
