//! The name that a person logs in with: their e-mail address, in one spelling.

/// Longest address that mail can be sent to (RFC 5321, 4.5.3.1.3).
const MAX_CHARS: usize = 254;

/// The address in lower case; `None` when the text is none. No more is asked of it than that it can be stored, compared
/// and shown: whether mail arrives is told by mail alone.
pub fn login_name(email: &str) -> Option<String> {
    let name = email.trim().to_lowercase();
    let (local, domain) = name.rsplit_once('@')?;
    let readable = |letter: char| !letter.is_control() && !letter.is_whitespace();
    let well_formed = !local.is_empty()
        && !domain.is_empty()
        && name.chars().count() <= MAX_CHARS
        && name.chars().all(readable);
    well_formed.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        assert_eq!(login_name(" Ada@Example.COM ").as_deref(), Some("ada@example.com"));
        for bad in ["", "@", "ada", "ada@", "@example.com", "a b@c", "a\0@c", "a\n@c"] {
            assert_eq!(login_name(bad), None, "{bad:?}");
        }
        let of = |chars: usize| format!("{}@c", "a".repeat(chars - 2));
        assert!(login_name(&of(253)).is_some());
        assert!(login_name(&of(254)).is_some());
        assert!(login_name(&of(255)).is_none());
    }
}
