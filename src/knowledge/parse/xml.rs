//! Reads the XML of Office formats and of EPUB: names without prefix, text with its references resolved, depth bounded.
//!
//! It refuses document type declarations: nobody's own entities are expanded and nothing outside is named.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

use super::{ParseError, ParseLimits};

/// What a reader of a format meets.
pub(super) enum Node {
    Open(Element),
    /// Name of the element that ends.
    Close(String),
    Text(String),
}

/// A start tag.
pub(super) struct Element {
    /// Without its prefix.
    pub(super) name: String,
    /// Names with their prefixes.
    attributes: Vec<(String, String)>,
}

impl Element {
    /// Value of an attribute, named without its prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| local(known) == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Id of a relation: `r:id`, beside which an `id` of another meaning may stand.
    pub(super) fn relation(&self) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known != "id" && local(known) == "id");
        found.map(|(_, value)| value.as_str())
    }
}

/// A document being read. An element without content opens and closes.
pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    part: &'a str,
    depth: usize,
    max_depth: usize,
    closes: Option<String>,
}

impl<'a> Xml<'a> {
    /// `part` is what a person is told when it is damaged.
    pub(super) fn new(source: &'a str, part: &'a str, limits: &ParseLimits) -> Self {
        let mut reader = Reader::from_str(source);
        reader.config_mut().check_end_names = true;
        Self { reader, part, depth: 0, max_depth: limits.max_xml_depth, closes: None }
    }

    /// The next node; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Node>, ParseError> {
        if let Some(name) = self.closes.take() {
            return Ok(Some(Node::Close(name)));
        }
        loop {
            let event = self.reader.read_event().map_err(|_| self.damaged())?;
            return Ok(Some(match event {
                Event::Start(tag) => {
                    self.depth += 1;
                    if self.depth > self.max_depth {
                        return Err(ParseError::TooDeep { limit: self.max_depth });
                    }
                    Node::Open(self.element(&tag)?)
                }
                Event::Empty(tag) => {
                    let element = self.element(&tag)?;
                    self.closes = Some(element.name.clone());
                    Node::Open(element)
                }
                Event::End(tag) => {
                    self.depth = self.depth.saturating_sub(1);
                    Node::Close(tag.local_name().as_ref().to_owned())
                }
                Event::Text(text) => Node::Text(text.to_string()),
                Event::CData(text) => Node::Text(text.to_string()),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().map_err(|_| self.damaged())?;
                    let name = reference.to_string();
                    let known = resolve_xml_entity(&name);
                    match character.map(String::from).or(known.map(str::to_owned)) {
                        Some(text) => Node::Text(text),
                        None => return Err(self.damaged()),
                    }
                }
                Event::DocType(_) => return Err(ParseError::DocumentTypeDeclaration),
                Event::Eof if self.depth > 0 => return Err(self.damaged()),
                Event::Eof => return Ok(None),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
            }));
        }
    }

    fn element(&self, tag: &BytesStart<'_>) -> Result<Element, ParseError> {
        let mut attributes = Vec::new();
        // Looking for an attribute that stands twice takes time by the square of their number.
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| self.damaged())?;
            let value =
                quick_xml::escape::unescape(&attribute.value).map_err(|_| self.damaged())?;
            attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Ok(Element { name: tag.local_name().as_ref().to_owned(), attributes })
    }

    fn damaged(&self) -> ParseError {
        ParseError::damaged(format!("{} is not well-formed XML", self.part))
    }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Targets of a part's relations by their id: `rId3` to `slides/slide1.xml`, relative to the folder of the part.
pub(super) fn relations(
    source: &str,
    part: &str,
    limits: &ParseLimits,
) -> Result<Vec<Relation>, ParseError> {
    let mut xml = Xml::new(source, part, limits);
    let mut found = Vec::new();
    while let Some(node) = xml.next()? {
        if let Node::Open(element) = node
            && element.name == "Relationship"
            && element.attribute("TargetMode") != Some("External")
            && let (Some(id), Some(target)) = (element.attribute("Id"), element.attribute("Target"))
        {
            let kind = element.attribute("Type").unwrap_or_default();
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            found.push(Relation { id: id.to_owned(), kind, target: target.to_owned() });
        }
    }
    Ok(found)
}

/// What a part names with an id.
pub(super) struct Relation {
    pub(super) id: String,
    /// Last word of its type, e.g. `slide`.
    pub(super) kind: String,
    pub(super) target: String,
}

/// Name of the part that `target` means within `folder`: `../notes/a.xml` in `ppt/slides` is `ppt/notes/a.xml`.
pub(super) fn resolve(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str, max_xml_depth: usize) -> Result<String, ParseError> {
        let limits = ParseLimits { max_xml_depth, ..ParseLimits::default() };
        let mut xml = Xml::new(source, "part.xml", &limits);
        let mut out = String::new();
        while let Some(node) = xml.next()? {
            match node {
                Node::Open(element) => {
                    out += &format!("<{}{}>", element.name, element.attribute("k").unwrap_or(""));
                }
                Node::Close(name) => out += &format!("</{name}>"),
                Node::Text(text) => out += &text,
            }
        }
        Ok(out)
    }

    #[test]
    fn prefixes_go_and_references_are_resolved() {
        let made = read("<w:a x:k='1 &amp; 2'>R&amp;D &#252;<b/><![CDATA[<i>]]></w:a>", 9).unwrap();
        assert_eq!(made, "<a1 & 2>R&D ü<b></b><i></a>");
    }

    #[test]
    fn depth_is_counted_below_at_and_above_the_limit() {
        let source = format!("{}{}", "<a>".repeat(5), "</a>".repeat(5));
        for (limit, is_read) in [(4, false), (5, true), (6, true)] {
            assert_eq!(read(&source, limit).is_ok(), is_read, "{limit}");
        }
        assert_eq!(read(&source, 4).unwrap_err().code(), "nested_too_deep");
    }

    #[test]
    fn declarations_of_types_and_unknown_entities_are_refused() {
        let laughs = "<!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;'>]><a>&c;</a>";
        assert_eq!(read(laughs, 9).unwrap_err().code(), "document_type_declaration");
        for source in ["<a>&c;</a>", "<a>", "<a></b>", "<a k='&c;'/>", "<a>&#xFFFFFFFF;</a>"] {
            assert_eq!(read(source, 9).unwrap_err().code(), "damaged", "{source}");
        }
    }

    #[test]
    fn targets_are_relative_to_the_folder() {
        assert_eq!(resolve("ppt/slides", "../notesSlides/n1.xml"), "ppt/notesSlides/n1.xml");
        assert_eq!(resolve("xl", "/xl/worksheets/s.xml"), "xl/worksheets/s.xml");
        assert_eq!(resolve("", "../../a"), "a");
    }
}
