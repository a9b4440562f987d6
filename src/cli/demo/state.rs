//! The demo's folder and the file `demo.env` in it, which scripts read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Names a folder that a demo made: nothing else is ever deleted.
const MARKER: &str = "pidima-demo";

/// What a demo remembers between two starts.
#[derive(Debug)]
pub struct DemoState {
    path: PathBuf,
    values: BTreeMap<String, String>,
}

impl DemoState {
    /// Opens the folder, made when needed; emptied first when `fresh`.
    pub fn open(folder: &Path, fresh: bool) -> anyhow::Result<Self> {
        let marker = folder.join(MARKER);
        let is_empty = !folder.exists()
            || std::fs::read_dir(folder)
                .with_context(|| format!("reading the folder {}", folder.display()))?
                .next()
                .is_none();
        anyhow::ensure!(
            is_empty || marker.exists(),
            "{} is not a folder of the demo; choose another with --data",
            folder.display()
        );
        if fresh && folder.exists() {
            std::fs::remove_dir_all(folder)
                .with_context(|| format!("deleting the folder {}", folder.display()))?;
        }
        std::fs::create_dir_all(folder)
            .with_context(|| format!("making the folder {}", folder.display()))?;
        std::fs::write(&marker, "This folder belongs to `pidima demo`; --fresh deletes it.\n")?;
        let path = folder.join("demo.env");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let values = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Ok(Self { path, values })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A value, empty when unknown.
    pub fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Sets a value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// Writes the file, readable by its owner only: it holds keys.
    pub fn save(&self) -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let text: String =
            self.values.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        std::fs::write(&self.path, text)
            .with_context(|| format!("writing {}", self.path.display()))?;
        std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(0o600))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_the_demos_is_left_alone() {
        let folder = std::env::temp_dir().join(format!("pidima-state-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("precious.txt"), "keep").unwrap();
        assert!(DemoState::open(&folder, true).is_err());
        assert!(folder.join("precious.txt").exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn values_survive_a_restart_and_go_with_fresh() {
        let folder =
            std::env::temp_dir().join(format!("pidima-state-again-{}", std::process::id()));
        let mut state = DemoState::open(&folder, false).unwrap();
        state.set("PIDIMA_URL", "http://127.0.0.1:1");
        state.save().unwrap();
        assert_eq!(
            DemoState::open(&folder, false).unwrap().get("PIDIMA_URL"),
            "http://127.0.0.1:1"
        );
        assert_eq!(DemoState::open(&folder, true).unwrap().get("PIDIMA_URL"), "");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
