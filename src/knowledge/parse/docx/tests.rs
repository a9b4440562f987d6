//! Word documents made by hand, with the parts that matter.

use super::super::archive::tests::zip;
use crate::knowledge::parse::{BlockKind, Extraction, MediaType, ParseError, ParseLimits, parse};

const STYLES: &str = r#"<w:styles xmlns:w="w"><w:docDefaults><w:lang w:val="de-DE"/></w:docDefaults>
<w:style w:styleId="Title"><w:name w:val="Title"/></w:style>
<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="Own"><w:name w:val="Own heading"/><w:basedOn w:val="berschrift1"/></w:style>
<w:style w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>
<w:style w:styleId="Code"><w:name w:val="HTML Preformatted"/></w:style></w:styles>"#;

const NUMBERING: &str = r#"<w:numbering xmlns:w="w"><w:abstractNum w:abstractNumId="7">
<w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl>
</w:abstractNum><w:num w:numId="3"><w:abstractNumId w:val="7"/></w:num></w:numbering>"#;

fn try_read(body: &str, more: &[(&str, &str)]) -> Result<Extraction, ParseError> {
    let document = format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>");
    let mut parts = vec![
        ("word/document.xml", document.as_str()),
        ("word/styles.xml", STYLES),
        ("word/numbering.xml", NUMBERING),
    ];
    parts.extend(more);
    parse(MediaType::Docx, &zip(&parts), &ParseLimits::default())
}

fn read(body: &str) -> Extraction {
    try_read(body, &[]).unwrap()
}

fn paragraph(style: &str, text: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

#[test]
fn headings_come_from_styles_whatever_their_ids() {
    let body = [
        paragraph("Title", "Pumps &amp; valves"),
        paragraph("TOC1", "Use 3"),
        paragraph("berschrift1", "Use"),
        paragraph(
            "",
            "Open <w:x/>it."
                .replace("<w:x/>", "</w:t></w:r><w:r><w:t xml:space='preserve'>")
                .as_str(),
        ),
        paragraph("Own", "Care"),
        paragraph("", "Oil it."),
    ]
    .concat();
    let made = read(&body);
    assert_eq!(made.text, "Pumps & valves\n\nUse\n\nOpen it.\n\nCare\n\nOil it.");
    assert_eq!(made.title.as_deref(), Some("Pumps & valves"));
    assert_eq!(made.language.as_deref(), Some("de-DE"));
    assert_eq!(made.sections.last().unwrap().heading_path, ["Pumps & valves", "Care"]);
}

#[test]
fn lists_count_and_bullets_stand_under_them() {
    let item = |level: u8, text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='3'/></w:numPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
        )
    };
    let made = read(&[item(0, "one"), item(1, "in it"), item(0, "two")].concat());
    assert_eq!(made.text, "1. one\n  - in it\n2. two");
    assert!(made.blocks.iter().all(|block| block.kind == BlockKind::ListItem));
}

#[test]
fn tables_are_rows_and_a_table_within_is_text_of_its_cell() {
    let cell = |text: &str| format!("<w:tc><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>");
    let row = |cells: &[&str]| {
        let cells: String = cells.iter().map(|text| cell(text)).collect();
        format!("<w:tr>{cells}</w:tr>")
    };
    let inner = format!("<w:tbl>{}</w:tbl>", row(&["x", "y"]));
    let last = format!("<w:tr>{}<w:tc>{inner}</w:tc></w:tr>", cell("P2"));
    let made =
        read(&format!("<w:tbl>{}{}{last}</w:tbl>", row(&["Pump", "Bar"]), row(&["P1", "3"])));
    assert_eq!(made.text, "Pump | Bar\nP1 | 3\nP2 | x | y");
    assert!(made.blocks[0].keep_with_next && made.blocks[2].kind == BlockKind::TableRow);
}

#[test]
fn what_was_deleted_stays_out_and_what_stands_twice_is_read_once() {
    let made = read(
        "<w:p><w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>gone</w:t></w:r></w:moveFrom>\
         <w:ins><w:r><w:t>new</w:t><w:instrText>PAGE</w:instrText></w:r></w:ins><mc:AlternateContent><mc:Choice><w:r><w:t> box</w:t></w:r>\
         </mc:Choice><mc:Fallback><w:r><w:t> box</w:t></w:r></mc:Fallback></mc:AlternateContent></w:p>",
    );
    assert_eq!(made.text, "new box");
}

#[test]
fn notes_stand_at_the_end_with_their_marks() {
    let notes = "<w:footnotes><w:footnote w:type='separator' w:id='-1'><w:p><w:r><w:t>x</w:t></w:r></w:p></w:footnote>\
        <w:footnote w:id='2'><w:p><w:r><w:t>By hand.</w:t></w:r></w:p></w:footnote></w:footnotes>";
    let body = "<w:p><w:r><w:t>Turn it</w:t></w:r><w:r><w:footnoteReference w:id='2'/></w:r></w:p>";
    let made = try_read(body, &[("word/footnotes.xml", notes)]).unwrap();
    assert_eq!(made.text, "Turn it[2]\n\n[2] By hand.");
}

#[test]
fn code_keeps_its_lines() {
    let made = read(&[paragraph("Code", "if x:"), paragraph("Code", "    run()")].concat());
    assert_eq!(made.text, "if x:\n    run()");
    assert_eq!(made.blocks[1].kind, BlockKind::Code);
}

#[test]
fn a_document_without_its_parts_or_with_a_declaration_fails_by_name() {
    let bare = zip(&[("word/styles.xml", STYLES)]);
    let error = parse(MediaType::Docx, &bare, &ParseLimits::default()).unwrap_err();
    assert_eq!(error.code(), "damaged");
    let evil = "<!DOCTYPE w:document [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><w:document>&a;</w:document>";
    let evil = zip(&[("word/document.xml", evil)]);
    let error = parse(MediaType::Docx, &evil, &ParseLimits::default()).unwrap_err();
    assert_eq!(error.code(), "document_type_declaration");
}
