//! What is embedded of a passage: title and headings in front of it, so that it is understood alone.

/// The text of a passage as models read it. The same passage makes the same text again later, of what is stored of it.
pub fn embedded_text(title: &str, heading_path: &[String], text: &str) -> String {
    let mut context: Vec<&str> = vec![title];
    context.extend(heading_path.iter().map(String::as_str).filter(|heading| *heading != title));
    format!("{}\n{text}", context.join(" > "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_that_is_the_title_stands_once() {
        let path = ["Pumps".to_owned(), "Pressure".to_owned()];
        assert_eq!(embedded_text("Pumps", &path, "3 bar."), "Pumps > Pressure\n3 bar.");
        assert_eq!(
            embedded_text("pumps.md", &path, "3 bar."),
            "pumps.md > Pumps > Pressure\n3 bar."
        );
        assert_eq!(embedded_text("pumps.md", &[], "3 bar."), "pumps.md\n3 bar.");
    }
}
