//! What is to be read of an archive: the files that are wanted, under their paths, and those that can not be taken with why.

use std::collections::{HashMap, HashSet};

use super::container::{Container, Kind, Listed, over, too_long};
use super::error::ArchiveError;
use super::limits::ArchiveLimits;
use super::wire::{Order, Planned, TopFolder};
use crate::sources::files::{PlannedFile, Refusal, Selection, clean, display};

/// Looks through an archive. Its bounds are met here, before a single file comes in.
///
/// # Errors
/// The archive can not be unpacked within its bounds.
pub(super) fn plan(archive: &mut Container<'_>, order: &Order) -> Result<Planned, ArchiveError> {
    let limits = &order.limits;
    let listed = archive.list()?;
    let (mut planned, strips_top_folder) =
        choose(&listed, &order.selection, order.top_folder, limits)?;
    planned.truncate(order.max_files.saturating_add(1));
    let (mut left, _) = limits.most_unpacked(order.archive_bytes);
    for file in &mut planned {
        let Some(entry) = file.entry else { continue };
        let most = limits.max_file_bytes.min(left);
        let (length, measured) = archive.measure(entry, most);
        left = left.checked_sub(length).ok_or_else(|| over(limits, order.archive_bytes))?;
        let refusal = match measured {
            Ok(()) => (length > limits.max_file_bytes).then(|| too_long(limits.max_file_bytes)),
            Err(refusal) => Some(refusal),
        };
        if refusal.is_some() {
            (file.entry, file.refusal) = (None, refusal);
        }
    }
    Ok(Planned { files: planned, strips_top_folder })
}

/// The files that are wanted of those that an archive lists, in its order, each path once; and whether their paths are without a
/// folder around everything.
fn choose(
    listed: &[Listed],
    selection: &Selection,
    top_folder: TopFolder,
    limits: &ArchiveLimits,
) -> Result<(Vec<PlannedFile>, bool), ArchiveError> {
    let paths: Vec<Result<String, Refusal>> = listed.iter().map(path).collect();
    let found = match top_folder {
        TopFolder::Keep => None,
        TopFolder::Leave | TopFolder::Require => find_top_folder(listed, &paths),
    };
    // One that holds nothing tells nothing of what its files are in.
    let is_told = |path: &Result<String, Refusal>| path.as_ref().is_ok_and(|it| !is_of_finder(it));
    let is_other = found.is_none() && paths.iter().any(is_told);
    if top_folder == TopFolder::Require && is_other {
        return Err(ArchiveError::TopFolder);
    }
    let strips = found.is_some() || (top_folder == TopFolder::Require);
    let top = found.map(|top| format!("{top}/")).unwrap_or_default();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (entry, path) in listed.iter().zip(&paths) {
        if let Ok(path) = path
            && entry.kind != Kind::Folder
        {
            *counts.entry(path).or_default() += 1;
        }
    }
    let mut planned = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    for (index, (entry, path)) in listed.iter().zip(&paths).enumerate() {
        let is_folder = entry.kind == Kind::Folder;
        let (path, refusal) = match path {
            _ if is_folder => continue,
            Err(refusal) => (display(&entry.path), Some(refusal.clone())),
            Ok(whole) if is_of_finder(whole) => continue,
            Ok(whole) => {
                let path = whole.strip_prefix(&top).unwrap_or(whole);
                if !Selection::reads(path) {
                    continue;
                }
                let is_double = counts.get(whole.as_str()).is_some_and(|count| *count > 1);
                // Before the patterns, so that what they take is bounded.
                match limits.path.check(path) {
                    Err(refusal) => (display(path), Some(refusal)),
                    Ok(()) if !selection.means(path) => continue,
                    Ok(()) => (selection.name(path), refuse(entry, is_double, limits)),
                }
            }
        };
        if known.insert(path.clone()) {
            let entry = refusal.is_none().then_some(index);
            planned.push(PlannedFile { path, entry, refusal });
        }
    }
    Ok((planned, strips))
}

fn path(entry: &Listed) -> Result<String, Refusal> {
    if entry.is_text {
        return clean(&entry.path);
    }
    Err(Refusal::new("path_refused", "the path is not written in UTF-8"))
}

