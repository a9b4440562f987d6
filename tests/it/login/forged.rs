//! ID tokens that an issuer of the attacker's making signs: each is a good one with one thing wrong, beside good ones that
//! differ as little and log in. And codes of another login.

use chrono::Utc;
use pidima::identity::Role;
use serde_json::{Value, json};

use super::setup::{LoginApp, listen, told};
use crate::support::issuers::provider_settings;
use crate::support::{Browser, Visit};
use crate::tokens::issuer::{Issuer, TestKey, encode};

const CLIENT: &str = "pidima-web";
const PERSON: &str = "ada";

/// The application with the issuer as its only provider, and a member.
async fn start(keys: Vec<TestKey>) -> (LoginApp, Issuer) {
    let (listener, address) = listen().await;
    let issuer = Issuer::start(keys).await;
    let settings = provider_settings("STANDARD", &issuer.url, CLIENT);
    let url = issuer.url.clone();
    let it = LoginApp::start(listener, address, settings, &[], url, "standard").await;
    it.member(&it.tenant, PERSON, Role::Member).await;
    (it, issuer)
}

/// A login that was begun: what the issuer was told.
struct Begun {
    browser: Browser,
    visit: Visit,
}

impl Begun {
    async fn new(it: &LoginApp) -> Self {
        let browser = Browser::default();
        let own = [("sec-fetch-site", "same-origin")];
        let url = it.at("/login/standard");
        let visit = browser.send(reqwest::Method::GET, &url, None, &own).await;
        assert_eq!(visit.reply.status, 303, "{}", visit.reply.text());
        Self { browser, visit }
    }

    fn sent(&self, name: &str) -> String {
        self.visit.sent(name).unwrap()
    }

    /// Comes back with a code.
    async fn back(&self, it: &LoginApp, code: &str) -> Visit {
        let mut url = reqwest::Url::parse(&it.at("/login/callback")).unwrap();
        url.query_pairs_mut().append_pair("state", &self.sent("state")).append_pair("code", code);
        self.browser.get(url).await
    }
}

