//! Texts and ids as they stand in bytes of any form.

use serde_json::Value;
use uuid::Uuid;

/// Shortest run of words that tells whose it is.
const SHORTEST: usize = 16;

/// Fields that name what the operator has, not what a tenant says: logs and spans may hold it.
const OPERATORS: [&str; 2] = ["bucket", "embedding_model"];

/// Runs of plain letters in what was sent, lower case: each stands unchanged in JSON, HTML and logs alike.
pub fn runs(sent: &str, into: &mut Vec<String>) {
    match serde_json::from_str(sent) {
        Ok(value) => runs_of(&value, into),
        Err(_) if is_form(sent) => {
            for (_, value) in form(sent) {
                plain(&value, into);
            }
        }
        Err(_) => plain(sent, into),
    }
}

fn runs_of(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => plain(text, into),
        Value::Array(items) => items.iter().for_each(|item| runs_of(item, into)),
        Value::Object(fields) => {
            let said = fields.iter().filter(|(name, _)| !OPERATORS.contains(&name.as_str()));
            said.for_each(|(_, field)| runs_of(field, into));
        }
        _ => {}
    }
}

fn plain(text: &str, into: &mut Vec<String>) {
    let stops = |letter: char| !letter.is_alphanumeric() && !" .,;:-_@/?!".contains(letter);
    for run in text.split(stops) {
        let run = run.trim_matches(|letter: char| !letter.is_alphanumeric());
        // Numbers, times and ids are nobody's words.
        let letters = run.chars().filter(|letter| letter.is_alphabetic()).count();
        if run.len() >= SHORTEST && letters * 2 > run.chars().count() && ids(run).is_empty() {
            into.push(run.to_lowercase());
        }
    }
}

/// All that was sent, as plain as it can be made: in what form a text stands must not hide who said it.
pub fn said(sent: &str) -> String {
    let mut said = sent.to_lowercase();
    match serde_json::from_str(sent) {
        Ok(value) => strings(&value, &mut said),
        Err(_) if is_form(sent) => {
            for (_, value) in form(sent) {
                said.push('\n');
                said.push_str(&value.to_lowercase());
            }
        }
        Err(_) => {}
    }
    said
}

fn strings(value: &Value, into: &mut String) {
    match value {
        Value::String(text) => {
            into.push('\n');
            into.push_str(&text.to_lowercase());
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, into)),
        _ => {}
    }
}

fn is_form(sent: &str) -> bool {
    sent.contains('=') && !sent.contains(char::is_whitespace)
}

fn form(sent: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://form/?{sent}")).unwrap();
    url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

/// Ids in a text, with hyphens or without.
pub fn ids(text: &str) -> Vec<Uuid> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !is_part(bytes[at]) {
            at += 1;
            continue;
        }
        let end =
            bytes[at..].iter().position(|byte| !is_part(*byte)).map_or(bytes.len(), |to| at + to);
        let run = &text[at..end];
        if run.len() == 32 {
            found.extend(Uuid::try_parse(run));
        } else if run.len() >= 36 {
            // A word may touch the id with a hyphen.
            found.extend((0..=run.len() - 36).filter_map(|from| {
                run.get(from..from + 36).and_then(|part| Uuid::try_parse(part).ok())
            }));
        }
        at = end;
    }
    found
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b'-'
}