/// Why a file that is wanted is not taken.
fn refuse(entry: &Listed, is_double: bool, limits: &ArchiveLimits) -> Option<Refusal> {
    let refusal = |code: &str, detail: &str| Some(Refusal::new(code, detail));
    match entry.kind {
        Kind::Double => refusal("duplicate_path", DOUBLE),
        _ if is_double => refusal("duplicate_path", DOUBLE),
        Kind::Link => refusal("link", "it is a link to another file, and links are not followed"),
        Kind::Special | Kind::Folder => refusal("special_file", "it is no plain file"),
        Kind::Encrypted => {
            refusal("encrypted", "it is protected by a password; make the archive without one")
        }
        Kind::File => {
            let is_too_long = entry.size.is_some_and(|size| size > limits.max_file_bytes);
            is_too_long.then(|| too_long(limits.max_file_bytes))
        }
    }
}

const DOUBLE: &str = "the archive has more than one file of this path";

/// The one folder that everything is in, as in the archives that Git hosts make.
fn find_top_folder<'a>(listed: &[Listed], paths: &'a [Result<String, Refusal>]) -> Option<&'a str> {
    let mut top = None;
    for (entry, path) in listed.iter().zip(paths) {
        let Some(path) = path.as_ref().ok().filter(|path| !is_of_finder(path)) else { continue };
        let first = match path.split_once('/') {
            Some((first, _)) => first,
            None if entry.kind == Kind::Folder => path.as_str(),
            None => return None,
        };
        if *top.get_or_insert(first) != first {
            return None;
        }
    }
    top
}

