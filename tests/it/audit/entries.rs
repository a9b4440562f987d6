//! What is noted: changes once, with what was there before; and who read what others asked.

use reqwest::Method;
use serde_json::{Value, json};

use super::entries;
use crate::support::TestApp;

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_collections_documents_and_sessions_is_noted_once() {
    let app = TestApp::start().await;
    let owner = app.tenant("noted").await;
    let collection = json!({ "name": "manuals" });
    let collection = id(&owner.post("/v1/collections", &collection).await.expect(201));
    let path = format!("/v1/collections/{collection}");
    owner.patch(&path, &json!({ "description": "pumps" })).await.expect(200);
    // Nothing changes, nothing is noted.
    owner.patch(&path, &json!({ "description": "pumps" })).await.expect(200);
    let document = id(&owner.learn("pump.md", "# Pump\n\nIt runs at 3 bar.").await);
    assert_eq!(owner.upload("pump.md", "# Pump\n\nIt runs at 3 bar.").await.status, 200);
    let of_document = format!("/v1/documents/{document}");
    let metadata = json!({ "metadata": { "pressure": 3.5 } });
    owner.patch(&of_document, &metadata).await.expect(200);
    owner.patch(&of_document, &metadata).await.expect(200);
    let session = id(&owner.post("/v1/sessions", &json!({ "title": "t" })).await.expect(201));
    owner.delete(&format!("/v1/sessions/{session}")).await.expect(204);
    owner.delete(&of_document).await.expect(204);
    owner.delete(&path).await.expect(204);
    for missing in [&path, &of_document] {
        owner.delete(missing).await.expect(404);
        owner.patch(missing, &json!({})).await.expect(404);
    }

    for (action, target, count) in [
        ("collection.updated", &collection, 1),
        ("collection.deleted", &collection, 1),
        ("document.uploaded", &document, 1),
        ("document.updated", &document, 1),
        ("document.deleted", &document, 1),
        ("session.deleted", &session, 1),
    ] {
        let found = entries(&owner, action).await;
        assert_eq!(found.len(), count, "{action}: {found:?}");
        assert_eq!(found[0]["target"]["id"], **target, "{action}");
        assert_eq!(found[0]["actor"]["name"], "tests", "{action}");
        assert!(found[0]["request_id"].is_string(), "{action}: {found:?}");
    }
    let created = entries(&owner, "collection.created").await;
    assert_eq!(created.len(), 2, "manuals, and the default one: {created:?}");
    let updated = &entries(&owner, "collection.updated").await[0];
    assert_eq!(updated["before"], json!({ "name": "manuals", "description": "" }));
    assert_eq!(updated["after"], json!({ "name": "manuals", "description": "pumps" }));
    let deleted = &entries(&owner, "document.deleted").await[0];
    assert_eq!(deleted["before"]["name"], "pump.md");
    let updated = &entries(&owner, "document.updated").await[0];
    assert_eq!(updated["after"]["metadata"], "{\"pressure\":3.5}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_anothers_conversation_is_noted_without_a_word_of_it() {
    let app = TestApp::start().await;
    let owner = app.tenant("writers").await;
    let member = owner.with_role("member").await;
    let session = id(&member.post("/v1/sessions", &json!({ "title": "t" })).await.expect(201));
    let path = format!("/v1/sessions/{session}");
    let title = json!({ "title": "canary-title" });
    let question = json!({ "content": "Which canary-pump?" });
    for by in [&member, &owner] {
        by.patch(&path, &title).await.expect(200);
        by.post(&format!("{path}/messages"), &question).await.expect(200);
    }
    for action in ["session.updated", "session.message_added"] {
        let found = entries(&owner, action).await;
        assert_eq!(found.len(), 1, "one's own is no news: {found:?}");
        assert_eq!(found[0]["target"]["id"], *session, "{action}");
        assert!(!json!(found).to_string().contains("canary"), "{found:?}");
    }
    // A request that comes again does nothing, and is no news either.
    for is_again in [false, true] {
        let request = owner.request(Method::POST, &format!("{path}/messages"));
        let reply = owner.send(request.header("Idempotency-Key", "once").json(&question)).await;
        assert_eq!(reply.headers.contains_key("idempotency-replayed"), is_again);
        reply.expect(200);
        assert_eq!(entries(&owner, "session.message_added").await.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_what_others_asked_is_noted_once_an_hour_and_ones_own_never() {
    let app = TestApp::start().await;
    let owner = app.tenant("readers").await;
    let member = owner.with_role("member").await;
    let analyst = owner.with_role("analyst").await;
    let session = id(&member.post("/v1/sessions", &json!({ "title": "t" })).await.expect(201));
    let messages = format!("/v1/sessions/{session}/messages");
    let answer = member.post(&messages, &json!({ "content": "Which pump?" })).await.expect(200);
    let single = member.ask("Which valve?").await;
    let message = format!("/v1/messages/{}", answer["message_id"].as_str().unwrap());
    let single_id = single["message_id"].as_str().unwrap().to_owned();
    let single = format!("/v1/messages/{single_id}");
    let of_session = format!("/v1/sessions/{session}");
    for path in [&of_session, &messages, &message, &single] {
        member.get(path).await.expect(200);
    }
    member.get("/v1/sessions").await.expect(200);
    assert_eq!(entries(&owner, "conversation.read").await, Vec::<Value>::new());

    for path in [&of_session, &messages, &message, &of_session] {
        analyst.get(path).await.expect(200);
    }
    let noted = entries(&owner, "conversation.read").await;
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert_eq!(noted[0]["target"], json!({ "kind": "session", "id": session }));
    assert_eq!(noted[0]["actor"]["name"], "analyst");
    analyst.get(&single).await.expect(200);
    analyst.get("/v1/sessions").await.expect(200);
    analyst.get("/v1/sessions").await.expect(200);
    owner.post(&messages, &json!({ "content": "And the valve?" })).await.expect(200);
    let noted = entries(&owner, "conversation.read").await;
    let targets: Vec<&str> =
        noted.iter().map(|entry| entry["target"]["id"].as_str().unwrap()).collect();
    assert_eq!(targets, [session.as_str(), "all", &single_id, &session]);

    // An hour later the same reader is noted again.
    let admin = app.database.admin();
    sqlx::query("update app.audit_events set occurred_at = occurred_at - interval '61 minutes'")
        .execute(&admin)
        .await
        .unwrap();
    analyst.get(&of_session).await.expect(200);
    assert_eq!(entries(&owner, "conversation.read").await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rolled_back_is_not_noted() {
    let app = TestApp::start().await;
    let owner = app.tenant("undone").await;
    let name = json!({ "name": "twice" });
    owner.post("/v1/collections", &name).await.expect(201);
    owner.post("/v1/collections", &name).await.expect(409);
    assert_eq!(entries(&owner, "collection.created").await.len(), 1);
}
