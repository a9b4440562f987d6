//! EPUB books: their chapters in reading order, each read as HTML.
//!
//! Fonts, images, styles and the table of contents are not content: the headings of the chapters are the outline.

use std::collections::HashMap;

use super::archive::Archive;
use super::builder::Builder;
use super::html::{append_fragment, is_language_tag};
use super::xml::{Node, Xml, resolve};
use super::{Extraction, ParseError, ParseLimits};

const CONTAINER: &str = "META-INF/container.xml";
const ENCRYPTION: &str = "META-INF/encryption.xml";

/// Title and language: those of the package.
pub(super) fn parse(bytes: &[u8], limits: &ParseLimits) -> Result<Extraction, ParseError> {
    let mut archive = Archive::open(bytes, limits)?;
    let package = package(&mut archive, limits)?;
    let source = archive.text(&package)?;
    let book = Book::read(&source, &package, limits)?;
    if book.chapters.len() > limits.max_entries {
        return Err(ParseError::too_many("chapters", limits.max_entries));
    }
    let encrypted = archive.optional_text(ENCRYPTION)?.unwrap_or_default();
    let mut builder = Builder::new(limits);
    for chapter in &book.chapters {
        // Fonts may be obfuscated in a book that anybody can read; chapters are encrypted in one that needs a key.
        if encrypted.contains(chapter.as_str()) {
            return Err(ParseError::Encrypted);
        }
        let source = archive.text(chapter)?;
        append_fragment(&source, &mut builder, limits)?;
    }
    Ok(builder.finish(book.title, book.language))
}

/// The part that describes the book.
fn package(archive: &mut Archive<'_>, limits: &ParseLimits) -> Result<String, ParseError> {
    let source = archive.text(CONTAINER)?;
    let mut xml = Xml::new(&source, CONTAINER, limits);
    while let Some(node) = xml.next()? {
        if let Node::Open(element) = node
            && element.name == "rootfile"
            && let Some(path) = element.attribute("full-path")
        {
            return Ok(path.to_owned());
        }
    }
    Err(ParseError::damaged(format!("{CONTAINER} names no package")))
}

#[derive(Default)]
struct Book {
    title: Option<String>,
    language: Option<String>,
    /// Parts, in reading order.
    chapters: Vec<String>,
}

impl Book {
    fn read(source: &str, part: &str, limits: &ParseLimits) -> Result<Self, ParseError> {
        let mut xml = Xml::new(source, part, limits);
        let folder = part.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut book = Self::default();
        let mut items: HashMap<String, String> = HashMap::new();
        let mut open: Option<String> = None;
        while let Some(node) = xml.next()? {
            match node {
                Node::Open(element) => {
                    let attribute = |name: &str| element.attribute(name).map(str::to_owned);
                    match element.name.as_str() {
                        "item" => items.extend(attribute("id").zip(attribute("href"))),
                        "itemref" => {
                            let href = attribute("idref").and_then(|id| items.get(&id));
                            book.chapters.extend(href.map(|href| resolve(folder, &decoded(href))));
                        }
                        _ => {}
                    }
                    open = Some(element.name);
                }
                Node::Text(text) => match open.as_deref() {
                    Some("title") => book.title.get_or_insert_default().push_str(&text),
                    Some("language") if book.language.is_none() => {
                        book.language =
                            Some(text.trim().to_owned()).filter(|tag| is_language_tag(tag));
                    }
                    _ => {}
                },
                Node::Close(_) => open = None,
            }
        }
        Ok(book)
    }
}

/// A path whose bytes may be written as `%20`.
fn decoded(href: &str) -> String {
    let mut bytes = Vec::with_capacity(href.len());
    let mut rest = href.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::archive::tests::zip;
    use super::*;

    const PACKAGE: &str = "<package><metadata><dc:title>The pump book</dc:title><dc:language>en-GB</dc:language></metadata>\
        <manifest><item id='b' href='text/two%20b.xhtml'/><item id='a' href='text/one.xhtml'/><item id='i' href='a.png'/></manifest>\
        <spine><itemref idref='a'/><itemref idref='b'/><itemref idref='gone'/></spine></package>";

    fn book(more: &[(&str, &str)]) -> Vec<u8> {
        let container =
            "<container><rootfiles><rootfile full-path='OPS/book.opf'/></rootfiles></container>";
        let mut parts = vec![
            ("mimetype", "application/epub+zip"),
            (CONTAINER, container),
            ("OPS/book.opf", PACKAGE),
            (
                "OPS/text/one.xhtml",
                "<!DOCTYPE html><html><head><title>x</title></head><body><h1>One</h1><p>First.</p></body></html>",
            ),
        ];
        parts.extend(more);
        zip(&parts)
    }

    #[test]
    fn chapters_stand_in_reading_order() {
        let second = (
            "OPS/text/two b.xhtml",
            "<html><body><h1 id='t'>Two</h1><ul><li>a</li><li>b</li></ul></body></html>",
        );
        let made = parse(&book(&[second]), &ParseLimits::default()).unwrap();
        assert_eq!(made.text, "One\n\nFirst.\n\nTwo\n\n- a\n- b");
        assert_eq!(made.title.as_deref(), Some("The pump book"));
        assert_eq!(made.language.as_deref(), Some("en-GB"));
        let last = made.sections.last().unwrap();
        assert_eq!(
            (last.heading_path.join("/").as_str(), last.anchor.as_deref()),
            ("Two", Some("t"))
        );
    }

    #[test]
    fn a_missing_chapter_and_a_locked_one_fail_by_name() {
        let error = parse(&book(&[]), &ParseLimits::default()).unwrap_err();
        assert_eq!(error.code(), "damaged");
        assert!(error.to_string().contains("two b.xhtml"), "{error}");
        let locked = "<encryption><CipherReference URI='OPS/text/one.xhtml'/></encryption>";
        let error = parse(&book(&[(ENCRYPTION, locked)]), &ParseLimits::default()).unwrap_err();
        assert_eq!(error, ParseError::Encrypted);
    }
}
