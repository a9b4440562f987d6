//! The TypeScript client: its types are those of the document, it compiles strictly, and it reads every event once and in
//! order from the real service, whatever happens to its connections.

mod client;
mod cutter;
mod runs;

use std::path::Path;
use std::process::Command;

use self::client::{built, client_source, tools};

/// The file that is made of the document.
const SCHEMA: &str = "src/schema.ts";

#[test]
fn the_types_are_made_of_the_committed_document() {
    let fresh = std::env::temp_dir().join(format!("pidima-{}.ts", uuid::Uuid::new_v4()));
    let generator = tools().join("node_modules/openapi-typescript/bin/cli.js");
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/openapi.json");
    let mut node = Command::new("node");
    client::run(node.arg(generator).arg(document).arg("--output").arg(&fresh));
    let path = client_source().join(SCHEMA);
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::copy(&fresh, &path).unwrap();
    }
    let (made, committed) =
        (std::fs::read_to_string(&fresh).unwrap(), std::fs::read_to_string(&path).unwrap());
    std::fs::remove_file(&fresh).unwrap();
    let differs = made.lines().zip(committed.lines()).find(|(new, old)| new != old);
    assert_eq!(differs, None, "fresh, committed; UPDATE_OPENAPI=1 rewrites the file");
    assert!(made == committed, "UPDATE_OPENAPI=1 rewrites the file");
}

#[test]
fn programs_compile_and_mistakes_do_not() {
    let folder = built().parent().unwrap().join("usage");
    std::fs::create_dir_all(&folder).unwrap();
    let usage = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client/usage.ts");
    std::fs::copy(usage, folder.join("usage.ts")).unwrap();
    let mut node = Command::new("node");
    node.arg(tools().join("node_modules/typescript/bin/tsc"))
        .args(["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "ES2022"])
        .args(["--module", "NodeNext", "--moduleResolution", "NodeNext"])
        .args(["--lib", "ES2022,DOM"])
        .arg(folder.join("usage.ts"));
    client::run(&mut node);
}

#[test]
fn the_reader_of_streams_and_the_waits_are_right() {
    node_test(&["frames.test.mjs"]);
}

#[test]
fn what_passes_is_tried_again_and_what_lasts_is_told() {
    node_test(&["refusals.test.mjs", "connections.test.mjs"]);
}

fn node_test(files: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client");
    let mut node = Command::new("node");
    node.arg("--test").args(files.iter().map(|file| folder.join(file)));
    client::run(node.env("PIDIMA_CLIENT", built()));
}
