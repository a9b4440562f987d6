//! Settings as texts: parses, gives defaults, collects faults, and remembers where each stands and which names exist.
//!
//! What came from a source outside the machine is shown by no fault: it may be a secret under a wrong name.

mod variable;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use self::variable::Variable;
pub use self::variable::{Given, Origin};

/// What stands in place of a value that is not shown.
const NOT_SHOWN: &str = "(not shown)";
/// Settings that are needed before a source outside can be asked, or by commands that ask none.
const NEEDED_BEFORE: [&str; 8] = [
    "PIDIMA_ENV_FILE",
    "PIDIMA_LISTEN",
    "PIDIMA_PARAMETERS_PATH",
    "PIDIMA_SECRETS",
    "PIDIMA_SETTINGS_TIMEOUT_MS",
    "PIDIMA_SETTINGS_TRIES",
    "PIDIMA_SETTINGS_MAX_BYTES",
    "PIDIMA_SETTINGS_REFRESH_MS",
];
/// What single commands read, and may lie beside the rest.
const OF_COMMANDS: [&str; 1] = ["PIDIMA_APP_PASSWORD"];

/// Variables of all sources, each as the strongest one gives it.
#[derive(Debug, Default)]
pub struct Env {
    variables: BTreeMap<String, Variable>,
    /// Variables that a stronger source hides.
    hidden: Vec<Given>,
    faults: RefCell<Vec<String>>,
    known: RefCell<Vec<&'static str>>,
    named: RefCell<BTreeSet<String>>,
    families: RefCell<Vec<(&'static str, &'static [&'static str])>>,
}

/// Every fault of the settings, one a line.
#[derive(Debug, thiserror::Error)]
#[error("the settings are not usable:\n{}", .faults.join("\n"))]
pub struct ConfigError {
    /// Each names its variable and the remedy.
    pub faults: Vec<String>,
}

impl Env {
    /// Settings given directly: for the demo and the tests.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let given = |(key, value): (K, V)| (key.into(), Variable::direct(value.into()));
        Self { variables: pairs.into_iter().map(given).collect(), ..Self::default() }
    }

    /// Adds what the next weaker source gives: it fills what is not set yet. Within one source a name stands once.
    pub fn add(&mut self, given: Vec<Given>) {
        let mut places: BTreeMap<String, String> = BTreeMap::new();
        for one in given {
            if let Some(other) = places.insert(one.name.clone(), one.place.clone()) {
                let (name, place) = (&one.name, &one.place);
                self.fault(format!(
                    "{name} stands twice, in {other} and in {place}: take one of them out"
                ));
            } else if self.variables.contains_key(&one.name) {
                self.hidden.push(one);
            } else {
                self.variables.insert(one.name.clone(), Variable::of(one));
            }
        }
    }

    /// Sets a variable unless it is set already.
    pub fn set_default(&mut self, name: &str, value: impl Into<String>) {
        let direct = || Variable::direct(value.into());
        self.variables.entry(name.to_owned()).or_insert_with(direct);
    }

    /// Sets a variable, whatever it was.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.insert(name.to_owned(), Variable::direct(value.into()));
    }

    /// A text; absent when unset or empty.
    pub fn text(&self, name: &'static str) -> Option<String> {
        self.known.borrow_mut().push(name);
        self.value(name)
    }

    /// A text whose name is made of other settings, so that no table lists it; absent when unset or empty.
    pub fn named(&self, name: &str) -> Option<String> {
        self.named.borrow_mut().insert(name.to_owned());
        self.value(name)
    }

    /// Says that names with this begin, any name and one of these ends may stand anywhere, read or not.
    pub fn family(&self, begin: &'static str, ends: &'static [&'static str]) {
        self.families.borrow_mut().push((begin, ends));
    }

    fn is_of_family(&self, name: &str) -> bool {
        self.families.borrow().iter().any(|(begin, ends)| {
            let rest = name.strip_prefix(begin).unwrap_or_default();
            ends.iter().any(|end| {
                rest.strip_suffix(end).is_some_and(|own| own.len() > 1 && own.ends_with('_'))
            })
        })
    }

    /// A key that goes into the header of requests, as it stands at `name`.
    pub fn sendable(&self, name: &str, key: Option<String>) -> Option<SecretString> {
        let key = key?;
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.fault(format!(
                "{name} can not be sent: a key has no white space and no characters beyond ASCII"
            ));
        }
        Some(key.into())
    }

