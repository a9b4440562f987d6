//! Paths of files as somebody else wrote them down: what they may look like, and how they are shown when they may not.

use serde::{Deserialize, Serialize};

use super::Refusal;

/// Longest path that is shown of a file that is refused, in characters.
const MAX_SHOWN: usize = 300;

/// How long and how deep a path may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathLimits {
    /// Bytes.
    pub max_bytes: usize,
    /// Names in it, that of the file included.
    pub max_depth: usize,
}

impl PathLimits {
    /// Whether a path is short and flat enough.
    ///
    /// # Errors
    /// It is not.
    pub fn check(&self, path: &str) -> Result<(), Refusal> {
        if path.len() > self.max_bytes {
            let detail = format!("the path has more than {} bytes", self.max_bytes);
            return Err(Refusal::new("path_too_long", detail));
        }
        if path.split('/').count() > self.max_depth {
            let detail = format!("the path is more than {} folders deep", self.max_depth - 1);
            return Err(Refusal::new("path_too_deep", detail));
        }
        Ok(())
    }
}

/// A path as it is written here: names with a slash between each two, and nothing that leads anywhere else.
///
/// # Errors
/// It leads out of its tree, begins at the root, or holds what no path should.
pub fn clean(raw: &str) -> Result<String, Refusal> {
    let refused = |detail: &str| Err(Refusal::new("path_refused", detail));
    if raw.chars().any(|character| character.is_control() || character == '\\') {
        return refused("the path has control characters or backslashes");
    }
    let at_root = "the path does not begin in the tree but at the root of a disk";
    if raw.starts_with('/') {
        return refused(at_root);
    }
    let mut names = Vec::new();
    for name in raw.split('/') {
        match name {
            "" | "." => {}
            ".." => return refused("the path leads out of its folder"),
            name => names.push(name),
        }
    }
    match names.first() {
        None => refused("the path names nothing"),
        Some(first) if is_drive(first) => refused(at_root),
        Some(_) => Ok(names.join("/")),
    }
}

/// A path that is refused, so that it can be stored and shown.
pub fn display(raw: &str) -> String {
    let plain = |character: char| if character.is_control() { '\u{fffd}' } else { character };
    let shown: String = raw.chars().map(plain).take(MAX_SHOWN).collect();
    if shown.is_empty() { "(no name)".to_owned() } else { shown }
}

/// Whether a name is that of a disk, as `C:`, or begins so.
fn is_drive(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_written_in_one_way_or_refused() {
        for (raw, path) in [
            ("a.md", "a.md"),
            ("./docs//a.md", "docs/a.md"),
            ("docs/./a.md", "docs/a.md"),
            ("docs/", "docs"),
            ("..a/b..", "..a/b.."),
            ("\u{fc}bung/a b.md", "\u{fc}bung/a b.md"),
        ] {
            assert_eq!(clean(raw).as_deref(), Ok(path), "{raw}");
        }
        for raw in [
            "",
            "/",
            ".",
            "./",
            "..",
            "../a",
            "a/../b",
            "a/..",
            "/etc/passwd",
            "//a",
            "C:/a",
            "./c:a",
            "a\\b",
            "..\\a",
            "a\0b",
            "a\nb",
            "a\u{7f}",
        ] {
            assert_eq!(clean(raw).unwrap_err().code, "path_refused", "{raw:?}");
        }
    }

    #[test]
    fn a_path_is_as_long_and_as_deep_as_the_limits() {
        let limits = PathLimits { max_bytes: 9, max_depth: 3 };
        for (path, code) in [
            ("12345678", None),
            ("123456789", None),
            ("1234567890", Some("path_too_long")),
            ("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", Some("path_too_long")),
            ("a/b", None),
            ("a/b/c", None),
            ("a/b/c/d", Some("path_too_deep")),
        ] {
            let refused = limits.check(path).err();
            assert_eq!(refused.as_ref().map(|it| it.code.as_str()), code, "{path}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
        #[test]
        fn what_is_clean_stays_so_and_leads_nowhere_else(raw in "[a./\\\\:\u{0}-\u{20}]{0,12}") {
            let Ok(path) = clean(&raw) else { return Ok(()) };
            prop_assert_eq!(clean(&path), Ok(path.clone()));
            prop_assert!(!path.starts_with('/') && !path.ends_with('/'));
            prop_assert!(path.split('/').all(|name| !matches!(name, "" | "." | "..")));
        }

        #[test]
        fn what_is_shown_can_be_stored(raw in any::<String>()) {
            let shown = display(&raw);
            prop_assert!((1..=MAX_SHOWN).contains(&shown.chars().count()));
            prop_assert!(!shown.contains(char::is_control));
        }
    }
}
