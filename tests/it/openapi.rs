//! The document is the contract: it equals the committed file, says everything that clients need, and tells the truth
//! about what the service sends.

mod filled;
mod schema;

use std::collections::BTreeSet;
use std::path::Path;

use pidima::app::openapi_text;
use pidima::identity::Role;
use pidima::web::problem::ProblemCode;
use pidima::web::spec::finish;
use serde_json::{Value, json};

use self::filled::{example_of, fill, request};
use crate::layers::sources;
use crate::support::TestApp;

const VERBS: [&str; 20] = [
    "list",
    "get",
    "create",
    "update",
    "delete",
    "rotate",
    "search",
    "export",
    "cancel",
    "publish",
    "rollback",
    "retry",
    "redeliver",
    "test",
    "reprocess",
    "redrive",
    "complete",
    "sync",
    "switch",
    "restore",
];
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];
/// Formats of OpenAPI 3.0 and of JSON Schema; no unsigned ones.
const FORMATS: [&str; 6] = ["uuid", "date-time", "int32", "int64", "double", "binary"];
/// Operations without a credential: they are where one comes from, or have a signature in their address.
const OPEN_OPERATIONS: [&str; 3] = ["create_login", "create_acceptance", "update_upload_part"];

/// Password of the examples.
const PASSWORD: &str = "seven otters juggle lanterns";
/// What only a key of the operator may call.
const PLATFORM: &str = "/v1/platform";
const PUBLISHABLE_KEY: &str = "publishable key";

struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    id: &'a str,
    body: &'a Value,
}

#[tokio::test]
async fn the_document_equals_the_committed_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/openapi.json");
    let fresh = openapi_text().expect("the document");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, &fresh).expect("the file is written");
    }
    let committed = std::fs::read_to_string(&path).expect("openapi/openapi.json");
    let differs = fresh.lines().zip(committed.lines()).find(|(new, old)| new != old);
    assert_eq!(differs, None, "fresh, committed; UPDATE_OPENAPI=1 rewrites the file");
    assert_eq!(fresh, committed, "UPDATE_OPENAPI=1 rewrites the file");
}

#[test]
fn a_path_that_stands_twice_is_refused_before_it_hides_operations() {
    let twice = r#"{"paths": {"/v1/me": {"get": {}}, "/v1/me": {"post": {}}}}"#;
    assert!(finish(twice).is_err());
}

#[tokio::test]
async fn every_operation_says_what_it_is_and_who_may_call_it() {
    let document = document();
    let mut ids = BTreeSet::new();
    for Operation { path, id, body, .. } in operations(&document) {
        let (verb, noun) = id.split_once('_').unwrap_or_default();
        assert!(VERBS.contains(&verb) && !noun.is_empty(), "{id} is not <verb>_<noun>");
        assert!(ids.insert(id), "{id} stands twice");
        for text in ["summary", "description"] {
            assert!(body[text].as_str().is_some_and(|words| !words.is_empty()), "{id}: no {text}");
        }
        let tag = body["tags"][0].as_str().expect("a tag");
        let tags = document["tags"].as_array().expect("tags");
        assert!(tags.iter().any(|known| known["name"] == tag), "{id}: {tag} is no tag");
        let problem = &body["responses"]["default"]["content"]["application/problem+json"];
        assert_eq!(problem["schema"]["$ref"], "#/components/schemas/Problem", "{id}");
        let secured = body["security"].as_array().is_some_and(|schemes| !schemes.is_empty());
        assert!(secured || OPEN_OPERATIONS.contains(&id), "{id} asks for no credential");
        assert!(!path.contains(':'), "{path}");
    }
    assert!(ids.len() > 20, "{} operations", ids.len());
}

/// The framework binds path parameters by position, whatever their names.
#[tokio::test]
async fn path_parameters_stand_in_the_order_of_the_path() {
    let document = document();
    for Operation { path, id, body, .. } in operations(&document) {
        let in_path: Vec<&str> = path
            .split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .map(|(name, _)| name)
            .collect();
        let named: Vec<&str> = parameters(body)
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        assert_eq!(in_path, named, "{id}");
    }
}

