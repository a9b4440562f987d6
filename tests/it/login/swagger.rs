//! What the Swagger page knows of logins.

use serde_json::Value;

use super::setup::{LoginApp, listen, origin};
use crate::support::Browser;
use crate::support::issuers::Issuer;

async fn with_client() -> LoginApp {
    let (listener, address) = listen().await;
    let issuer = Issuer::shared().await;
    let client = issuer.client(&address).await;
    let mut settings = issuer.settings(&client);
    settings.push((
        "PIDIMA_OIDC_STANDARD_SWAGGER_CLIENT_ID".to_owned(),
        "the-public-client".to_owned(),
    ));
    LoginApp::start(listener, address, settings, &[], issuer.address.clone(), "standard").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_served_document_and_page_name_the_issuers_that_have_a_client_for_them() {
    let it = with_client().await;
    let browser = Browser::default();
    let document: Value = browser.get(it.at("/openapi.json")).await.reply.json();
    let scheme = &document["components"]["securitySchemes"]["login_standard"];
    let flow = &scheme["flows"]["authorizationCode"];
    assert_eq!(flow["authorizationUrl"], format!("{}/auth", it.issuer), "{scheme}");
    assert_eq!(flow["tokenUrl"], format!("{}/token", it.issuer), "{scheme}");
    let security = document["paths"]["/v1/me"]["get"]["security"].as_array().unwrap();
    assert!(security.iter().any(|each| each.get("login_standard").is_some()), "{security:?}");

    let page = browser.get(it.at("/docs")).await.reply;
    let html = page.text();
    assert!(html.contains("\"clientId\":\"the-public-client\""));
    assert!(html.contains("\"usePkceWithAuthorizationCodeGrant\":true"));
    assert!(html.contains("href=\"/login?return_to=/docs\""));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains(&format!("connect-src 'self' {};", origin(&it.issuer))), "{policy}");
    let receiver = browser.get(it.at("/docs/oauth2-redirect.html")).await.reply;
    assert_eq!(receiver.status, 200);
    let policy = receiver.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_without_a_client_for_the_page_is_not_offered_there() {
    let it = LoginApp::standard().await;
    let browser = Browser::default();
    let document: Value = browser.get(it.at("/openapi.json")).await.reply.json();
    let committed: Value = serde_json::from_str(&pidima::app::openapi_text().unwrap()).unwrap();
    assert_eq!(document, committed);
    let page = browser.get(it.at("/docs")).await.reply;
    assert!(!page.text().contains("ui.initOAuth({"));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("connect-src 'self';"), "{policy}");
}
