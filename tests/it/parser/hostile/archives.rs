//! Archives that lie, and documents in them that do.

use std::io::{Cursor, Write};

use pidima::knowledge::parse::MediaType::{Docx, Epub, Pptx, Xlsx};
use zip::write::{SimpleFileOptions, ZipWriter};

use super::super::corpus::{Case, archive, book, case, good, presentation, word, workbook};

/// How some of them must end.
pub const EXPECTED: &[(&str, &[&str])] = &[
    ("a document that unpacks to 60 MB of spaces", &["unpacks_too_densely"]),
    ("a book that names one chapter 900 times", &["unpacks_too_densely", "text_too_long"]),
    ("an archive of 1,500 parts", &["too_complex"]),
    ("an archive with a password", &["encrypted"]),
    ("an archive within an archive within an archive", &["read"]),
    ("a million laughs in a document", &["document_type_declaration"]),
    ("a million laughs in shared strings", &["document_type_declaration"]),
    ("a file of the machine as an entity", &["document_type_declaration"]),
    ("elements 100,000 deep", &["nested_too_deep"]),
    ("a million cells and one", &["too_complex"]),
    ("an element with 200,000 attributes", &["read", "no_text"]),
];

const LAUGHS: &str = "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>\
    <!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]><l>&c;</l>";
const PARAGRAPH: &str = "<w:p><w:r><w:t>The pump runs at 3 bar.</w:t></w:r></w:p>";

pub fn all() -> Vec<Case> {
    let mut cases = bombs();
    cases.extend(liars());
    cases.extend(markup());
    cases.extend(sheets());
    cases
}

fn bombs() -> Vec<Case> {
    let spaces = " ".repeat(60_000_000);
    let dense = archive(&[("word/document.xml", spaces.as_bytes())]);
    let chapter = format!("<p>{}</p>", "The pump runs at 3 bar. ".repeat(40_000));
    let many: Vec<(String, Vec<u8>)> = (0..1_500)
        .map(|part| (format!("word/media/{part}"), Vec::new()))
        .chain([("word/document.xml".to_owned(), PARAGRAPH.as_bytes().to_vec())])
        .collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(a, b)| (a.as_str(), b.as_slice())).collect();
    let mut nested = word(PARAGRAPH);
    let document = "<w:document><w:p><w:r><w:t>Outer.</w:t></w:r></w:p></w:document>";
    for _ in 0..5 {
        nested = archive(&[
            ("word/embeddings/a.docx", &nested),
            ("word/document.xml", document.as_bytes()),
        ]);
    }
    vec![
        case("a document that unpacks to 60 MB of spaces", Docx, dense),
        case("a book that names one chapter 900 times", Epub, book(&chapter, 900)),
        case("a book that names one chapter a million times", Epub, book("<p>a</p>", 1_000_000)),
        case("an archive of 1,500 parts", Docx, archive(&many)),
        case("an archive within an archive within an archive", Docx, nested),
    ]
}

