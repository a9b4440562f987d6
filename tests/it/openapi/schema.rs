//! Holds a value against a schema of the document: the part of JSON Schema that OpenAPI 3.0 and our document use.

use serde_json::{Map, Value};

/// What of a value its schema does not allow, each with the place in the value.
pub fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "", &mut found);
    found
}

/// The schema that a reference leads to, else the schema itself.
pub fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let Some(reference) = schema["$ref"].as_str() else { return schema };
    let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
    target.unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolve(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let tag = schema["discriminator"]["propertyName"].as_str().expect("a discriminator");
        let name = value[tag].as_str().unwrap_or_default();
        return match schema["discriminator"]["mapping"][name].as_str() {
            Some(target) => {
                let chosen = choices.iter().find(|choice| choice["$ref"] == target);
                check(document, chosen.expect("a choice"), value, at, found);
            }
            None => found.push(format!("{at}/{tag}: {name:?} is none of the mapping")),
        };
    }
    if value.is_null() {
        if schema["nullable"] != true {
            found.push(format!("{at}: null"));
        }
        return;
    }
    check_scalar(document, schema, value, at, found);
    if let Value::Array(items) = value {
        check_bounds(schema, "Items", items.len() as u64, at, found);
        for (index, item) in items.iter().enumerate() {
            check(document, &schema["items"], item, &format!("{at}/{index}"), found);
        }
    }
    if let Value::Object(object) = value {
        check_object(document, schema, object, at, found);
    }
}

fn check_scalar(
    document: &Value,
    schema: &Value,
    value: &Value,
    at: &str,
    found: &mut Vec<String>,
) {
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let part = resolve(document, part);
        if part.get("properties").is_none() {
            check_scalar(document, part, value, at, found);
        }
    }
    let right = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => true,
    };
    let listed = schema["enum"].as_array().is_none_or(|allowed| allowed.contains(value));
    if !right || !listed {
        found.push(format!("{at}: {value} is not {}", schema["type"]));
    }
    if let Some(text) = value.as_str() {
        check_bounds(schema, "Length", text.chars().count() as u64, at, found);
        let is_format = match schema["format"].as_str() {
            Some("uuid") => uuid::Uuid::parse_str(text).is_ok(),
            Some("date-time") => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
            _ => true,
        };
        if !is_format {
            found.push(format!("{at}: {text:?} is no {}", schema["format"]));
        }
    }
    if let Some(number) = value.as_f64() {
        let below = schema["minimum"].as_f64().is_some_and(|least| number < least);
        let above = schema["maximum"].as_f64().is_some_and(|most| number > most);
        if below || above {
            found.push(format!("{at}: {number} is out of bounds"));
        }
    }
}

fn check_bounds(schema: &Value, of: &str, size: u64, at: &str, found: &mut Vec<String>) {
    let below = schema[format!("min{of}")].as_u64().is_some_and(|least| size < least);
    let above = schema[format!("max{of}")].as_u64().is_some_and(|most| size > most);
    if below || above {
        found.push(format!("{at}: {of} {size} is out of bounds"));
    }
}

fn check_object(
    document: &Value,
    schema: &Value,
    object: &Map<String, Value>,
    at: &str,
    found: &mut Vec<String>,
) {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    collect(document, schema, &mut properties, &mut required);
    if properties.is_empty() {
        return; // An object of the tenant's own.
    }
    for name in required.iter().filter(|name| !object.contains_key(**name)) {
        found.push(format!("{at}/{name}: missing"));
    }
    for (name, value) in object {
        let inner = format!("{at}/{name}");
        match properties.get(name) {
            Some(property) => check(document, property, value, &inner, found),
            None => found.push(format!("{inner}: not in the document")),
        }
    }
}

/// Properties and required names of a schema and of all that it is made of.
fn collect<'a>(
    document: &'a Value,
    schema: &'a Value,
    properties: &mut Map<String, Value>,
    required: &mut Vec<&'a str>,
) {
    let schema = resolve(document, schema);
    properties.extend(schema["properties"].as_object().cloned().unwrap_or_default());
    required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(document, part, properties, required);
    }
}

#[test]
fn what_a_schema_does_not_allow_is_told() {
    let document = serde_json::json!({ "components": { "schemas": { "Thing": {
        "type": "object", "required": ["id"], "properties": {
            "id": { "type": "string", "format": "uuid" },
            "size": { "type": "integer", "minimum": 1 },
            "kind": { "allOf": [{ "type": "string", "enum": ["a", "b"] }] },
            "names": { "type": "array", "maxItems": 1, "items": { "type": "string", "maxLength": 2 } }
        }
    } } } });
    let schema = serde_json::json!({ "$ref": "#/components/schemas/Thing" });
    let id = "0190b3f0-0000-7000-8000-000000000000";
    let told = |value: Value| faults(&document, &schema, &value).len();
    assert_eq!(told(serde_json::json!({ "id": id, "size": 1, "kind": "a", "names": ["ab"] })), 0);
    for wrong in [
        serde_json::json!({}),
        serde_json::json!({ "id": "7" }),
        serde_json::json!({ "id": null }),
        serde_json::json!({ "id": id, "size": 0 }),
        serde_json::json!({ "id": id, "size": "1" }),
        serde_json::json!({ "id": id, "kind": "c" }),
        serde_json::json!({ "id": id, "names": ["abc"] }),
        serde_json::json!({ "id": id, "names": ["a", "b"] }),
        serde_json::json!({ "id": id, "more": 1 }),
        serde_json::json!([]),
    ] {
        assert_eq!(told(wrong.clone()), 1, "{wrong}");
    }
}
