//! The OpenAPI document: tags, and what the generator cannot say, added by one pure function.
//!
//! `pidima openapi`, the served `/openapi.json` and the committed file are all outputs of [`finish`].

use poem_openapi::Tags;
use serde_json::{Map, Value, json};

use super::idempotency::{KEY_HEADER, MAX_KEY_CHARS, REPLAYED_HEADER};

/// Groups of operations.
#[derive(Tags)]
pub enum Tag {
    /// Who you are, and the keys of your tenant.
    #[oai(rename = "Identity")]
    Identity,
    /// Collections, documents and their versions.
    #[oai(rename = "Knowledge")]
    Knowledge,
    /// Finding passages.
    #[oai(rename = "Search")]
    Search,
    /// Questions, answers and conversations.
    #[oai(rename = "Chat")]
    Chat,
    /// Tenants, for the operator of the installation.
    #[oai(rename = "Platform")]
    Platform,
    /// The audit log, quotas and usage.
    #[oai(rename = "Governance")]
    Governance,
    /// Telling your own servers of events.
    #[oai(rename = "Webhooks")]
    Webhooks,
}

/// Fields of requests that may also be null, which stands for something else than leaving them out: what the handlers read as
/// `MaybeUndefined`, of which the generator does not say so.
const NULLABLE: &[(&str, &[&str])] = &[
    (
        "AssistantConfigurationUpdate",
        &[
            "instructions",
            "collection_ids",
            "providers",
            "temperature",
            "style",
            "language",
            "passages",
            "max_output_tokens",
            "history_tokens",
            "min_evidence",
            "ask_back",
        ],
    ),
    ("CollectionUpdate", &["enrichment_monthly_tokens"]),
    ("QuotaUpdate", &["soft_limit", "hard_limit"]),
    ("TenantUpdate", &["login_providers"]),
];

/// Statuses of single operations which nothing else in the document gives away.
const OWN_PROBLEMS: &[(&str, &[&str], &str)] = &[
    (
        "404",
        &["create_answer", "create_assistant", "create_quota", "create_session", "get_usage"],
        "There is no such thing for this tenant as the request names",
    ),
    (
        "409",
        &["delete_assistant", "update_assistant"],
        "A name is taken or a state does not allow it",
    ),
];

/// Completes the generator's document.
///
/// Says of an operation without a security requirement that it has none, and takes it from none; closes objects that are
/// read from requests, and says which of their fields may be null; makes media types and number formats plain; leaves out
/// what OpenAPI says to ignore; names the problem statuses that operations can answer.
///
/// # Errors
/// The text is no JSON, or holds a duplicate key, which would hide an operation.
pub fn finish(raw: &str) -> Result<Value, super::problem::ApiError> {
    let mut document = super::body::parse_strict(raw.as_bytes(), 100)?;
    document["servers"] = json!([{ "url": "/", "description": "This server" }]);
    plain_media_types(&mut document);
    plain_schemas(&mut document);
    close_objects(&mut document);
    let_null(&mut document);
    finish_properties(&mut document);
    if let Some(paths) = document["paths"].as_object_mut() {
        for item in paths.values_mut().filter_map(Value::as_object_mut) {
            for operation in item.values_mut().filter_map(Value::as_object_mut) {
                leave_out_accept(operation);
                add_idempotency_key(operation);
                add_problems(operation);
                // Said in so many words: it is no slip that there is none.
                operation.entry("security").or_insert(json!([]));
                plain_responses(operation);
            }
        }
    }
    Ok(document)
}

/// `application/json; charset=utf-8` is `application/json` (RFC 8259 has no such parameter).
fn plain_media_types(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(plain) = object.remove("application/json; charset=utf-8") {
                object.insert("application/json".to_owned(), plain);
            }
            object.values_mut().for_each(plain_media_types);
        }
        Value::Array(items) => items.iter_mut().for_each(plain_media_types),
        _ => {}
    }
}

