//! Workbooks: a section per sheet, its rows with the headers of their columns; formulas as their last values, dates as dates.
//!
//! Sheets that are hidden so that only a program can show them are left out; charts, images and comments are not content.

mod cells;
mod dates;
#[cfg(test)]
mod tests;

use super::archive::Archive;
use super::builder::Builder;
use super::docx::property;
use super::pptx::relations_of;
use super::table::{self, Cells, Row};
use super::xml::{Element, Node, Xml, resolve};
use super::{Extraction, ParseError, ParseLimits};

const BOOK: &str = "xl/workbook.xml";
const STRINGS: &str = "xl/sharedStrings.xml";
const STYLES: &str = "xl/styles.xml";

/// Title: the one of the properties.
pub(super) fn parse(bytes: &[u8], limits: &ParseLimits) -> Result<Extraction, ParseError> {
    let mut archive = Archive::open(bytes, limits)?;
    let source = archive.text(BOOK)?;
    let book = Book::read(&source, limits)?;
    if book.sheets.len() > limits.max_sheets {
        return Err(ParseError::too_many("sheets", limits.max_sheets));
    }
    let relations = relations_of(&mut archive, BOOK, limits)?;
    let strings = match archive.optional_text(STRINGS)? {
        Some(source) => cells::shared_strings(&source, STRINGS, limits)?,
        None => Vec::new(),
    };
    let dates = match archive.optional_text(STYLES)? {
        Some(source) => dates::Dates::read(&source, STYLES, book.since_1904, limits)?,
        None => dates::Dates::default(),
    };
    let mut builder = Builder::new(limits);
    let mut count = Cells::new(limits);
    for sheet in &book.sheets {
        let Some(relation) = relations.iter().find(|relation| relation.id == sheet.relation) else {
            continue;
        };
        // Sheets of charts have no cells.
        if relation.kind != "worksheet" {
            continue;
        }
        let part = resolve("xl", &relation.target);
        let source = archive.text(&part)?;
        let rows = cells::rows(&source, &part, &strings, &dates, &mut count, limits)?;
        if rows.is_empty() {
            continue;
        }
        builder.heading(1, &sheet.name, None)?;
        for table in without_gaps(&rows) {
            table::write(&mut builder, table)?;
        }
    }
    let properties = archive.optional_text("docProps/core.xml")?;
    let title = properties.map(|source| property(&source, "title", limits)).transpose()?.flatten();
    Ok(builder.finish(title, None))
}

/// Tables of a sheet: an empty row divides them.
fn without_gaps(rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    rows.split(Vec::is_empty).filter(|table| !table.is_empty())
}

#[derive(Default)]
struct Book {
    sheets: Vec<Sheet>,
    /// Days count from 1904, as old programs for the Macintosh did.
    since_1904: bool,
}

struct Sheet {
    name: String,
    relation: String,
}

impl Book {
    fn read(source: &str, limits: &ParseLimits) -> Result<Self, ParseError> {
        let mut xml = Xml::new(source, BOOK, limits);
        let mut book = Self::default();
        while let Some(node) = xml.next()? {
            let Node::Open(element) = node else { continue };
            match element.name.as_str() {
                "workbookPr" => {
                    let flag = element.attribute("date1904");
                    book.since_1904 = matches!(flag, Some("1" | "true"));
                }
                "sheet" => book.sheets.extend(Sheet::of(&element)),
                _ => {}
            }
        }
        Ok(book)
    }
}

impl Sheet {
    fn of(element: &Element) -> Option<Self> {
        if element.attribute("state") == Some("veryHidden") {
            return None;
        }
        let (name, relation) = (element.attribute("name")?, element.relation()?);
        Some(Self { name: name.to_owned(), relation: relation.to_owned() })
    }
}
