//! PDF: the text of each page in lines and paragraphs, the outline as headings, page numbers.
//!
//! A library interprets what the pages draw; here its letters are put together. Images, forms and annotations are not
//! content. Its memory and time are bounded by the process around it, not by this module.

mod furniture;
mod layout;
mod letters;
mod outline;
#[cfg(test)]
mod tests;

use hayro_interpret::hayro_syntax::object::Dict;
use hayro_interpret::hayro_syntax::{LoadPdfError, Pdf};

use super::builder::{Builder, Joint};
use super::html::is_language_tag;
use super::inline::Inline;
use super::{BlockKind, Extraction, ParseError, ParseLimits};
use layout::{Line, append, goes_on, is_item};
use outline::Entry;

/// Title: that of the document's properties, else the first heading.
pub(super) fn parse(bytes: &[u8], limits: &ParseLimits) -> Result<Extraction, ParseError> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(_) => ParseError::Encrypted,
        LoadPdfError::Invalid => ParseError::damaged("it is no whole PDF document"),
    })?;
    if pdf.pages().len() > limits.max_pages {
        return Err(ParseError::too_many("pages", limits.max_pages));
    }
    let entries = outline::read(&pdf);
    let mut pages = Vec::with_capacity(pdf.pages().len());
    let mut chars = 0;
    for page in pdf.pages().iter() {
        let (lines, more) = letters::read(&pdf, page);
        chars += more;
        if chars > limits.max_text_chars {
            return Err(ParseError::TextTooLong { limit: limits.max_text_chars });
        }
        pages.push(lines);
    }
    furniture::remove(&mut pages);
    let mut builder = Builder::new(limits);
    for (number, lines) in (0..).zip(&pages) {
        builder.page(number + 1);
        let own: Vec<&Entry> = entries.iter().filter(|entry| entry.page == number).collect();
        write_page(&mut builder, lines, &own)?;
    }
    let catalogue: Option<Dict<'_>> = pdf.xref().get(pdf.xref().root_id());
    let language = catalogue.and_then(|it| outline::text(&it, b"Lang"));
    let told = pdf.metadata().title.as_deref().map(outline::decoded);
    let told = told.filter(|title| title.chars().any(char::is_alphabetic));
    let title = told.or_else(|| entries.first().map(|entry| entry.title.clone()));
    Ok(builder.finish(title, language.filter(|tag| is_language_tag(tag))))
}

/// Writes the lines of a page. A heading of the outline stands where a line says the same, else at the top.
fn write_page(
    builder: &mut Builder<'_>,
    lines: &[Line],
    entries: &[&Entry],
) -> Result<(), ParseError> {
    let place = |entry: &Entry| {
        let wanted = letters_of(&entry.title);
        lines.iter().position(|line| {
            let found = letters_of(&line.text);
            !wanted.is_empty() && found.ends_with(&wanted) && found.len() <= wanted.len() + 12
        })
    };
    let places: Vec<(Option<usize>, &&Entry)> =
        entries.iter().map(|entry| (place(entry), entry)).collect();
    for (_, entry) in places.iter().filter(|(place, _)| place.is_none()) {
        builder.heading(entry.level, &entry.title, None)?;
    }
    let mut paragraph = String::new();
    let mut before: Option<&Line> = None;
    for (at, line) in lines.iter().enumerate() {
        let heading = places.iter().find(|(place, _)| *place == Some(at));
        if before.is_some_and(|before| !goes_on(before, line)) || heading.is_some() {
            write_paragraph(builder, &mut paragraph)?;
        }
        before = Some(line);
        match heading {
            Some((_, entry)) => {
                before = None;
                builder.heading(entry.level, &line.text, None)?;
            }
            None => append(&mut paragraph, &line.text),
        }
    }
    write_paragraph(builder, &mut paragraph)
}

fn write_paragraph(builder: &mut Builder<'_>, paragraph: &mut String) -> Result<(), ParseError> {
    let mut inline = Inline::default();
    inline.push(paragraph, false);
    paragraph.clear();
    let body = inline.take();
    let kind = if is_item(&body) { BlockKind::ListItem } else { BlockKind::Paragraph };
    builder.push(kind, Joint::BlankLine, &body, body.ends_with(':'))
}

/// Letters and digits alone, in lower case: spaces and punctuation differ between outline and page.
fn letters_of(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
