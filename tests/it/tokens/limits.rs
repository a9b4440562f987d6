//! Limits on tokens and key documents: the last value that is let in, and the first that is not.

use pidima::identity::{Denied, Role};
use serde_json::{Value, json};

use super::issuer::{Fault, TestKey, answer};
use super::{CLIENT, Setup, claims, with};

#[tokio::test]
async fn a_token_may_have_8_kb_and_not_a_byte_more() {
    let setup = Setup::start().await;
    let tenant = setup.app.tenant("size").await;
    setup.join(tenant.id, "person-1", Role::Member).await;
    let body = claims(&setup.main, "person-1");
    let padded = |length: usize| {
        let filler = json!({ "filler": "x".repeat(length) });
        setup.main.key.sign(&with(body.clone(), filler))
    };
    // Three bytes of claims are four of the token.
    let fits = (5_000..).find(|length| padded(length + 1).len() > 8_192).unwrap();
    let (last, first) = (padded(fits), padded(fits + 1));
    assert!(last.len() > 8_188 && first.len() <= 8_194, "{} {}", last.len(), first.len());
    setup.verify(&last).await.unwrap();
    assert!(matches!(setup.verify(&first).await, Err(Denied::Unknown)));
}

#[tokio::test]
async fn key_ids_subjects_and_audiences_are_limited() {
    let setup = Setup::start().await;
    let tenant = setup.app.tenant("limits").await;
    let subject = "s".repeat(255);
    setup.join(tenant.id, &subject, Role::Member).await;
    let (last, first) = (TestKey::ec(&"k".repeat(200)), TestKey::ec(&"k".repeat(201)));
    setup.main.publish(&[setup.main.key.clone(), last.clone(), first.clone()]);
    let body = claims(&setup.main, &subject);
    setup.verify(&last.sign(&body)).await.unwrap();
    assert!(matches!(setup.verify(&first.sign(&body)).await, Err(Denied::Unknown)));
    let long = setup.verify(&last.sign(&claims(&setup.main, &"s".repeat(256)))).await;
    assert!(matches!(long, Err(Denied::TokenUnfit)), "{long:?}");
    let audience = |others: usize| -> Value {
        let others = (0..others).map(|each| format!("a{each}"));
        json!({ "aud": others.chain([CLIENT.to_owned()]).collect::<Vec<_>>() })
    };
    setup.verify(&last.sign(&with(body.clone(), audience(19)))).await.unwrap();
    let many = setup.verify(&last.sign(&with(body, audience(20)))).await;
    assert!(matches!(many, Err(Denied::TokenUnfit)), "{many:?}");
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let setup = Setup::start().await;
    let tenant = setup.app.tenant("skew").await;
    setup.join(tenant.id, "person-1", Role::Member).await;
    let now = chrono::Utc::now().timestamp();
    let verify = async |changes: Value| {
        let body = with(claims(&setup.main, "person-1"), json!({ "iat": null, "nbf": null }));
        setup.verify(&setup.main.key.sign(&with(body, changes))).await
    };
    assert!(matches!(verify(json!({ "exp": now - 60 })).await, Err(Denied::TokenExpired)));
    verify(json!({ "exp": now - 50 })).await.unwrap();
    verify(json!({ "nbf": now + 60, "iat": now + 60 })).await.unwrap();
    assert!(matches!(verify(json!({ "nbf": now + 75 })).await, Err(Denied::TokenUnfit)));
    assert!(matches!(verify(json!({ "iat": now + 75 })).await, Err(Denied::TokenUnfit)));
}

#[tokio::test]
async fn a_key_document_may_have_64_kb_and_not_a_byte_more() {
    for (size, taken) in [(65_535, true), (65_536, true), (65_537, false)] {
        let setup = Setup::start().await;
        let tenant = setup.app.tenant("document").await;
        setup.join(tenant.id, "person-1", Role::Member).await;
        let keys = json!({ "keys": [setup.main.key.jwk()] }).to_string();
        let document = format!("{keys}{}", " ".repeat(size - keys.len()));
        setup.main.fail(Some(Fault::Answer(answer("200 OK", "", &document))));
        let token = setup.main.key.sign(&claims(&setup.main, "person-1"));
        let verified = setup.verify(&token).await;
        assert_eq!(verified.is_ok(), taken, "{size} bytes: {verified:?}");
    }
}