#[tokio::test]
async fn every_parameter_and_property_is_described_and_what_is_read_is_bounded() {
    let document = document();
    let mut faults = Vec::new();
    for Operation { id, body, .. } in operations(&document) {
        for parameter in parameters(body) {
            let at = format!("{id} {}", parameter["name"]);
            if parameter["description"].as_str().unwrap_or_default().is_empty() {
                faults.push(format!("{at}: no description"));
            }
            faults.extend(unbounded(&document, &parameter["schema"], &at));
        }
        for media in body["requestBody"]["content"].as_object().into_iter().flatten() {
            faults.extend(unbounded(&document, &media.1["schema"], id));
        }
    }
    walk(&document, "", &mut |at, value| {
        for (name, property) in value["properties"].as_object().into_iter().flatten() {
            let is_tag = name == "type"
                && ["/ChatEvent_", "/IngestionJobEvent_"].iter().any(|union| at.contains(union))
                || name == "kind" && at.contains("/SourceConfiguration_");
            let described = property["description"].as_str().is_some_and(|text| !text.is_empty());
            if !described && !is_tag {
                faults.push(format!("{at}/{name}: no description"));
            }
            if !["type", "$ref", "allOf", "oneOf"].iter().any(|key| property.get(*key).is_some()) {
                faults.push(format!("{at}/{name}: no type"));
            }
        }
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn references_resolve_and_formats_and_media_types_are_plain() {
    let document = document();
    let mut references = 0;
    walk(&document, "", &mut |at, value| {
        if let Some(reference) = value["$ref"].as_str() {
            references += 1;
            let pointer = reference.strip_prefix('#').unwrap_or_default();
            assert!(document.pointer(pointer).is_some(), "{at}: {reference} leads nowhere");
        }
        if let Some(format) = value["format"].as_str() {
            assert!(FORMATS.contains(&format), "{at}: format {format}");
        }
        for media_type in value["content"].as_object().into_iter().flatten() {
            assert!(!media_type.0.contains(';'), "{at}: {}", media_type.0);
        }
        let nulls = value.as_object().into_iter().flatten().filter(|(_, inner)| inner.is_null());
        assert_eq!(nulls.count(), 0, "{at}: null");
        let is_unlimited = value["type"] == "integer" && value["format"].is_null();
        assert!(!is_unlimited, "{at}: an integer without a format");
    });
    assert!(references > 100, "{references}");
}

#[tokio::test]
async fn what_handlers_tell_from_what_is_absent_may_be_null_in_the_document() {
    let mut read = BTreeSet::new();
    for source in sources() {
        let (mut renamed, mut schema) = (None, "");
        for line in source.text.lines().map(str::trim) {
            if let Some((_, name)) = line.split_once("rename = \"") {
                renamed = name.split('"').next();
            } else if let Some(name) = line.strip_prefix("pub struct ") {
                schema = renamed.take().unwrap_or(name.trim_end_matches(" {"));
            } else if line == "}" {
                renamed = None;
            }
            let field = line.split_once(": MaybeUndefined<").map(|(field, _)| field);
            let is_field =
                |name: &&str| name.chars().all(|sign| sign.is_lowercase() || sign == '_');
            read.extend(field.filter(is_field).map(|field| format!("{schema}.{field}")));
        }
    }
    let document = document();
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let said = schemas.iter().flat_map(|(schema, it)| {
        let properties = it["properties"].as_object().into_iter().flatten();
        let nullable = properties.filter(|(_, property)| property["nullable"] == true);
        nullable.map(move |(field, _)| format!("{schema}.{field}"))
    });
    assert!(read.len() > 10, "{read:?}");
    assert_eq!(said.collect::<BTreeSet<_>>(), read);
}

#[tokio::test]
async fn every_problem_code_is_in_the_document() {
    let document = document();
    let listed =
        document["components"]["schemas"]["ProblemCode"]["enum"].as_array().expect("codes");
    let known: Vec<Value> = ProblemCode::ALL.iter().map(|code| json!(code.name())).collect();
    assert_eq!(*listed, known);
}

#[tokio::test]
async fn a_stream_is_one_of_the_named_events_told_apart_by_type() {
    let document = document();
    let mut streams = 0;
    for Operation { id, body, .. } in operations(&document) {
        let content = &body["responses"]["200"]["content"]["text/event-stream"];
        let Some(schema) = content.get("schema") else { continue };
        streams += 1;
        let name =
            if id == "list_ingestion_job_events" { "IngestionJobEvent" } else { "ChatEvent" };
        assert_eq!(schema["$ref"], format!("#/components/schemas/{name}"), "{id}");
    }
    assert!(streams >= 3, "{streams} streams");
    for name in ["ChatEvent", "IngestionJobEvent"] {
        is_told_apart_by_type(&document, &document["components"]["schemas"][name]);
    }
}

fn is_told_apart_by_type(document: &Value, union: &Value) {
    let choices = union["oneOf"].as_array().expect("a union");
    let mapping = union["discriminator"]["mapping"].as_object().expect("a mapping");
    assert_eq!(union["discriminator"]["propertyName"], "type");
    assert_eq!(choices.len(), mapping.len());
    for (name, target) in mapping {
        assert!(choices.iter().any(|choice| choice["$ref"] == *target), "{name}");
        let variant =
            schema::resolve(document, choices.iter().find(|c| c["$ref"] == *target).unwrap());
        let tag = &variant["allOf"][0];
        assert_eq!(tag["properties"]["type"]["enum"], json!([name]));
        assert_eq!(tag["required"], json!(["type"]));
    }
}

#[tokio::test]
async fn examples_of_bodies_are_valid_and_work_as_they_stand() {
    let (document, app) = (document(), TestApp::start().await);
    // The tenant and the person that the example of a login names.
    let tenant = app.tenant("pidima").await;
    tenant.local_member("ada@example.com", Role::Member, Some(PASSWORD)).await;
    let ids = fill(&app, &tenant).await;
    let mut tried = 0;
    for Operation { method, path, id, body, .. } in operations(&document) {
        let Some(media) = body["requestBody"]["content"].get("application/json") else { continue };
        let schema = schema::resolve(&document, &media["schema"]);
        let example = schema.get("example").unwrap_or_else(|| panic!("{id}: no example"));
        let faults = schema::faults(&document, schema, example);
        assert!(faults.is_empty(), "{id}: {faults:?}");
        let address = with_ids(path, &ids);
        let method = method.to_uppercase().parse().expect("a method");
        let example = with_own_ids(&example_of(&tenant, id, schema).await, &ids);
        let request = request(&app, &tenant, id, method, &address).await.json(&example);
        let reply = tenant.send(request).await;
        assert!(reply.status.is_success(), "{id}: {}", reply.text());
        tried += 1;
    }
    assert!(tried >= 9, "{tried} examples");
}

#[tokio::test]
async fn what_the_service_sends_is_what_the_document_says() {
    let (document, app) = (document(), TestApp::start().await);
    // The tenant and the person that the example of a login names.
    let tenant = app.tenant("pidima").await;
    tenant.local_member("ada@example.com", Role::Member, Some(PASSWORD)).await;
    let ids = fill(&app, &tenant).await;
    let broken = tenant.upload("broken.md", [0xff, 0xfe, 0x00, 0x80]).await;
    assert!(!broken.bytes.is_empty());
    tenant.stream("/v1/answers", &json!({ "question": "Who won the chess match?" })).await;
    let mut checked = BTreeSet::new();
    let mut faults = Vec::new();
    let mut all: Vec<Operation<'_>> = operations(&document).collect();
    // What is switched to can be rolled back, and what was rolled back be cancelled, and not the other way round.
    all.sort_by_key(|operation| match operation.id {
        "switch_reembedding" => 1,
        "rollback_reembedding" => 2,
        "cancel_reembedding" => 3,
        _ => 0,
    });
    for Operation { method, path, id, body, .. } in all {
        let address = with_ids(path, &ids);
        let method: reqwest::Method = method.to_uppercase().parse().expect("a method");
        if matches!(method, reqwest::Method::DELETE | reqwest::Method::PUT) {
            continue; // No content, and the others need what is deleted.
        }
        let mut request = request(&app, &tenant, id, method, &address).await;
        if let Some(media) = body["requestBody"]["content"].get("application/json") {
            let schema = schema::resolve(&document, &media["schema"]);
            let example = example_of(&tenant, id, schema).await;
            request = request.json(&with_own_ids(&example, &ids));
        } else if body.get("requestBody").is_some() {
            let file = reqwest::multipart::Part::text("# More\n\nText.").file_name("more.md");
            request = request.multipart(reqwest::multipart::Form::new().part("file", file));
        }
        let reply = tenant.send(request).await;
        let status = reply.status.as_str().to_owned();
        if status == "204" {
            assert!(body["responses"][&status].is_object() && reply.bytes.is_empty(), "{id}");
            continue;
        }
        let content = &body["responses"][&status]["content"];
        assert!(content.is_object(), "{id}: {status} is not in the document: {}", reply.text());
        let sent = reply.headers["content-type"].to_str().expect("a media type");
        let essence = sent.split(';').next().unwrap_or_default();
        if essence == "application/x-ndjson" {
            let schema = json!({ "$ref": "#/components/schemas/AuditEvent" });
            for line in reply.text().lines() {
                let line = serde_json::from_str(line).expect("an object on each line");
                faults.extend(schema::faults(&document, &schema, &line));
            }
            checked.insert(id);
            continue;
        }
        // Bytes of a file.
        if id == "get_dump_file" {
            assert!(content[essence].is_object() && !reply.bytes.is_empty(), "{id}: {essence}");
            checked.insert(id);
            continue;
        }
        if essence == "text/event-stream" {
            let schema = &content[essence]["schema"];
            let text = reply.text();
            let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
            let events: Vec<Value> =
                events.map(|data| serde_json::from_str(data).expect("an event")).collect();
            assert!(!events.is_empty(), "{id}");
            faults.extend(events.iter().flat_map(|it| schema::faults(&document, schema, it)));
            checked.insert(id);
            continue;
        }
        let told = schema::faults(&document, &content[essence]["schema"], &reply.json());
        faults.extend(told.into_iter().map(|fault| format!("{id} {status}{fault}")));
        checked.insert(id);
    }
    for (path, status) in
        [("/v1/me/x", 404), ("/v1/documents?limit=0", 422), ("/v1/sessions/7", 404)]
    {
        let reply = tenant.get(path).await;
        let problem = json!({ "$ref": "#/components/schemas/Problem" });
        assert_eq!(reply.status.as_u16(), status, "{path}: {}", reply.text());
        faults.extend(schema::faults(&document, &problem, &reply.json()));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(checked.len() > 15, "{checked:?}");
}

#[tokio::test]
async fn events_on_the_wire_are_variants_of_the_union() {
    let (document, app) = (document(), TestApp::start().await);
    let tenant = app.tenant("events").await;
    fill(&app, &tenant).await;
    let union = json!({ "$ref": "#/components/schemas/ChatEvent" });
    let mut seen = BTreeSet::new();
    for question in ["How do I create an API key?", "Who won the chess match of 1972?"] {
        for (_, name, data) in tenant.stream("/v1/answers", &json!({ "question": question })).await
        {
            assert_eq!(data["type"], name.as_str());
            let faults = schema::faults(&document, &union, &data);
            assert!(faults.is_empty(), "{name}: {faults:?}");
            seen.insert(name);
        }
    }
    let wanted = ["citation", "delta", "done", "started"].map(str::to_owned);
    assert_eq!(seen, wanted.into());
}

fn text_of(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// An example with the one id that no example can know.
fn with_own_ids(example: &Value, ids: &[(&str, String)]) -> Value {
    let (_, key) = ids.iter().find(|(name, _)| *name == PUBLISHABLE_KEY).expect("a key");
    let text = example.to_string().replace(&uuid::Uuid::nil().to_string(), key);
    serde_json::from_str(&text).expect("JSON")
}

fn with_ids(path: &str, ids: &[(&str, String)]) -> String {
    let address = ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, id));
    assert!(!address.contains('{'), "add what {address} needs to fill()");
    address
}

fn document() -> Value {
    serde_json::from_str(&openapi_text().expect("the document")).expect("JSON")
}

fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    let paths = document["paths"].as_object().expect("paths");
    paths.iter().flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |method| {
            let body = item.get(method)?;
            let id =
                body["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path}: no id"));
            Some(Operation { method, path, id, body })
        })
    })
}

