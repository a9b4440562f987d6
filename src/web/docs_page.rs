//! The Swagger page: the framework's embedded Swagger UI, pointed at our finished document, and what it needs to log in
//! through an issuer.

use serde_json::{Value, json};

/// The framework's page made into ours. Only the client of the login is left open.
#[derive(Clone, Debug)]
pub struct DocsPage {
    before: String,
    after: String,
}

/// With which client, and for what, the page logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocsLogin {
    /// Name of the security scheme in the document.
    pub scheme: String,
    /// Public client.
    pub client_id: String,
    /// Scopes to ask for.
    pub scopes: Vec<String>,
    /// Where a login begins.
    pub authorization_url: String,
    /// Where a code becomes a token.
    pub token_url: String,
}

/// Where the issuer sends the window of the login back to.
pub const RECEIVER_PATH: &str = "/docs/oauth2-redirect.html";

/// Hands what the issuer sent to the page that opened the window, when the state is the one that page has sent.
pub const RECEIVER_SCRIPT: &str = "'use strict';
const login = window.opener && window.opener.swaggerUIRedirectOauth2;
const sent = new URLSearchParams(window.location.search);
// Objects of the page that asks: it does not take those of another window for plain ones.
const plain = (values) => Object.assign(new login.auth.constructor(), values);
const fail = (message) => login.errCb(plain({ authId: login.auth.name, source: 'auth', level: 'error', message }));
if (login) {
  if (sent.get('state') !== login.state) fail('The answer is not one to this login.');
  else if (!sent.get('code')) fail('The login provider ended the login: ' + (sent.get('error') || 'no code came'));
  else login.callback(plain({
    auth: Object.assign(login.auth, { code: sent.get('code') }), redirectUrl: login.redirectUrl,
  }));
}
window.close();
";

impl DocsPage {
    /// Turns the framework's page into one that loads `/openapi.json` (instead of the unfinished document that it holds
    /// inline), keeps the key over reloads and lets "Try it out" be used at once.
    ///
    /// # Errors
    /// The framework's page has another form than the one known: a test sees it when the version changes.
    pub fn new(framework_page: &str) -> Result<Self, UnknownPage> {
        let (before, rest) = framework_page.split_once("let spec = ").ok_or(UnknownPage)?;
        let (_inline, rest) = rest.split_once("SwaggerUIBundle({").ok_or(UnknownPage)?;
        let (options, after) = rest.split_once("})").ok_or(UnknownPage)?;
        let body = "<div id=\"ui\">";
        let title = "<title>Swagger UI</title>";
        if !options.contains("spec: spec,") || !before.contains(title) || !before.contains(body) {
            return Err(UnknownPage);
        }
        let before = before.replace(title, "<title>Pidima API</title>").replace(
            body,
            &format!(
                "<p style=\"font:14px sans-serif;text-align:right;margin:8px 20px\">\
                <a href=\"/login?return_to=/docs\">Log in</a> &middot; <a href=\"/logout\">Log out</a></p>{body}"
            ),
        );
        let options = options
            .replace(
                "spec: spec,",
                "url: '/openapi.json', persistAuthorization: true, tryItOutEnabled: true, displayRequestDuration: true,",
            )
            .replace(
                "oauth2RedirectUrl: oauth2RedirectUrl,",
                &format!("oauth2RedirectUrl: window.location.origin + '{RECEIVER_PATH}',"),
            );
        Ok(Self {
            before: format!("<!doctype html>{before}const ui = SwaggerUIBundle({{{options}}});\n"),
            after: after.to_owned(),
        })
    }

    /// The page; with the client of a login when there is one.
    pub fn html(&self, login: Option<&DocsLogin>) -> String {
        let init = login.map(|login| {
            let options = json!({
                "clientId": login.client_id,
                "scopes": login.scopes,
                "usePkceWithAuthorizationCodeGrant": true,
            });
            // In a script: nothing of it may look like the end of one.
            format!("    ui.initOAuth({});\n", options.to_string().replace('<', "\\u003c"))
        });
        format!("{}{}{}", self.before, init.unwrap_or_default(), self.after)
    }
}

/// The document with the logins of this server: a scheme for each, and every operation that takes a credential takes a
/// token of it.
pub fn with_logins(mut document: Value, logins: &[DocsLogin]) -> Value {
    for login in logins {
        let scopes: serde_json::Map<String, Value> =
            login.scopes.iter().map(|scope| (scope.clone(), json!(""))).collect();
        document["components"]["securitySchemes"][&login.scheme] = json!({
            "type": "oauth2",
            "description": format!("Log in through your login provider. Client: {}", login.client_id),
            "flows": { "authorizationCode": {
                "authorizationUrl": login.authorization_url,
                "tokenUrl": login.token_url,
                "scopes": scopes,
            } },
        });
        let operations = document["paths"].as_object_mut().into_iter().flat_map(|paths| {
            let items = paths.values_mut().filter_map(Value::as_object_mut);
            items.flat_map(serde_json::Map::values_mut)
        });
        for security in operations.filter_map(|each| each.get_mut("security")?.as_array_mut()) {
            if security.iter().any(|scheme| scheme.get("bearer").is_some()) {
                security.push(json!({ &login.scheme: login.scopes }));
            }
        }
    }
    document
}

/// The embedded page is not of the known form.
#[derive(Debug, thiserror::Error)]
#[error("the embedded Swagger page has another form than expected")]
pub struct UnknownPage;

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> DocsLogin {
        DocsLogin {
            scheme: "login_acme".to_owned(),
            client_id: "</script><script>alert(1)".to_owned(),
            scopes: vec!["openid".to_owned()],
            authorization_url: "https://issuer.example/authorize".to_owned(),
            token_url: "https://issuer.example/token".to_owned(),
        }
    }

    #[test]
    fn a_client_cannot_end_the_script_that_names_it() {
        let page = DocsPage::new(
            "<title>Swagger UI</title><div id=\"ui\"></div><script>let spec = {}; SwaggerUIBundle({ spec: spec, })</script>",
        );
        let html = page.unwrap().html(Some(&login()));
        assert_eq!(html.matches("</script>").count(), 1, "{html}");
        assert!(html.contains("usePkceWithAuthorizationCodeGrant"), "{html}");
    }

    #[test]
    fn operations_with_a_credential_take_a_login_and_open_ones_stay_open() {
        let document = json!({ "components": { "securitySchemes": {} }, "paths": {
            "/a": { "get": { "security": [{ "bearer": [] }] }, "post": {} },
        } });
        let document = with_logins(document, &[login()]);
        let security = &document["paths"]["/a"]["get"]["security"];
        assert_eq!(*security, json!([{ "bearer": [] }, { "login_acme": ["openid"] }]));
        assert!(document["paths"]["/a"]["post"].get("security").is_none());
    }
}
