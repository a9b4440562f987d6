//! What of a passage is embedded and searched by words: title and headings in front of it, and the context that a model wrote,
//! where there is one, so that it is understood alone. What is quoted and cited is the passage itself.

use sha2::{Digest, Sha256};

/// The text of a passage as models read it. The same passage makes the same text again later, of what is stored of it.
pub fn embedded_text(
    title: &str,
    heading_path: &[String],
    context: Option<&str>,
    body: &str,
) -> String {
    let mut above: Vec<&str> = vec![title];
    above.extend(heading_path.iter().map(String::as_str).filter(|heading| *heading != title));
    let above = above.join(" > ");
    match context {
        Some(context) => format!("{above}\n{context}\n{body}"),
        None => format!("{above}\n{body}"),
    }
}

/// SHA-256 of such a text. That of one without a context names the passage within its document.
pub fn embedded_digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_that_is_the_title_stands_once() {
        let path = ["Pumps".to_owned(), "Pressure".to_owned()];
        assert_eq!(embedded_text("Pumps", &path, None, "3 bar."), "Pumps > Pressure\n3 bar.");
        assert_eq!(
            embedded_text("pumps.md", &path, None, "3 bar."),
            "pumps.md > Pumps > Pressure\n3 bar."
        );
        assert_eq!(embedded_text("pumps.md", &[], None, "3 bar."), "pumps.md\n3 bar.");
    }

    #[test]
    fn a_context_stands_between_the_headings_and_the_passage() {
        let path = ["Guide".to_owned(), "Keys".to_owned()];
        let plain = embedded_text("Guide", &path, None, "They live for 90 days.");
        assert_eq!(plain, "Guide > Keys\nThey live for 90 days.");
        let with =
            embedded_text("Guide", &path, Some("API keys of acme."), "They live for 90 days.");
        assert_eq!(with, "Guide > Keys\nAPI keys of acme.\nThey live for 90 days.");
        assert_ne!(embedded_digest(&plain), embedded_digest(&with));
    }
}
