//! One way to write a JSON value, so that equal values have equal digests. Called by the audit log, by
//! assistants and for repeated requests; it knows nothing of them.

use serde_json::Value;

/// JSON with the keys of objects in the order of their bytes and no blanks, whatever order the value came in. Fractions are
/// written as `serde_json` does: who needs one digest on both sides of a database stores none.
pub fn canonical_json(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by_key(|entry| entry.0);
            let entries: Vec<String> = entries
                .into_iter()
                .map(|(key, value)| {
                    format!("{}:{}", Value::from(key.as_str()), canonical_json(value))
                })
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical_json).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_ordered_at_every_depth_and_items_are_not() {
        let value = json!({ "b": [2, 1, { "z": null, "a": "\"" }], "a": true });
        assert_eq!(canonical_json(&value), r#"{"a":true,"b":[2,1,{"a":"\"","z":null}]}"#);
    }

    #[test]
    fn what_differs_is_written_differently() {
        let values = [
            json!({}),
            json!([]),
            json!(""),
            json!("{}"),
            json!(null),
            json!("null"),
            json!({ "a": "b" }),
            json!(["a", "b"]),
            json!(["ab"]),
            json!([["a"], "b"]),
            json!({ "a": { "b": 1 } }),
            json!({ "a": {}, "b": 1 }),
            json!(1),
            json!("1"),
        ];
        let mut texts: Vec<String> = values.iter().map(canonical_json).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), values.len());
    }
}
