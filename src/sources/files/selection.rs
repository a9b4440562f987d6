//! Which files of a tree are wanted, and how their documents are called.

use serde::{Deserialize, Serialize};

use super::glob::matches;
use crate::knowledge::parse::MediaType;
use crate::sources::configuration::ConfigurationError;
use crate::sources::sync::SyncSettings;

/// Longest pattern, and longest beginning of names, in bytes.
const MAX_PATTERN_BYTES: usize = 200;
const MAX_PREFIX_BYTES: usize = 100;
/// Most `*` and `**` in a pattern. The work is bounded by the lengths of pattern and path; this keeps patterns readable.
const MAX_WILDCARDS: usize = 8;

/// Which files are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Files whose path is meant by one of these patterns; all when there is none.
    #[serde(default)]
    pub include: Vec<String>,
    /// No files whose path is meant by one of these.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// What stands before the path of a file in the name of its document.
    pub name_prefix: Option<String>,
    /// Most files.
    pub max_files: Option<u32>,
}

impl Selection {
    /// Whether the name of a file tells a format that is read.
    pub fn reads(path: &str) -> bool {
        MediaType::from_name(path).is_some()
    }

    /// Whether the patterns mean a file. Its path is within the limits, as each pattern may go through all of it several times.
    pub fn means(&self, path: &str) -> bool {
        let is_meant = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, path));
        (self.include.is_empty() || is_meant(&self.include)) && !is_meant(&self.exclude)
    }

    /// Name of the document of a file.
    pub fn name(&self, path: &str) -> String {
        format!("{}{path}", self.name_prefix.as_deref().unwrap_or_default())
    }

    /// The same when it can be heeded.
    ///
    /// # Errors
    /// See [`ConfigurationError`].
    pub fn checked(self, settings: &SyncSettings) -> Result<Self, ConfigurationError> {
        let wrong = |pointer, detail: String| Err(ConfigurationError { pointer, detail });
        let fields =
            [("/configuration/include", &self.include), ("/configuration/exclude", &self.exclude)];
        for (pointer, patterns) in fields {
            if let Some(detail) = patterns.iter().find_map(|pattern| fault(pattern)) {
                return wrong(pointer, format!("each {detail}"));
            }
        }
        if let Some(prefix) = &self.name_prefix {
            let is_plain = !prefix.chars().any(|one| one.is_control() || one == '\\');
            if prefix.is_empty() || prefix.len() > MAX_PREFIX_BYTES || !is_plain {
                let detail = format!(
                    "must have 1 to {MAX_PREFIX_BYTES} bytes, without backslashes and control characters"
                );
                return wrong("/configuration/name_prefix", detail);
            }
        }
        if self.max_files.is_some_and(|most| most > settings.max_pages) {
            let detail = format!("must be at most {}", settings.max_pages);
            return wrong("/configuration/max_files", detail);
        }
        Ok(self)
    }
}

/// What is wrong with a pattern.
fn fault(pattern: &str) -> Option<String> {
    if pattern.is_empty() || pattern.len() > MAX_PATTERN_BYTES {
        return Some(format!("must have 1 to {MAX_PATTERN_BYTES} bytes"));
    }
    if pattern.chars().any(|one| one.is_control() || one == '\\') {
        return Some("must be without backslashes and control characters".to_owned());
    }
    let path = pattern.strip_suffix('/').unwrap_or(pattern);
    let wildcards = path.split('/').map(|name| match name {
        "**" => 1,
        name => name.matches('*').count(),
    });
    if wildcards.sum::<usize>() > MAX_WILDCARDS {
        return Some(format!("must have at most {MAX_WILDCARDS} * and **"));
    }
    if path.split('/').any(|name| matches!(name, "" | "." | "..")) {
        let detail = "must be a path within the tree, as in docs/ or docs/**/*.md";
        return Some(detail.to_owned());
    }
    if path.split('/').any(|name| name.contains("**") && name != "**") {
        return Some("must have ** for whole folders alone, as in docs/**/*.md".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_wanted_by_format_and_patterns() {
        let list = |patterns: &[&str]| patterns.iter().map(|it| (*it).to_owned()).collect();
        assert!(["docs/a.md", "a.PDF", "Makefile"].into_iter().all(Selection::reads));
        assert!(!["logo.png", "LICENSE", "a.md.gz"].into_iter().any(Selection::reads));
        assert!(Selection::default().means("docs/a.md"));
        let some = Selection {
            include: list(&["docs/", "README.md"]),
            exclude: list(&["docs/old/"]),
            ..Selection::default()
        };
        assert!(some.means("docs/a.md") && some.means("README.md"));
        assert!(!some.means("src/a.md") && !some.means("docs/old/a.md"));
    }

    #[test]
    fn a_pattern_that_can_not_be_heeded_is_told() {
        for good in ["*.md", "docs/", "docs/**/*.md", "**/a", "**", "a b/\u{fc}*"] {
            assert_eq!(fault(good), None, "{good}");
        }
        let long = "x".repeat(MAX_PATTERN_BYTES);
        assert_eq!(fault(&long), None);
        let longer = "x".repeat(MAX_PATTERN_BYTES + 1);
        let wild = "*a".repeat(MAX_WILDCARDS);
        let folders = "**/".repeat(MAX_WILDCARDS);
        assert_eq!((fault(&wild), fault(&folders)), (None, None));
        let wilder = "*a".repeat(MAX_WILDCARDS + 1);
        let more = format!("{folders}*");
        assert!(fault(&wilder).is_some() && fault(&more).is_some());
        for bad in ["", "/", "/docs", "a//b", "../a", "./a", "a\\b", "a\0", "a**", "**.md", &longer]
        {
            assert!(fault(bad).is_some(), "{bad:?}");
        }
    }
}