/// What the Finder of macOS puts beside the files of a zip: properties of each, under its name, which are nobody's words.
fn is_of_finder(path: &str) -> bool {
    path.split('/').next() == Some("__MACOSX")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sources::files::PathLimits;

    fn limits() -> ArchiveLimits {
        ArchiveLimits {
            max_entries: 100,
            max_unpacked_bytes: 1_000,
            max_ratio: 100,
            max_file_bytes: 100,
            path: PathLimits { max_bytes: 40, max_depth: 4 },
        }
    }

    fn listed(path: &str, kind: Kind) -> Listed {
        Listed { path: path.to_owned(), is_text: true, kind, size: Some(10) }
    }

    fn files(paths: &[&str]) -> Vec<Listed> {
        paths.iter().map(|path| listed(path, Kind::File)).collect()
    }

    /// Path, and the entry or why there is none.
    fn chosen(listed: &[Listed], selection: &Selection) -> Vec<(String, String)> {
        let told = |file: PlannedFile| match (file.entry, file.refusal) {
            (Some(entry), None) => (file.path, entry.to_string()),
            (None, Some(refusal)) => (file.path, refusal.code),
            other => panic!("{other:?}"),
        };
        let (files, _) = choose(listed, selection, TopFolder::Leave, &limits()).unwrap();
        files.into_iter().map(told).collect()
    }

    fn wanted(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(path, told)| ((*path).to_owned(), (*told).to_owned())).collect()
    }

    #[test]
    fn one_folder_around_everything_is_taken_off_and_one_beside_others_is_not() {
        let all = Selection::default();
        let mut inside = files(&["repo-1/README.md", "repo-1/docs/a.md"]);
        inside.insert(0, listed("repo-1/", Kind::Folder));
        assert_eq!(chosen(&inside, &all), wanted(&[("README.md", "1"), ("docs/a.md", "2")]));
        inside.push(listed("pax.md", Kind::Link));
        let beside =
            wanted(&[("repo-1/README.md", "1"), ("repo-1/docs/a.md", "2"), ("pax.md", "link")]);
        assert_eq!(chosen(&inside, &all), beside);
        let two = files(&["a/x.md", "b/x.md"]);
        assert_eq!(chosen(&two, &all), wanted(&[("a/x.md", "0"), ("b/x.md", "1")]));
        let only = files(&["./a/a.md"]);
        assert_eq!(chosen(&only, &all), wanted(&[("a.md", "0")]));
        assert_eq!(chosen(&[], &all), []);
        let finder = files(&["repo/a.md", "__MACOSX/repo/._a.md", "__MACOSX/._repo"]);
        assert_eq!(chosen(&finder, &all), wanted(&[("a.md", "0")]));
        let properties = files(&["__MACOSX/._a.md"]);
        let chosen = choose(&properties, &all, TopFolder::Require, &limits());
        assert_eq!(chosen, Ok((Vec::new(), true)));
    }

    #[test]
    fn a_folder_around_everything_stays_or_has_to_be_there_as_it_is_asked_for() {
        let (inside, beside) = (files(&["repo/a.md"]), files(&["repo/a.md", "b.md"]));
        let tried = |listed: &[Listed], top_folder| {
            let chosen = choose(listed, &Selection::default(), top_folder, &limits());
            chosen.map(|(files, strips)| (files[0].path.clone(), strips))
        };
        let (short, long) =
            (|it| Ok(("a.md".to_owned(), it)), |it| Ok(("repo/a.md".to_owned(), it)));
        assert_eq!(tried(&inside, TopFolder::Leave), short(true));
        assert_eq!(tried(&inside, TopFolder::Require), short(true));
        assert_eq!(tried(&inside, TopFolder::Keep), long(false));
        assert_eq!(tried(&beside, TopFolder::Leave), long(false));
        assert_eq!(tried(&beside, TopFolder::Require), Err(ArchiveError::TopFolder));
        assert_eq!(tried(&beside, TopFolder::Keep), long(false));
        let empty = choose(&[], &Selection::default(), TopFolder::Require, &limits());
        assert_eq!(empty, Ok((Vec::new(), true)));
        for (wanted, done, top_folder) in [
            (None, None, TopFolder::Leave),
            (Some(true), None, TopFolder::Leave),
            (Some(true), Some(true), TopFolder::Require),
            (None, Some(false), TopFolder::Keep),
            (Some(false), Some(true), TopFolder::Keep),
        ] {
            assert_eq!(TopFolder::of(wanted, done), top_folder);
        }
    }

    #[test]
    fn what_can_not_be_taken_is_told_and_what_is_not_wanted_is_not() {
        let selection = Selection {
            exclude: vec!["old/".to_owned()],
            name_prefix: Some("guide/".to_owned()),
            ..Selection::default()
        };
        let mut all = files(&[
            "a.md",
            "logo.png",
            "old/b.md",
            "../../etc/passwd.md",
            "/etc/b.md",
            "twice.md",
            "twice.md",
            "x/./y.md",
            "1/2/3/deep.md",
            "1/2/3/4/deep.md",
            "12345678901234567890123456789012345678.md",
        ]);
        all.push(listed("link.md", Kind::Link));
        all.push(listed("pipe.md", Kind::Special));
        all.push(listed("secret.md", Kind::Encrypted));
        all.push(listed("double.md", Kind::Double));
        all.push(Listed { size: Some(100), ..listed("just.md", Kind::File) });
        all.push(Listed { size: Some(101), ..listed("long.md", Kind::File) });
        all.push(Listed { is_text: false, ..listed("odd.md", Kind::File) });
        let told = wanted(&[
            ("guide/a.md", "0"),
            ("../../etc/passwd.md", "path_refused"),
            ("/etc/b.md", "path_refused"),
            ("guide/twice.md", "duplicate_path"),
            ("guide/x/y.md", "7"),
            ("guide/1/2/3/deep.md", "8"),
            ("1/2/3/4/deep.md", "path_too_deep"),
            ("12345678901234567890123456789012345678.md", "path_too_long"),
            ("guide/link.md", "link"),
            ("guide/pipe.md", "special_file"),
            ("guide/secret.md", "encrypted"),
            ("guide/double.md", "duplicate_path"),
            ("guide/just.md", "15"),
            ("guide/long.md", "file_too_long"),
            ("odd.md", "path_refused"),
        ]);
        assert_eq!(chosen(&all, &selection), told);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]
        #[test]
        fn each_path_comes_once_and_leads_nowhere_else(
            paths in prop::collection::vec("[ab./\\\\]{0,6}(\\.md)?", 0..12)
        ) {
            let listed: Vec<Listed> =
                paths.iter().map(|path| listed(path, Kind::File)).collect();
            let chosen = choose(&listed, &Selection::default(), TopFolder::Leave, &limits());
            let (planned, _) = chosen.unwrap();
            let mut seen = HashSet::new();
            for file in planned {
                prop_assert!(seen.insert(file.path.clone()));
                prop_assert_eq!(file.entry.is_none(), file.refusal.is_some());
                if file.entry.is_some() {
                    prop_assert_eq!(clean(&file.path), Ok(file.path));
                }
            }
        }
    }
}
