//! The same logins in a real browser. They need Chromium, which not every machine has: run them by
//! `cargo test --test it -- --ignored chromium`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use pidima::identity::Role;
use serde_json::{Value, json};
use tokio::process::Command;

use super::setup::{LoginApp, listen};
use super::{LOGIN, SESSION};
use crate::support::issuers::{Cognito, Issuer, PASSWORD, installed_from, npm_ci};

/// The browser's program: named by the environment, or one of the usual places.
pub fn chromium() -> PathBuf {
    let named = std::env::var_os("PIDIMA_TEST_CHROMIUM").map(PathBuf::from);
    let usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let mut places = named.into_iter().chain(usual.map(PathBuf::from));
    places
        .find(|path| path.exists())
        .expect("Chromium (Debian: apt-get install chromium), or its path in PIDIMA_TEST_CHROMIUM")
}

/// What the browser saw.
async fn browse(it: &LoginApp, flow: &str, name: &str) -> Value {
    let folder = tokio::task::spawn_blocking(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
        installed_from(
            source,
            "browser",
            &["package.json", "package-lock.json", "login.mjs"],
            npm_ci,
        )
    });
    let task = json!({
        "chromium": chromium(),
        "flow": flow,
        "address": it.address,
        "provider": it.provider,
        "name": name,
        "password": PASSWORD,
    });
    let mut node = Command::new("node");
    node.arg(folder.await.unwrap().join("login.mjs")).arg(task.to_string());
    let output = node.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(180), output);
    let output = output.await.expect("the browser was done in 3 minutes").unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the browser failed: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The cookie of a name as the browser sees it.
fn cookie<'a>(seen: &'a Value, list: &str, name: &str) -> Option<&'a Value> {
    seen[list].as_array().unwrap().iter().find(|cookie| cookie["name"] == name)
}

fn logs_in_and_out(seen: &Value) {
    assert_eq!(seen["loginPage"], "Log in", "{seen}");
    for name in [SESSION, LOGIN] {
        let cookie = cookie(seen, "cookies", name).unwrap_or_else(|| panic!("no {name}: {seen}"));
        assert_eq!(cookie["secure"], true, "{cookie}");
        assert_eq!(cookie["httpOnly"], true, "{cookie}");
        assert_eq!(cookie["sameSite"], "Lax", "{cookie}");
        assert_eq!(cookie["path"], "/", "{cookie}");
        assert_eq!(cookie["domain"], "localhost", "for this host alone: {cookie}");
    }
    assert_eq!(seen["scriptSees"], "", "no script sees a cookie");
    assert_eq!(seen["me"]["status"], 200, "{seen}");
    assert_eq!(seen["swagger"]["status"], 200, "{seen}");
    assert_eq!(seen["swagger"]["shown"], "200", "{seen}");
    assert_eq!(seen["meAfter"], 401, "{seen}");
    assert_eq!(cookie(seen, "cookiesAfter", SESSION), None, "{seen}");
}

/// Errors that the browser's console told, but for the 401 that the test asks for.
fn complaints(seen: &Value) -> Vec<&str> {
    let errors = seen["errors"].as_array().unwrap().iter().filter_map(Value::as_str);
    errors.filter(|error| !error.contains("401") && !error.contains("favicon")).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn chromium_logs_in_through_cognitos_hosted_form_and_out() {
    let (it, pool) = LoginApp::cognito().await;
    let subject = pool.person("grace").await;
    let member_id = it.member(&it.tenant, &subject, Role::Member).await;
    let seen = browse(&it, "cookie", "grace").await;
    logs_in_and_out(&seen);
    assert_eq!(seen["me"]["body"]["id"], member_id.to_string());
    assert_eq!(seen["afterLogout"], it.at("/login"), "{seen}");
    assert_eq!(complaints(&seen), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn chromium_logs_in_through_an_issuer_by_the_standard_and_out() {
    let it = LoginApp::standard().await;
    let member_id = it.member(&it.tenant, "grace", Role::Member).await;
    let seen = browse(&it, "cookie", "grace").await;
    logs_in_and_out(&seen);
    assert_eq!(seen["me"]["body"]["id"], member_id.to_string());
    let asked = seen["issuerLogout"].as_str().unwrap();
    assert!(asked.starts_with(&format!("{}/session/end", it.issuer)), "{seen}");
    assert_eq!(seen["afterLogout"], it.at("/login"), "{seen}");
    assert_eq!(complaints(&seen), Vec::<&str>::new());
}

fn authorized_in_swagger(seen: &Value) {
    let url = reqwest::Url::parse(seen["authorizationUrl"].as_str().unwrap()).unwrap();
    let sent = |name: &str| {
        let found = url.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    };
    assert_eq!(sent("code_challenge_method").as_deref(), Some("S256"), "{url}");
    assert!(sent("code_challenge").is_some_and(|challenge| challenge.len() >= 43), "{url}");
    assert_eq!(seen["swagger"]["status"], 200, "{seen}");
    assert_eq!(seen["swagger"]["shown"], "200", "{seen}");
    let sent = seen["swagger"]["sent"].as_array().unwrap();
    assert!(sent.contains(&json!("authorization")), "by the token: {seen}");
    assert_eq!(complaints(seen), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn chromium_authorizes_in_swagger_through_cognito_with_pkce() {
    let (listener, address) = listen().await;
    let pool = Cognito::shared().await.pool(&address).await;
    let mut settings = pool.settings();
    settings.push(("PIDIMA_OIDC_COGNITO_SWAGGER_CLIENT_ID".to_owned(), pool.client_id.clone()));
    let it = LoginApp::start(listener, address, settings, &[], pool.issuer(), "cognito").await;
    let subject = pool.person("grace").await;
    let member_id = it.member(&it.tenant, &subject, Role::Member).await;
    let seen = browse(&it, "swagger", "grace").await;
    authorized_in_swagger(&seen);
    assert_eq!(seen["swagger"]["body"]["id"], member_id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium"]
async fn chromium_authorizes_in_swagger_through_an_issuer_by_the_standard_with_pkce() {
    let (listener, address) = listen().await;
    let issuer = Issuer::shared().await;
    let client = issuer.client(&address).await;
    let mut settings = issuer.settings(&client);
    settings.push(("PIDIMA_OIDC_STANDARD_SWAGGER_CLIENT_ID".to_owned(), client));
    settings.push(("PIDIMA_OIDC_STANDARD_AUDIENCES".to_owned(), "urn:pidima:test".to_owned()));
    let address_of_issuer = issuer.address.clone();
    let it = LoginApp::start(listener, address, settings, &[], address_of_issuer, "standard").await;
    let member_id = it.member(&it.tenant, "grace", Role::Member).await;
    let seen = browse(&it, "swagger", "grace").await;
    authorized_in_swagger(&seen);
    assert_eq!(seen["swagger"]["body"]["id"], member_id.to_string());
}
