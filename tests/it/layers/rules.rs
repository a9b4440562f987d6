//! The rules of the house, each over one file. They read tokens, not types: enough to stop a slip in review.

/// A file of the source.
pub struct Source {
    /// Relative to `src`, e.g. `chat/api/answers.rs`.
    pub path: String,
    pub text: String,
}

/// A rule and its name.
pub struct Rule {
    pub name: &'static str,
    /// What breaks it in a file.
    pub check: fn(&Source) -> Vec<String>,
}

/// The floors from the top. A file imports from its own floor and from those below.
const FLOORS: [&str; 21] = [
    "main",
    "cli",
    "app",
    "server",
    "worker",
    "insights",
    "enrichment",
    "chat",
    "sources",
    "knowledge",
    "webhooks",
    "governance",
    "identity",
    "tenancy",
    "web",
    "db",
    "adapters",
    "config",
    "telemetry",
    "devservices",
    "kernel",
];

/// Operations without a credential: they are where one comes from, or their address is one.
const OPEN_OPERATIONS: [&str; 3] = ["create_login", "create_acceptance", "update_upload_part"];

pub const ALL: &[Rule] = &[
    Rule { name: "no upward import", check: upward_imports },
    Rule { name: "HTTP framework only at the edge", check: framework_inside },
    Rule { name: "SQL only in stores", check: sql_outside },
    Rule { name: "AWS only in adapters", check: aws_outside },
    Rule { name: "settings only at the root", check: settings_inside },
    Rule { name: "only db begins a transaction", check: begins_outside },
    Rule { name: "opens with its duty", check: missing_duty },
    Rule { name: "module beside its folder", check: mod_file },
    Rule { name: "caller first", check: caller_not_first },
];

fn upward_imports(source: &Source) -> Vec<String> {
    let own = floor_of(&source.path);
    if own == "lib" {
        return Vec::new();
    }
    let code = code_of(&source.text);
    let Some(place) = rank(own) else {
        return vec![format!("{own} is no floor: give it a place in FLOORS")];
    };
    let root = if own == "main" { "pidima" } else { "crate" };
    let mut faults: Vec<String> = roots(&code, root)
        .into_iter()
        .filter(|floor| rank(floor).is_none_or(|other| other < place))
        .map(|floor| format!("{own} imports {floor}"))
        .collect();
    // As many steps up as the file is deep lead out of the floor; a module of tests is one deeper.
    let up = "super::".repeat(source.path.split('/').count());
    if code.split("\nmod tests {").next().is_some_and(|code| code.contains(&up)) {
        faults.push(format!("{up} leaves the floor: name the path from crate::"));
    }
    faults
}

fn framework_inside(source: &Source) -> Vec<String> {
    let is_edge =
        matches!(floor_of(&source.path), "web" | "server") || in_folder(&source.path, "api");
    if is_edge { Vec::new() } else { tokens(&source.text, &["poem", "poem_openapi"]) }
}

fn sql_outside(source: &Source) -> Vec<String> {
    if floor_of(&source.path) == "db" || in_folder(&source.path, "store") {
        return Vec::new();
    }
    let mut faults = tokens(&source.text, &["raw_sql", "query_as", "query_scalar", "query_with"]);
    let code = code_of(&source.text);
    for call in ["sqlx::query", "query!", "query_file!"] {
        if code.contains(call) {
            faults.push(call.to_owned());
        }
    }
    faults
}

fn aws_outside(source: &Source) -> Vec<String> {
    if floor_of(&source.path) == "adapters" {
        return Vec::new();
    }
    let code = code_of(&source.text);
    words(&code).filter(|word| word.starts_with("aws_")).map(str::to_owned).collect()
}

fn settings_inside(source: &Source) -> Vec<String> {
    if matches!(floor_of(&source.path), "app" | "cli" | "config" | "lib") {
        return Vec::new();
    }
    let code = code_of(&source.text);
    let used = roots(&code, "crate").into_iter().any(|floor| floor == "config");
    used.then(|| "imports config: take the values as settings of your own".to_owned())
        .into_iter()
        .collect()
}

fn begins_outside(source: &Source) -> Vec<String> {
    let code = code_of(&source.text);
    let begins = [".begin()", ".begin_with("].into_iter().filter(|call| code.contains(call));
    if floor_of(&source.path) == "db" { Vec::new() } else { begins.map(str::to_owned).collect() }
}

fn missing_duty(source: &Source) -> Vec<String> {
    let opens = source.text.starts_with("//! ");
    (!opens).then(|| "the first line is no //! paragraph".to_owned()).into_iter().collect()
}

fn mod_file(source: &Source) -> Vec<String> {
    let is_mod = source.path.ends_with("/mod.rs") && !source.text.is_empty();
    is_mod.then(|| "name it after its folder, beside it".to_owned()).into_iter().collect()
}

/// The framework evaluates arguments in their order: a body before the credential is read for anybody.
fn caller_not_first(source: &Source) -> Vec<String> {
    let code = code_of(&source.text);
    let mut faults = Vec::new();
    for (start, _) in code.match_indices("#[oai(") {
        let attribute = until_closed(&code[start + "#[oai".len()..]);
        if !words(attribute).any(|word| word == "path") {
            continue;
        }
        let Some((_, function)) = code[start + attribute.len()..].split_once("fn ") else {
            continue;
        };
        let (name, rest) = function.split_once('(').unwrap_or_default();
        let mut arguments = rest.split([',', ')']).map(str::trim);
        let first = (arguments.next(), arguments.next());
        let is_caller = matches!(first.1, Some("caller: Caller" | "caller: OperatorCaller"));
        if (first.0 != Some("&self") || !is_caller) && !OPEN_OPERATIONS.contains(&name) {
            faults.push(format!("{name} takes something before `caller: Caller`"));
        }
    }
    faults
}

/// The first name of a path relative to `src`.
fn floor_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or_default();
    first.strip_suffix(".rs").unwrap_or(first)
}

fn rank(floor: &str) -> Option<usize> {
    FLOORS.iter().position(|name| *name == floor)
}

/// Whether the path goes through a folder, or is the module that names it.
fn in_folder(path: &str, folder: &str) -> bool {
    path.split('/').skip(1).any(|part| part == folder || part.strip_suffix(".rs") == Some(folder))
}

/// The text without comments.
fn code_of(text: &str) -> String {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}

/// Those of the names that stand in the code as whole words.
fn tokens(text: &str, names: &[&str]) -> Vec<String> {
    let code = code_of(text);
    let found = names.iter().filter(|name| words(&code).any(|word| word == **name));
    found.map(|name| (*name).to_owned()).collect()
}

/// First names after `crate::`, also those of a group in braces.
fn roots<'a>(code: &'a str, root: &str) -> Vec<&'a str> {
    let start = format!("{root}::");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&start) {
        if code[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
            continue;
        }
        let rest = &code[at + start.len()..];
        if rest.starts_with('{') {
            found.extend(group_heads(until_closed(rest)));
        } else {
            found.extend(words(rest).next());
        }
    }
    found
}

/// From an opening bracket to the one that closes it.
fn until_closed(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' | '{' => depth += 1,
            ')' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..=at];
        }
    }
    text
}

/// First names of the parts of `{a::b, c::{d, e}}`.
fn group_heads(group: &str) -> Vec<&str> {
    let inner = group.trim_start_matches('{').strip_suffix('}').unwrap_or(group);
    let mut depth = 0_usize;
    let parts = inner.split(|letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    });
    parts.filter_map(|part| words(part).next()).collect()
}
