//! Tells what each line of a text is, by the marks of Markdown that the parsers keep. Called by the
//! cutting into sentences alone.

use std::ops::Range;

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitKind {
    /// A sentence, or a line of prose without a stop.
    Prose,
    /// A line that begins with `#`.
    Heading,
    /// One item of a list, with the lines that are indented under it.
    ListItem,
    /// One row of a table; the line of dashes under a table's head is no unit.
    TableRow,
    /// One line inside a code fence.
    Code,
}

/// A line without its surrounding white space. `kind` is `None` for what only separates.
pub(super) struct Line {
    pub range: Range<usize>,
    pub kind: Option<UnitKind>,
}

/// The lines of the text in order. A line of a list item's own continuation is joined to the item.
pub(super) fn read(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut fence: Option<&str> = None;
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let start = at;
        at += raw.len();
        let range = trimmed(raw, start, fence.is_some());
        let content = &text[range.clone()];
        let mark = fence_mark(content.trim_start());
        let kind = match (fence, mark) {
            (Some(open), Some(close)) if close.starts_with(open) => {
                fence = None;
                None
            }
            (Some(_), _) if content.trim().is_empty() => continue,
            (Some(_), _) => Some(UnitKind::Code),
            (None, Some(open)) => {
                fence = Some(open);
                None
            }
            (None, None) => kind_of(content),
        };
        let is_indented = raw.starts_with(['\t', ' ']);
        match lines.last_mut() {
            Some(Line { range: item, kind: Some(UnitKind::ListItem) })
                if is_indented && kind == Some(UnitKind::Prose) =>
            {
                item.end = range.end;
            }
            _ => lines.push(Line { range, kind }),
        }
    }
    mark_narrow_tables(text, &mut lines);
    lines
}

/// A row of two cells without outer bars looks like prose with a bar in it; only with another row
/// directly above or below is it a table.
fn mark_narrow_tables(text: &str, lines: &mut [Line]) {
    let is_row = |line: &Line| match line.kind {
        Some(UnitKind::TableRow) => true,
        Some(UnitKind::Prose) => text[line.range.clone()].contains(" | "),
        _ => false,
    };
    let rows: Vec<bool> = lines.iter().map(is_row).collect();
    for (index, line) in lines.iter_mut().enumerate() {
        let above = index.checked_sub(1).is_some_and(|above| rows[above]);
        let below = rows.get(index + 1).is_some_and(|below| *below);
        if rows[index] && (above || below) {
            line.kind = Some(UnitKind::TableRow);
        }
    }
}

/// The range of the line without its white space; code keeps its indentation.
fn trimmed(raw: &str, start: usize, is_code: bool) -> Range<usize> {
    let end = start + raw.trim_end().len();
    let indentation = if is_code { 0 } else { raw.len() - raw.trim_start().len() };
    (start + indentation).min(end)..end
}

fn fence_mark(content: &str) -> Option<&str> {
    let mark = content.chars().next().filter(|first| matches!(first, '`' | '~'))?;
    let length = content.len() - content.trim_start_matches(mark).len();
    (length >= 3).then(|| &content[..length])
}

fn kind_of(content: &str) -> Option<UnitKind> {
    if content.chars().all(|character| "-|:= *_+".contains(character)) {
        // Empty lines, rulers and the line under a table's head.
        return None;
    }
    let hashes = content.len() - content.trim_start_matches('#').len();
    if (1..=6).contains(&hashes) && content[hashes..].starts_with(' ') {
        return Some(UnitKind::Heading);
    }
    if content.starts_with('|') || content.matches(" | ").count() >= 2 {
        return Some(UnitKind::TableRow);
    }
    let kind = if is_list_item(content) { UnitKind::ListItem } else { UnitKind::Prose };
    Some(kind)
}

fn is_list_item(content: &str) -> bool {
    if content.starts_with("- ") || content.starts_with("* ") || content.starts_with("+ ") {
        return true;
    }
    if content.starts_with("• ") {
        return true;
    }
    let digits = content.len() - content.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let behind = content[digits..].strip_prefix(['.', ')']);
    (1..=3).contains(&digits) && behind.is_some_and(|rest| rest.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Option<UnitKind>> {
        read(text).into_iter().map(|line| line.kind).collect()
    }

    #[test]
    fn a_fence_is_closed_by_a_mark_at_least_as_long() {
        let text = "````\n```\nx\n```\n````\ny";
        assert_eq!(
            kinds(text),
            [
                None,
                Some(UnitKind::Code),
                Some(UnitKind::Code),
                Some(UnitKind::Code),
                None,
                Some(UnitKind::Prose)
            ]
        );
    }

    #[test]
    fn two_rows_of_two_cells_are_a_table_and_one_line_with_a_bar_is_prose() {
        let row = Some(UnitKind::TableRow);
        assert_eq!(kinds("Plan | Price\nSeed | free"), [row, row]);
        assert_eq!(kinds("ls | wc counts files.\nDone."), [Some(UnitKind::Prose); 2]);
    }

    #[test]
    fn an_open_fence_runs_to_the_end_of_the_text() {
        assert_eq!(kinds("~~~\n# x"), [None, Some(UnitKind::Code)]);
    }

    #[test]
    fn an_indented_line_belongs_to_the_item_above() {
        let text = "1. First\n   goes on\n2. Second";
        let lines = read(text);
        assert_eq!(lines.len(), 2);
        assert_eq!(&text[lines[0].range.clone()], "1. First\n   goes on");
    }

    #[test]
    fn a_number_or_a_dash_inside_prose_is_no_item() {
        assert_eq!(kinds("2024. was"), [Some(UnitKind::Prose)]);
        assert_eq!(kinds("-x"), [Some(UnitKind::Prose)]);
    }

    #[test]
    fn windows_line_ends_are_white_space() {
        let text = "- a\r\n- b\r\n";
        assert_eq!(&text[read(text)[0].range.clone()], "- a");
    }
}
