//! Tables of AsciiDoc: cells that begin with a bar, or values divided by commas or colons.

use super::super::ParseError;

/// Most columns that a document may ask for.
const MAX_COLUMNS: usize = 256;

/// The number of columns that `cols=` tells: widths divided by commas, where one may be repeated.
pub(super) fn columns(about: &str) -> Option<usize> {
    let (_, value) = about.split_once("cols=")?;
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or(quoted),
        None => value.split(',').next().unwrap_or(value),
    };
    let count = value.split([',', ';']).map(|part| match part.trim().split_once('*') {
        Some((times, _)) => times.parse::<usize>().unwrap_or(1),
        None => 1,
    });
    Some(count.fold(0, usize::saturating_add)).filter(|count| (1..=MAX_COLUMNS).contains(count))
}

/// The rows of a table whose lines stand between two lines of marks.
pub(super) fn rows(
    mark: &str,
    lines: &[&str],
    columns: Option<usize>,
    max_cells: usize,
) -> Result<Vec<Vec<String>>, ParseError> {
    if !mark.starts_with(['|', '!']) {
        let divider = mark.chars().next().unwrap_or(',');
        let rows = lines.iter().filter(|line| !line.is_empty());
        if rows.clone().map(|line| line.split(divider).count()).sum::<usize>() > max_cells {
            return Err(ParseError::too_many("cells", max_cells));
        }
        return Ok(rows
            .map(|line| line.split(divider).map(|cell| cell.trim().to_owned()).collect())
            .collect());
    }
    let bar = mark.chars().next().unwrap_or('|');
    let mut cells: Vec<String> = Vec::new();
    let mut first_line = 0;
    for line in lines {
        let before = cells.len();
        append(line, bar, &mut cells);
        if cells.len() > max_cells {
            return Err(ParseError::too_many("cells", max_cells));
        }
        if first_line == 0 {
            first_line = cells.len() - before;
        }
    }
    let columns = columns.unwrap_or(first_line).max(1);
    Ok(cells.chunks(columns).map(<[String]>::to_vec).collect())
}

/// Adds the cells of a line; text before its first bar goes on with the cell above.
fn append(line: &str, bar: char, cells: &mut Vec<String>) {
    let mut text = String::new();
    let mut rest = line.chars();
    let mut is_first = true;
    while let Some(c) = rest.next() {
        if c == '\\' && rest.as_str().starts_with(bar) {
            text.push(bar);
            rest.next();
        } else if c == bar {
            end(&mut text, &mut is_first, cells, true);
        } else {
            text.push(c);
        }
    }
    end(&mut text, &mut is_first, cells, false);
}

/// Ends what stands before a bar, or before the end of the line: the first piece belongs to the cell above.
fn end(text: &mut String, is_first: &mut bool, cells: &mut Vec<String>, is_bar: bool) {
    let piece = std::mem::take(text);
    // A word right before a bar tells how the cell spans and looks, e.g. `2+` or `a`.
    let piece = if is_bar { without_format(&piece) } else { &piece };
    if let Some(cell) = cells.last_mut() {
        let piece = piece.trim();
        if !piece.is_empty() {
            if !cell.is_empty() {
                cell.push(if *is_first { '\n' } else { ' ' });
            }
            cell.push_str(piece);
        }
    }
    if is_bar {
        cells.push(String::new());
    }
    *is_first = false;
}

fn without_format(piece: &str) -> &str {
    let start = piece.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = &piece[start..];
    let is_format = !word.is_empty()
        && word.len() <= 8
        && word.chars().all(|c| c.is_ascii_digit() || "+*.<>^adehlmsv".contains(c))
        && (word.len() == 1 || word.contains(['+', '*', '.', '<', '>', '^']));
    if is_format { &piece[..start] } else { piece }
}
