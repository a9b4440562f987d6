//! Presentations: a section per slide with its title, text, tables and speaker notes, in the order of the show.
//!
//! Hidden slides are read too: their author kept them. Layouts, masters and images are not content.

use super::archive::Archive;
use super::builder::{Builder, Joint};
use super::docx::property;
use super::inline::Inline;
use super::xml::{Element, Node, Relation, Xml, relations, resolve};
use super::{BlockKind, Extraction, ParseError, ParseLimits};

const SHOW: &str = "ppt/presentation.xml";
const SLIDES: &str = "ppt/slides";
/// Deeper items are not indented further.
const MAX_INDENT: usize = 8;

/// Title: that of the first slide that has one, else the one of the properties.
pub(super) fn parse(bytes: &[u8], limits: &ParseLimits) -> Result<Extraction, ParseError> {
    let mut archive = Archive::open(bytes, limits)?;
    let slides = slides(&mut archive, limits)?;
    let mut builder = Builder::new(limits);
    let mut title = None;
    for (number, part) in (1..).zip(&slides) {
        let source = archive.text(part)?;
        let slide = Slide::read(&source, part, Of::Slide, limits)?;
        let notes = match notes_of(&mut archive, part, limits)? {
            Some(notes) => {
                let source = archive.text(&notes)?;
                Slide::read(&source, &notes, Of::Notes, limits)?.blocks
            }
            None => Vec::new(),
        };
        builder.page(number);
        title = title.or(slide.title.clone());
        let is_named = slide.title.is_some();
        let heading = slide.title.unwrap_or_else(|| format!("Slide {number}"));
        if !slide.blocks.is_empty() || !notes.is_empty() || is_named {
            builder.heading(1, &heading, None)?;
        }
        write(&mut builder, &slide.blocks)?;
        if !notes.is_empty() {
            builder.push(BlockKind::Paragraph, Joint::BlankLine, "Notes:", true)?;
            write(&mut builder, &notes)?;
        }
    }
    let properties = archive.optional_text("docProps/core.xml")?;
    let told = properties.map(|source| property(&source, "title", limits)).transpose()?.flatten();
    Ok(builder.finish(title.or(told), None))
}

/// Parts of the slides, in the order of the show.
fn slides(archive: &mut Archive<'_>, limits: &ParseLimits) -> Result<Vec<String>, ParseError> {
    let relations = relations_of(archive, SHOW, limits)?;
    let source = archive.text(SHOW)?;
    let mut xml = Xml::new(&source, SHOW, limits);
    let mut found = Vec::new();
    while let Some(node) = xml.next()? {
        if let Node::Open(element) = node
            && element.name == "sldId"
            && let Some(id) = element.relation()
            && let Some(relation) = relations.iter().find(|relation| relation.id == id)
        {
            if found.len() == limits.max_pages {
                return Err(ParseError::too_many("slides", limits.max_pages));
            }
            found.push(resolve("ppt", &relation.target));
        }
    }
    Ok(found)
}

fn notes_of(
    archive: &mut Archive<'_>,
    slide: &str,
    limits: &ParseLimits,
) -> Result<Option<String>, ParseError> {
    let relations = relations_of(archive, slide, limits)?;
    let notes = relations.iter().find(|relation| relation.kind == "notesSlide");
    Ok(notes.map(|notes| resolve(SLIDES, &notes.target)).filter(|part| archive.has(part)))
}

/// Relations of a part, which stand beside it in `_rels`.
pub(super) fn relations_of(
    archive: &mut Archive<'_>,
    part: &str,
    limits: &ParseLimits,
) -> Result<Vec<Relation>, ParseError> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let rels = format!("{folder}/_rels/{name}.rels");
    match archive.optional_text(&rels)? {
        Some(source) => relations(&source, &rels, limits),
        None => Ok(Vec::new()),
    }
}

fn write(builder: &mut Builder<'_>, blocks: &[Text]) -> Result<(), ParseError> {
    let mut before = None;
    for block in blocks {
        let joins =
            before == Some(block.kind) && block.kind != BlockKind::Paragraph && !block.begins;
        before = Some(block.kind);
        let joint = if joins { Joint::Line } else { Joint::BlankLine };
        let announces =
            block.body.ends_with(':') || (block.kind == BlockKind::TableRow && block.begins);
        builder.push(block.kind, joint, &block.body, announces)?;
    }
    Ok(())
}

