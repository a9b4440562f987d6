//! Widget tokens: an end user sees their own conversations with every token of theirs, and nobody else's with any.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use pidima::adapters::models::ExtractiveModel;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ORIGIN, audited, from_page, id, make, me_from_page, path, publishable, secret, token};
use crate::api::problem;
use crate::support::{Reply, TestApp, TestTenant};

async fn get(tenant: &TestTenant, token: &str, path: &str) -> Reply {
    tenant.send(from_page(tenant, token, Method::GET, path)).await
}

async fn post(tenant: &TestTenant, token: &str, path: &str, body: &Value) -> Reply {
    tenant.send(from_page(tenant, token, Method::POST, path).json(body)).await
}

/// A session of an end user with a question that holds a mark; the paths of session, messages and answer.
async fn converse(tenant: &TestTenant, token: &str, mark: &str) -> [String; 3] {
    let opened = post(tenant, token, "/v1/sessions", &json!({ "title": mark })).await.expect(201);
    let session = format!("/v1/sessions/{}", opened["id"].as_str().unwrap());
    let messages = format!("{session}/messages");
    let question = json!({ "content": format!("Which pump is {mark}?") });
    let answer = post(tenant, token, &messages, &question).await.expect(200);
    let message = format!("/v1/messages/{}", answer["message_id"].as_str().unwrap());
    [session, messages, message]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_user_keeps_their_conversations_from_token_to_token() {
    let app = TestApp::start().await;
    let owner = app.tenant("end-user").await;
    let key = publishable(&owner).await;
    let first = token(&owner, &key, "ada").await;
    let me = me_from_page(&owner, &first).await.expect(200);
    assert_eq!((&me["kind"], &me["name"]), (&json!("end_user"), &json!("ada")), "{me}");
    let paths = converse(&owner, &first, "canary-ada").await;
    let second = token(&owner, &key, "ada").await;
    assert_eq!(me_from_page(&owner, &second).await.expect(200)["id"], me["id"]);
    for path in &paths {
        get(&owner, &second, path).await.expect(200);
    }
    let listed = get(&owner, &second, "/v1/sessions").await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_end_user_reads_a_word_of_another() {
    let app = TestApp::start().await;
    let owner = app.tenant("end-users").await;
    let (widget, other_widget) = (publishable(&owner).await, publishable(&owner).await);
    let other_tenant = app.tenant("end-users-other").await;
    let foreign = publishable(&other_tenant).await;
    // The same name under another key is another person.
    let mut people = Vec::new();
    for (tenant, key, name, mark) in [
        (&owner, &widget, "ada", "canary-one"),
        (&owner, &widget, "bob", "canary-two"),
        (&owner, &other_widget, "ada", "canary-three"),
        (&other_tenant, &foreign, "ada", "canary-four"),
    ] {
        let token = token(tenant, key, name).await;
        let paths = converse(tenant, &token, mark).await;
        people.push((tenant, token, mark, paths));
    }
    let mut scanned = 0;
    for (tenant, token, mark, own) in &people {
        for (_, _, foreign, paths) in people.iter().filter(|person| person.2 != *mark) {
            let mut replies = vec![get(tenant, token, "/v1/sessions").await];
            for path in paths {
                let reply = get(tenant, token, path).await;
                problem(&reply, 404, "not_found");
                replies.push(reply);
            }
            let written = post(tenant, token, &paths[1], &json!({ "content": "And?" })).await;
            problem(&written, 404, "not_found");
            let delete = from_page(tenant, token, Method::DELETE, &paths[0]);
            problem(&tenant.send(delete).await, 404, "not_found");
            for reply in replies {
                scanned += reply.bytes.len();
                assert!(!reply.text().contains(foreign), "{mark} read {foreign}");
            }
        }
        assert!(get(tenant, token, &own[1]).await.text().contains(mark));
    }
    println!("{scanned} bytes scanned");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_from_the_origins_of_its_key_alone() {
    let app = TestApp::start().await;
    let owner = app.tenant("token-origin").await;
    let token = token(&owner, &publishable(&owner).await, "ada").await;
    me_from_page(&owner, &token).await.expect(200);
    let elsewhere = owner.with_key(&token);
    problem(&elsewhere.get("/v1/me").await, 401, "unauthenticated");
    let request = elsewhere.request(Method::GET, "/v1/me").header("origin", "https://evil.example");
    problem(&elsewhere.send(request).await, 401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lives_as_long_as_was_asked_within_the_limits() {
    let app = TestApp::start().await;
    let owner = app.tenant("token-life").await;
    let key = id(&publishable(&owner).await);
    let ask = |seconds: Value| {
        let mut body = json!({ "api_key_id": key, "end_user": { "id": "ada" } });
        if !seconds.is_null() {
            body["expires_in_seconds"] = seconds;
        }
        body
    };
    for (asked, seconds) in [(json!(null), 900), (json!(60), 60), (json!(3600), 3_600)] {
        let made = owner.post("/v1/widget_tokens", &ask(asked)).await.expect(201);
        let end: DateTime<Utc> = made["expires_at"].as_str().unwrap().parse().unwrap();
        let left = (end - Utc::now()).num_seconds();
        assert!((seconds - 10..=seconds).contains(&left), "{seconds}: {left}");
    }
    for wrong in [json!(59), json!(3_601)] {
        let refused = owner.post("/v1/widget_tokens", &ask(wrong)).await;
        problem(&refused, 422, "validation_failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_good_publishable_keys_within_reach_are_signed_for() {
    let app = TestApp::start().await;
    let owner = app.tenant("sign").await;
    let body =
        |key: &Value, end_user: Value| json!({ "api_key_id": id(key), "end_user": end_user });
    let ada = json!({ "id": "ada" });
    let widget = publishable(&owner).await;
    let secret_key = make(&owner, &json!({ "name": "k", "role": "member" })).await;
    let refused = owner.post("/v1/widget_tokens", &body(&secret_key, ada.clone())).await;
    problem(&refused, 422, "validation_failed");
    for end_user in [
        json!({ "id": "" }),
        json!({ "id": " ada" }),
        json!({ "id": "a\u{0}da" }),
        json!({ "id": "x".repeat(201) }),
        json!({}),
    ] {
        let refused = owner.post("/v1/widget_tokens", &body(&widget, end_user)).await;
        assert!(matches!(refused.status.as_u16(), 400 | 422), "{}", refused.text());
    }
    let collection = owner.post("/v1/collections", &json!({ "name": "one" })).await.expect(201);
    let limited = json!({ "name": "l", "role": "member", "collection_ids": [collection["id"]] });
    let limited = owner.with_key(&secret(&make(&owner, &limited).await));
    let refused = limited.post("/v1/widget_tokens", &body(&widget, ada.clone())).await;
    problem(&refused, 403, "forbidden");
    owner.delete(&path(&widget)).await.expect(204);
    let refused = owner.post("/v1/widget_tokens", &body(&widget, ada)).await;
    problem(&refused, 409, "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_secret_nothing_is_signed_and_the_setting_is_named() {
    let model = Arc::new(ExtractiveModel);
    let app = TestApp::start_with(&[("PIDIMA_SIGNING_SECRET", "")], model).await;
    let owner = app.tenant("no-secret").await;
    let key = publishable(&owner).await;
    let body = json!({ "api_key_id": id(&key), "end_user": { "id": "ada" } });
    let refused = problem(&owner.post("/v1/widget_tokens", &body).await, 409, "conflict");
    assert!(refused["detail"].as_str().unwrap().contains("PIDIMA_SIGNING_SECRET"), "{refused}");
    let asked = from_page(&owner, &secret(&key), Method::GET, "/v1/me").header("x", ORIGIN);
    assert_eq!(owner.send(asked).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn below_the_admins_only_a_key_that_names_the_scope_signs_for_end_users() {
    let app = TestApp::start().await;
    let owner = app.tenant("who-signs").await;
    let widget = publishable(&owner).await;
    let body = json!({ "api_key_id": id(&widget), "end_user": { "id": "ada" } });
    for role in ["member", "editor"] {
        let plain = make(&owner, &json!({ "name": "plain", "role": role })).await;
        let scopes = plain["api_key"]["scopes"].as_array().unwrap();
        assert!(!scopes.contains(&json!("widgets:sign")), "{role}: {scopes:?}");
        let person = owner.as_member(role).await;
        for lacking in [owner.with_key(&secret(&plain)), person] {
            let refused = lacking.post("/v1/widget_tokens", &body).await;
            let refused = problem(&refused, 403, "forbidden");
            assert!(refused["detail"].as_str().unwrap().contains("widgets:sign"), "{refused}");
        }
        let named = json!({ "name": "named", "role": role, "scopes": ["widgets:sign"] });
        let named = owner.with_key(&secret(&make(&owner, &named).await));
        named.post("/v1/widget_tokens", &body).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_signs_for_an_end_user_stands_in_the_audit_log_without_the_token() {
    let app = TestApp::start().await;
    let owner = app.tenant("person-signs").await;
    let widget = publishable(&owner).await;
    let body = json!({ "api_key_id": id(&widget), "end_user": { "id": "ada" } });
    owner.post("/v1/widget_tokens", &body).await.expect(201);
    assert_eq!(audited(&app, &id(&widget)).await, ["api_key.created"]);
    let admin = owner.as_member("admin").await;
    let made = admin.post("/v1/widget_tokens", &body).await.expect(201);
    assert_eq!(audited(&app, &id(&widget)).await, ["api_key.created", "widget_token.created"]);
    let log = owner.get("/v1/audit_events?action=widget_token.created").await;
    let entry = log.json()["items"][0].clone();
    assert_eq!(entry["actor"]["id"], json!(admin.member_id), "{entry}");
    assert_eq!(entry["after"]["end_user"], "ada", "{entry}");
    let token = made["token"].as_str().unwrap();
    assert!(!log.text().contains(token.rsplit('.').next().unwrap()), "{entry}");
}
