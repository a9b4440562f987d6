//! Workbooks made by hand, with the parts that matter.

use super::super::archive::tests::zip;
use crate::knowledge::parse::{Extraction, MediaType, ParseError, ParseLimits, parse};

const STRINGS: &str = "<sst><si><t>Pump</t></si><si><r><t>Press</t></r><r><t>ure</t></r><rPh><t>x</t></rPh></si><si><t>Since</t></si></sst>";
const STYLES: &str = "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='yyyy\\-mm\\-dd hh:mm'/>\
    <numFmt numFmtId='165' formatCode='0.0 \"days\"'/></numFmts><cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>\
    <cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='164'/><xf numFmtId='165'/></cellXfs></styleSheet>";
const SHEET: &str = "<worksheet><sheetData>\
    <row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1' t='s'><v>1</v></c><c r='D1' t='s'><v>2</v></c></row>\
    <row r='2'><c r='A2' t='inlineStr'><is><t>P1</t></is></c><c r='B2' s='3'><v>0.30000000000000004</v></c><c r='D2' s='1'><v>45231</v></c></row>\
    <row r='3'><c r='A3' t='str'><f>A2</f><v>P2</v></c><c r='C3' t='b'><v>1</v></c><c r='D3' s='2'><v>45231.5</v></c></row>\
    <row r='5'><c r='A5'><v>7</v></c></row></sheetData></worksheet>";

fn book(sheets: &[(&str, &str, &str)]) -> Vec<u8> {
    let (mut list, mut rels) = (String::new(), String::new());
    let mut parts = vec![("xl/sharedStrings.xml".to_owned(), STRINGS.to_owned())];
    parts.push(("xl/styles.xml".to_owned(), STYLES.to_owned()));
    for (number, (name, state, source)) in sheets.iter().enumerate() {
        list +=
            &format!("<sheet name='{name}' sheetId='{number}' state='{state}' r:id='r{number}'/>");
        rels += &format!(
            "<Relationship Id='r{number}' Type='x/worksheet' Target='worksheets/s{number}.xml'/>"
        );
        parts.push((format!("xl/worksheets/s{number}.xml"), (*source).to_owned()));
    }
    parts.push(("xl/workbook.xml".into(), format!("<workbook><sheets>{list}</sheets></workbook>")));
    parts.push((
        "xl/_rels/workbook.xml.rels".into(),
        format!("<Relationships>{rels}</Relationships>"),
    ));
    let parts: Vec<(&str, &str)> = parts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    zip(&parts)
}

fn read(bytes: &[u8], limits: &ParseLimits) -> Result<Extraction, ParseError> {
    parse(MediaType::Xlsx, bytes, limits)
}

#[test]
fn rows_carry_their_headers_and_numbers_that_are_dates_are_dates() {
    let made = read(&book(&[("Stock", "visible", SHEET)]), &ParseLimits::default()).unwrap();
    let rows = [
        "Stock\n\nPump | Pressure | Since",
        "Pump: P1 | Pressure: 0.3 | Since: 2023-11-01",
        "Pump: P2 | yes | Since: 2023-11-01 12:00\n\n7",
    ];
    assert_eq!(made.text, rows.join("\n"));
    assert_eq!(made.sections.last().unwrap().heading_path, ["Stock"]);
}

#[test]
fn a_sheet_that_only_programs_can_show_is_left_out() {
    let sheets = [("A", "veryHidden", SHEET), ("B", "hidden", SHEET)];
    let made = read(&book(&sheets), &ParseLimits::default()).unwrap();
    assert!(made.text.starts_with("B\n\nPump") && !made.text.contains("A\n\n"), "{}", made.text);
}

#[test]
fn sheets_and_cells_are_counted_below_at_and_above_their_limits() {
    let bytes = book(&[("A", "visible", SHEET), ("B", "visible", SHEET)]);
    for (max_sheets, is_read) in [(1, false), (2, true), (3, true)] {
        let limits = ParseLimits { max_sheets, ..ParseLimits::default() };
        assert_eq!(read(&bytes, &limits).is_ok(), is_read, "{max_sheets} sheets");
    }
    for (max_cells, is_read) in [(19, false), (20, true), (21, true)] {
        let limits = ParseLimits { max_cells, ..ParseLimits::default() };
        let made = read(&bytes, &limits);
        assert_eq!(made.is_ok(), is_read, "{max_cells} cells");
        assert!(is_read || made.unwrap_err().code() == "too_complex");
    }
}

#[test]
fn places_and_strings_that_are_not_there_do_no_harm() {
    let sheet = "<worksheet><sheetData><row r='99999999999999999999'><c r='ZZZZZZ1' t='s'><v>99</v></c>\
        <c r='A1' s='77'><v>1e999</v></c><c><v>2</v></c></row></sheetData></worksheet>";
    let made = read(&book(&[("A", "visible", sheet)]), &ParseLimits::default()).unwrap();
    assert_eq!(made.text, "A\n\n1e999 | 2");
}