/// What is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Slide,
    /// Only the placeholder that holds what the speaker says.
    Notes,
}

/// A paragraph or a row.
struct Text {
    kind: BlockKind,
    body: String,
    /// First of its shape or table.
    begins: bool,
}

/// A slide, or its notes.
#[derive(Default)]
struct Slide {
    title: Option<String>,
    blocks: Vec<Text>,
    inline: Inline,
    /// Kind of the placeholder that the open shape fills.
    placeholder: Option<String>,
    level: usize,
    row: Option<Vec<String>>,
    rows: usize,
    cell: Vec<String>,
    begins: bool,
    is_text: bool,
}

impl Slide {
    fn read(source: &str, part: &str, of: Of, limits: &ParseLimits) -> Result<Self, ParseError> {
        let mut xml = Xml::new(source, part, limits);
        let mut slide = Self::default();
        let mut fallback = 0;
        while let Some(node) = xml.next()? {
            match node {
                Node::Open(element) if element.name == "Fallback" => fallback += 1,
                Node::Close(name) if name == "Fallback" => fallback -= 1,
                _ if fallback > 0 => {}
                Node::Open(element) => slide.open(&element),
                Node::Text(text) if slide.is_text => slide.inline.push(&text, false),
                Node::Text(_) => {}
                Node::Close(name) => slide.close(&name, of),
            }
        }
        Ok(slide)
    }

    fn open(&mut self, element: &Element) {
        match element.name.as_str() {
            "sp" => {
                self.placeholder = None;
                self.begins = true;
            }
            "ph" => {
                let kind = element.attribute("type").unwrap_or("body");
                self.placeholder = Some(kind.to_owned());
            }
            "pPr" => {
                let level = element.attribute("lvl").and_then(|level| level.parse().ok());
                self.level = level.unwrap_or(0);
            }
            "t" => self.is_text = true,
            "br" => self.inline.line_break(),
            "tbl" => self.rows = 0,
            "tr" => self.row = Some(Vec::new()),
            _ => {}
        }
    }

