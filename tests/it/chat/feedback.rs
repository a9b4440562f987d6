//! Feedback: one word of each reader on each answer and citation that they may read.

use serde_json::{Value, json};

use super::{GUIDE, no_run_is_left};
use crate::support::{Reply, TestApp, TestTenant};

const QUESTION: &str = "For how many days do keys live?";

async fn put(client: &TestTenant, path: &str, body: &Value) -> Reply {
    client.send(client.request(reqwest::Method::PUT, path).json(body)).await
}

fn paths(answer: &Value) -> (String, String) {
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    (
        format!("/v1/messages/{}/feedback", id(&answer["message_id"])),
        format!("/v1/citations/{}/feedback", id(&answer["citations"][0]["id"])),
    )
}

async fn prepared() -> (TestApp, TestTenant) {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    (app, tenant)
}

fn items(list: &Value) -> &Vec<Value> {
    list["items"].as_array().unwrap()
}

#[tokio::test]
async fn a_reader_has_one_word_on_a_thing_and_may_change_it_and_take_it_back() {
    let (app, tenant) = prepared().await;
    let ada = tenant.as_member("member").await;
    let answer = ada.ask(QUESTION).await;
    let (message, citation) = paths(&answer);
    let first = json!({ "rating": "down", "reason": "off_topic", "comment": " no\u{0} " });
    let given = put(&ada, &message, &first).await.expect(200);
    assert_eq!(given["rating"], "down");
    assert_eq!(given["reason"], "off_topic");
    assert_eq!(given["comment"], "no");
    assert_eq!(given["message_id"], answer["message_id"]);
    assert_eq!(given["given_by"], ada.member_id.unwrap().to_string());
    assert_eq!(given["given_by_kind"], "member");
    assert_eq!(given["citation_id"], Value::Null);
    let changed = put(&ada, &message, &json!({ "rating": "up" })).await.expect(200);
    assert_eq!(changed["id"], given["id"], "the same word");
    assert_eq!((&changed["rating"], &changed["reason"]), (&json!("up"), &Value::Null));
    assert_eq!(changed["comment"], Value::Null);
    let of_citation = put(&ada, &citation, &json!({ "rating": "wrong" })).await.expect(200);
    assert_eq!(of_citation["citation_id"], answer["citations"][0]["id"]);

    let own = ada.get(&message).await.expect(200);
    let ratings: Vec<&Value> = items(&own).iter().map(|item| &item["rating"]).collect();
    assert_eq!(ratings, ["wrong", "up"]);
    for path in [&message, &message, &citation] {
        ada.delete(path).await.expect(204);
    }
    assert_eq!(ada.get(&message).await.expect(200), json!({ "items": [] }));
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn overseers_list_everything_and_nobody_else_does() {
    let (app, tenant) = prepared().await;
    let (ada, bob) = (tenant.as_member("member").await, tenant.as_member("member").await);
    for (client, rating) in [(&ada, "up"), (&bob, "down")] {
        let answer = client.ask(QUESTION).await;
        let (message, citation) = paths(&answer);
        put(client, &message, &json!({ "rating": rating })).await.expect(200);
        put(client, &citation, &json!({ "rating": "correct" })).await.expect(200);
        // The administrator has a word of their own on the same answer.
        put(&tenant, &message, &json!({ "rating": "up" })).await.expect(200);
    }
    let list = tenant.get("/v1/feedback").await.expect(200);
    assert_eq!(items(&list).len(), 6);
    let kinds: Vec<&Value> = items(&list).iter().map(|item| &item["given_by_kind"]).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "api_key").count(), 2);
    let down = tenant.get("/v1/feedback?rating=down").await.expect(200);
    assert_eq!(items(&down).len(), 1);
    // Page by page it is the same list.
    let (mut paged, mut path) = (Vec::new(), "/v1/feedback?limit=4".to_owned());
    loop {
        let page = tenant.get(&path).await.expect(200);
        paged.extend(items(&page).clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/feedback?limit=4&cursor={cursor}");
    }
    assert_eq!(&paged, items(&list));
    tenant.as_member("analyst").await.get("/v1/feedback").await.expect(200);
    ada.get("/v1/feedback").await.expect(403);
    let by_day: (i64, i64, i64) =
        sqlx::query_as("select up, down, citations_correct from analytics.feedback_by_day")
            .fetch_one(&app.database.admin())
            .await
            .unwrap();
    assert_eq!(by_day, (3, 1, 2));
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn who_may_not_read_an_answer_may_not_rate_it() {
    let (app, tenant) = prepared().await;
    let (ada, bob) = (tenant.as_member("member").await, tenant.as_member("member").await);
    let answer = ada.ask(QUESTION).await;
    let (message, citation) = paths(&answer);
    let absent = uuid::Uuid::now_v7();
    for (path, nothing, body) in [
        (message, format!("/v1/messages/{absent}/feedback"), json!({ "rating": "up" })),
        (citation, format!("/v1/citations/{absent}/feedback"), json!({ "rating": "wrong" })),
    ] {
        let (foreign, nothing) = (put(&bob, &path, &body).await, put(&bob, &nothing, &body).await);
        assert_eq!(foreign.status, 404);
        assert_eq!(foreign.json()["detail"], nothing.json()["detail"]);
        bob.delete(&path).await.expect(404);
    }
    // A question is no answer.
    let question: uuid::Uuid =
        sqlx::query_scalar("select message_id from app.messages where role = 'user'")
            .fetch_one(&app.database.admin())
            .await
            .unwrap();
    let path = format!("/v1/messages/{question}/feedback");
    put(&ada, &path, &json!({ "rating": "up" })).await.expect(404);
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn feedback_is_of_the_closed_set_and_within_its_bounds() {
    let (app, tenant) = prepared().await;
    let answer = tenant.ask(QUESTION).await;
    let (message, citation) = paths(&answer);
    for (path, body) in [
        (&message, json!({ "rating": "correct" })),
        (&message, json!({ "rating": "up", "reason": "because" })),
        (&message, json!({ "rating": "up", "comment": "x".repeat(2_001) })),
        (&message, json!({})),
        (&citation, json!({ "rating": "up" })),
        (&citation, json!({ "rating": "wrong", "reason": "wrong" })),
        (&citation, json!({ "rating": "wrong", "comment": "x".repeat(2_001) })),
    ] {
        let refused = put(&tenant, path, &body).await;
        assert!(matches!(refused.status.as_u16(), 400 | 422), "{body}: {}", refused.status);
    }
    for path in [&message, &citation] {
        let rating = if path == &message { "up" } else { "wrong" };
        let body = json!({ "rating": rating, "comment": "ß".repeat(2_000) });
        put(&tenant, path, &body).await.expect(200);
    }
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn feedback_goes_with_its_answer() {
    let (app, tenant) = prepared().await;
    let session = super::open_session(&tenant, &json!({})).await;
    let path = format!("/v1/sessions/{session}/messages");
    let answer = tenant.post(&path, &json!({ "content": QUESTION })).await.expect(200);
    let (message, citation) = paths(&answer);
    put(&tenant, &message, &json!({ "rating": "up" })).await.expect(200);
    put(&tenant, &citation, &json!({ "rating": "correct" })).await.expect(200);
    tenant.delete(&format!("/v1/sessions/{session}")).await.expect(204);
    assert_eq!(tenant.get("/v1/feedback").await.expect(200), json!({ "items": [] }));
    no_run_is_left(&app).await;
}
