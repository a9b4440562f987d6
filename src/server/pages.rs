//! Pages outside the API: the entrance, the state of the service, the problems explained.

use poem::http::{StatusCode, header};
use poem::web::Data;
use poem::web::Html;
use poem::{IntoResponse, Response, handler};

use super::routes::Services;
use crate::db::migrate;
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

/// `/healthz`: the process lives.
#[handler]
pub fn healthz() -> &'static str {
    "ok\n"
}

/// `/readyz`: requests can be served; says why when not.
#[handler]
pub async fn readyz(services: Data<&Services>) -> Response {
    let faults = services.readiness.faults(&services.db).await;
    let (status, state) = if faults.is_empty() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    Response::builder()
        .status(status)
        .content_type("application/json")
        .body(serde_json::json!({ "state": state, "faults": faults }).to_string())
}

/// What keeps the service from serving: told once, and asked again by each `/readyz`.
///
/// The isolation check takes some 20 ms: its result is kept for a while.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    checked: std::sync::Arc<tokio::sync::Mutex<Option<Checked>>>,
}

/// When the database was checked, and what was wrong.
type Checked = (std::time::Instant, Vec<String>);

/// How long a result of the isolation check is good.
const CHECK_EVERY: std::time::Duration = std::time::Duration::from_secs(30);

impl Readiness {
    /// Faults, in words with their remedies; empty when all is well.
    pub async fn faults(&self, db: &crate::db::Db) -> Vec<String> {
        if let Err(error) = db.ping().await {
            return vec![format!("{error}; check DATABASE_URL and that the server runs")];
        }
        let mut checked = self.checked.lock().await;
        if let Some((at, faults)) = checked.as_ref()
            && at.elapsed() < CHECK_EVERY
        {
            return faults.clone();
        }
        let faults = database_faults(db).await;
        *checked = Some((std::time::Instant::now(), faults.clone()));
        faults
    }
}

/// Whether migrations are missing or a wall between tenants is open.
async fn database_faults(db: &crate::db::Db) -> Vec<String> {
    let pending = migrate::pending(db).await;
    match pending {
        Err(error) => {
            return vec![format!("the schema can not be read ({error}); run pidima migrate")];
        }
        Ok(pending) if !pending.is_empty() => {
            return vec![format!("{} migration(s) are missing; run pidima migrate", pending.len())];
        }
        Ok(_) => {}
    }
    match db.isolation_violations().await {
        Ok(violations) => violations
            .into_iter()
            .map(|found| format!("{}: {}; {}", found.rule, found.object, found.remedy))
            .collect(),
        Err(error) => vec![format!("the isolation check failed: {error}")],
    }
}
