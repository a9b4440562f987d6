//! Files are read by a process of their own: what it may do, what becomes of it, and that no file takes anything else down.

mod bounds;
mod confinement;
pub mod corpus;
mod cost;
pub mod hostile;
mod pdf;

use std::path::{Path, PathBuf};

use pidima::knowledge::parser::{Parser, ParserSettings};

use crate::support::parser_settings;

/// A folder of the test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("pidima-parser-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A program of a few lines for the shell, and a parser that starts it instead of the real one.
    fn parser(&self, script: &str, change: impl FnOnce(&mut ParserSettings)) -> Parser {
        use std::os::unix::fs::PermissionsExt;
        let path = self.0.join("program");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut settings = parser_settings();
        settings.program = Some(path);
        change(&mut settings);
        Parser::new(settings)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The real reader, with a bound changed.
fn parser(change: impl FnOnce(&mut ParserSettings)) -> Parser {
    let mut settings = parser_settings();
    change(&mut settings);
    Parser::new(settings)
}