/// Claims of a good ID token with some set; null takes one out.
fn claims(issuer: &Issuer, nonce: &str, changes: &Value) -> Value {
    let now = Utc::now().timestamp();
    let mut claims = json!({
        "iss": issuer.url, "sub": PERSON, "aud": CLIENT, "nonce": nonce, "iat": now, "exp": now + 600,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

/// Logs in with an ID token that is made of the login's nonce.
async fn log_in(it: &LoginApp, issuer: &Issuer, token: impl Fn(&str) -> String) -> (Begun, Visit) {
    let begun = Begun::new(it).await;
    let code = issuer.code(&begun.sent("code_challenge"), &token(&begun.sent("nonce")));
    let visit = begun.back(it, &code).await;
    (begun, visit)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_token_with_one_thing_wrong_logs_nobody_in() {
    let (key, ec) = (TestKey::rsa("key-1"), TestKey::ec("key-2"));
    let (it, issuer) = start(vec![key.clone(), ec.clone()]).await;
    let now = Utc::now().timestamp();
    let good = [
        ("as it should be", json!({})),
        ("an audience in a list", json!({ "aud": [CLIENT] })),
        ("the party named", json!({ "azp": CLIENT })),
        ("a clock that is a little ahead", json!({ "iat": now + 20, "nbf": now + 20 })),
        ("expired a moment ago", json!({ "exp": now - 20 })),
    ];
    for (name, changes) in &good {
        let (begun, visit) =
            log_in(&it, &issuer, |nonce| key.sign(&claims(&issuer, nonce, changes))).await;
        assert_eq!(visit.reply.status, 303, "{name}: {}", visit.reply.text());
        assert!(it.session_cookie(&begun.browser).is_some(), "{name}");
    }
    let (_, visit) =
        log_in(&it, &issuer, |nonce| ec.sign(&claims(&issuer, nonce, &json!({})))).await;
    assert_eq!(visit.reply.status, 303, "another key: {}", visit.reply.text());

    let wrong = [
        ("another audience", json!({ "aud": "another-client" })),
        ("no audience", json!({ "aud": null })),
        ("an empty list of audiences", json!({ "aud": [] })),
        ("another audience beside ours", json!({ "aud": [CLIENT, "another-client"] })),
        ("another party", json!({ "azp": "another-client" })),
        ("another nonce", json!({ "nonce": "0".repeat(64) })),
        ("no nonce", json!({ "nonce": null })),
        ("an empty nonce", json!({ "nonce": "" })),
        ("another issuer", json!({ "iss": "https://login.example" })),
        ("the issuer with a slash", json!({ "iss": format!("{}/", issuer.url) })),
        ("no issuer", json!({ "iss": null })),
        ("expired", json!({ "exp": now - 31 })),
        ("no end", json!({ "exp": null })),
        ("issued later", json!({ "iat": now + 60 })),
        ("not good yet", json!({ "nbf": now + 60 })),
        ("an access token", json!({ "token_use": "access" })),
        ("nobody", json!({ "sub": "" })),
        ("no subject", json!({ "sub": null })),
        ("a subject that is a number", json!({ "sub": 7 })),
    ];
    let mut refused = 0;
    for (name, changes) in &wrong {
        refused +=
            refusal(&it, &issuer, name, |nonce| key.sign(&claims(&issuer, nonce, changes))).await;
    }
    let other = TestKey::other_rsa("key-1");
    let plain = |nonce: &str| claims(&issuer, nonce, &json!({}));
    refused +=
        refusal(&it, &issuer, "a key of somebody else", |nonce| other.sign(&plain(nonce))).await;
    refused +=
        refusal(&it, &issuer, "an unknown key", |nonce| TestKey::ec("key-9").sign(&plain(nonce)))
            .await;
    refused += refusal(&it, &issuer, "no algorithm", |nonce| {
        let head = encode(json!({ "alg": "none", "kid": "key-1" }).to_string());
        format!("{head}.{}.", encode(plain(nonce).to_string()))
    })
    .await;
    refused += refusal(&it, &issuer, "the signature of another token", |nonce| {
        let (one, two) = (key.sign(&plain("other")), key.sign(&plain(nonce)));
        let signature = one.rsplit('.').next().unwrap();
        let (signed, _) = two.rsplit_once('.').unwrap();
        format!("{signed}.{signature}")
    })
    .await;
    println!("{refused} forged ID tokens, none let in; {} good ones were", good.len() + 1);
    assert_eq!(it.sessions().await, i64::try_from(good.len()).unwrap() + 1);
}

/// Counts one refusal, which must not log in and must not tell why.
async fn refusal(
    it: &LoginApp,
    issuer: &Issuer,
    name: &str,
    token: impl Fn(&str) -> String,
) -> usize {
    let (begun, visit) = log_in(it, issuer, token).await;
    // What can not be read as an ID token at all is a fault of the provider.
    match visit.reply.status.as_u16() {
        503 => told(&visit, 503, "The login provider can not be reached"),
        _ => told(&visit, 400, "This login can not be finished"),
    }
    assert_eq!(it.session_cookie(&begun.browser), None, "{name}");
    1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_one_login_is_worth_nothing_in_another() {
    let key = TestKey::rsa("key-1");
    let (it, issuer) = start(vec![key.clone()]).await;
    let (victim, attacker) = (Begun::new(&it).await, Begun::new(&it).await);
    // The attacker has a code for themselves and leads the victim's browser back with it: the verifier is the victim's.
    let token = key.sign(&claims(&issuer, &victim.sent("nonce"), &json!({})));
    let code = issuer.code(&attacker.sent("code_challenge"), &token);
    let visit = victim.back(&it, &code).await;
    told(&visit, 400, "This login can not be finished");
    assert_eq!(it.session_cookie(&victim.browser), None);
    // With the right challenge, and the ID token of the other login: the nonce is not this one's.
    let victim = Begun::new(&it).await;
    let token = key.sign(&claims(&issuer, &attacker.sent("nonce"), &json!({})));
    let code = issuer.code(&victim.sent("code_challenge"), &token);
    told(&victim.back(&it, &code).await, 400, "This login can not be finished");
    assert_eq!(it.sessions().await, 0);
    // The attacker's own login is untouched, and its code is good once.
    let token = key.sign(&claims(&issuer, &attacker.sent("nonce"), &json!({})));
    let code = issuer.code(&attacker.sent("code_challenge"), &token);
    assert_eq!(attacker.back(&it, &code).await.reply.status, 303);
    assert_eq!(it.sessions().await, 1);
}
