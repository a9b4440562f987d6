//! Writes small PDF files: objects, their table, and what the tests put wrong.

/// Objects numbered from 1, the first of which is the catalogue, with a table of where they are.
pub fn file(objects: &[String]) -> Vec<u8> {
    file_with(objects, "")
}

/// The same with more in the trailer.
pub fn file_with(objects: &[String], trailer: &str) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(out.len());
        out.extend(format!("{number} 0 obj\n{object}\nendobj\n").into_bytes());
    }
    let start = out.len();
    let count = objects.len() + 1;
    out.extend(format!("xref\n0 {count}\n0000000000 65535 f \n").into_bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    let trailer =
        format!("trailer\n<< /Size {count} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n");
    out.extend(trailer.into_bytes());
    out
}

/// A stream with its dictionary.
pub fn stream(dictionary: &str, content: &str) -> String {
    format!("<< {dictionary} /Length {} >>\nstream\n{content}\nendstream", content.len())
}

/// Instructions that show these lines of text, from the top.
pub fn lines(lines: &[&str]) -> String {
    let shown: String = lines.iter().map(|line| format!("({line}) Tj 0 -14 Td\n")).collect();
    format!("BT /F1 12 Tf 72 720 Td\n{shown}ET")
}

/// Objects of a document with a page for each content.
pub fn pages(contents: &[String]) -> Vec<String> {
    let kids: Vec<String> =
        (0..contents.len()).map(|page| format!("{} 0 R", 4 + page * 2)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), contents.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    for (page, content) in contents.iter().enumerate() {
        let content_number = 5 + page * 2;
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content_number} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>"
        ));
        objects.push(stream("", content));
    }
    objects
}

/// A good document of one page for each text.
pub fn document(texts: &[&str]) -> Vec<u8> {
    let contents: Vec<String> = texts.iter().map(|text| lines(&[text])).collect();
    file(&pages(&contents))
}
