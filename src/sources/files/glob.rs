//! Patterns of paths: `*` and `?` stand for characters of one name, `**` for any folders.

/// Whether a path is one of those that a pattern means. A pattern without a slash means the name of a file in whatever folder;
/// one that ends with a slash means all that is beneath.
pub fn matches(pattern: &str, path: &str) -> bool {
    if !pattern.contains('/') {
        let name = path.rsplit('/').next().unwrap_or(path);
        return matches_name(pattern, name);
    }
    let mut wanted: Vec<&str> = pattern.split('/').collect();
    if let Some(last) = wanted.last_mut().filter(|last| last.is_empty()) {
        *last = "**";
    }
    let names: Vec<&str> = path.split('/').collect();
    walk(&wanted, &names, |wanted| *wanted == "**", |wanted, name| matches_name(wanted, name))
}

fn matches_name(pattern: &str, name: &str) -> bool {
    let wanted: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    walk(&wanted, &name, |wanted| *wanted == '*', |wanted, one| *wanted == '?' || wanted == one)
}

/// Whether all of `given` is what `wanted` stands for. Each thing that stands for many takes as few as will do, and more only
/// when what follows does not fit: it is enough to go back to the last of them, so that the work is the product of both lengths
/// at most.
fn walk<P, T>(
    wanted: &[P],
    given: &[T],
    stands_for_many: impl Fn(&P) -> bool,
    fits: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while place < given.len() {
        match wanted.get(at) {
            Some(one) if stands_for_many(one) => {
                back = Some((at, place));
                at += 1;
                continue;
            }
            Some(one) if fits(one, &given[place]) => {
                (at, place) = (at + 1, place + 1);
                continue;
            }
            _ => {}
        }
        let Some((many, from)) = back else { return false };
        back = Some((many, from + 1));
        (at, place) = (many + 1, from + 1);
    }
    wanted[at..].iter().all(stands_for_many)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_means_what_it_says() {
        for (pattern, path, is_meant) in [
            ("*.md", "a.md", true),
            ("*.md", "docs/deep/a.md", true),
            ("*.md", "a.mdx", false),
            ("a?.md", "ab.md", true),
            ("a?.md", "a.md", false),
            ("a?.md", "a\u{e9}.md", true),
            ("docs/", "docs/a.md", true),
            ("docs/", "docs/deep/a.md", true),
            ("docs/", "other/docs/a.md", false),
            ("docs/", "docs.md", false),
            ("docs/*.md", "docs/a.md", true),
            ("docs/*.md", "docs/deep/a.md", false),
            ("docs/**", "docs/deep/a.md", true),
            ("docs/**/a.md", "docs/a.md", true),
            ("docs/**/a.md", "docs/x/y/a.md", true),
            ("docs/**/a.md", "docs/x/y/b.md", false),
            ("**/node_modules/**", "node_modules/a.md", true),
            ("**/node_modules/**", "x/node_modules/y/a.md", true),
            ("**/node_modules/**", "x/modules/a.md", false),
            ("**/a/**/b.md", "a/a/x/b.md", true),
            ("*a*b", "aab/xaab", true),
            ("*a*b", "ba", false),
            ("[a].md", "[a].md", true),
            ("[a].md", "a.md", false),
            ("**", "x/a.md", true),
        ] {
            assert_eq!(matches(pattern, path), is_meant, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_made_to_take_long_does_not() {
        let pattern = format!("x/{}b", "*a".repeat(95));
        let path = format!("x/{}", "a".repeat(900));
        for _ in 0..100 {
            assert!(!matches(&pattern, &path));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
        #[test]
        fn a_path_is_meant_by_itself_and_by_its_folders(
            names in prop::collection::vec("[a-z.]{1,6}", 2..6)
        ) {
            let path = names.join("/");
            prop_assert!(matches(&path, &path));
            prop_assert!(matches("**/*", &path));
            for length in 1..names.len() {
                let folder = names[..length].join("/") + "/";
                prop_assert!(matches(&folder, &path));
            }
            let last = names.last().unwrap();
            prop_assert!(matches(last, &path));
            let other = path.clone() + "/x";
            prop_assert!(!matches(&path, &other));
        }
    }
}
