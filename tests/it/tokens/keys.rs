//! Keys that change while tokens come in, and an issuer that answers nonsense or not at all.

use std::time::{Duration, Instant};

use pidima::adapters::oidc::{OidcLimits, ProviderRegistry, ProviderSettings};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::issuer::{Fault, Issuer, TestKey, answer};
use super::{CLIENT, Setup, claims, with};
use crate::support::eventually;
use pidima::identity::{Denied, Role};

fn settings(issuer: &Issuer) -> ProviderSettings {
    ProviderSettings {
        name: "main".to_owned(),
        issuer: issuer.url.clone(),
        client_id: CLIENT.to_owned(),
        client_secret: None,
        audiences: vec![],
        discovery_url: None,
        jwks_uri: Some(format!("{}/jwks", issuer.url)),
        authorization_endpoint: None,
        token_endpoint: None,
        end_session_endpoint: None,
        scopes: vec![],
        tenant_claim: None,
        groups_claim: "groups".to_owned(),
        group_prefix: None,
        swagger_client_id: None,
    }
}

/// A registry with one provider and limits that a test can wait for.
fn registry(settings: ProviderSettings, limits: OidcLimits) -> ProviderRegistry {
    ProviderRegistry::new(vec![settings], limits, TaskTracker::new()).unwrap()
}

fn no_pause() -> OidcLimits {
    OidcLimits { pause: Duration::ZERO, ..OidcLimits::default() }
}

#[tokio::test]
async fn the_first_token_of_a_new_key_is_let_in() {
    let setup = Setup::start().await;
    let tenant = setup.app.tenant("rotation").await;
    setup.join(tenant.id, "person-1", Role::Member).await;
    let old = setup.main.key.clone();
    setup.verify(&old.sign(&claims(&setup.main, "person-1"))).await.unwrap();
    assert_eq!(setup.main.keys_asked(), 1);
    let new = TestKey::ec("key-2");
    setup.main.publish(&[old.clone(), new.clone()]);
    setup.verify(&new.sign(&claims(&setup.main, "person-1"))).await.unwrap();
    assert_eq!(setup.main.keys_asked(), 2, "one request for the new key");
    setup.verify(&old.sign(&claims(&setup.main, "person-1"))).await.unwrap();
    // The old key is withdrawn: the next fetch drops it.
    let newest = TestKey::ec("key-3");
    setup.main.publish(&[new, newest.clone()]);
    setup.verify(&newest.sign(&claims(&setup.main, "person-1"))).await.unwrap();
    let late = setup.verify(&old.sign(&claims(&setup.main, "person-1"))).await;
    assert!(matches!(late, Err(Denied::Unknown)), "{late:?}");
}

#[tokio::test]
async fn two_keys_of_one_id_are_both_tried() {
    let setup = Setup::start().await;
    let tenant = setup.app.tenant("twins").await;
    setup.join(tenant.id, "person-1", Role::Member).await;
    let (one, two, ec) = (TestKey::rsa("same"), TestKey::other_rsa("same"), TestKey::ec("same"));
    setup.main.publish(&[one.clone(), two.clone(), ec.clone()]);
    for key in [&one, &two, &ec] {
        setup.verify(&key.sign(&claims(&setup.main, "person-1"))).await.unwrap();
    }
    let stranger = TestKey::ec("same").sign(&claims(&setup.main, "person-1"));
    assert!(setup.verify(&stranger).await.is_err());
    assert_eq!(setup.main.keys_asked(), 1);
}

