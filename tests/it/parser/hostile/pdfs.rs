//! PDF files that go in circles, lie about lengths, and unpack without end.

use std::io::Write;

use pidima::knowledge::parse::MediaType::Pdf;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::super::corpus::{Case, case};
use super::super::pdf::{document, file, file_with, lines, pages, stream};

/// How some of them must end.
pub const EXPECTED: &[(&str, &[&str])] = &[
    ("a document with a password", &["encrypted"]),
    ("more pages than allowed", &["too_complex"]),
    ("nothing but a mark", &["damaged"]),
    ("no text", &["no_text"]),
    ("a form that draws itself", &["read", "no_text"]),
];

pub fn all() -> Vec<Case> {
    let mut cases = circles();
    cases.extend(depths());
    cases.extend(liars());
    cases.extend(contents());
    cases
}

fn with(objects: &[&str]) -> Vec<u8> {
    file(&objects.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
}

fn circles() -> Vec<Case> {
    let catalogue = "<< /Type /Catalog /Pages 2 0 R >>";
    let mut forms = pages(&["/X Do".to_owned()]);
    forms[3] = forms[3].replace("/Font", "/XObject << /X 6 0 R >> /Font");
    forms.push(stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >>",
        "/X Do /X Do",
    ));
    let mut outline = pages(&[lines(&["Text."])]);
    outline[0] = "<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R >>".into();
    outline.push("<< /First 7 0 R /Last 7 0 R >>".into());
    outline
        .push("<< /Title (A) /Next 7 0 R /First 6 0 R /Parent 6 0 R /Dest [4 0 R /Fit] >>".into());
    let mut glyphs = pages(&["BT /F1 9 Tf (aa) Tj ET".to_owned()]);
    glyphs[2] = "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 /LastChar 97 /Widths [9] \
        /Encoding << /Differences [97 /a] >> /CharProcs << /a 6 0 R >> /Resources << /Font << /F1 3 0 R >> >> >>".into();
    glyphs.push(stream("", "BT /F1 9 Tf (aa) Tj ET"));
    vec![
        case(
            "kids that are their own parents",
            Pdf,
            with(&[catalogue, "<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]),
        ),
        case(
            "kids that go in a circle",
            Pdf,
            with(&[
                catalogue,
                "<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 9 >>",
                "<< /Type /Pages /Kids [2 0 R 2 0 R] /Parent 2 0 R /Count 9 >>",
            ]),
        ),
        case(
            "a parent in a circle",
            Pdf,
            with(&[
                catalogue,
                "<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 3 0 R >>",
                "<< /Type /Page /Parent 2 0 R >>",
            ]),
        ),
        case("a reference to itself", Pdf, with(&["1 0 R"])),
        case("references in a circle", Pdf, with(&["2 0 R", "3 0 R", "1 0 R"])),
        case(
            "a length that is its own stream",
            Pdf,
            with(&[catalogue, "<< /Length 2 0 R >>\nstream\nx\nendstream"]),
        ),
        case("a form that draws itself", Pdf, file(&forms)),
        case("an outline in a circle", Pdf, file(&outline)),
        case("a glyph that is drawn with itself", Pdf, file(&glyphs)),
        case(
            "tables that name themselves",
            Pdf,
            file_with(&pages(&[lines(&["Text."])]), "/Prev 15 /XRefStm 15"),
        ),
    ]
}

fn depths() -> Vec<Case> {
    let page = pages(&[lines(&["Text."])]);
    let replaced = |number: usize, object: String| {
        let mut objects = page.clone();
        objects[number] = object;
        file(&objects)
    };
    let tree = |depth: usize| {
        let mut objects = vec!["<< /Type /Catalog /Pages 2 0 R >>".to_owned()];
        for number in 3..depth + 3 {
            objects.push(format!("<< /Type /Pages /Kids [{number} 0 R] /Count 1 >>"));
        }
        objects.push("<< /Type /Page /MediaBox [0 0 9 9] >>".into());
        file(&objects)
    };
    vec![
        case("arrays 100,000 deep", Pdf, replaced(2, "[".repeat(100_000))),
        case(
            "arrays 100,000 deep and closed",
            Pdf,
            replaced(2, "[".repeat(100_000) + &"]".repeat(100_000)),
        ),
        case("dictionaries 100,000 deep", Pdf, replaced(2, "<</A ".repeat(100_000))),
        case("brackets 1,000,000 deep in a text", Pdf, replaced(2, "(".repeat(1_000_000))),
        case("arrays 100,000 deep in a page", Pdf, replaced(4, stream("", &"[".repeat(100_000)))),
        case(
            "dictionaries 100,000 deep in a page",
            Pdf,
            replaced(4, stream("", &"<</A ".repeat(100_000))),
        ),
        case("states 200,000 deep", Pdf, replaced(4, stream("", &"q ".repeat(200_000)))),
        case("marks 100,000 deep", Pdf, replaced(4, stream("", &"/A BMC ".repeat(100_000)))),
        case("pages 20,000 levels down", Pdf, tree(20_000)),
    ]
}

fn liars() -> Vec<Case> {
    let good = document(&["The pump runs at 3 bar."]);
    let text = String::from_utf8_lossy(&good).into_owned();
    let swap =
        |name: &str, from: &str, to: &str| case(name, Pdf, text.replace(from, to).into_bytes());
    let locked = file_with(
        &pages(&[lines(&["Secret."])]),
        "/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <0000000000000000000000000000000000000000000000000000000000000000> \
         /U <0000000000000000000000000000000000000000000000000000000000000000> >> /ID [<00> <00>]",
    );
    let many = pages(&vec![lines(&["Text."]); 2_001]);
    vec![
        case("a document with a password", Pdf, locked),
        case("more pages than allowed", Pdf, file(&many)),
        case("nothing but a mark", Pdf, "%PDF-1.7"),
        case(
            "a mark and noise",
            Pdf,
            [b"%PDF-1.7\n".to_vec(), (0..=255).cycle().take(100_000).collect()].concat(),
        ),
        case("no text", Pdf, file(&pages(&["0 0 9 9 re f".to_owned()]))),
        swap("a count of billions", "/Count 1", "/Count 9999999999"),
        swap("a count below nothing", "/Count 1", "/Count -7"),
        swap("a length of billions", "/Length", "/Length 99999999999 %"),
        swap("a length below nothing", "/Length", "/Length -1 %"),
        swap("a table of billions", "xref\n0 6", "xref\n0 4294967295"),
        swap("a table elsewhere", "startxref\n", "startxref\n99999999999"),
        swap("no table", "xref", "xxxx"),
        swap("no catalogue", "/Root 1 0 R", "/Root 77 0 R"),
        swap("a page of no size", "[0 0 612 792]", "[0 0 0 0]"),
        swap("a page of endless size", "[0 0 612 792]", "[-1e38 -1e38 1e38 1e38]"),
        swap("a font that is a number", "/F1 3 0 R", "/F1 17"),
        swap(
            "a script that runs at opening",
            "/Pages 2 0 R",
            "/Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert(1)) >>",
        ),
        swap(
            "a program that is launched",
            "/Pages 2 0 R",
            "/Pages 2 0 R /OpenAction << /S /Launch /F (/bin/sh) >>",
        ),
        swap("a stream in a file of the machine", "<<  /Length", "<< /F (/etc/passwd) /Length"),
    ]
}

fn contents() -> Vec<Case> {
    let page = |content: &str| file(&pages(&[content.to_owned()]));
    let zeros = 150_000_000;
    let packed = zlib_of_spaces(zeros);
    let mut bomb = pages(&[String::new()]);
    let hex: String = packed.iter().map(|byte| format!("{byte:02x}")).collect();
    bomb[4] = stream("/Filter [/ASCIIHexDecode /FlateDecode]", &(hex.clone() + ">"));
    let mut streams = pages(&[lines(&["Text."])]);
    streams.push(stream(
        "/Type /ObjStm /N 1000000 /First 10 /Filter [/ASCIIHexDecode /FlateDecode]",
        &(hex + ">"),
    ));
    let mut chain = pages(&[String::new()]);
    chain[4] = stream(&format!("/Filter [{}]", "/ASCIIHexDecode ".repeat(50_000)), "00>");
    let map = |body: &str| {
        let mut objects = pages(&[lines(&["abc"])]);
        objects[2] = "<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /ToUnicode 6 0 R /DescendantFonts [7 0 R] >>".into();
        objects.push(stream(
            "",
            &format!(
                "begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange\n{body}\nendcmap"
            ),
        ));
        objects.push("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /A /CIDSystemInfo << /Registry (A) /Ordering (I) /Supplement 0 >> >>".into());
        file(&objects)
    };
    vec![
        case("a page that unpacks to 150 MB", Pdf, file(&bomb)),
        case("a stream of objects that unpacks to 150 MB", Pdf, file(&streams)),
        case("50,000 filters", Pdf, file(&chain)),
        case(
            "a map of all characters, a thousand times",
            Pdf,
            map(&"1 beginbfrange <0000> <ffff> <0000> endbfrange\n".repeat(1_000)),
        ),
        case("a map that names itself", Pdf, map("/A usecmap")),
        case(
            "a map of long texts",
            Pdf,
            map(&format!("1 beginbfchar <6162> <{}> endbfchar", "0061".repeat(100_000))),
        ),
        case(
            "500,000 letters in one place",
            Pdf,
            page(&format!("BT /F1 12 Tf ({}) Tj ET", "a".repeat(500_000))),
        ),
        case("100,000 lines", Pdf, page(&lines(&vec!["a b c"; 100_000]))),
        case(
            "numbers without end",
            Pdf,
            page(&format!("BT /F1 {} Tf (a) Tj ET", "9".repeat(100_000))),
        ),
        case(
            "text at the end of space",
            Pdf,
            page("BT /F1 1e38 Tf 1e38 -1e38 Td (a b) Tj NaN Td (c) Tj ET"),
        ),
        case("an image without end", Pdf, page("BI /W 99999999 /H 99999999 /BPC 8 /CS /RGB ID x")),
        case(
            "a pattern of nothing",
            Pdf,
            page("/Pattern cs /P scn 0 0 9 9 re f BT /F1 9 Tf (Text.) Tj ET"),
        ),
        case(
            "dashes without length",
            Pdf,
            page("[0 0 0] 0 d 0 0 m 9e9 9e9 l S BT /F1 9 Tf (Text.) Tj ET"),
        ),
    ]
}

/// Spaces packed as PDF wants it: a head, what a ZIP archive holds, and a checksum.
fn zlib_of_spaces(length: usize) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("a", SimpleFileOptions::default()).unwrap();
    let block = vec![b' '; 1 << 20];
    let mut left = length;
    while left > 0 {
        let now = left.min(block.len());
        zip.write_all(&block[..now]).unwrap();
        left -= now;
    }
    let bytes = zip.finish().unwrap().into_inner();
    let central = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    let packed = u32::from_le_bytes(bytes[central + 20..central + 24].try_into().unwrap());
    let start = 30 + usize::from(bytes[26]) + usize::from(bytes[28]);
    let mut out = vec![0x78, 0x9c];
    out.extend_from_slice(&bytes[start..start + usize::try_from(packed).unwrap()]);
    let (mut low, mut high) = (1_u32, 0_u32);
    for _ in 0..length {
        low = (low + 32) % 65_521;
        high = (high + low) % 65_521;
    }
    out.extend((high << 16 | low).to_be_bytes());
    out
}
