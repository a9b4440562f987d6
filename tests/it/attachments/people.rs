//! Whoever may ask in a session may attach to it, and whoever may read it sees what is attached.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::{QUESTION, VALVE, ask, attach, cites, items, open, path, send};
use crate::api::problem;
use crate::support::TestApp;

#[tokio::test]
async fn members_attach_to_their_own_sessions_and_see_no_others() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await;
    let (ada, bob) = (owner.as_member("member").await, owner.as_member("member").await);
    let session = open(&ada, &json!({})).await;
    let attached = attach(&ada, &session, "valve.md", VALVE).await;
    assert!(cites(&ask(&ada, &session, QUESTION).await, &attached));
    let place = format!("{}/{}", path(&session), attached["id"].as_str().unwrap());
    problem(&bob.get(&path(&session)).await, 404, "not_found");
    problem(&bob.get(&place).await, 404, "not_found");
    problem(&bob.delete(&place).await, 404, "not_found");
    problem(&send(&bob, &session, "b.md", VALVE.as_bytes()).await, 404, "not_found");
    // An analyst reads and changes nothing; an admin may do both. Reading the session of another is noted, once an hour.
    let analyst = owner.with_role("analyst").await;
    assert_eq!(items(&analyst, &path(&session)).await, std::slice::from_ref(&attached));
    assert_eq!(analyst.get(&place).await.expect(200), attached);
    problem(&send(&analyst, &session, "b.md", VALVE.as_bytes()).await, 403, "forbidden");
    problem(&analyst.delete(&place).await, 403, "forbidden");
    let noted = items(&owner, "/v1/audit_events?action=conversation.read").await;
    assert_eq!(noted.len(), 1, "{noted:?}");
    owner.delete(&place).await.expect(204);
    assert_eq!(items(&ada, &path(&session)).await, Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn a_key_of_certain_collections_reads_its_answers_from_attachments() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await;
    let guide = owner.learn("pumps.md", "# Pumps\n\nThe pump runs at 3 bar.\n").await;
    let body =
        json!({ "name": "narrow", "role": "member", "collection_ids": [guide["collection_id"]] });
    let key = owner.post("/v1/api_keys", &body).await.expect(201);
    let narrow = owner.with_key(key["secret"].as_str().unwrap());
    let session = open(&narrow, &json!({})).await;
    let attached = attach(&narrow, &session, "valve.md", VALVE).await;
    let answer = ask(&narrow, &session, QUESTION).await;
    assert!(cites(&answer, &attached), "{answer}");
    let messages = items(&narrow, &format!("/v1/sessions/{session}/messages")).await;
    assert_eq!(messages[1]["withheld"], false, "{messages:?}");
    assert_eq!(messages[1]["citations"], answer["citations"]);
    let citation = answer["citations"][0]["id"].as_str().unwrap();
    narrow.get(&format!("/v1/citations/{citation}")).await.expect(200);
}

#[tokio::test]
async fn the_trace_shows_passages_of_attachments_to_whoever_may_read_it() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await;
    let session = open(&owner, &json!({})).await;
    let attached = attach(&owner, &session, "valve.md", VALVE).await;
    let answer = ask(&owner, &session, QUESTION).await;
    let trace = format!("/v1/messages/{}/trace", answer["message_id"].as_str().unwrap());
    for reader in [owner.clone(), owner.with_role("analyst").await] {
        let trace = reader.get(&trace).await.expect(200);
        let candidate = &trace["candidates"][0];
        assert_eq!(candidate["document_id"], attached["id"], "{trace}");
        assert_eq!(candidate["withheld"], false, "{trace}");
        assert_eq!(trace["unread_attachments"], json!([]), "{trace}");
    }
}

#[tokio::test]
async fn the_audit_log_tells_that_a_file_came_and_went_and_not_what_it_was_called() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await;
    let session = open(&owner, &json!({})).await;
    let attached = attach(&owner, &session, "valve of Mr Smith.md", VALVE).await;
    let place = format!("{}/{}", path(&session), attached["id"].as_str().unwrap());
    owner.delete(&place).await.expect(204);
    for action in ["attachment.uploaded", "attachment.deleted"] {
        let noted = items(&owner, &format!("/v1/audit_events?action={action}")).await;
        assert_eq!(noted.len(), 1, "{action}");
        assert_eq!(noted[0]["target"]["id"], attached["id"], "{noted:?}");
        let text = noted[0].to_string();
        assert!(text.contains(&session) && !text.contains("Smith"), "{text}");
    }
    let all = items(&owner, "/v1/audit_events").await;
    assert!(!json!(all).to_string().contains("Smith"), "{all:?}");
}

#[tokio::test]
async fn end_users_of_a_widget_attach_nothing() {
    let app = TestApp::start().await;
    let owner = app.tenant("acme").await;
    let origin = "https://www.example.com";
    let body = json!({ "name": "widget", "role": "member", "kind": "publishable", "allowed_origins": [origin] });
    let widget = owner.post("/v1/api_keys", &body).await.expect(201);
    let signing =
        json!({ "api_key_id": widget["api_key"]["id"], "end_user": { "id": "customer-4711" } });
    let token = owner.post("/v1/widget_tokens", &signing).await.expect(201);
    let user = owner.with_key(token["token"].as_str().unwrap());
    let from_page =
        |method: Method, path: &str| user.request(method, path).header("origin", origin);
    let opened = user.send(from_page(Method::POST, "/v1/sessions").json(&json!({}))).await;
    let session = opened.expect(201)["id"].as_str().unwrap().to_owned();
    let file = Part::bytes(VALVE.as_bytes().to_vec()).file_name("valve.md");
    let sent = from_page(Method::POST, &path(&session)).multipart(Form::new().part("file", file));
    problem(&user.send(sent).await, 403, "forbidden");
    // Whoever sees all conversations may attach to theirs, and they ask about it.
    let attached = attach(&owner, &session, "valve.md", VALVE).await;
    let listed = user.send(from_page(Method::GET, &path(&session))).await.expect(200);
    assert_eq!(listed["items"][0]["id"], attached["id"], "{listed}");
    let place = format!("{}/{}", path(&session), attached["id"].as_str().unwrap());
    problem(&user.send(from_page(Method::DELETE, &place)).await, 403, "forbidden");
    let messages = format!("/v1/sessions/{session}/messages");
    let question = json!({ "content": QUESTION });
    let answer = user.send(from_page(Method::POST, &messages).json(&question)).await.expect(200);
    assert!(cites(&answer, &attached), "{answer}");
}
