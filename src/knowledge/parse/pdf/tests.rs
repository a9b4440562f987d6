//! PDF files made by hand, as small as they can be.

use crate::knowledge::parse::{Extraction, MediaType, ParseError, ParseLimits, parse};

/// A document of these objects, numbered from 1; the first one is the catalogue.
fn file(objects: &[String]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut table = String::new();
    for (number, object) in (1..).zip(objects) {
        table += &format!("{:010} 00000 n \n", out.len());
        out.extend(format!("{number} 0 obj\n{object}\nendobj\n").into_bytes());
    }
    let (start, count) = (out.len(), objects.len() + 1);
    let end = format!(
        "xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    out.extend(end.into_bytes());
    out
}

/// A page for each content; `more` stands in the catalogue, `objects` follow those of the pages.
fn document(contents: &[&str], more: &str, objects: &[&str]) -> Vec<u8> {
    let kids: String = (0..contents.len()).map(|page| format!("{} 0 R ", 4 + page * 2)).collect();
    let mut all = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {more} >>"),
        format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", contents.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    for (page, content) in contents.iter().enumerate() {
        let number = 5 + page * 2;
        all.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        ));
        all.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    all.extend(objects.iter().map(|object| (*object).to_owned()));
    file(&all)
}

fn read(bytes: &[u8]) -> Extraction {
    parse(MediaType::Pdf, bytes, &ParseLimits::default()).unwrap()
}

/// Text of a size at a place.
fn shown(size: u32, x: u32, y: u32, text: &str) -> String {
    format!("BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET\n")
}

#[test]
fn lines_are_paragraphs_and_pages_are_numbered() {
    let first = [
        shown(12, 72, 700, "The pump runs at 3"),
        shown(12, 72, 686, "bar, and no more."),
        shown(12, 72, 640, "Oil it."),
    ];
    let made = read(&document(
        &[&first.concat(), &shown(12, 72, 700, "Next page.")],
        "/Lang (en-GB)",
        &[],
    ));
    assert_eq!(made.text, "The pump runs at 3 bar, and no more.\n\nOil it.\n\nNext page.");
    let pages: Vec<Option<u32>> =
        made.blocks.iter().map(|block| made.sections[block.section].page).collect();
    assert_eq!(pages, [Some(1), Some(1), Some(2)]);
    assert_eq!(made.language.as_deref(), Some("en-GB"));
}

#[test]
fn words_are_told_apart_by_gaps_and_joined_where_they_were_divided() {
    let kerned =
        "BT /F1 12 Tf 72 700 Td [(Op) 20 (en) -300 (the) -300 (ves-)] TJ 0 -14 Td (sel now.) Tj ET";
    assert_eq!(read(&document(&[kerned], "", &[])).text, "Open the vessel now.");
}

#[test]
fn the_outline_gives_headings_where_the_page_says_the_same() {
    let first = [
        shown(20, 72, 720, "1 Use"),
        shown(12, 72, 690, "Open it."),
        shown(16, 72, 650, "1.1 Care"),
        shown(12, 72, 620, "Oil it."),
    ];
    let outline = [
        "<< /First 9 0 R /Last 9 0 R >>",
        "<< /Title (Use) /Parent 8 0 R /Dest [4 0 R /Fit] /First 10 0 R /Next 11 0 R >>",
        "<< /Title (Care) /Parent 9 0 R /A << /S /GoTo /D [4 0 R /XYZ 0 0 0] >> >>",
        "<< /Title <FEFF00D6006C> /Parent 8 0 R /Dest (oil) /Next 9 0 R >>",
    ];
    let more = "/Outlines 8 0 R /Names << /Dests << /Names [(oil) [6 0 R /Fit]] >> >>";
    let made = read(&document(&[&first.concat(), &shown(12, 72, 700, "Any oil.")], more, &outline));
    assert_eq!(made.text, "1 Use\n\nOpen it.\n\n1.1 Care\n\nOil it.\n\nÖl\n\nAny oil.");
    let paths: Vec<String> = made
        .blocks
        .iter()
        .map(|block| made.sections[block.section].heading_path.join("/"))
        .collect();
    assert_eq!(paths[3], "1 Use/1.1 Care");
    assert_eq!(paths[5], "Öl");
    assert_eq!(made.title.as_deref(), Some("Use"));
}

#[test]
fn what_stands_on_every_page_is_left_out() {
    let page = |number: u32| {
        [
            shown(9, 72, 760, "Pump manual"),
            shown(
                12,
                72,
                700,
                &format!("Text {}.", ["one", "two", "three", "four"][number as usize]),
            ),
            shown(9, 300, 30, &format!("{number}")),
        ]
        .concat()
    };
    let pages: Vec<String> = (0..4).map(page).collect();
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    assert_eq!(
        read(&document(&pages, "", &[])).text,
        "Text one.\n\nText two.\n\nText three.\n\nText four."
    );
}

#[test]
fn pages_are_counted_below_at_and_above_the_limit() {
    let page = shown(12, 72, 700, "Text.");
    let bytes = document(&[&page, &page, &page], "", &[]);
    for (max_pages, is_read) in [(2, false), (3, true), (4, true)] {
        let limits = ParseLimits { max_pages, ..ParseLimits::default() };
        let made = parse(MediaType::Pdf, &bytes, &limits);
        assert_eq!(made.is_ok(), is_read, "{max_pages}");
        assert!(is_read || made.unwrap_err().code() == "too_complex");
    }
}

#[test]
fn a_page_without_letters_and_a_file_without_pages_fail_by_name() {
    let limits = ParseLimits::default();
    let drawn = document(&["0 0 9 9 re f"], "", &[]);
    assert_eq!(parse(MediaType::Pdf, &drawn, &limits), Err(ParseError::NoText));
    let error = parse(MediaType::Pdf, b"%PDF-1.7 and nothing else", &limits).unwrap_err();
    assert_eq!(error.code(), "damaged");
}
