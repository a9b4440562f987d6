//! The handbook's tables of settings and the code agree: names both ways, and defaults by trying them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use pidima::config::{Config, Env, Given, Origin, TelemetryConfig};

/// What the demo notes beside its data for people to use; nobody reads it as a setting.
const NOTES_OF_THE_DEMO: [&str; 4] =
    ["PIDIMA_API_KEY_OTHER", "DATABASE_URL_ANALYST", "PIDIMA_LOGIN_EMAIL", "PIDIMA_LOGIN_PASSWORD"];
/// Settings without which nothing can be read, and those that make every other one matter.
const BASE: [(&str, &str); 4] = [
    ("DATABASE_URL", "postgres://pidima_app@localhost/pidima"),
    ("PIDIMA_MODEL_PROVIDER", "openai"),
    ("PIDIMA_OPENAI_BASE_URL", "http://127.0.0.1:1/v1"),
    ("PIDIMA_OPENAI_MODEL", "a-model"),
];

/// How the handbook writes the variables that each login provider has.
const EACH_PROVIDER: &str = "PIDIMA_OIDC_<NAME>_";
/// The same for each model provider with a name of its own; none of them has a default to be tried.
const EACH_MODEL_PROVIDER: &str = "PIDIMA_PROVIDER_<NAME>_";
/// The same for each embedding model beside the first one.
const EACH_EMBEDDER: &str = "PIDIMA_EMBEDDER_<NAME>_";
/// A login provider with nothing but what it needs.
const ONE_PROVIDER: [(&str, &str); 3] = [
    ("PIDIMA_OIDC_PROVIDERS", "main"),
    ("PIDIMA_OIDC_MAIN_ISSUER", "https://login.example"),
    ("PIDIMA_OIDC_MAIN_CLIENT_ID", "web"),
];

#[test]
fn every_variable_that_is_read_stands_in_the_handbook_and_the_reverse() {
    let env = Env::from_pairs(BASE);
    Config::from_env(&env).expect("usable settings");
    TelemetryConfig::from_env(&env);
    let asked: BTreeSet<String> = env.known().into_iter().map(str::to_owned).collect();
    let mut named = names_in_source();
    assert!(named.is_superset(&asked), "{:?}", asked.difference(&named));
    for note in NOTES_OF_THE_DEMO {
        assert!(named.remove(note), "{note} is named nowhere: take it from the list");
    }
    named.extend(names_of_each("identity.rs", EACH_PROVIDER));
    named.extend(names_of_each("models/providers.rs", EACH_MODEL_PROVIDER));
    named.extend(names_of_each("embeddings/more.rs", EACH_EMBEDDER));
    let told: BTreeSet<String> = handbook().into_keys().collect();
    let untold: Vec<_> = named.difference(&told).collect();
    let unread: Vec<_> = told.difference(&named).collect();
    assert!(untold.is_empty() && unread.is_empty(), "not told: {untold:?}; not read: {unread:?}");
}

#[test]
fn a_default_of_the_handbook_is_the_default_of_the_code() {
    let unset = settings(&[]);
    let mut tried = 0;
    for (name, default) in handbook() {
        let Some(value) = default.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) else {
            assert!(
                ["required", "none", "number of cores, at most 8"].contains(&default.as_str()),
                "{name}: {default:?} is neither a value nor a known word"
            );
            continue;
        };
        if name == "PIDIMA_ENV_FILE" {
            continue; // Tried with the command below: the library is handed its variables.
        }
        if let Some(suffix) = name.strip_prefix(EACH_PROVIDER) {
            let variable = format!("PIDIMA_OIDC_MAIN_{suffix}");
            let given = settings(&[&ONE_PROVIDER[..], &[(&variable, value)]].concat());
            assert_eq!(given, settings(&ONE_PROVIDER), "{name} = {value} is not the default");
            let other = settings(&[&ONE_PROVIDER[..], &[(&variable, "openid other")]].concat());
            assert_ne!(other, given, "{name} changes nothing");
            tried += 1;
            continue;
        }
        let provider_unset = BASE.iter().filter(|(key, _)| *key != name);
        let base = format!("{:?}", config(provider_unset.copied(), &[]));
        let given = format!("{:?}", config(BASE, &[(&name, value)]));
        assert_eq!(given, base, "{name} = {value} is not what is taken when it is unset");
        tried += 1;
        if let Ok(number) = value.parse::<u64>() {
            let other = settings(&[(&name, &(number + 1).to_string())]);
            assert_ne!(other, unset, "{name} changes nothing");
        }
    }
    assert!(tried > 25, "{tried} defaults");
}

#[test]
fn no_fault_shows_a_value_that_comes_from_outside() {
    const CANARY: &str = "canary7canary";
    // Their values become parts of names of settings, which are told.
    const NAMING: [&str; 3] =
        ["PIDIMA_OIDC_PROVIDERS", "PIDIMA_MODEL_PROVIDERS", "PIDIMA_EMBEDDING_MORE"];
    const OWN: [(&str, &str); 4] = [
        ("PIDIMA_MODEL_PROVIDERS", "openai,own"),
        ("PIDIMA_PROVIDER_OWN_KIND", "openai"),
        ("PIDIMA_PROVIDER_OWN_BASE_URL", "http://127.0.0.1:1/v1"),
        ("PIDIMA_PROVIDER_OWN_MODEL", "m"),
    ];
    let mut refused = 0;
    let is_plain = |name: &String| !name.contains('<') && !NAMING.contains(&name.as_str());
    let names = handbook().into_keys().filter(is_plain);
    let more =
        ["PIDIMA_PROVIDER_OWN_KIND", "PIDIMA_PROVIDER_OWN_SERVER", "PIDIMA_OIDC_MAIN_ISSUER"];
    for name in names.chain(more.map(str::to_owned)) {
        for value in [CANARY.to_owned(), format!("{CANARY},x"), format!("x, {CANARY}")] {
            let machine = BASE.iter().chain(&ONE_PROVIDER).filter(|(key, _)| *key != name);
            let machine = machine.chain(&OWN);
            let given = |name: &str, value: &str, origin| Given {
                name: name.to_owned(),
                value: value.to_owned(),
                place: "the place".to_owned(),
                origin,
            };
            let mut env = Env::default();
            env.add(vec![given(&name, &value, Origin::Outside)]);
            env.add(machine.map(|(key, value)| given(key, value, Origin::Machine)).collect());
            let Err(error) = Config::from_env(&env) else { continue };
            refused += 1;
            assert!(!error.to_string().contains(CANARY), "{error}");
        }
    }
    assert!(refused > 200, "{refused} values were refused");
}

