//! Addresses that a key may be used from: asked on each request, also while the key is remembered.

use reqwest::{Client, Method};
use serde_json::json;

use super::{audited, id, make, path, secret};
use crate::api::{contents, problem};
use crate::support::{Reply, TestApp, TestTenant, eventually};

/// `/v1/me` asked from an address of this machine.
async fn me_from(tenant: &TestTenant, app: &TestApp, address: &str, key: &str) -> Reply {
    let client = Client::builder().local_address(address.parse().ok()).build().unwrap();
    let request = client.request(Method::GET, format!("{}/v1/me", app.url)).bearer_auth(key);
    tenant.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remembered_key_is_refused_from_an_address_outside_its_ranges() {
    let app = TestApp::start().await;
    let owner = app.tenant("addresses").await;
    let body =
        json!({ "name": "k", "role": "member", "allowed_addresses": ["127.0.0.2", "10.0.0.0/8"] });
    let created = make(&owner, &body).await;
    assert_eq!(created["api_key"]["allowed_addresses"], json!(["127.0.0.2/32", "10.0.0.0/8"]));
    let key = secret(&created);
    for _ in 0..5 {
        me_from(&owner, &app, "127.0.0.2", &key).await.expect(200);
        let refused = me_from(&owner, &app, "127.0.0.3", &key).await;
        let refused = problem(&refused, 401, "unauthenticated");
        let text = refused.to_string();
        assert!(!text.contains("127.0.0.2") && !text.contains("10.0.0"), "{text}");
    }
    eventually("the refusal is noted", || async {
        audited(&app, &id(&created)).await.contains(&"api_key.refused".to_owned())
    })
    .await;
    let noted = audited(&app, &id(&created)).await;
    // Five refusals within a minute are one entry.
    assert_eq!(noted, ["api_key.created", "api_key.refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_use_is_no_use() {
    let app = TestApp::start().await;
    let owner = app.tenant("no-use").await;
    let body = json!({ "name": "k", "role": "member", "allowed_addresses": ["10.0.0.0/8"] });
    let created = make(&owner, &body).await;
    problem(&me_from(&owner, &app, "127.0.0.2", &secret(&created)).await, 401, "unauthenticated");
    eventually("the refusal is noted", || async { audited(&app, &id(&created)).await.len() == 2 })
        .await;
    let shown = owner.get(&path(&created)).await.expect(200);
    assert!(shown.get("last_used_at").is_none(), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_list_of_addresses_holds_within_five_seconds() {
    let app = TestApp::start().await;
    let owner = app.tenant("new-addresses").await;
    let created = make(&owner, &json!({ "name": "k", "role": "member" })).await;
    let key = secret(&created);
    me_from(&owner, &app, "127.0.0.2", &key).await.expect(200);
    let change = json!({ "allowed_addresses": ["::ffff:127.0.0.3"] });
    let changed = owner.patch(&path(&created), &change).await.expect(200);
    assert_eq!(changed["allowed_addresses"], json!(["127.0.0.3/32"]));
    let since = std::time::Instant::now();
    eventually("the old address is refused", || async {
        me_from(&owner, &app, "127.0.0.2", &key).await.status == 401
    })
    .await;
    assert!(since.elapsed().as_secs() < 7, "{:?}", since.elapsed());
    me_from(&owner, &app, "127.0.0.3", &key).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_range_is_refused_and_so_are_too_many() {
    let app = TestApp::start().await;
    let owner = app.tenant("bad-ranges").await;
    let before = contents(&app).await;
    let many: Vec<String> = (0..51).map(|number| format!("10.0.{number}.0/24")).collect();
    for wrong in [
        json!(["10.0.0.0/33"]),
        json!(["example.com"]),
        json!([""]),
        json!(["10.0.0.1", "10.0.0"]),
        json!([format!("{}1", "0".repeat(10_000))]),
        json!(many),
    ] {
        let body = json!({ "name": "k", "role": "member", "allowed_addresses": wrong });
        problem(&owner.post("/v1/api_keys", &body).await, 422, "validation_failed");
    }
    assert_eq!(contents(&app).await, before);
    let body = json!({ "name": "k", "role": "member", "allowed_addresses": many[..50] });
    make(&owner, &body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_query_string_is_not_read() {
    let app = TestApp::start().await;
    let owner = app.tenant("query").await;
    let names = ["access_token", "api_key", "key", "token", "authorization"];
    for name in names {
        let url = format!("{}/v1/me?{name}={}", app.url, owner.key);
        let reply = owner.send(Client::new().get(url)).await;
        problem(&reply, 401, "unauthenticated");
    }
}
