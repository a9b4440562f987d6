//! Pages outside the API: the entrance, the state of the service, the problems explained.

use poem::http::{StatusCode, header};
use poem::web::Data;
use poem::web::Html;
use poem::{IntoResponse, Request, Response, handler};

use super::routes::Services;
use crate::web::problem::ProblemCode;

const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
form-action 'none'; frame-ancestors 'none'";

/// `/`: what this is and where to go.
#[handler]
pub fn entrance() -> impl IntoResponse {
    Html(include_str!("pages/entrance.html"))
        .with_header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)
}

/// `/problems`: the address that the `type` of a problem leads to.
#[handler]
pub fn problems() -> impl IntoResponse {
    let rows: String = ProblemCode::ALL
        .into_iter()
        .map(|code| {
            let name = code.name();
            let status = code.status();
            format!("<tr id=\"{name}\"><td><code>{name}</code></td><td>{status}</td></tr>")
        })
        .collect();
    Html(format!(
        "<!doctype html><html lang=\"en\"><title>Problems</title><h1>Problems</h1>\
        <p>Every error is <code>application/problem+json</code> (RFC 9457) with one of these codes.</p>\
        <table><tr><th>code</th><th>status</th></tr>{rows}</table></html>"
    ))
    .with_header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)
}

/// Whether somebody asks for a sign of life, every few seconds: they are let through always, and neither counted nor traced,
/// since they would drown what is measured.
pub fn is_probe(request: &Request) -> bool {
    matches!(request.uri().path(), "/healthz" | "/readyz")
}

/// `/healthz`: the process lives.
#[handler]
pub fn healthz() -> &'static str {
    "ok\n"
}

/// `/readyz`: requests can be served; says why when not.
#[handler]
pub async fn readyz(services: Data<&Services>) -> Response {
    let faults = services.readiness.faults(&services.db).await;
    let degraded = services.readiness.degraded().await;
    let (status, state) = match (faults.is_empty(), degraded.is_empty()) {
        (true, true) => (StatusCode::OK, "ready"),
        // Questions are answered: no reason to send them elsewhere, where it is the same.
        (true, false) => (StatusCode::OK, "degraded"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
    };
    let told = serde_json::json!({ "state": state, "faults": faults, "degraded": degraded });
    Response::builder().status(status).content_type("application/json").body(told.to_string())
}
