//! Schemas as rows: one for each field, those of objects inside with a dotted name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::text;

/// Most references that are followed one behind the other.
const MAX_HOPS: usize = 8;
/// Objects within objects whose fields are told.
const MAX_DEPTH: usize = 4;
/// Most fields of one body.
const MAX_FIELDS: usize = 500;
/// Schemas within each other, by whatever word, and schemas that are looked at for one body: a document may join each two
/// of the next ones.
const MAX_OPEN: usize = 64;
const MAX_SCHEMAS: usize = 5_000;

/// What a reference within the document points to; anything else as it is. One that leads nowhere is nothing.
pub(super) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let mut value = value;
    for _ in 0..MAX_HOPS {
        let Some(reference) = value["$ref"].as_str() else { return value };
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        value = target.unwrap_or(&Value::Null);
    }
    &Value::Null
}

/// A row for each field of a body.
pub(super) fn fields(document: &Value, schema: &Value) -> Vec<String> {
    let mut rows = Rows { document, rows: Vec::new(), open: Vec::new(), schemas: 0 };
    rows.add("", schema, 0);
    rows.rows
}

struct Rows<'a> {
    document: &'a Value,
    rows: Vec<String>,
    /// Schemas around the one that is told: a schema that holds itself is told once.
    open: Vec<*const Value>,
    /// Schemas that were looked at.
    schemas: usize,
}

impl<'a> Rows<'a> {
    fn add(&mut self, prefix: &str, schema: &'a Value, depth: usize) {
        let schema = resolved(self.document, schema);
        let is_open = self.open.iter().any(|open| std::ptr::eq(*open, schema));
        let is_enough = self.open.len() >= MAX_OPEN || self.schemas >= MAX_SCHEMAS;
        if is_open || is_enough || depth > MAX_DEPTH || schema.is_null() {
            return;
        }
        self.schemas += 1;
        self.open.push(schema);
        for key in ["allOf", "oneOf", "anyOf"] {
            for part in schema[key].as_array().into_iter().flatten() {
                self.add(prefix, part, depth);
            }
        }
        if schema["items"].is_object() {
            self.add(&format!("{prefix}[]"), &schema["items"], depth);
        }
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            if self.rows.len() >= MAX_FIELDS {
                break;
            }
            let told = text(&field["description"]);
            let field = resolved(self.document, field);
            let told = told.or_else(|| text(&field["description"]));
            let dot = if prefix.is_empty() { "" } else { "." };
            let path = format!("{prefix}{dot}{name}");
            let is_required = required.contains(name.as_str());
            self.rows.push(row(&path, &[kind(field).as_deref()], is_required, told));
            self.add(&path, field, depth + 1);
        }
        self.open.pop();
    }
}

/// What kind of value a schema takes: its type, format, choices and bounds; nothing where it tells none.
pub(super) fn kind(schema: &Value) -> Option<String> {
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        several => several.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    let mut words = vec![types.join(" or ")];
    if let Some(format) = text(&schema["format"]) {
        words.push(format!("({format})"));
    }
    let choices: Vec<String> = schema["enum"].as_array().into_iter().flatten().map(value).collect();
    if !choices.is_empty() {
        words.push(format!("one of {}", choices.join(", ")));
    }
    for (key, word) in [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minLength", "length at least"),
        ("maxLength", "length at most"),
        ("minItems", "items at least"),
        ("maxItems", "items at most"),
        ("pattern", "matching"),
        ("default", "default"),
    ] {
        match &schema[key] {
            Value::Null | Value::Object(_) | Value::Array(_) => {}
            bound => words.push(format!("{word} {}", value(bound))),
        }
    }
    words.retain(|word| !word.is_empty());
    (!words.is_empty()).then(|| words.join(" "))
}

/// A row of a parameter or a field.
pub(super) fn row(
    name: &str,
    words: &[Option<&str>],
    is_required: bool,
    told: Option<&str>,
) -> String {
    let mut all = vec![name];
    all.extend(words.iter().flatten());
    all.extend(is_required.then_some("required"));
    all.extend(told);
    cells(&all)
}

/// Cells of one row, each on one line.
pub(super) fn cells(cells: &[&str]) -> String {
    let cells = cells.iter().map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" "));
    cells.filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" | ")
}

fn value(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