/// Numbers and streams as OpenAPI 3.0 knows them, and examples that are valid: what is absent is left out, not null.
fn plain_schemas(value: &mut Value) {
    match value {
        Value::Object(object) => {
            plain_integer(object);
            if object.get("format") == Some(&json!("event-stream")) {
                // A stream is no JSON array: the schema is that of the `data` of one event.
                if let Some(Value::Object(event)) = object.remove("items") {
                    *object = event;
                }
            }
            if let Some(example) = object.get_mut("example").and_then(Value::as_object_mut) {
                example.retain(|_, given| !given.is_null());
            }
            object.values_mut().for_each(plain_schemas);
        }
        Value::Array(items) => items.iter_mut().for_each(plain_schemas),
        _ => {}
    }
}

/// OpenAPI has no unsigned formats: a bound says the same. Bounds of integers are written as integers.
fn plain_integer(schema: &mut Map<String, Value>) {
    if schema.get("type") != Some(&json!("integer")) {
        return;
    }
    for bound in ["minimum", "maximum"] {
        let whole = schema.get(bound).and_then(Value::as_f64).filter(|number| number.abs() < 9e15);
        if let Some(number) = whole {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "below 2^53, and whole as declared"
            )]
            schema.insert(bound.to_owned(), json!(number as i64));
        }
    }
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let fits = matches!(format, "uint8" | "uint16") || schema.contains_key("maximum");
    if format.starts_with("uint") {
        schema.insert("format".to_owned(), json!(if fits { "int32" } else { "int64" }));
        schema.entry("minimum").or_insert(json!(0));
    }
}

/// Fields that may be null say so.
fn let_null(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for (schema, fields) in NULLABLE {
        let Some(properties) = schemas.get_mut(*schema).and_then(|it| it.get_mut("properties"))
        else {
            continue;
        };
        for field in *fields {
            if let Some(property) = properties.get_mut(*field).and_then(Value::as_object_mut) {
                property.insert("nullable".to_owned(), json!(true));
            }
        }
    }
}

/// A value without a type is an object of the tenant's own: the handlers refuse anything else.
fn finish_properties(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let properties = schemas
        .values_mut()
        .filter_map(|schema| schema.get_mut("properties").and_then(Value::as_object_mut));
    for property in properties.flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        if !["type", "$ref", "allOf", "oneOf"].iter().any(|key| property.contains_key(*key)) {
            property.insert("type".to_owned(), json!("object"));
            property.insert("additionalProperties".to_owned(), json!(true));
        }
    }
}

/// OpenAPI 3.0 ignores a parameter `Accept`: the media types of the responses tell what can be asked for.
fn leave_out_accept(operation: &mut Map<String, Value>) {
    let Some(Value::Array(parameters)) = operation.get_mut("parameters") else { return };
    parameters.retain(|parameter| parameter["name"] != "Accept");
    if parameters.is_empty() {
        operation.remove("parameters");
    }
}

/// Operations whose answers may be given again take the key that they are kept under.
fn add_idempotency_key(operation: &mut Map<String, Value>) {
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    let is_replayed = |response: &Value| response["headers"].get(REPLAYED_HEADER).is_some();
    if !responses.values().any(is_replayed) {
        return;
    }
    let problem = responses.get("default").map(|default| default["content"].clone());
    let conflict = "A name is taken or a state does not allow it; or a request with this `Idempotency-Key` is in flight \
                    (`idempotency_key_in_use`), or was carried out and its secret is not shown again (`already_done`)";
    let reused = "A value is not acceptable; `errors` tells which. Or the `Idempotency-Key` was used for another request \
                  (`idempotency_key_reused`)";
    for (status, description) in [("409", conflict), ("422", reused)] {
        let content = problem.clone().unwrap_or_default();
        responses
            .entry(status)
            .or_insert_with(|| json!({ "description": description, "content": content }));
    }
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        parameters.push(json!({
            "name": KEY_HEADER,
            "in": "header",
            "required": false,
            "description": "A text of your own choice, best a random UUID, under which this is done once: the same request \
                            sent again under it does nothing and is answered as before",
            "schema": { "type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARS },
        }));
    }
}

