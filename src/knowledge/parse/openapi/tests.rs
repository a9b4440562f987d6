//! OpenAPI documents as people write them, and as attackers do.

use std::fmt::Write as _;

use serde_json::json;

use super::is_one;
use crate::knowledge::parse::{Extraction, MediaType, ParseLimits, parse};

const YAML: &str = "\
openapi: 3.1.0
info:
  title: Pumps
  version: '7'
  description: |
    All about pumps.

    ```sh
    curl /v1/pumps
    ```
servers:
  - url: https://api.pumps.example
security:
  - Key: []
  - Login: [pumps:read]
paths:
  /v1/pumps/{pump_id}:
    parameters:
      - $ref: '#/components/parameters/PumpId'
    get:
      operationId: get_pump
      summary: Read a pump.
      responses:
        200:
          description: The pump.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Pump'
        '404': {description: There is none.}
    put:
      operationId: replace_pump
      deprecated: true
      security: []
      requestBody:
        content:
          application/json:
            schema:
              $ref: '#/components/schemas/Pump'
      responses: {}
components:
  parameters:
    PumpId: {name: pump_id, in: path, required: true, schema: {type: string, format: uuid}}
  schemas:
    Pump:
      type: object
      required: [name]
      properties:
        name: {type: string, maxLength: 40, description: What it is called.}
        state: {enum: [on, \"off\"], default: \"off\"}
        valves: {type: array, items: {$ref: '#/components/schemas/Valve'}}
        next: {$ref: '#/components/schemas/Pump'}
    Valve:
      properties:
        bar: {type: [number, 'null'], minimum: 0}
";

fn read(source: &str) -> Extraction {
    let media = MediaType::from_file("api.yaml", None, source.as_bytes()).unwrap();
    parse(media, source.as_bytes(), &ParseLimits::default()).unwrap()
}

#[test]
fn each_operation_is_a_section_of_its_own() {
    let made = read(YAML);
    assert_eq!(made.title.as_deref(), Some("Pumps"));
    let expected = "Pumps

All about pumps.

curl /v1/pumps

Version: 7

Server: https://api.pumps.example

GET /v1/pumps/{pump_id}: Read a pump

Operation: get_pump

Credentials: Key, or Login (pumps:read)

Parameters:

pump_id | path | string (uuid) | required

Responses:

200 | The pump.
404 | There is none.

Response 200 (application/json):

name | string length at most 40 | required | What it is called.
next | object
state | one of on, off default off
valves | array
valves[].bar | number or null at least 0

PUT /v1/pumps/{pump_id}

This operation is deprecated.

Operation: replace_pump

Parameters:

pump_id | path | string (uuid) | required

Request body (application/json):

name | string length at most 40 | required | What it is called.
next | object
state | one of on, off default off
valves | array
valves[].bar | number or null at least 0";
    assert_eq!(made.text, expected);
    let section = made.sections.last().unwrap();
    assert_eq!(section.heading_path, ["Pumps", "PUT /v1/pumps/{pump_id}"]);
    assert_eq!(section.anchor.as_deref(), Some("replace_pump"));
}

#[test]
fn swagger_in_json_is_read_too() {
    let source = json!({ "swagger": "2.0", "info": { "title": "Old" }, "paths": { "/a": { "post": {
        "parameters": [
            { "name": "size", "in": "query", "type": "integer", "minimum": 1 },
            { "name": "body", "in": "body", "schema": { "$ref": "#/definitions/Nowhere" } },
        ],
        "responses": { "201": { "description": "Made.", "schema": { "properties": { "id": { "type": "string" } } } } },
    } } } })
    .to_string();
    let text = read(&source).text;
    assert!(
        text.contains("POST /a\n\nParameters:\n\nsize | query | integer at least 1\nbody | body")
    );
    assert!(text.ends_with("201 | Made.\n\nResponse 201:\n\nid | string"), "{text}");
}

#[test]
fn data_that_only_look_alike_are_kept_line_by_line() {
    for source in [
        "openapi: 3.1.0\npaths: {}\n",
        "openapi: 3.0.0\n  broken: [\n",
        "openapi: 3.1.0\npaths: {/a: {get: 7}}\n",
        "{\"openapi\": \"3.1.0\", \"paths\": [",
        "openapi: 3.1.0\nopenapi: 3.1.0\na: &a [*a]\n",
    ] {
        assert!(is_one(source.as_bytes()), "{source}");
        assert_eq!(read(source).text, source.trim_end(), "{source}");
    }
}

#[test]
fn other_data_are_no_openapi_document() {
    for source in
        ["{\"a\": \"openapi\"}", "a: 1\n  openapi: 3", "openapi: latest", "# openapi: 3", "[]"]
    {
        assert!(!is_one(source.as_bytes()), "{source}");
    }
    let name = |name| MediaType::from_file(name, None, YAML.as_bytes()).unwrap();
    assert_eq!(name("api.yml"), MediaType::OpenApi);
    assert_eq!(name("api.md"), MediaType::Markdown);
}

#[test]
fn references_in_circles_and_aliases_that_multiply_end() {
    let circle = json!({ "openapi": "3.0.0", "paths": { "/a": { "get": {
        "requestBody": { "$ref": "#/x" }, "parameters": [{ "$ref": "#/x" }],
        "responses": { "200": { "content": { "a/b": { "schema": { "$ref": "#/y" } } } } },
    } } }, "x": { "$ref": "#/x" }, "y": { "allOf": [{ "$ref": "#/y" }], "items": { "$ref": "#/y" } } });
    assert!(read(&circle.to_string()).text.starts_with("GET /a"));
    let mut bomb = "openapi: 3.0.0\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{},", level - 1).repeat(10);
        writeln!(bomb, "a{level}: &a{level} [{before}]").unwrap();
    }
    assert_eq!(read(&bomb).text, bomb.trim_end());
    let wide: serde_json::Map<String, serde_json::Value> =
        (0..600).map(|n| (format!("f{n}"), json!({ "type": "string" }))).collect();
    let wide = json!({ "openapi": "3.0.0", "paths": { "/a": { "get": { "responses": { "200": {
        "content": { "a/b": { "schema": { "properties": wide } } } } } } } } });
    assert_eq!(read(&wide.to_string()).text.matches(" | string").count(), 500);
}

#[test]
fn long_chains_of_schemas_and_those_that_multiply_end() {
    let body = json!({ "/a": { "get": { "responses": { "200": {
        "content": { "a/b": { "schema": { "$ref": "#/s0" } } } } } } } });
    let mut chain = json!({ "openapi": "3.0.0", "paths": body });
    for n in 0..50_000 {
        chain[format!("s{n}")] = json!({ "allOf": [{ "$ref": format!("#/s{}", n + 1) }] });
    }
    assert!(read(&chain.to_string()).text.starts_with("GET /a"));
    let mut doubling = json!({ "openapi": "3.0.0", "paths": body });
    for n in 0..60 {
        let next = json!({ "$ref": format!("#/s{}", n + 1) });
        doubling[format!("s{n}")] = json!({ "allOf": [next, next] });
    }
    assert!(read(&doubling.to_string()).text.starts_with("GET /a"));
}