#[tokio::test]
async fn only_public_keys_that_sign_are_taken() {
    let issuer = Issuer::start(vec![TestKey::rsa("good")]).await;
    let rsa = |changes: Value| with(TestKey::rsa("bad").jwk(), changes);
    let ec = |changes: Value| with(TestKey::ec("bad").jwk(), changes);
    let short = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 1024).unwrap();
    let short = super::issuer::encode(rsa::traits::PublicKeyParts::n(&short).to_bytes_be());
    for (name, key) in [
        ("a shared secret", json!({ "kty": "oct", "kid": "bad", "k": "c2VjcmV0", "alg": "HS256" })),
        ("for encryption", rsa(json!({ "use": "enc" }))),
        ("for wrapping keys", rsa(json!({ "use": null, "key_ops": ["wrapKey"] }))),
        ("another algorithm", rsa(json!({ "alg": "RS1" }))),
        ("an algorithm that is no text", rsa(json!({ "alg": 7 }))),
        ("RSA called ES256", rsa(json!({ "alg": "ES256" }))),
        ("1024 bits", rsa(json!({ "n": short }))),
        ("an exponent of 1", rsa(json!({ "e": "AQ" }))),
        ("another curve", ec(json!({ "crv": "P-521" }))),
        ("half a point", ec(json!({ "y": null }))),
        ("a short coordinate", ec(json!({ "x": "AQAB" }))),
        ("Ed25519", json!({ "kty": "OKP", "crv": "Ed25519", "kid": "bad", "x": "AQAB" })),
        ("an id that is a list", rsa(json!({ "kid": ["bad"] }))),
        ("no key at all", json!("bad")),
    ] {
        issuer.publish_raw(vec![TestKey::rsa("good").jwk(), key]);
        let registry = registry(settings(&issuer), no_pause());
        let provider = registry.get("main").unwrap();
        assert_eq!(provider.keys("good").await.unwrap().len(), 1, "{name}");
        assert!(provider.keys("bad").await.unwrap().is_empty(), "{name}");
    }
    for (keys, taken) in [(20, true), (21, false)] {
        let many = (0..keys).map(|each| TestKey::rsa(&format!("key-{each}")).jwk()).collect();
        issuer.publish_raw(many);
        let registry = registry(settings(&issuer), no_pause());
        let found = registry.get("main").unwrap().keys("key-0").await;
        assert_eq!(found.is_ok(), taken, "{keys} keys: {found:?}");
    }
}

