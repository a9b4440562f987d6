//! What all tests of this process looked through, written down after each: `tests/scanned.rs` reads it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde_json::json;

static TOTAL: Mutex<Total> =
    Mutex::new(Total { bytes: BTreeMap::new(), apps: 0, tenants: 0, marks: 0, foreign: 0 });

struct Total {
    /// Bytes of each kind.
    bytes: BTreeMap<&'static str, u64>,
    apps: u64,
    tenants: u64,
    marks: u64,
    foreign: u64,
}

/// Counts bytes of a kind.
pub fn count(kind: &'static str, bytes: usize) {
    let mut total = TOTAL.lock().unwrap_or_else(PoisonError::into_inner);
    *total.bytes.entry(kind).or_default() += bytes as u64;
}

/// Counts the tenants of a test and their marks.
pub fn count_marks(tenants: usize, marks: usize) {
    let mut total = TOTAL.lock().unwrap_or_else(PoisonError::into_inner);
    total.tenants += tenants as u64;
    total.marks += marks as u64;
}

/// Counts an application that ended with so many findings, and writes all counts down.
pub fn write(foreign: usize) {
    let mut total = TOTAL.lock().unwrap_or_else(PoisonError::into_inner);
    total.apps += 1;
    total.foreign += foreign as u64;
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("canaries.json");
    let told = json!({
        "whole": std::env::args().len() == 1,
        "applications": total.apps,
        "tenants": total.tenants,
        "marks": total.marks,
        "bytes": total.bytes,
        "foreign": total.foreign,
    });
    std::fs::write(path, told.to_string()).unwrap();
}
