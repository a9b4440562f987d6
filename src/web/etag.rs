//! Entity tags of things that two editors may change at once (RFC 9110, 8.8.3 and 13.1.1): the tag is the count of changes.

/// Revision of a thing that was just made.
pub const FIRST_REVISION: i64 = 1;

/// The tag of a revision, as the header `ETag` has it.
pub fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// The header `If-Match` of a request: on which revisions the change is to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// The header as it was sent; any revision when it is absent.
    pub fn new(header: Option<String>) -> Self {
        Self(header)
    }

    /// Whether the thing, as it is now, is one that the header names. A weak tag never is.
    pub fn allows(&self, revision: i64) -> bool {
        let Some(header) = &self.0 else { return true };
        let own = etag(revision);
        header.trim() == "*" || header.split(',').any(|tag| tag.trim() == own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(header: &str, revision: i64) -> bool {
        IfMatch::new(Some(header.to_owned())).allows(revision)
    }

    #[test]
    fn a_change_is_made_on_the_revision_that_was_read_and_on_no_other() {
        assert!(allows("\"7\"", 7));
        assert!(allows("\"6\", \"7\"", 7));
        assert!(allows("*", 7));
        assert!(IfMatch::default().allows(7));
        for other in ["\"6\"", "\"70\"", "7", "W/\"7\"", "", "\"7"] {
            assert!(!allows(other, 7), "{other}");
        }
    }
}
