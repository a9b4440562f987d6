//! OpenAPI documents, 3.x and Swagger 2.0: a section for each operation, with its parameters, bodies and responses as rows.
//!
//! A document that is none after all, or that has no operations, is kept line by line like other data. References are
//! followed within the document only, and never into themselves.

mod schema;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::builder::{Builder, Joint};
use super::{BlockKind, Extraction, ParseError, ParseLimits, plain};

/// What an operation can be called by, in the order in which they are told.
const METHODS: [&str; 8] = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];
/// How far into a file its kind is looked for, in bytes.
const LOOKED_AT: usize = 65_536;

/// Whether data in JSON or YAML are an OpenAPI document, as far as their beginning tells.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(LOOKED_AT)]);
    let head = head.trim_start_matches('\u{feff}');
    let version = |rest: &str| {
        let rest = rest.trim_start().strip_prefix(':')?.trim_start();
        Some(rest.trim_start_matches(['"', '\'']).starts_with(['2', '3']))
    };
    if head.trim_start().starts_with('{') {
        return ["\"openapi\"", "\"swagger\""].iter().any(|key| {
            head.split_once(key).and_then(|(_, rest)| version(rest)).unwrap_or_default()
        });
    }
    head.lines().any(|line| {
        let rest = line.strip_prefix("openapi").or_else(|| line.strip_prefix("swagger"));
        rest.and_then(version).unwrap_or_default()
    })
}

/// Reads a document; its title is that of the interface.
pub(super) fn parse(source: &str, limits: &ParseLimits) -> Result<Extraction, ParseError> {
    let Some(document) = document(source) else {
        return plain::parse_source_code(source, limits);
    };
    let mut writer = Writer { document: &document, builder: Builder::new(limits) };
    let count = writer.interface()?;
    if count == 0 {
        return plain::parse_source_code(source, limits);
    }
    let title = text(&document["info"]["title"]).map(str::to_owned);
    Ok(writer.builder.finish(title, None))
}

fn document(source: &str) -> Option<Value> {
    if source.trim_start().starts_with('{') {
        return serde_json::from_str(source).ok();
    }
    // Depth, nodes and what aliases multiply to are bounded by the library; `on` is a word, as in YAML 1.2.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(source, options).ok()
}

struct Writer<'a> {
    document: &'a Value,
    builder: Builder<'a>,
}

impl<'a> Writer<'a> {
    /// The whole interface; how many operations it has.
    fn interface(&mut self) -> Result<usize, ParseError> {
        let info = &self.document["info"];
        if let Some(title) = text(&info["title"]) {
            self.builder.heading(1, title, None)?;
        }
        self.prose(&info["description"])?;
        if let Some(version) = text(&info["version"]) {
            self.line(&format!("Version: {version}"))?;
        }
        for server in self.document["servers"].as_array().into_iter().flatten() {
            if let Some(url) = text(&server["url"]) {
                self.line(&format!("Server: {url}"))?;
            }
        }
        let mut count = 0;
        for group in ["paths", "webhooks"] {
            for (path, item) in self.document[group].as_object().into_iter().flatten() {
                let item = self.resolved(item);
                for method in METHODS {
                    if let Some(operation) = item[method].as_object() {
                        self.operation(method, path, item, operation)?;
                        count += 1;
                    }
                }
            }
        }
        Ok(count)
    }

    fn operation(
        &mut self,
        method: &str,
        path: &str,
        item: &'a Value,
        operation: &'a Map<String, Value>,
    ) -> Result<(), ParseError> {
        let field = |name: &str| operation.get(name).unwrap_or(&Value::Null);
        let id = text(field("operationId"));
        let call = format!("{} {path}", method.to_uppercase());
        let heading = match text(field("summary")).or_else(|| text(&item["summary"])) {
            Some(summary) => format!("{call}: {}", summary.trim_end_matches('.')),
            None => call,
        };
        self.builder.heading(2, &heading, id.map(str::to_owned))?;
        if field("deprecated") == &Value::Bool(true) {
            self.line("This operation is deprecated.")?;
        }
        self.prose(&item["description"])?;
        self.prose(field("description"))?;
        if let Some(id) = id {
            self.line(&format!("Operation: {id}"))?;
        }
        let needs = needed(operation.get("security").unwrap_or(&self.document["security"]));
        if !needs.is_empty() {
            self.line(&format!("Credentials: {needs}"))?;
        }
        let own = field("parameters").as_array().into_iter().flatten();
        let shared = item["parameters"].as_array().into_iter().flatten();
        let parameters: Vec<&Value> = own.chain(shared).map(|one| self.resolved(one)).collect();
        self.parameters(&parameters)?;
        let body = self.resolved(field("requestBody"));
        self.prose(&body["description"])?;
        self.bodies("Request body", body)?;
        self.responses(field("responses"))
    }

