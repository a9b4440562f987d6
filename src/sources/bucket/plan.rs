//! Which objects of a bucket are wanted, under which names.

use std::collections::HashSet;

use crate::sources::configuration::Bucket;
use crate::sources::files::{PathLimits, PlannedFile, Refusal, Selection, clean, display};

/// The files that are wanted of those that a bucket lists, each name once.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub files: Vec<PlannedFile>,
    known: HashSet<String>,
    /// Keys that were looked at.
    count: usize,
}

impl Plan {
    /// Adds those of some keys.
    pub fn add(&mut self, bucket: &Bucket, limits: &PathLimits, keys: &[String]) {
        for key in keys {
            let entry = self.count;
            self.count += 1;
            let Some(path) = key.strip_prefix(&bucket.prefix) else { continue };
            // What programs make so that a folder is seen.
            if path.is_empty() || path.ends_with('/') || !Selection::reads(path) {
                continue;
            }
            // Before the patterns, so that what they take is bounded; one that is refused is told though they leave it out.
            let checked = check(path, limits);
            if checked.is_ok() && !bucket.selection.means(path) {
                continue;
            }
            let (name, refusal) = match checked {
                Ok(()) => (bucket.selection.name(path), None),
                Err(refusal) => (display(path), Some(refusal)),
            };
            if self.known.insert(name.clone()) {
                let entry = refusal.is_none().then_some(entry);
                self.files.push(PlannedFile { path: name, entry, refusal });
            }
        }
    }
}

/// Key of the object whose document has this name.
pub(super) fn key(bucket: &Bucket, name: &str) -> String {
    let prefix = bucket.selection.name_prefix.as_deref().unwrap_or_default();
    format!("{}{}", bucket.prefix, name.strip_prefix(prefix).unwrap_or(name))
}

/// A key is a path only when it is written as one: two that would be the same path are two objects.
fn check(path: &str, limits: &PathLimits) -> Result<(), Refusal> {
    if clean(path)? != path {
        return Err(Refusal::new("path_refused", "the key has empty names, or . as a name"));
    }
    limits.check(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_paths_beneath_the_prefix_and_lead_back_to_their_objects() {
        let selection = Selection {
            exclude: vec!["old/".to_owned()],
            name_prefix: Some("guide/".to_owned()),
            ..Selection::default()
        };
        let bucket = Bucket { bucket: "docs".to_owned(), prefix: "acme/".to_owned(), selection };
        let limits = PathLimits { max_bytes: 20, max_depth: 3 };
        let keys = [
            "acme/",
            "acme/a.md",
            "acme/folder/",
            "acme/x/b.md",
            "acme/logo.png",
            "acme/old/c.md",
            "acme/old/1/2/3/c.md",
            "acme//d.md",
            "acme/./e.md",
            "acme/../f.md",
            "acme/1/2/3/g.md",
            "acme/a-name-that-is-long.md",
            "other/h.md",
            "acme/guide/a.md",
        ];
        let keys = keys.map(str::to_owned);
        let mut plan = Plan::default();
        plan.add(&bucket, &limits, &keys[..5]);
        plan.add(&bucket, &limits, &keys[5..]);
        let told = |file: &PlannedFile| match (&file.entry, &file.refusal) {
            (Some(entry), None) => (file.path.clone(), keys[*entry].clone()),
            (None, Some(refusal)) => (file.path.clone(), refusal.code.clone()),
            other => panic!("{other:?}"),
        };
        let found: Vec<(String, String)> = plan.files.iter().map(told).collect();
        let wanted = [
            ("guide/a.md", "acme/a.md"),
            ("guide/x/b.md", "acme/x/b.md"),
            ("old/1/2/3/c.md", "path_too_deep"),
            ("/d.md", "path_refused"),
            ("./e.md", "path_refused"),
            ("../f.md", "path_refused"),
            ("1/2/3/g.md", "path_too_deep"),
            ("a-name-that-is-long.md", "path_too_long"),
            ("guide/guide/a.md", "acme/guide/a.md"),
        ];
        assert_eq!(found, wanted.map(|(name, told)| (name.to_owned(), told.to_owned())));
        for file in plan.files.iter().filter(|file| file.entry.is_some()) {
            assert_eq!(key(&bucket, &file.path), keys[file.entry.unwrap()]);
        }
    }
}
