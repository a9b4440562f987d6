//! What passes as an e-mail address: the form is checked, never whether somebody reads there.

/// Longest address (RFC 5321, 4.5.3.1.3, less the angle brackets).
pub const MAX_CHARS: usize = 254;
/// Longest part before the `@` (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL_CHARS: usize = 64;

/// The address without white space around it and with its domain in lower case; `None` when it can be none.
pub fn email_address(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let plain = |text: &str| {
        let odd = |character: char| {
            character.is_whitespace()
                || character.is_control()
                || matches!(character, '@' | '<' | '>' | '"' | '(' | ')' | ',' | ';' | ':' | '\\')
        };
        !text.is_empty() && !text.contains(odd)
    };
    let label = |label: &str| {
        let fits = |character: char| character.is_alphanumeric() || character == '-';
        !label.is_empty()
            && label.chars().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let good = text.chars().count() <= MAX_CHARS
        && text.len() <= MAX_CHARS
        && plain(local)
        && local.chars().count() <= MAX_LOCAL_CHARS
        && domain.split('.').all(label);
    good.then(|| format!("{local}@{}", domain.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_addresses_pass_and_the_domain_is_in_lower_case() {
        for (text, stored) in [
            ("ada@example.com", "ada@example.com"),
            ("  Ada.Lovelace+docs@Mail.Example.ORG ", "Ada.Lovelace+docs@mail.example.org"),
            ("o'neil@intranet", "o'neil@intranet"),
            ("jürgen@müller.de", "jürgen@müller.de"),
        ] {
            assert_eq!(email_address(text).as_deref(), Some(stored));
        }
    }

    #[test]
    fn what_can_be_no_address_is_refused() {
        for text in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "a@b@c.de",
            "ada lovelace@example.com",
            "ada@example..com",
            "ada@-example.com",
            "ada@exa mple.com",
            "ada@example.com\nbcc:x@y.z",
            "<ada@example.com>",
        ] {
            assert_eq!(email_address(text), None, "{text}");
        }
    }

    #[test]
    fn the_longest_address_passes_and_one_character_more_does_not() {
        let local = "a".repeat(MAX_LOCAL_CHARS);
        let fits = format!("{local}@{}.de", "b".repeat(MAX_CHARS - MAX_LOCAL_CHARS - 4));
        assert_eq!(fits.len(), MAX_CHARS);
        assert!(email_address(&fits).is_some());
        assert!(email_address(&fits.replace(".de", "b.de")).is_none());
        assert!(email_address(&format!("a{local}@b.de")).is_none());
    }
}
