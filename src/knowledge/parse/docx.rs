//! Word documents: headings, paragraphs, lists, tables, notes; what was deleted under tracked changes stays out.
//!
//! Read: the document, its styles, its numbering, its footnotes and endnotes, and its properties. Headers, footers, comments
//! and images are not content.

mod body;
mod numbering;
mod styles;
#[cfg(test)]
mod tests;

use super::archive::Archive;
use super::builder::Builder;
use super::xml::{Node, Xml};
use super::{Extraction, ParseError, ParseLimits};

const DOCUMENT: &str = "word/document.xml";
const NOTES: [(&str, &str); 2] = [("word/footnotes.xml", ""), ("word/endnotes.xml", "e")];

/// Title: the paragraph of that style, else the first heading of level 1, else the one of the properties, else the first heading.
pub(super) fn parse(bytes: &[u8], limits: &ParseLimits) -> Result<Extraction, ParseError> {
    let mut archive = Archive::open(bytes, limits)?;
    let styles = match archive.optional_text("word/styles.xml")? {
        Some(source) => styles::Styles::read(&source, limits)?,
        None => styles::Styles::default(),
    };
    let numbering = match archive.optional_text("word/numbering.xml")? {
        Some(source) => numbering::Numbering::read(&source, limits)?,
        None => numbering::Numbering::default(),
    };
    let document = archive.text(DOCUMENT)?;
    let mut builder = Builder::new(limits);
    let mut walker = body::Walker::new(&mut builder, &styles, numbering);
    walker.has_title =
        styles.titles().any(|id| document.contains(&format!("pStyle w:val=\"{id}\"")));
    walker.walk(Xml::new(&document, DOCUMENT, limits), "")?;
    for (part, mark) in NOTES {
        if let Some(source) = archive.optional_text(part)? {
            walker.walk_notes(Xml::new(&source, part, limits), mark)?;
        }
    }
    let headings = walker.into_headings();
    let properties = archive.optional_text("docProps/core.xml")?;
    let told = properties.map(|source| property(&source, "title", limits)).transpose()?.flatten();
    let best = headings.iter().find(|(level, _)| *level == 1).map(|(_, text)| text.clone());
    let title = best.or(told).or_else(|| headings.first().map(|(_, text)| text.clone()));
    Ok(builder.finish(title, styles.language))
}

/// Text of an element of the properties.
pub(super) fn property(
    source: &str,
    name: &str,
    limits: &ParseLimits,
) -> Result<Option<String>, ParseError> {
    let mut xml = Xml::new(source, "docProps/core.xml", limits);
    let mut text: Option<String> = None;
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(element) if element.name == name && text.is_none() => {
                text = Some(String::new())
            }
            Node::Text(part) => text.iter_mut().for_each(|text| text.push_str(&part)),
            Node::Close(closed) if closed == name => break,
            _ => {}
        }
    }
    Ok(text.filter(|text| !text.trim().is_empty()))
}