fn parameters(operation: &Value) -> impl Iterator<Item = &Value> {
    operation["parameters"].as_array().into_iter().flatten()
}

/// Texts and lists of a schema that may be of any size.
fn unbounded(document: &Value, schema: &Value, at: &str) -> Vec<String> {
    let schema = schema::resolve(document, schema);
    let is_free_text = ["format", "enum"].iter().all(|key| schema.get(*key).is_none());
    let bound = match schema["type"].as_str() {
        Some("string") if is_free_text => "maxLength",
        Some("array") => "maxItems",
        Some("integer") => "maximum",
        _ => "type",
    };
    let lacks = schema.get(bound).is_none() && schema.get("allOf").is_none();
    let mut faults: Vec<String> = lacks.then(|| format!("{at}: no {bound}")).into_iter().collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        faults.extend(unbounded(document, property, &format!("{at}/{name}")));
    }
    if let Some(items) = schema.get("items") {
        faults.extend(unbounded(document, items, &format!("{at}/items")));
    }
    faults
}

fn walk(value: &Value, at: &str, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(object) => {
            visit(at, value);
            for (key, inner) in object.iter().filter(|(key, _)| *key != "example") {
                walk(inner, &format!("{at}/{key}"), visit);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, at, visit)),
        _ => {}
    }
}