    fn parameters(&mut self, parameters: &[&'a Value]) -> Result<(), ParseError> {
        let rows: Vec<String> = parameters
            .iter()
            .filter_map(|parameter| {
                let name = text(&parameter["name"])?;
                let place = text(&parameter["in"]).unwrap_or("query");
                let schema = self.resolved(&parameter["schema"]);
                // Swagger 2.0 has the schema's fields beside the name.
                let kind = schema::kind(schema).or_else(|| schema::kind(parameter));
                let told = text(&parameter["description"]).or_else(|| text(&schema["description"]));
                let is_required = parameter["required"] == Value::Bool(true);
                Some(schema::row(name, &[Some(place), kind.as_deref()], is_required, told))
            })
            .collect();
        self.table("Parameters:", &rows)
    }

    fn bodies(&mut self, title: &str, body: &'a Value) -> Result<(), ParseError> {
        for (media, content) in body["content"].as_object().into_iter().flatten() {
            let rows = schema::fields(self.document, &content["schema"]);
            self.table(&format!("{title} ({media}):"), &rows)?;
        }
        // Swagger 2.0
        let rows = schema::fields(self.document, &body["schema"]);
        self.table(&format!("{title}:"), &rows)
    }

    fn responses(&mut self, responses: &'a Value) -> Result<(), ParseError> {
        let responses = responses.as_object().into_iter().flatten();
        let responses: Vec<(&String, &Value)> =
            responses.map(|(status, response)| (status, self.resolved(response))).collect();
        let rows: Vec<String> = responses
            .iter()
            .map(|(status, response)| {
                let told = text(&response["description"]).unwrap_or_default();
                schema::cells(&[status.as_str(), told])
            })
            .collect();
        self.table("Responses:", &rows)?;
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('2')) {
            self.bodies(&format!("Response {status}"), response)?;
        }
        Ok(())
    }

    fn resolved(&self, value: &'a Value) -> &'a Value {
        schema::resolved(self.document, value)
    }

    /// Paragraphs, lists and code of a description.
    fn prose(&mut self, description: &Value) -> Result<(), ParseError> {
        let Some(description) = text(description) else { return Ok(()) };
        for (number, part) in description.split("```").enumerate() {
            if number % 2 == 1 {
                let code = part.split_once('\n').map_or(part, |(_, code)| code);
                self.builder.push(BlockKind::Code, Joint::BlankLine, code, false)?;
                continue;
            }
            for paragraph in part.split("\n\n") {
                self.line(paragraph.trim())?;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), ParseError> {
        self.builder.push(BlockKind::Paragraph, Joint::BlankLine, line, line.ends_with(':'))
    }

    fn table(&mut self, title: &str, rows: &[String]) -> Result<(), ParseError> {
        if !rows.is_empty() {
            self.line(title)?;
        }
        for (number, row) in rows.iter().enumerate() {
            let joint = if number == 0 { Joint::BlankLine } else { Joint::Line };
            self.builder.push(BlockKind::TableRow, joint, row, false)?;
        }
        Ok(())
    }
}

/// The choices of credentials: each names its schemes, with the scopes it wants.
fn needed(security: &Value) -> String {
    let choices = security.as_array().into_iter().flatten().filter_map(Value::as_object);
    let choices = choices.map(|schemes| {
        let schemes = schemes.iter().map(|(name, scopes)| {
            let scopes: Vec<&str> =
                scopes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if scopes.is_empty() { name.clone() } else { format!("{name} ({})", scopes.join(", ")) }
        });
        let schemes: Vec<String> = schemes.collect();
        if schemes.is_empty() { "none".to_owned() } else { schemes.join(" and ") }
    });
    choices.collect::<Vec<_>>().join(", or ")
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}
