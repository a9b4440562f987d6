//! Which methods each path has: for the header `Allow`, which a 405 must carry (RFC 9110, 15.5.6). Read from the OpenAPI
//! document when the server is composed; it decides nothing about routing.

use std::sync::Arc;

use serde_json::Value;

/// Paths with their methods.
#[derive(Clone, Debug)]
pub struct AllowedMethods(Arc<[(String, String)]>);

impl AllowedMethods {
    /// Paths of the document, pages that are only read, and pages with a form.
    pub fn new(document: &Value, pages: &[&str], forms: &[&str]) -> Self {
        let documented = document["paths"].as_object().into_iter().flatten();
        let mut paths: Vec<(String, String)> = documented
            .map(|(path, item)| {
                let methods = item.as_object().into_iter().flatten();
                (path.clone(), header_value(methods.map(|(method, _)| method.to_uppercase())))
            })
            .collect();
        paths.extend(pages.iter().map(|page| ((*page).to_owned(), "GET, HEAD".to_owned())));
        paths.extend(forms.iter().map(|form| ((*form).to_owned(), "GET, HEAD, POST".to_owned())));
        Self(paths.into())
    }

    /// Value of the header for a path.
    pub fn of(&self, path: &str) -> Option<&str> {
        let exact = self.0.iter().find(|(template, _)| template == path);
        let found = exact.or_else(|| self.0.iter().find(|(template, _)| matches(template, path)));
        found.map(|(_, methods)| methods.as_str())
    }
}

/// `HEAD` is answered wherever `GET` is.
fn header_value(methods: impl Iterator<Item = String>) -> String {
    let mut methods: Vec<String> = methods.collect();
    if methods.iter().any(|method| method == "GET") {
        methods.push("HEAD".to_owned());
    }
    methods.sort();
    methods.join(", ")
}

fn matches(template: &str, path: &str) -> bool {
    let (mut expected, mut found) = (template.split('/'), path.split('/'));
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return true,
            (Some(segment), Some(given)) if segment.starts_with('{') || segment == given => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_methods_of_its_template() {
        let document = serde_json::json!({ "paths": {
            "/v1/things": { "get": {}, "post": {} },
            "/v1/things/{id}": { "patch": {}, "delete": {} },
        } });
        let allowed = AllowedMethods::new(&document, &["/"], &["/form"]);
        assert_eq!(allowed.of("/v1/things"), Some("GET, HEAD, POST"));
        assert_eq!(allowed.of("/v1/things/7"), Some("DELETE, PATCH"));
        assert_eq!(allowed.of("/v1/things/7/parts"), None);
        assert_eq!(allowed.of("/"), Some("GET, HEAD"));
        assert_eq!(allowed.of("/form"), Some("GET, HEAD, POST"));
    }
}
