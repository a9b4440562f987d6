//! What the canaries of the whole suite looked through: read after the other tests, whose binary wrote it down.

use std::io::Write;
use std::path::Path;

use serde_json::Value;

/// Kinds of bytes that a whole run must have seen.
const KINDS: [&str; 12] = [
    "responses",
    "events",
    "prompts",
    "texts to embed",
    "queue messages",
    "rows",
    "object keys",
    "objects",
    "cache",
    "log lines",
    "spans",
    "metrics",
];

#[test]
fn the_last_run_looked_through_bytes_of_each_kind_and_found_no_mark_of_another_tenant() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("canaries.json");
    let text = std::fs::read(&path).expect("run `cargo test --test it` first: it writes this down");
    let told: Value = serde_json::from_slice(&text).unwrap();
    // Past the harness, which keeps what passing tests print.
    let mut out = std::io::stderr().lock();
    let kinds = told["bytes"].as_object().unwrap();
    for (kind, bytes) in kinds {
        writeln!(out, "{bytes:>12} bytes of {kind} scanned").unwrap();
    }
    let sum: u64 = kinds.values().map(|bytes| bytes.as_u64().unwrap()).sum();
    writeln!(
        out,
        "{sum:>12} bytes in all, of {} applications with {} tenants and {} marks: {} foreign marks",
        told["applications"], told["tenants"], told["marks"], told["foreign"]
    )
    .unwrap();
    assert!(sum > 0, "nothing was scanned");
    assert_eq!(told["foreign"], 0);
    if told["whole"] == true {
        for kind in KINDS {
            assert!(kinds.get(kind).is_some_and(|bytes| bytes.as_u64() > Some(0)), "no {kind}");
        }
    }
}
