//! The security checklist of the handbook: every requirement has a row, every test that a row names exists, and a row
//! that names none says so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../seeds/handbook/security-checklist.md");
const NOT_YET: &str = "not yet";

/// Requirements of the ASVS 5.0 (levels 1 and 2) that apply to a service of this kind.
const REQUIREMENTS: &str = "1.2.1 1.2.2 1.2.4 1.2.10 1.3.1 1.3.5 1.3.6 1.5.1 2.2.1 2.2.2 2.3.2 2.3.3 2.4.1 3.2.1 3.3.1 \
    3.3.2 3.3.3 3.3.4 3.4.1 3.4.2 3.4.3 3.4.4 3.4.5 3.4.6 3.5.1 3.5.2 3.5.3 4.1.1 4.1.3 4.2.1 5.1.1 5.2.1 5.2.2 5.2.3 \
    5.3.2 5.4.1 5.4.2 6.1.1 6.1.3 6.2.1 6.2.4 6.2.8 6.2.9 6.2.12 6.3.1 6.3.3 6.3.4 6.4.1 6.4.3 6.8.1 6.8.2 7.1.1 7.2.2 \
    7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 7.5.2 8.1.1 8.2.1 8.2.2 8.2.3 8.4.1 9.1.1 9.1.2 9.1.3 9.2.1 \
    9.2.2 9.2.3 10.1.1 10.1.2 10.2.1 10.3.1 10.3.2 10.3.3 10.5.1 10.5.2 10.5.3 10.5.4 11.4.2 11.5.1 12.2.1 12.3.1 12.3.2 \
    13.2.2 13.2.4 13.3.1 13.3.2 13.4.2 13.4.5 14.2.1 14.2.2 14.3.2 16.2.1 16.3.1 16.3.2 16.4.2";

/// Requirements, and the cell that tells how each is shown.
fn rows() -> Vec<(Vec<&'static str>, &'static str)> {
    let cells = |line: &'static str| -> Vec<&'static str> {
        line.trim_matches('|').split('|').map(str::trim).collect()
    };
    PAGE.lines()
        .filter(|line| line.starts_with('|'))
        .map(cells)
        .filter(|cells| cells[0].starts_with(|letter: char| letter.is_ascii_digit()))
        .map(|cells| (cells[0].split(", ").collect(), cells[2]))
        .collect()
}

/// Names in back quotes.
fn named(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

#[test]
fn each_test_that_the_checklist_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    sources(&root.join("tests"), &mut all);
    sources(&root.join("src"), &mut all);
    let mut count = 0;
    for (ids, cell) in rows() {
        for name in named(cell) {
            let (module, function) = name.rsplit_once("::").unwrap_or_default();
            let file = format!("{}.rs", module.replace("::", "/"));
            let exists = all.iter().any(|(path, text)| {
                path.ends_with(&file) && text.contains(&format!("fn {function}("))
            });
            assert!(exists, "{ids:?} names {name}, which is no test");
            count += 1;
        }
    }
    println!("{} rows name {count} tests", rows().len());
    assert!(count > 50, "{count}");
}

#[test]
fn a_row_names_a_test_or_says_not_yet() {
    for (ids, cell) in rows() {
        let is_open = cell.to_lowercase().contains(NOT_YET);
        assert!(!named(cell).is_empty() || is_open, "{ids:?}: {cell}");
    }
}

#[test]
fn every_requirement_has_one_row() {
    let wanted: BTreeSet<&str> = REQUIREMENTS.split_whitespace().collect();
    let told: Vec<&str> = rows().into_iter().flat_map(|(ids, _)| ids).collect();
    let once: BTreeSet<&str> = told.iter().copied().collect();
    assert_eq!(once.len(), told.len(), "a requirement stands twice");
    assert_eq!(once, wanted);
}
