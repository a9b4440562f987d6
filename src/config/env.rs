//! The one reader of environment variables: parses, gives defaults, collects faults, and remembers which names exist.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

/// Variables of the process, over those of a file.
#[derive(Debug, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
    faults: RefCell<Vec<String>>,
    known: RefCell<Vec<&'static str>>,
}

/// Every fault of the settings, one a line.
#[derive(Debug, thiserror::Error)]
#[error("the settings are not usable:\n{}", .faults.join("\n"))]
pub struct ConfigError {
    /// Each names its variable and the remedy.
    pub faults: Vec<String>,
}

impl Env {
    /// The process's environment; a file named by `PIDIMA_ENV_FILE` (default `.env`) fills what is not set.
    ///
    /// # Errors
    /// The file exists and has a line that is not `KEY=value`.
    #[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
    pub fn load() -> Result<Self, ConfigError> {
        let process: BTreeMap<String, String> = std::env::vars().collect();
        let file = process.get("PIDIMA_ENV_FILE").cloned().unwrap_or_else(|| ".env".to_owned());
        let mut variables = read_file(Path::new(&file))?;
        variables.extend(process);
        Ok(Self { variables, ..Self::default() })
    }

    /// Settings given directly: for the demo and the tests.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let variables = pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        Self { variables, ..Self::default() }
    }

    /// Sets a variable unless it is set already.
    pub fn set_default(&mut self, name: &str, value: impl Into<String>) {
        self.variables.entry(name.to_owned()).or_insert_with(|| value.into());
    }

    /// Sets a variable, whatever it was.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.insert(name.to_owned(), value.into());
    }

    /// A text; absent when unset or empty.
    pub fn text(&self, name: &'static str) -> Option<String> {
        self.known.borrow_mut().push(name);
        self.variables
            .get(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// A text whose name is made of other settings, so that no table lists it; absent when unset or empty.
    pub fn named(&self, name: &str) -> Option<String> {
        let value = self.variables.get(name).map(|value| value.trim().to_owned());
        value.filter(|value| !value.is_empty())
    }

    /// A text that must be there.
    pub fn required(&self, name: &'static str, remedy: &str) -> String {
        self.text(name).unwrap_or_else(|| {
            self.fault(format!("{name} is not set: {remedy}"));
            String::new()
        })
    }

    /// A secret; absent when unset or empty.
    pub fn secret(&self, name: &'static str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    /// A value of any type that reads itself from text.
    pub fn parse<T: FromStr<Err: Display>>(&self, name: &'static str, default: T) -> T {
        let Some(text) = self.text(name) else { return default };
        text.parse().unwrap_or_else(|error| {
            self.fault(format!("{name} is \"{text}\": {error}"));
            default
        })
    }

    /// A number within bounds (both included).
    pub fn number<T>(&self, name: &'static str, default: T, least: T, most: T) -> T
    where
        T: FromStr<Err: Display> + PartialOrd + Display + Copy,
    {
        let value = self.parse(name, default);
        if value < least || value > most {
            self.fault(format!("{name} is {value}: give a number from {least} to {most}"));
            return default;
        }
        value
    }

    /// A time in milliseconds within bounds (both included).
    pub fn millis(&self, name: &'static str, default: u64, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.number(name, default, least, most))
    }

    /// Notes a fault that concerns several variables.
    pub fn fault(&self, fault: String) {
        self.faults.borrow_mut().push(fault);
    }

    /// Names that were asked for so far, sorted: the README's table is compared with them.
    pub fn known(&self) -> Vec<&'static str> {
        let mut names = self.known.borrow().clone();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// The faults that were noted.
    pub fn finish(&self) -> Result<(), ConfigError> {
        let faults = self.faults.borrow().clone();
        if faults.is_empty() { Ok(()) } else { Err(ConfigError { faults }) }
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(BTreeMap::new()) };
    let mut variables = BTreeMap::new();
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once('=') {
            Some((key, value)) => {
                variables.insert(key.trim().to_owned(), value.trim().trim_matches('"').to_owned());
            }
            None => faults.push(format!("{}:{}: not a KEY=value line", path.display(), index + 1)),
        }
    }
    if faults.is_empty() { Ok(variables) } else { Err(ConfigError { faults }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_told_at_once() {
        let env = Env::from_pairs([("A", "x"), ("B", "7")]);
        assert_eq!(env.number("A", 1_u32, 0, 5), 1);
        assert_eq!(env.number("B", 1_u32, 0, 5), 1);
        env.required("C", "set it");
        let faults = env.finish().expect_err("three faults").faults;
        assert_eq!(faults.len(), 3, "{faults:?}");
    }

    #[test]
    fn bounds_of_a_number_are_included() {
        let env = Env::from_pairs([("LOW", "1"), ("HIGH", "5")]);
        assert_eq!(env.number("LOW", 3_u32, 1, 5), 1);
        assert_eq!(env.number("HIGH", 3_u32, 1, 5), 5);
        assert!(env.finish().is_ok());
    }
}
