//! Archives: their files come in, what changed is changed, what is gone goes, and no archive does harm.

mod bounds;
mod keeping;
mod made;
mod reading;
mod stopping;

use serde_json::{Value, json};

use self::made::{MadeArchive, file};
use super::site::{Page, Site};
use super::{app, idle_app};

/// A source that is the archive at a path of the site.
fn archive(site: &Site, path: &str) -> Value {
    json!({ "kind": "archive", "url": site.url(path) })
}

/// An archive of one folder with a file of Markdown for each name.
fn folder(top: &str, names: &[&str]) -> MadeArchive {
    let mut made = MadeArchive::default();
    for name in names {
        made.push(file(&format!("{top}/{name}"), &text(name)));
    }
    made
}

fn text(name: &str) -> String {
    format!("# {name}\n\nWhat stands in {name} is told here.\n")
}

/// An archive as a server sends it.
fn sent(bytes: Vec<u8>) -> Page {
    Page::of("application/octet-stream", bytes)
}
