//! One variable: its value, where it stands, and how a fault of it is told.

use std::fmt;

use super::NOT_SHOWN;

/// Shortest part of a value that is looked for in the words of a fault: shorter ones stand in words of our own.
const LEAST_PART: usize = 4;

/// How far away a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The environment of the process, or a file beside it.
    Machine,
    /// A service, whose values are shown to nobody and whose names are checked.
    Outside,
}

/// A variable as a source gives it.
#[derive(Clone)]
pub struct Given {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it stands, for people.
    pub place: String,
    /// How far away that is.
    pub origin: Origin,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.name, self.place)
    }
}

/// A variable.
pub(super) struct Variable {
    pub value: String,
    /// Empty for what was given directly.
    pub place: String,
    pub origin: Origin,
}

impl Variable {
    pub fn direct(value: String) -> Self {
        Self { value, place: String::new(), origin: Origin::Machine }
    }

    pub fn of(given: Given) -> Self {
        let Given { value, place, origin, .. } = given;
        Self { value, place, origin }
    }

    /// A fault of this variable: its name, where it stands, and the rest of the words.
    pub fn told(&self, name: &str, rest: &str) -> String {
        match self.origin {
            _ if self.place.is_empty() => format!("{name}{rest}"),
            Origin::Machine => format!("{name} ({}){rest}", self.place),
            Origin::Outside => format!("{name} ({}){}", self.place, self.without_value(rest)),
        }
    }

    fn without_value(&self, words: &str) -> String {
        let value = self.value.trim();
        if value.is_empty() {
            return words.to_owned();
        }
        let mut words = words.replace(&format!("\"{value}\""), &format!("\"{NOT_SHOWN}\""));
        // As `number` tells it, whatever its length.
        if let Some(rest) = words.strip_prefix(&format!(" is {value}: ")) {
            words = format!(" is {NOT_SHOWN}: {rest}");
        }
        for part in value.split([',', ' ']).map(str::trim).chain([value]) {
            if part.len() >= LEAST_PART {
                words = words.replace(part, NOT_SHOWN);
            }
        }
        words
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}
