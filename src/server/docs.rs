//! `/docs` and `/openapi.json`: the document as this server serves it, with the logins that its operator set up.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poem::http::header;
use poem::web::{Data, Html};
use poem::{IntoResponse, Response, handler};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::routes::Services;
use crate::web::docs_page::{DocsLogin, DocsPage, RECEIVER_SCRIPT, with_logins};
use crate::web::page::origin_of;

/// Page and document, without logins.
#[derive(Clone)]
pub struct Docs {
    /// The page.
    pub page: Arc<DocsPage>,
    /// The document.
    pub document: Arc<Value>,
}

/// The one script of the receiver.
static RECEIVER_SHA256: LazyLock<String> =
    LazyLock::new(|| STANDARD.encode(Sha256::digest(RECEIVER_SCRIPT.as_bytes())));

/// Who may hold this window: a login happens in a window that it opens, goes to the issuer and comes back, and the two
/// must still know each other then (HTML, 7.1.3: cross-origin opener policies).
const OPENER_POLICY: &str = "cross-origin-opener-policy";

/// `/docs`. It needs its own inline script and style, and speaks to the token endpoints; everything else stays shut.
#[handler]
pub async fn page(docs: Data<&Docs>, services: Data<&Services>) -> Response {
    let logins = logins(&services).await;
    let issuers = logins.iter().filter_map(|login| origin_of(&login.token_url));
    let issuers: String = issuers.map(|origin| format!(" {origin}")).collect();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; \
        img-src 'self' data:; font-src data:; connect-src 'self'{issuers}; base-uri 'none'; frame-ancestors 'none'"
    );
    Html(docs.page.html(logins.first()))
        .with_header(header::CONTENT_SECURITY_POLICY, policy)
        .with_header(OPENER_POLICY, "same-origin-allow-popups")
        .into_response()
}

/// `/openapi.json`.
#[handler]
pub async fn document(docs: Data<&Docs>, services: Data<&Services>) -> Response {
    let logins = logins(&services).await;
    let text = match logins.as_slice() {
        [] => docs.document.to_string(),
        logins => with_logins((*docs.document).clone(), logins).to_string(),
    };
    Response::builder().content_type("application/json").body(text)
}

/// `/docs/oauth2-redirect.html`: the window of a login comes back here from the issuer.
#[handler]
pub fn receiver() -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Login</title>\n<script>{RECEIVER_SCRIPT}</script>\n</html>\n"
    );
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; base-uri 'none'; frame-ancestors 'none'",
        *RECEIVER_SHA256
    );
    Html(html)
        .with_header(header::CONTENT_SECURITY_POLICY, policy)
        .with_header(OPENER_POLICY, "unsafe-none")
        .into_response()
}

/// Providers that have a client for this page. One that is away is left out until it is back.
async fn logins(services: &Services) -> Vec<DocsLogin> {
    let mut logins = Vec::new();
    for provider in services.providers.iter() {
        let settings = provider.settings();
        let Some(client_id) = settings.swagger_client_id.clone() else { continue };
        let Ok(metadata) = provider.metadata().await else { continue };
        logins.push(DocsLogin {
            scheme: format!("login_{}", settings.name),
            client_id,
            scopes: settings.scopes.clone(),
            authorization_url: metadata.authorization_endpoint.clone(),
            token_url: metadata.token_endpoint.clone(),
        });
    }
    logins
}
