//! Cells of a sheet, and the strings that the sheets share.

use super::dates::Dates;
use crate::knowledge::parse::table::{Cells, Row, on_one_line};
use crate::knowledge::parse::xml::{Node, Xml};
use crate::knowledge::parse::{ParseError, ParseLimits};

/// Strings that cells name by their place, without the reading aids of East Asian scripts.
pub(super) fn shared_strings(
    source: &str,
    part: &str,
    limits: &ParseLimits,
) -> Result<Vec<String>, ParseError> {
    let mut xml = Xml::new(source, part, limits);
    let mut strings = Vec::new();
    let (mut text, mut is_text, mut aids) = (String::new(), false, 0);
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(element) => match element.name.as_str() {
                "si" => text.clear(),
                "t" => is_text = true,
                "rPh" => aids += 1,
                _ => {}
            },
            Node::Close(name) => match name.as_str() {
                "si" => strings.push(on_one_line(&text)),
                "t" => is_text = false,
                "rPh" => aids -= 1,
                _ => {}
            },
            Node::Text(part) if is_text && aids == 0 => text.push_str(&part),
            Node::Text(_) => {}
        }
    }
    Ok(strings)
}

/// The cell that is open.
#[derive(Default)]
struct Cell {
    column: usize,
    kind: String,
    style: usize,
    text: String,
}

/// Rows of a sheet; an empty one stands where rows were left out.
pub(super) fn rows(
    source: &str,
    part: &str,
    strings: &[String],
    dates: &Dates,
    count: &mut Cells,
    limits: &ParseLimits,
) -> Result<Vec<Row>, ParseError> {
    let mut xml = Xml::new(source, part, limits);
    let mut rows: Vec<Row> = Vec::new();
    let mut row = Row::new();
    let mut cell = Cell::default();
    let (mut next_row, mut number, mut is_value) = (1_u64, 1_u64, false);
    let mut next_column = 0;
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(element) => match element.name.as_str() {
                "row" => {
                    number =
                        element.attribute("r").and_then(|it| it.parse().ok()).unwrap_or(next_row);
                    row = Row::new();
                    next_column = 0;
                }
                "c" => {
                    count.count(1)?;
                    // Some programs name no places: each cell counts, those without content too.
                    let place = element.attribute("r").and_then(column).unwrap_or(next_column);
                    next_column = place + 1;
                    cell = Cell {
                        column: place,
                        kind: element.attribute("t").unwrap_or_default().to_owned(),
                        style: element.attribute("s").and_then(|it| it.parse().ok()).unwrap_or(0),
                        text: String::new(),
                    };
                }
                "v" | "t" => is_value = true,
                _ => {}
            },
            Node::Text(part) if is_value => cell.text.push_str(&part),
            Node::Text(_) => {}
            Node::Close(name) => match name.as_str() {
                "v" | "t" => is_value = false,
                "c" => {
                    let shown = on_one_line(&shown(&cell, strings, dates));
                    if !shown.is_empty() {
                        row.push((cell.column, shown));
                    }
                }
                "row" => {
                    if number > next_row && rows.last().is_some_and(|last| !last.is_empty()) {
                        rows.push(Row::new());
                    }
                    next_row = number.saturating_add(1);
                    // Rows without content count too, but one gap is as good as many.
                    if !row.is_empty() || rows.last().is_some_and(|last| !last.is_empty()) {
                        rows.push(std::mem::take(&mut row));
                    }
                }
                _ => {}
            },
        }
    }
    Ok(rows)
}

fn shown(cell: &Cell, strings: &[String], dates: &Dates) -> String {
    match cell.kind.as_str() {
        "s" => {
            let index: Option<usize> = cell.text.trim().parse().ok();
            index.and_then(|index| strings.get(index)).cloned().unwrap_or_default()
        }
        "b" => if cell.text.trim() == "1" { "yes" } else { "no" }.to_owned(),
        "str" | "inlineStr" | "e" | "d" => cell.text.clone(),
        _ => dates.shown(cell.style, &cell.text).unwrap_or_else(|| plain_number(&cell.text)),
    }
}

/// A number as a person would write it: files hold 0.1 + 0.2 with all its digits, of which spreadsheets show 15.
fn plain_number(text: &str) -> String {
    let is_rounded = text.len() > 15 && text.contains(['.', 'e', 'E']);
    let number = text.trim().parse::<f64>().ok().filter(|number| is_rounded && number.is_finite());
    let rounded = number.and_then(|number| format!("{number:.14e}").parse::<f64>().ok());
    let Some(rounded) = rounded.filter(|rounded| rounded.is_finite()) else {
        return text.to_owned();
    };
    if rounded == 0.0 || (1e-5..1e15).contains(&rounded.abs()) {
        rounded.to_string()
    } else {
        format!("{rounded:e}")
    }
}

/// Column from 0 of a reference such as `AB12`; the last one is `XFD`.
fn column(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let number = letters
        .take(4)
        .fold(0, |sum, letter| sum * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    number.checked_sub(1).filter(|column| *column < 16_384)
}

#[cfg(test)]
mod tests {
    use super::plain_number;

    #[test]
    fn numbers_keep_what_spreadsheets_show_of_them() {
        for (written, shown) in [
            ("3", "3"),
            ("0.30000000000000004", "0.3"),
            ("6.6260701500000001E-34", "6.62607015e-34"),
            ("1.2345678901234000E-7", "1.2345678901234e-7"),
            ("-1234567.8900000001", "-1234567.89"),
            ("12345678901234567", "12345678901234567"),
            ("1.2345678901234567E300", "1.23456789012346e300"),
            ("1.7976931348623157E308", "1.7976931348623157E308"),
            ("0.0000000000000000", "0"),
            ("not a number at all.", "not a number at all."),
        ] {
            assert_eq!(plain_number(written), shown);
        }
    }
}
