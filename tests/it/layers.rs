//! Keeps the house in order: which floor imports which, where SQL, HTTP types and settings may stand, how long a file is.
//!
//! The rules are functions over one file's path and text in `rules`; each is first shown to refuse a text made up for it.

mod rules;

use std::path::Path;

use rules::{Rule, Source};

/// Longest file of the source, tests included.
const MAX_LINES: usize = 500;
/// The middle one of all files, sorted by length, stays below.
const MAX_MEDIAN_LINES: usize = 150;
/// Longest `main.rs`: it parses the command and runs it.
const MAX_MAIN_LINES: usize = 40;

#[test]
fn every_file_keeps_the_rules_of_its_floor() {
    let sources = sources();
    let mut faults = Vec::new();
    for source in &sources {
        for Rule { name, check } in rules::ALL {
            let found = check(source).into_iter();
            faults.extend(found.map(|fault| format!("{}: {name}: {fault}", source.path)));
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn files_are_short_enough_to_be_read_at_a_sitting() {
    let mut sizes: Vec<(usize, String)> =
        sources().into_iter().map(|source| (source.text.lines().count(), source.path)).collect();
    sizes.sort();
    let median = sizes[sizes.len() / 2].0;
    let (longest, path) = sizes.last().expect("a file").clone();
    println!("{} files, median {median} lines, longest {longest} ({path})", sizes.len());
    assert!(longest <= MAX_LINES, "{path} has {longest} lines: split it by duty");
    assert!(median < MAX_MEDIAN_LINES, "the median file has {median} lines");
    let main = sizes.iter().find(|(_, path)| path == "main.rs").expect("main.rs");
    assert!(main.0 <= MAX_MAIN_LINES, "main.rs has {} lines", main.0);
}

#[test]
fn every_rule_refuses_a_text_that_breaks_it_and_passes_one_that_does_not() {
    for (name, path, bad, good) in EXAMPLES {
        let rule = rules::ALL.iter().find(|rule| rule.name == *name).expect("the rule");
        let check = |text: &str| {
            let source = Source { path: (*path).to_owned(), text: text.to_owned() };
            (rule.check)(&source)
        };
        assert!(!check(bad).is_empty(), "{name} passes {bad:?} in {path}");
        assert_eq!(check(good), Vec::<String>::new(), "{name} refuses {good:?} in {path}");
    }
    for rule in rules::ALL {
        assert!(EXAMPLES.iter().any(|example| example.0 == rule.name), "{} untried", rule.name);
    }
}

/// Rule, path, a text that breaks it there, a text that does not.
#[rustfmt::skip]
const EXAMPLES: &[(&str, &str, &str, &str)] = &[
    ("no upward import", "db/pool.rs", "use crate::chat::Chat;", "use crate::kernel::ids::new_id;"),
    ("no upward import", "db/pool.rs", "use crate::{\n    chat::{run, Chat},\n    kernel,\n};", "use crate::{adapters, kernel::ids};"),
    ("no upward import", "web/body.rs", "fn f() { crate::identity::check() }", "// crate::identity is above\nfn f() {}"),
    ("no upward import", "knowledge/search.rs", "use crate::chat as talk;", "use crate::knowledge::store;"),
    ("no upward import", "kernel/ids.rs", "use crate::nowhere::Thing;", "use crate::kernel::terms;"),
    ("no upward import", "kernel/ids.rs", "use super::super::db::Db;", "use super::terms;"),
    ("no upward import", "db.rs", "use super::chat;", "fn f() {}\n#[cfg(test)]\nmod tests {\n    use super::*;\n}"),
    ("no upward import", "main.rs", "use pidima::nowhere;", "use pidima::cli;"),
    ("HTTP framework only at the edge", "chat/run.rs", "use poem::Request;", "use crate::poems::Ode;"),
    ("HTTP framework only at the edge", "chat/store/runs.rs", "fn f(x: poem_openapi::Object) {}", "fn f() {}"),
    ("SQL only in stores", "chat/run.rs", "sqlx::query(\"select 1\")", "tx.find_run(id)"),
    ("SQL only in stores", "chat/api/runs.rs", "query_as!(Run, \"select 1\")", "let query = 1;"),
    ("SQL only in stores", "worker.rs", "use sqlx::raw_sql;", "use crate::db::Db;"),
    ("AWS only in adapters", "app.rs", "use aws_sdk_s3::Client;", "use crate::adapters::objects;"),
    ("settings only at the root", "chat/run.rs", "use crate::config::ChatConfig;", "use crate::chat::ChatSettings;"),
    ("settings only at the root", "server.rs", "fn f(env: &crate::config::Env) {}", "fn f(config: &ServerSettings) {}"),
    ("only db begins a transaction", "chat/store/runs.rs", "pool.begin().await?", "db.tenant(id).await?"),
    ("only db begins a transaction", "cli/doctor.rs", "pool.begin_with(\"begin\")", "the_beginning()"),
    ("opens with its duty", "chat/run.rs", "use std::fmt;\n//! Late.", "//! Answers.\nuse std::fmt;"),
    ("module beside its folder", "chat/mod.rs", "//! Chat.", ""),
    ("caller first", "chat/api/runs.rs",
        "#[oai(path = \"/runs\", method = \"get\")]\nasync fn list(&self, limit: Query<u32>, caller: Caller) {}",
        "#[oai(path = \"/runs\", method = \"get\")]\nasync fn list(\n    &self,\n    caller: Caller,\n    limit: Query<u32>,\n) {}"),
    ("caller first", "chat/api/runs.rs",
        "#[oai(\n    path = \"/runs\",\n    method = \"get\"\n)]\nasync fn list(&self) {}",
        "#[oai(validator(max_length = 9))]\npath: String,\nfn help(&self, text: &str) {}"),
];

/// Every file under `src`, its path relative to it.
pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).expect("under src");
                let relative = relative.to_string_lossy().replace('\\', "/");
                let text = std::fs::read_to_string(&path).expect("a text");
                sources.push(Source { path: relative, text });
            }
        }
    }
    assert!(sources.len() > 100, "{} files: is this the source?", sources.len());
    sources
}
