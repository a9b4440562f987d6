//! Attributes of a document: names that stand for a text.

use std::collections::HashMap;

/// Longest text of an attribute, in characters: it may be put in anywhere.
const MAX_CHARS: usize = 1_000;

/// How much longer a text may become by what is put into it, in bytes; further names stay as they are.
const MAX_GROWTH: usize = 1_000_000;

/// What a document has set so far.
#[derive(Default)]
pub(super) struct Attributes(HashMap<String, String>);

impl Attributes {
    /// Sets an attribute; a name with an exclamation mark is taken back.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let bare = name.trim_matches('!').to_lowercase();
        if bare.len() < name.len() {
            self.0.remove(&bare);
        } else {
            // The attributes in it are put in now, so that one which holds itself does not grow.
            let value = self.filled(value).chars().take(MAX_CHARS).collect();
            self.0.insert(bare, value);
        }
    }

    /// The text with every `{name}` that is known replaced.
    pub(super) fn filled(&self, source: &str) -> String {
        let mut out = String::with_capacity(source.len());
        let (mut rest, mut growth) = (source, 0);
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
            let name = &after[..end.unwrap_or(after.len())];
            let is_name = growth < MAX_GROWTH && after[name.len()..].starts_with('}');
            let known = is_name.then(|| self.value(name)).flatten();
            if let Some(value) = known {
                out.push_str(value);
                growth += value.len();
                rest = &after[name.len() + 1..];
            } else {
                out.push('{');
                rest = after;
            }
        }
        out.push_str(rest);
        out
    }

    fn value(&self, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        self.0.get(&name).map(String::as_str).or(match &*name {
            "nbsp" | "sp" => Some(" "),
            "empty" | "zwsp" | "blank" => Some(""),
            "plus" => Some("+"),
            "amp" => Some("&"),
            "lt" => Some("<"),
            "gt" => Some(">"),
            "cpp" => Some("C++"),
            _ => None,
        })
    }
}
