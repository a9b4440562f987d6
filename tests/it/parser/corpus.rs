//! Files that people have, small, and what becomes of them when they are cut and changed.

use std::io::{Cursor, Write};

use pidima::knowledge::parse::MediaType;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::pdf;

/// A file, and what its name says about it.
pub struct Case {
    pub name: String,
    pub media: MediaType,
    pub bytes: Vec<u8>,
}

pub fn case(name: impl Into<String>, media: MediaType, bytes: impl Into<Vec<u8>>) -> Case {
    Case { name: name.into(), media, bytes: bytes.into() }
}

/// An archive of these parts.
pub fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A Word document with this body.
pub fn word(body: &str) -> Vec<u8> {
    let document = format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>");
    archive(&[("word/document.xml", document.as_bytes())])
}

/// A workbook of one sheet.
pub fn workbook(sheet: &str, strings: &str) -> Vec<u8> {
    let book = "<workbook><sheets><sheet name='A' sheetId='1' r:id='r1'/></sheets></workbook>";
    let rels = "<Relationships><Relationship Id='r1' Type='x/worksheet' Target='worksheets/s.xml'/></Relationships>";
    archive(&[
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", rels.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/s.xml", sheet.as_bytes()),
    ])
}

/// A presentation of one slide.
pub fn presentation(slide: &str) -> Vec<u8> {
    let show =
        "<p:presentation><p:sldIdLst><p:sldId id='256' r:id='r1'/></p:sldIdLst></p:presentation>";
    let rels = "<Relationships><Relationship Id='r1' Type='x/slide' Target='slides/slide1.xml'/></Relationships>";
    archive(&[
        ("ppt/presentation.xml", show.as_bytes()),
        ("ppt/_rels/presentation.xml.rels", rels.as_bytes()),
        ("ppt/slides/slide1.xml", slide.as_bytes()),
    ])
}

/// A book of one chapter, read as often as told.
pub fn book(chapter: &str, times: usize) -> Vec<u8> {
    let container = "<container><rootfiles><rootfile full-path='b.opf'/></rootfiles></container>";
    let spine = "<itemref idref='a'/>".repeat(times);
    let package = format!(
        "<package><manifest><item id='a' href='a.xhtml'/></manifest><spine>{spine}</spine></package>"
    );
    archive(&[
        ("META-INF/container.xml", container.as_bytes()),
        ("b.opf", package.as_bytes()),
        ("a.xhtml", chapter.as_bytes()),
    ])
}

/// A good file of each format that is more than text.
pub fn good() -> Vec<Case> {
    let paragraph = "<w:p><w:r><w:t>The pump runs at 3 bar.</w:t></w:r></w:p>";
    let sheet = "<worksheet><sheetData><row r='1'><c r='A1' t='s'><v>0</v></c></row></sheetData></worksheet>";
    let strings = "<sst><si><t>The pump runs at 3 bar.</t></si></sst>";
    let slide =
        "<p:sld><p:sp><a:p><a:r><a:t>The pump runs at 3 bar.</a:t></a:r></a:p></p:sp></p:sld>";
    let chapter = "<html><body><h1>Pumps</h1><p>The pump runs at 3 bar.</p></body></html>";
    let notebook =
        r##"{"cells":[{"cell_type":"markdown","source":"# Pumps\n\nThe pump runs at 3 bar."}]}"##;
    vec![
        case("good.docx", MediaType::Docx, word(&paragraph.repeat(20))),
        case("good.xlsx", MediaType::Xlsx, workbook(sheet, strings)),
        case("good.pptx", MediaType::Pptx, presentation(slide)),
        case("good.epub", MediaType::Epub, book(chapter, 1)),
        case("good.pdf", MediaType::Pdf, pdf::document(&["The pump runs at 3 bar.", "Oil it."])),
        case("good.ipynb", MediaType::Notebook, notebook),
        case("good.csv", MediaType::Csv, "Pump,Bar\nThe pump runs at,3 bar\n"),
    ]
}

/// Good files cut at many places.
pub fn cut() -> Vec<Case> {
    let mut cases = Vec::new();
    for whole in good() {
        for part in 1..9 {
            let end = whole.bytes.len() * part / 9;
            let name = format!("{} cut at {part}/9", whole.name);
            cases.push(case(name, whole.media, &whole.bytes[..end]));
        }
    }
    cases
}

/// Good files with bytes changed, the same ones each time.
pub fn changed() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
    for whole in good() {
        for round in 0..6 {
            let mut bytes = whole.bytes.clone();
            for _ in 0..=round * 3 {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let place = usize::try_from(seed % bytes.len() as u64).unwrap();
                bytes[place] = u8::try_from(seed >> 40 & 0xff).unwrap();
            }
            cases.push(case(format!("{} changed {round}", whole.name), whole.media, bytes));
        }
    }
    cases
}