    fn value(&self, name: &str) -> Option<String> {
        let value = self.variables.get(name).map(|variable| variable.value.trim().to_owned());
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

    /// Notes a fault. One that begins with the name of a variable tells where it stands.
    pub fn fault(&self, fault: String) {
        let fault = self.placed(fault);
        let mut faults = self.faults.borrow_mut();
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }

    fn placed(&self, fault: String) -> String {
        let end = fault.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        let (name, rest) = fault.split_at(end.unwrap_or(fault.len()));
        match self.variables.get(name) {
            Some(variable) => variable.told(name, rest),
            None => fault,
        }
    }

    /// Notes a fault for each variable from outside that nobody reads, or that must not come from there. To be called when
    /// all settings were read.
    pub fn refuse_unknown(&self) {
        let known: BTreeSet<&str> = self.known.borrow().iter().copied().collect();
        for (name, variable) in &self.variables {
            if variable.origin != Origin::Outside {
                continue;
            }
            if NEEDED_BEFORE.contains(&name.as_str()) || name.split('_').next() == Some("AWS") {
                self.fault(format!("{name} is needed before: set it in the environment instead"));
            } else if !known.contains(name.as_str())
                && !self.named.borrow().contains(name)
                && !self.is_of_family(name)
                && !OF_COMMANDS.contains(&name.as_str())
            {
                self.fault(format!(
                    "{name} is no setting of this version: mend its name, or take it out"
                ));
            }
        }
    }

    /// Name and place of each variable that was asked for and is set, by name. Those that were given directly are left out.
    pub fn places(&self) -> Vec<(String, String)> {
        let known = self.known.borrow();
        let named = self.named.borrow();
        let asked = |name: &str| known.contains(&name) || named.contains(name);
        let placed = self.variables.iter().filter(|(name, it)| asked(name) && !it.place.is_empty());
        placed.map(|(name, variable)| (name.clone(), variable.place.clone())).collect()
    }

    /// Name, place and stronger place of each variable that another source hides.
    pub fn hidden(&self) -> Vec<(String, String, String)> {
        let places = self.hidden.iter().filter_map(|hidden| {
            let stronger = &self.variables.get(&hidden.name)?.place;
            Some((hidden.name.clone(), hidden.place.clone(), stronger.clone()))
        });
        places.collect()
    }

    /// Names whose values are others than there.
    pub fn changed(&self, other: &Self) -> Vec<String> {
        let names: BTreeSet<&String> =
            self.variables.keys().chain(other.variables.keys()).collect();
        let changed = names.into_iter().filter(|name| self.value(name) != other.value(name));
        changed.cloned().collect()
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

    fn given(name: &str, value: &str, place: &str, origin: Origin) -> Given {
        let (name, value, place) = (name.to_owned(), value.to_owned(), place.to_owned());
        Given { name, value, place, origin }
    }

    #[test]
    fn the_stronger_source_wins_also_with_nothing_and_what_it_hides_is_known() {
        let mut env = Env::default();
        env.add(vec![given("A", "1", "first", Origin::Machine)]);
        env.add(vec![given("B", "", "second", Origin::Machine)]);
        env.add(vec![
            given("A", "2", "third", Origin::Outside),
            given("B", "3", "third", Origin::Outside),
        ]);
        assert_eq!((env.text("A").as_deref(), env.text("B")), (Some("1"), None));
        let hidden = |name: &str, by: &str| (name.to_owned(), "third".to_owned(), by.to_owned());
        assert_eq!(env.hidden(), [hidden("A", "first"), hidden("B", "second")]);
        assert!(env.finish().is_ok());
    }

    #[test]
    fn a_fault_tells_the_place_and_of_what_is_outside_no_value() {
        let mut env = Env::default();
        env.add(vec![given("A", "here", ".env:1", Origin::Machine)]);
        env.add(vec![
            given("B", "hunter2", "the secret s", Origin::Outside),
            given("C", "99", "the secret s", Origin::Outside),
            given("D", "hunter3, hunter4", "the secret s", Origin::Outside),
        ]);
        env.parse("A", 1_u32);
        env.parse("B", 1_u32);
        env.number("C", 1_u32, 0, 5);
        env.fault("D names hunter4 twice: name it once".to_owned());
        let faults = env.finish().expect_err("four faults").faults;
        assert!(faults[0].starts_with("A (.env:1) is \"here\": "), "{faults:?}");
        assert!(faults[1].starts_with("B (the secret s) is \"(not shown)\": "), "{faults:?}");
        assert_eq!(faults[2], "C (the secret s) is (not shown): give a number from 0 to 5");
        assert_eq!(faults[3], "D (the secret s) names (not shown) twice: name it once");
    }

    #[test]
    fn a_name_that_stands_twice_in_one_source_is_a_fault() {
        let mut env = Env::default();
        let twice = ["one", "two"].map(|place| given("A", "1", place, Origin::Outside));
        env.add(twice.to_vec());
        let faults = env.finish().expect_err("a fault").faults;
        assert_eq!(faults, ["A (one) stands twice, in one and in two: take one of them out"]);
    }

    #[test]
    fn names_from_outside_must_be_settings_that_can_come_from_there() {
        let mut env = Env::default();
        env.add(vec![given("SHELL", "1", "environment", Origin::Machine)]);
        let names = [
            "AWS_REGION",
            "PIDIMA_LISTEN",
            "PIDIMA_APP_PASSWORD",
            "KNOWN",
            "MADE",
            "TYPO",
            "SOME_LEFT_OUT_KEY",
            "SOME_KEY",
        ];
        env.add(names.map(|name| given(name, "1", "p", Origin::Outside)).to_vec());
        env.text("KNOWN");
        env.named("MADE");
        env.family("SOME_", &["KEY"]);
        env.refuse_unknown();
        let faults = env.finish().expect_err("four faults").faults;
        assert_eq!(faults.len(), 4, "{faults:?}");
        let refused = ["AWS_REGION", "PIDIMA_LISTEN", "SOME_KEY", "TYPO"];
        for (fault, name) in faults.iter().zip(refused) {
            assert!(fault.starts_with(&format!("{name} (p) is ")), "{faults:?}");
        }
    }
}