    fn close(&mut self, name: &str, of: Of) {
        match name {
            "t" => self.is_text = false,
            "p" => self.end_paragraph(of),
            "tc" => {
                let cell = std::mem::take(&mut self.cell).join(" ");
                self.row.iter_mut().for_each(|row| row.push(cell.clone()));
            }
            "tr" => {
                let row = self.row.take().unwrap_or_default();
                if row.iter().any(|cell| !cell.is_empty()) {
                    let (kind, begins) = (BlockKind::TableRow, self.rows == 0);
                    self.rows += 1;
                    self.blocks.push(Text { kind, body: row.join(" | "), begins });
                }
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self, of: Of) {
        let body = self.inline.take();
        let level = std::mem::take(&mut self.level);
        if body.is_empty() {
            return;
        }
        if self.row.is_some() {
            self.cell.push(body.replace('\n', " "));
            return;
        }
        let placeholder = self.placeholder.as_deref();
        match (of, placeholder) {
            (_, Some("sldNum" | "dt" | "ftr" | "hdr" | "sldImg")) => return,
            (Of::Notes, Some("body")) => {}
            (Of::Notes, _) => return,
            (Of::Slide, Some("title" | "ctrTitle")) => {
                let title = self.title.get_or_insert_default();
                title.push_str(if title.is_empty() { "" } else { " " });
                title.push_str(&body.replace('\n', " "));
                return;
            }
            _ => {}
        }
        let is_item = of == Of::Slide && placeholder == Some("body");
        let kind = if is_item { BlockKind::ListItem } else { BlockKind::Paragraph };
        let body =
            if is_item { format!("{}- {body}", "  ".repeat(level.min(MAX_INDENT))) } else { body };
        let begins = std::mem::take(&mut self.begins);
        self.blocks.push(Text { kind, body, begins });
    }
}

#[cfg(test)]
mod tests {
    use super::super::archive::tests::zip;
    use super::*;

    fn slide(shapes: &str) -> String {
        format!("<p:sld><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>")
    }

    fn shape(placeholder: &str, paragraphs: &[&str]) -> String {
        let text: String = paragraphs
            .iter()
            .map(|text| format!("<a:p><a:r><a:t>{text}</a:t></a:r></a:p>"))
            .collect();
        let kind =
            if placeholder.is_empty() { String::new() } else { format!(" type='{placeholder}'") };
        format!(
            "<p:sp><p:nvSpPr><p:nvPr><p:ph{kind}/></p:nvPr></p:nvSpPr><p:txBody>{text}</p:txBody></p:sp>"
        )
    }

    fn show(slides: &[(&str, Option<&str>)]) -> Vec<u8> {
        let mut parts: Vec<(String, String)> = Vec::new();
        let (mut ids, mut rels) = (String::new(), String::new());
        // The order of the show is that of the list, not that of the files.
        for (number, (slide, notes)) in slides.iter().enumerate() {
            let file = slides.len() - number;
            ids += &format!("<p:sldId id='{}' r:id='r{number}'/>", 256 + number);
            rels += &format!(
                "<Relationship Id='r{number}' Type='x/slide' Target='slides/slide{file}.xml'/>"
            );
            parts.push((format!("ppt/slides/slide{file}.xml"), (*slide).to_owned()));
            if let Some(notes) = notes {
                let target = format!("../notesSlides/n{file}.xml");
                parts.push((
                    format!("ppt/slides/_rels/slide{file}.xml.rels"),
                    format!("<Relationships><Relationship Id='r1' Type='x/notesSlide' Target='{target}'/></Relationships>"),
                ));
                parts.push((format!("ppt/notesSlides/n{file}.xml"), (*notes).to_owned()));
            }
        }
        parts.push((
            SHOW.into(),
            format!("<p:presentation><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>"),
        ));
        parts.push((
            "ppt/_rels/presentation.xml.rels".into(),
            format!("<Relationships>{rels}</Relationships>"),
        ));
        let parts: Vec<(&str, &str)> =
            parts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        zip(&parts)
    }

    #[test]
    fn slides_stand_in_order_with_titles_items_and_notes() {
        let notes = slide(&[shape("body", &["Say it slowly."]), shape("sldNum", &["1"])].concat());
        let first =
            slide(&[shape("ctrTitle", &["Pumps"]), shape("subTitle", &["A talk"])].concat());
        let second =
            slide(&[shape("title", &["Use"]), shape("", &["Open it", "Turn it"])].concat());
        let bytes = show(&[(&first, Some(&notes)), (&second, None)]);
        let made = parse(&bytes, &ParseLimits::default()).unwrap();
        assert_eq!(
            made.text,
            "Pumps\n\nA talk\n\nNotes:\n\nSay it slowly.\n\nUse\n\n- Open it\n- Turn it"
        );
        assert_eq!(made.title.as_deref(), Some("Pumps"));
        let last = made.sections.last().unwrap();
        assert_eq!((last.heading_path.join("/").as_str(), last.page), ("Use", Some(2)));
    }

    #[test]
    fn tables_are_rows_and_a_slide_without_title_has_its_number() {
        let cell = |text: &str| {
            format!("<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>")
        };
        let row = |a: &str, b: &str| format!("<a:tr>{}{}</a:tr>", cell(a), cell(b));
        let table = format!(
            "<p:graphicFrame><a:tbl>{}{}</a:tbl></p:graphicFrame>",
            row("Pump", "Bar"),
            row("P1", "3")
        );
        let made = parse(&show(&[(&slide(&table), None)]), &ParseLimits::default()).unwrap();
        assert_eq!(made.text, "Slide 1\n\nPump | Bar\nP1 | 3");
    }

    #[test]
    fn slides_are_counted_below_at_and_above_the_limit() {
        let one = slide(&shape("title", &["Use"]));
        let bytes = show(&[(&one, None), (&one, None), (&one, None)]);
        for (max_pages, is_read) in [(2, false), (3, true), (4, true)] {
            let limits = ParseLimits { max_pages, ..ParseLimits::default() };
            let made = parse(&bytes, &limits);
            assert_eq!(made.is_ok(), is_read, "{max_pages}");
            assert!(is_read || made.unwrap_err().code() == "too_complex");
        }
    }
}
