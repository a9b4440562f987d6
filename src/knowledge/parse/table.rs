//! Rows of fields: CSV and TSV, and the sheets of workbooks.
//!
//! A row is written with the header before each field, so that it is understood alone wherever a passage is cut.

use std::collections::BTreeMap;

use super::builder::{Builder, Joint};
use super::{BlockKind, Extraction, ParseError, ParseLimits};

/// Longer headers are cut: each row repeats them.
const MAX_HEADER_CHARS: usize = 80;

/// Cells of a row that hold something, by column from 0.
pub(super) type Row = Vec<(usize, String)>;

/// Reads delimited text. Where no comma stands in the first line but a semicolon does, that is the delimiter, as
/// spreadsheets of countries with a decimal comma write it.
pub(super) fn parse(
    source: &str,
    delimiter: u8,
    limits: &ParseLimits,
) -> Result<Extraction, ParseError> {
    let first = source.lines().next().unwrap_or_default();
    let is_semicolon = delimiter == b',' && !first.contains(',') && first.contains(';');
    let delimiter = if is_semicolon { b';' } else { delimiter };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(source.as_bytes());
    let mut cells = Cells::new(limits);
    let mut rows: Vec<Row> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| ParseError::damaged(error.to_string()))?;
        cells.count(record.len())?;
        let row: Row = record
            .iter()
            .enumerate()
            .map(|(column, field)| (column, on_one_line(field)))
            .filter(|(_, field)| !field.is_empty())
            .collect();
        if !row.is_empty() {
            rows.push(row);
        }
    }
    let mut builder = Builder::new(limits);
    write(&mut builder, &rows)?;
    Ok(builder.finish(None, None))
}

/// Counts cells against the limit.
pub(super) struct Cells {
    left: usize,
    limit: usize,
}

impl Cells {
    pub(super) fn new(limits: &ParseLimits) -> Self {
        Self { left: limits.max_cells, limit: limits.max_cells }
    }

    pub(super) fn count(&mut self, more: usize) -> Result<(), ParseError> {
        let left = self.left.checked_sub(more);
        self.left = left.ok_or(ParseError::too_many("cells", self.limit))?;
        Ok(())
    }
}

/// Appends rows without gaps between them as one table.
pub(super) fn write(builder: &mut Builder<'_>, rows: &[Row]) -> Result<(), ParseError> {
    let header = rows.first().filter(|first| is_header(first, &rows[1..]));
    let Some(header) = header else {
        return rows.iter().enumerate().try_for_each(|(number, row)| {
            let fields: Vec<&str> = row.iter().map(|(_, field)| field.as_str()).collect();
            push(builder, number, &fields.join(" | "), false)
        });
    };
    let names: BTreeMap<usize, String> = header
        .iter()
        .map(|(column, name)| (*column, name.chars().take(MAX_HEADER_CHARS).collect()))
        .collect();
    let all: Vec<&str> = header.iter().map(|(_, name)| name.as_str()).collect();
    push(builder, 0, &all.join(" | "), true)?;
    for (number, row) in rows.iter().enumerate().skip(1) {
        let fields: Vec<String> = row
            .iter()
            .map(|(column, field)| match names.get(column) {
                Some(name) => format!("{name}: {field}"),
                None => field.clone(),
            })
            .collect();
        push(builder, number, &fields.join(" | "), false)?;
    }
    Ok(())
}

fn push(
    builder: &mut Builder<'_>,
    number: usize,
    body: &str,
    is_header: bool,
) -> Result<(), ParseError> {
    let joint = if number == 0 { Joint::BlankLine } else { Joint::Line };
    builder.push(BlockKind::TableRow, joint, body, is_header)
}

/// A first row of at least two different names, none of them a number, with a row of fields below.
fn is_header(first: &Row, rest: &[Row]) -> bool {
    let names: std::collections::BTreeSet<&str> =
        first.iter().map(|(_, name)| name.as_str()).collect();
    !rest.is_empty()
        && first.len() >= 2
        && names.len() == first.len()
        && names.iter().all(|name| name.chars().any(char::is_alphabetic))
        && names.iter().all(|name| name.chars().count() <= MAX_HEADER_CHARS * 2)
}

/// White space as one space each: a row is one line.
pub(super) fn on_one_line(field: &str) -> String {
    field.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Extraction {
        parse(source, b',', &ParseLimits::default()).unwrap()
    }

    #[test]
    fn each_row_says_what_its_fields_are() {
        let made = read("Pump,Pressure,Note\nP1,3 bar,\n\"P,2\",4 bar,\"two\nlines\"\n");
        let rows = "Pump: P1 | Pressure: 3 bar\nPump: P,2 | Pressure: 4 bar | Note: two lines";
        assert_eq!(made.text, format!("Pump | Pressure | Note\n{rows}"));
        assert!(made.blocks[0].keep_with_next);
        assert_eq!(made.blocks[1].kind, BlockKind::TableRow);
    }

    #[test]
    fn rows_without_a_header_are_fields_side_by_side() {
        assert_eq!(read("1,2\n3,4\n").text, "1 | 2\n3 | 4");
        assert_eq!(read("a,a\nb,c\n").text, "a | a\nb | c");
        assert_eq!(read("alone\n").text, "alone");
    }

    #[test]
    fn semicolons_and_tabs_divide_too() {
        assert_eq!(read("Name;Preis\nRad;1,5\n").text, "Name | Preis\nName: Rad | Preis: 1,5");
        let made = parse("A\tB\n1\t2\n", b'\t', &ParseLimits::default()).unwrap();
        assert_eq!(made.text, "A | B\nA: 1 | B: 2");
    }

    #[test]
    fn rows_of_uneven_length_and_open_quotes_are_read() {
        assert_eq!(read("A,B\n1\n2,3,4\n").text, "A | B\nA: 1\nA: 2 | B: 3 | 4");
        assert_eq!(read("A,B\n\"1,2\n3,4").text, "A | B\nA: 1,2 3,4");
    }

    #[test]
    fn cells_are_counted_below_at_and_above_the_limit() {
        for (max_cells, is_read) in [(5, false), (6, true), (7, true)] {
            let limits = ParseLimits { max_cells, ..ParseLimits::default() };
            let made = parse("A,B\n1,2\n3,4\n", b',', &limits);
            assert_eq!(made.is_ok(), is_read, "{max_cells}");
            assert!(is_read || made.unwrap_err().code() == "too_complex");
        }
    }
}