/// Archives whose directory says what is not so.
fn liars() -> Vec<Case> {
    let mut cases = Vec::new();
    let whole = word(&PARAGRAPH.repeat(500));
    let local = find(&whole, b"PK\x03\x04");
    let central = find(&whole, b"PK\x01\x02");
    let end = find(&whole, b"PK\x05\x06");
    let mut lie = |name: &str, changes: &[(usize, &[u8])]| {
        let mut bytes = whole.clone();
        for (place, value) in changes {
            bytes[*place..*place + value.len()].copy_from_slice(value);
        }
        cases.push(case(name, Docx, bytes));
    };
    let (none, most, huge) = ([0; 4], [0xff; 4], 0x7fff_ffff_u32.to_le_bytes());
    lie("a part that says it is empty", &[(central + 24, &none), (local + 22, &none)]);
    lie("a part that says it is huge", &[(central + 24, &huge), (local + 22, &huge)]);
    lie("a part that says zip64 and has none", &[(central + 24, &most), (central + 20, &most)]);
    lie("a part that is longer than the archive", &[(central + 20, &huge), (local + 18, &huge)]);
    lie("a part that lies before the archive", &[(central + 42, &most)]);
    lie(
        "a part that lies in the directory",
        &[(central + 42, &u32::try_from(central).unwrap().to_le_bytes())],
    );
    lie("a wrong checksum", &[(central + 16, &huge), (local + 14, &huge)]);
    lie("a way of packing that nobody knows", &[(central + 10, &[99, 0]), (local + 8, &[99, 0])]);
    lie("an archive with a password", &[(central + 8, &[1, 0]), (local + 6, &[1, 0])]);
    lie("a directory of 65,535 parts", &[(end + 8, &[0xff; 2]), (end + 10, &[0xff; 2])]);
    lie("a directory that begins outside", &[(end + 16, &huge)]);
    lie("a directory that begins at the start", &[(end + 16, &none)]);
    lie("a directory of no length", &[(end + 12, &none)]);
    lie("a name longer than the archive", &[(central + 28, &[0xff; 2])]);
    lie("a comment longer than the archive", &[(end + 20, &[0xff; 2])]);

    // The same part 900 times under the same bytes.
    let mut overlapping = whole[..central].to_vec();
    let entry = &whole[central..end];
    for _ in 0..900 {
        overlapping.extend_from_slice(entry);
    }
    let mut tail = whole[end..].to_vec();
    tail[8..10].copy_from_slice(&900_u16.to_le_bytes());
    tail[10..12].copy_from_slice(&900_u16.to_le_bytes());
    tail[12..16].copy_from_slice(&u32::try_from(entry.len() * 900).unwrap().to_le_bytes());
    overlapping.extend(tail);
    cases.push(case("parts that overlap", Docx, overlapping));

    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for name in ["../../etc/passwd", "/etc/passwd", "C:\\windows\\x", "a\0b", "word/../word/x", ""]
    {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(b"x").unwrap();
    }
    zip.add_symlink("word/document.xml", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    cases.push(case("names that climb, and a link", Docx, zip.finish().unwrap().into_inner()));
    cases.push(case("nothing but the end of an archive", Docx, &whole[end..]));
    cases.push(case("nothing but the directory", Xlsx, &whole[central..]));
    cases.push(case("two archives in a row", Docx, [whole.clone(), whole.clone()].concat()));
    cases.push(case("an archive behind 1 MB of noise", Docx, [vec![7; 1 << 20], whole].concat()));
    for good in good().into_iter().take(4) {
        let name = format!("{} read as another format", good.name);
        let media = if good.media == Docx { Xlsx } else { Docx };
        cases.push(case(name, media, good.bytes));
    }
    cases
}

fn markup() -> Vec<Case> {
    let raw = |document: &[u8]| archive(&[("word/document.xml", document)]);
    let outside = "<!DOCTYPE w [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><w><t>&x;</t></w>";
    let include = "<w:document xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='file:///etc/passwd'/></w:document>";
    let attributes: String = (0..200_000).map(|it| format!(" a{it}=''")).collect();
    let utf16: Vec<u8> = "\u{feff}<w/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let levels =
        |tag: &str, times: usize| format!("<w:document>{}", format!("<{tag}>").repeat(times));
    vec![
        case("a million laughs in a document", Docx, raw(LAUGHS.as_bytes())),
        case("a million laughs in shared strings", Xlsx, workbook("<worksheet/>", LAUGHS)),
        case("a million laughs in a slide", Pptx, presentation(LAUGHS)),
        case("a million laughs in a chapter", Epub, book(LAUGHS, 1)),
        case("a file of the machine as an entity", Docx, raw(outside.as_bytes())),
        case("a file of the machine included", Docx, raw(include.as_bytes())),
        case("elements 100,000 deep", Docx, raw(levels("w:p", 100_000).as_bytes())),
        case("tables 250 deep", Docx, word(&"<w:tbl><w:tr><w:tc>".repeat(80))),
        case("chapters nested 100,000 deep", Epub, book(&"<div>".repeat(100_000), 1)),
        case("slides nested 100,000 deep", Pptx, presentation(&"<a:p>".repeat(100_000))),
        case(
            "an element with 200,000 attributes",
            Docx,
            raw(format!("<w:document{attributes}/>").as_bytes()),
        ),
        case("a name of 5 MB", Docx, raw(format!("<{}/>", noise(5_000_000)).as_bytes())),
        case("a comment without end", Docx, raw(b"<w:document><!-- ")),
        case("a CDATA without end", Docx, raw(b"<w:document><![CDATA[ ")),
        case("bytes that are not UTF-8", Docx, raw(b"<w:document>\xff\xfe\x00</w:document>")),
        case("UTF-16", Docx, raw(&utf16)),
        case("NUL in markup", Docx, raw(b"<w:document>\0<w:p\0/></w:document>")),
        case("references to no character", Docx, raw(b"<w:t>&#0;&#xD800;&#99999999999;</w:t>")),
        case("no document at all", Docx, raw(b"")),
        case(
            "a style based on itself",
            Docx,
            archive(&[
                ("word/document.xml", word_with_style("a").as_bytes()),
                (
                    "word/styles.xml",
                    b"<w:styles><w:style w:styleId='a'><w:basedOn w:val='a'/></w:style></w:styles>",
                ),
            ]),
        ),
        case(
            "a list level of 10^18",
            Docx,
            word(
                "<w:p><w:pPr><w:numPr><w:ilvl w:val='999999999999999999'/><w:numId w:val='1'/></w:numPr></w:pPr><w:r><w:t>a</w:t></w:r></w:p>",
            ),
        ),
    ]
}

fn word_with_style(style: &str) -> String {
    format!(
        "<w:document><w:p><w:pPr><w:pStyle w:val='{style}'/></w:pPr><w:r><w:t>Text.</w:t></w:r></w:p></w:document>"
    )
}

/// Letters that do not pack well.
fn noise(length: usize) -> String {
    let mut seed: u32 = 77;
    (0..length)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'a' + u8::try_from(seed >> 24).unwrap() % 26)
        })
        .collect()
}

fn sheets() -> Vec<Case> {
    let sheet = |rows: &str| {
        workbook(&format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"), "<sst/>")
    };
    let cells: String = (0..1_000_001)
        .map(|cell| {
            format!("<c><v>{}</v></c>", u64::from(cell % 7919_u32).pow(4) ^ u64::from(cell))
        })
        .collect();
    vec![
        case("a million cells and one", Xlsx, sheet(&format!("<row>{cells}</row>"))),
        case(
            "columns that do not exist",
            Xlsx,
            sheet("<row><c r='ZZZZZZZZZZZZZZ1'><v>1</v></c><c r=''><v>2</v></c></row>"),
        ),
        case(
            "rows that do not exist",
            Xlsx,
            sheet(
                "<row r='18446744073709551615'><c><v>1</v></c></row><row r='-4'><c><v>2</v></c></row>",
            ),
        ),
        case(
            "dates beyond time",
            Xlsx,
            sheet(
                "<row><c s='1'><v>1e308</v></c><c s='1'><v>-5</v></c><c s='1'><v>NaN</v></c></row>",
            ),
        ),
        case(
            "cells within cells",
            Xlsx,
            sheet("<row><c><c><c><v>1</v></c></c></c><row><c><v>2</v></c></row></row>"),
        ),
    ]
}

fn find(bytes: &[u8], mark: &[u8]) -> usize {
    bytes.windows(mark.len()).position(|window| window == mark).unwrap()
}