#[test]
fn every_setting_is_used_by_somebody() {
    let all: String = sources("src").into_iter().map(|(_, text)| text).collect();
    for (path, text) in sources("src/config") {
        for line in text.lines() {
            let field = line.trim().strip_prefix("pub ").and_then(|rest| rest.split_once(':'));
            let Some((field, _)) = field.filter(|(name, _)| !name.contains(['(', ' '])) else {
                continue;
            };
            let reads = all.matches(&format!(".{field}")).count();
            assert!(reads > 0, "{path}: nobody reads {field}");
        }
    }
}

#[test]
fn the_command_tells_all_faults_at_once_and_ends_with_78() {
    let folder = std::env::temp_dir().join(format!("pidima-config-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let run = |file: &str, variables: &[(&str, &str)]| {
        std::fs::write(folder.join(".env"), file).expect("the file");
        let output = Command::new(env!("CARGO_BIN_EXE_pidima"))
            .arg("doctor")
            .current_dir(&folder)
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .expect("the command runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told) = run("PIDIMA_CHAT_PASSAGES=\"many\"\nPIDIMA_LISTEN=here\n", &[]);
    assert_eq!(code, Some(78), "{told}");
    for name in ["DATABASE_URL", "PIDIMA_CHAT_PASSAGES", "PIDIMA_LISTEN"] {
        assert!(told.contains(name), "{name} is missing in {told}");
    }
    let (code, told) = run("PIDIMA_CHAT_PASSAGES=many\n", &[("PIDIMA_CHAT_PASSAGES", "5000")]);
    assert_eq!(code, Some(78), "{told}");
    assert!(told.contains("5000"), "the environment must win: {told}");
    let (code, told) = run("nonsense\n", &[]);
    assert_eq!(code, Some(78), "{told}");
    assert!(told.contains(".env:1"), "{told}");
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

fn config<'a>(
    base: impl IntoIterator<Item = (&'a str, &'a str)>,
    more: &[(&'a str, &'a str)],
) -> (Config, TelemetryConfig) {
    let mut pairs: BTreeMap<&str, &str> = base.into_iter().collect();
    pairs.extend(more.iter().copied());
    let env = Env::from_pairs(pairs);
    let logs = TelemetryConfig::from_env(&env);
    (Config::from_env(&env).unwrap_or_else(|error| panic!("{more:?}: {error}")), logs)
}

fn settings(more: &[(&str, &str)]) -> String {
    format!("{:?}", config(BASE, more))
}

/// Variable and default of each row of the handbook's tables.
fn handbook() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/handbook/configuration.md");
    let text = std::fs::read_to_string(path).expect("the page");
    let mut rows = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, default, purpose] = cells[..] else { panic!("three cells: {line}") };
        assert!(!purpose.is_empty(), "{line}");
        let name = name.trim_matches('`').to_owned();
        assert_eq!(rows.insert(name, default.to_owned()), None, "twice: {line}");
    }
    rows
}

/// Names of variables that stand as literals in the source.
fn names_in_source() -> BTreeSet<String> {
    let is_name = |text: &str| {
        text.chars()
            .all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
            // Beginnings of names are none.
            && !text.ends_with('_')
            && ["PIDIMA_", "DATABASE_URL", "XDG_", "AWS_"]
                .iter()
                .any(|start| text.starts_with(start))
    };
    let texts = sources("src");
    let literals = texts.iter().flat_map(|(_, text)| text.split('"'));
    // Those of providers with a name of their own are only examples of tests; the reader makes the real ones.
    let examples = ["PIDIMA_PROVIDER_", "PIDIMA_EMBEDDER_"];
    let literals = literals.filter(|text| !examples.iter().any(|begin| text.starts_with(begin)));
    literals.filter(|text| is_name(text)).map(str::to_owned).collect()
}

/// Variables that each provider of a kind has, as the handbook writes them: their ends stand as literals beside the reader.
fn names_of_each(file: &str, start: &str) -> BTreeSet<String> {
    let all = sources("src/config");
    let (_, text) = all.iter().find(|(path, _)| path.ends_with(file)).expect("the file");
    let code = text.split("mod tests").next().unwrap_or_default();
    let is_end = |text: &&str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    let ends = code.split('"').skip(1).step_by(2).filter(is_end);
    let ends = ends.filter(|end| !end.starts_with("PIDIMA_"));
    let names: BTreeSet<String> = ends.map(|end| format!("{start}{end}")).collect();
    assert!(names.len() > 8, "{names:?}");
    names
}

/// Path and text of each Rust file under a folder.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a text");
                found.push((path.display().to_string(), text));
            }
        }
    }
    found
}