/// Bodies with unknown fields are refused, so their schemas say `additionalProperties: false`.
fn close_objects(document: &mut Value) {
    let mut closed = Vec::new();
    collect_request_schemas(&document["paths"], false, &mut closed);
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for name in closed {
        if let Some(schema) = schemas.get_mut(&name).and_then(Value::as_object_mut)
            && schema.get("type") == Some(&json!("object"))
        {
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
    }
}

fn collect_request_schemas(value: &Value, in_request: bool, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                if let (true, "$ref", Some(reference)) = (in_request, key.as_str(), inner.as_str())
                {
                    found.extend(reference.rsplit('/').next().map(str::to_owned));
                }
                collect_request_schemas(inner, in_request || key == "requestBody", found);
            }
        }
        Value::Array(items) => {
            items.iter().for_each(|item| collect_request_schemas(item, in_request, found));
        }
        _ => {}
    }
}

/// The statuses that an operation can answer with a problem, each beside `default`.
fn add_problems(operation: &mut Map<String, Value>) {
    let has_parameter = |key: &str, value: &str| {
        let parameters = operation.get("parameters").and_then(Value::as_array);
        parameters.is_some_and(|all| all.iter().any(|parameter| parameter[key] == value))
    };
    let (in_path, in_query) = (has_parameter("in", "path"), has_parameter("in", "query"));
    let has_condition = has_parameter("name", "If-Match");
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    let own: Vec<_> = OWN_PROBLEMS.iter().filter(|(_, ids, _)| ids.contains(&id)).collect();
    let has_body = operation.contains_key("requestBody");
    let secured = operation.contains_key("security");
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    let problem = responses.get("default").map(|default| default["content"].clone());
    let Some(content) = problem else { return };
    let may_be =
        |media: &str| responses.get("200").is_some_and(|it| it["content"].get(media).is_some());
    let is_stream = may_be("text/event-stream") && may_be("application/json");
    let mut add = |status: &str, description: &str| {
        responses
            .entry(status.to_owned())
            .or_insert_with(|| json!({ "description": description, "content": content }));
    };
    for (status, _, description) in own {
        add(status, description);
    }
    add("400", "The request can not be read, or the cursor is not one of this list");
    if secured {
        add("401", "No credential, or one that is malformed, unknown, expired or revoked");
        add("403", "The role or the scopes of the credential do not allow this");
    }
    if !secured {
        add("401", "What was given is not right; no more is told");
        add(
            "403",
            "The request comes from a page of another site, or the password must be changed",
        );
        add("429", "Too many tries; try again after `Retry-After`");
    }
    if in_path {
        add("404", "There is no such thing for this tenant");
    }
    if is_stream {
        add("406", "`Accept` allows neither a stream nor JSON");
    }
    if has_condition {
        add("412", "Somebody else has changed it since: `If-Match` names an earlier state");
    }
    if has_body {
        add("413", "The body is larger than the limit");
        add("415", "The content type of the body is not one that is read here");
    }
    if has_body || in_query {
        add("422", "A value is not acceptable; `errors` tells which");
    }
    add("429", "More requests than a limit lets through; come again after `Retry-After`");
    add("503", "A part that is needed can not be reached; try again after `Retry-After`");
}

/// Numbers of statuses in order, `default` last, as readers expect.
fn plain_responses(operation: &mut Map<String, Value>) {
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    let mut entries: Vec<(String, Value)> = std::mem::take(responses).into_iter().collect();
    entries.sort_by(|(left, _), (right, _)| left.cmp(right));
    responses.extend(entries);
}