/// What an issuer may do wrong, and how it looks.
fn faults() -> Vec<(&'static str, Fault)> {
    let with_body = |body: &str| Fault::Answer(answer("200 OK", "", body));
    let metadata = "location: http://169.254.169.254/latest/meta-data/\r\n";
    vec![
        ("500", Fault::Answer(answer("500 Internal Server Error", "", "{}"))),
        ("204", Fault::Answer(answer("204 No Content", "", ""))),
        ("empty", with_body("")),
        ("no JSON", with_body("<html>")),
        ("no keys", with_body(r#"{"keys":[]}"#)),
        ("keys that are no list", with_body(r#"{"keys":{}}"#)),
        ("a list", with_body("[]")),
        ("10 MB", with_body(&format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(10_000_000)))),
        ("a redirect to 169.254.169.254", Fault::Answer(answer("302 Found", metadata, "{}"))),
        ("silence", Fault::Silence),
        ("closes at once", Fault::Answer(Vec::new())),
    ]
}

#[tokio::test]
async fn an_issuer_that_fails_is_answered_with_503_and_its_old_keys_hold() {
    let limits = OidcLimits {
        timeout: Duration::from_millis(300),
        // Every look-up asks, as if the keys were old.
        wait_after: Duration::ZERO,
        ..no_pause()
    };
    for (name, fault) in faults() {
        let issuer = Issuer::start(vec![TestKey::rsa("key-1")]).await;
        let registry = registry(settings(&issuer), limits.clone());
        let provider = registry.get("main").unwrap();
        issuer.fail(Some(fault.clone()));
        let began = Instant::now();
        let cold = provider.keys("key-1").await;
        assert!(cold.is_err(), "{name}: {cold:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{name}: {:?}", began.elapsed());
        issuer.fail(None);
        assert_eq!(provider.keys("key-1").await.unwrap().len(), 1, "{name}");
        issuer.fail(Some(fault));
        let asked = issuer.keys_asked();
        assert_eq!(provider.keys("key-1").await.unwrap().len(), 1, "{name}: old keys");
        assert_eq!(issuer.keys_asked(), asked + 1, "{name}: was asked");
    }
}

#[tokio::test]
async fn old_keys_do_not_hold_for_ever() {
    let limits = OidcLimits {
        wait_after: Duration::ZERO,
        stale_for: Duration::from_millis(150),
        ..no_pause()
    };
    let issuer = Issuer::start(vec![TestKey::rsa("key-1")]).await;
    let registry = registry(settings(&issuer), limits);
    let provider = registry.get("main").unwrap();
    provider.keys("key-1").await.unwrap();
    issuer.fail(Some(Fault::Answer(answer("500 Internal Server Error", "", "{}"))));
    assert!(provider.keys("key-1").await.is_ok(), "they are fresh still");
    eventually("the old keys are given up", || async { provider.keys("key-1").await.is_err() })
        .await;
}

#[tokio::test]
async fn keys_that_grow_old_are_refreshed_beside_the_requests() {
    let limits = OidcLimits { refresh_after: Duration::ZERO, ..OidcLimits::default() };
    let issuer = Issuer::start(vec![TestKey::rsa("key-1")]).await;
    let registry = registry(settings(&issuer), limits);
    let provider = registry.get("main").unwrap();
    provider.keys("key-1").await.unwrap();
    issuer.fail(Some(Fault::Silence));
    let began = Instant::now();
    assert_eq!(provider.keys("key-1").await.unwrap().len(), 1);
    assert!(began.elapsed() < Duration::from_secs(1), "it waited {:?}", began.elapsed());
    eventually("the issuer is asked", || async { issuer.keys_asked() == 2 }).await;
}

#[tokio::test]
async fn a_token_cannot_be_verified_without_keys_and_that_is_no_fault_of_its_holder() {
    let setup = Setup::start().await;
    let tenant = setup.app.tenant("away").await;
    setup.join(tenant.id, "person-1", Role::Member).await;
    setup.main.fail(Some(Fault::Answer(answer("500 Internal Server Error", "", "{}"))));
    let token = setup.main.key.sign(&claims(&setup.main, "person-1"));
    let reply = tenant.with_key(&token).get("/v1/me").await;
    let problem = reply.clone().expect(503);
    assert_eq!(problem["code"], "unavailable");
    assert!(reply.headers.contains_key("retry-after"));
    for _ in 0..20 {
        tenant.with_key(&token).get("/v1/me").await.expect(503);
    }
    assert_eq!(setup.main.keys_asked(), 1, "it is left alone for a while");
    // An API key needs no issuer.
    tenant.get("/v1/me").await.expect(200);
}

#[tokio::test]
async fn metadata_come_from_discovery_unless_they_are_set() {
    let issuer = Issuer::start(vec![TestKey::rsa("key-1")]).await;
    let discovered = ProviderSettings { jwks_uri: None, ..settings(&issuer) };
    let own = registry(discovered.clone(), no_pause());
    let provider = own.get("main").unwrap();
    assert_eq!(issuer.metadata_asked(), 0, "nothing is asked before it is needed");
    let (one, two) = tokio::join!(provider.metadata(), provider.metadata());
    assert_eq!(one.unwrap().token_endpoint, format!("{}/token", issuer.url));
    assert_eq!(two.unwrap().jwks_uri, format!("{}/jwks", issuer.url));
    provider.keys("key-1").await.unwrap();
    assert_eq!(issuer.metadata_asked(), 1, "asked once");

    let set = ProviderSettings {
        authorization_endpoint: Some("https://login.example/authorize".to_owned()),
        token_endpoint: Some("https://login.example/token".to_owned()),
        ..settings(&issuer)
    };
    let all_set = registry(set.clone(), no_pause());
    let metadata = all_set.get("main").unwrap().metadata().await.unwrap();
    assert_eq!(metadata.token_endpoint, "https://login.example/token");
    assert_eq!(issuer.metadata_asked(), 1, "nothing had to be asked");

    let one_set = ProviderSettings { token_endpoint: set.token_endpoint, ..discovered.clone() };
    let some_set = registry(one_set, no_pause());
    let metadata = some_set.get("main").unwrap().metadata().await.unwrap();
    assert_eq!(metadata.token_endpoint, "https://login.example/token");
    assert_eq!(metadata.authorization_endpoint, format!("{}/authorize", issuer.url));

    let slash = ProviderSettings { issuer: format!("{}/", issuer.url), ..discovered };
    let foreign = registry(slash, no_pause());
    let refused = foreign.get("main").unwrap().metadata().await;
    assert!(refused.is_err(), "the document is of another issuer: {refused:?}");
}

#[tokio::test]
async fn two_providers_cannot_share_a_name_or_an_issuer() {
    let issuer = Issuer::start(vec![TestKey::rsa("key-1")]).await;
    let one = settings(&issuer);
    for twin in [
        ProviderSettings { issuer: "https://b.example".to_owned(), ..one.clone() },
        ProviderSettings { name: "b".to_owned(), ..one.clone() },
    ] {
        let made = ProviderRegistry::new(
            vec![one.clone(), twin],
            OidcLimits::default(),
            TaskTracker::new(),
        );
        assert!(made.is_err());
    }
}
