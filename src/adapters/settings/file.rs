//! A file of `KEY=value` lines, as `.env` of many tools.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::{Setting, SettingsSource, SourceError};

/// The file. One that is not there holds nothing.
#[derive(Clone, Debug)]
pub struct EnvFile {
    path: PathBuf,
}

impl EnvFile {
    /// The file at a path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

#[async_trait]
impl SettingsSource for EnvFile {
    async fn read(&self) -> Result<Vec<Setting>, SourceError> {
        match tokio::fs::read_to_string(&self.path).await {
            Ok(text) => parse(&self.path, &text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(SourceError::one(format!(
                "{} can not be read ({error}): mend it, or PIDIMA_ENV_FILE",
                self.path.display()
            ))),
        }
    }
}

/// The last of several lines with one name counts.
fn parse(path: &Path, text: &str) -> Result<Vec<Setting>, SourceError> {
    let mut settings: Vec<Setting> = Vec::new();
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{}:{}", path.display(), index + 1);
        let Some((name, value)) = line.split_once('=') else {
            faults.push(format!("{place}: not a KEY=value line"));
            continue;
        };
        let name = name.trim().to_owned();
        settings.retain(|setting| setting.name != name);
        settings.push(Setting { name, value: value.trim().trim_matches('"').to_owned(), place });
    }
    if faults.is_empty() { Ok(settings) } else { Err(SourceError { faults }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_their_places_and_the_last_of_a_name_counts() {
        let text = "# note\n\nA = 1\nB=\"two = 2\"\nA=3\n";
        let settings = parse(Path::new(".env"), text).expect("good lines");
        let told: Vec<_> = settings
            .iter()
            .map(|it| (it.name.as_str(), it.value.as_str(), it.place.as_str()))
            .collect();
        assert_eq!(told, [("B", "two = 2", ".env:4"), ("A", "3", ".env:5")]);
    }

    #[test]
    fn all_lines_that_can_not_be_read_are_told_without_what_they_hold() {
        let error = parse(Path::new(".env"), "hunter2\nA=1\nhunter3\n").expect_err("two faults");
        assert_eq!(error.faults.len(), 2, "{error}");
        assert!(!error.to_string().contains("hunter"), "{error}");
    }
}
