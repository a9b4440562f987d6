//! Questions over HTTP: charged to whoever asks, refused with what a client needs to come back, settled however they end.

use std::sync::Arc;

use pidima::adapters::models::{FinishReason, ModelError, ModelEvent, ModelUsage};
use pidima::app::Outside;
use serde_json::json;

use super::limit;
use crate::api::{contents, problem};
use crate::support::{Script, ScriptedModel, TestApp, TestTenant, eventually, minilm};

const QUESTION: &str = "How long do keys live?";

async fn scripted() -> (TestApp, TestTenant, Arc<ScriptedModel>) {
    let model = Arc::new(ScriptedModel::default());
    let outside = Outside { embedder: Arc::new(minilm().await), models: Arc::clone(&model).into() };
    let app = TestApp::start_outside(&[], outside).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", "# Keys\n\nKeys live for 90 days.\n").await;
    (app, tenant, model)
}

fn answer(input_tokens: u64, output_tokens: u64) -> Script {
    Script::Say(vec![
        Ok(ModelEvent::Delta("Keys live for 90 days. [1]".to_owned())),
        Ok(ModelEvent::Usage(ModelUsage { input_tokens, output_tokens, ..ModelUsage::default() })),
        Ok(ModelEvent::Finished(FinishReason::Stop)),
    ])
}

/// What is settled: questions, tokens of prompts, tokens of answers; and how many runs are open.
async fn settled(app: &TestApp) -> (i64, i64, i64, i64) {
    sqlx::query_as(
        "select count(*) filter (where settled_at is not null), sum(input_tokens)::bigint,
            sum(output_tokens)::bigint, count(*) filter (where settled_at is null)
        from app.quota_reservations",
    )
    .fetch_one(&app.database.admin())
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_charged_to_key_person_and_tenant_and_settled_with_what_it_used() {
    let (app, owner, model) = scripted().await;
    model.on(QUESTION, answer(321, 9));
    let person = owner.as_member("member").await;
    owner.ask(QUESTION).await;
    person.ask(QUESTION).await;
    assert_eq!(settled(&app).await, (2, 642, 18, 0));
    for (who, subject) in [(&owner, "key"), (&person, "person")] {
        let usage = who.get("/v1/usage").await.expect(200);
        let items = usage["items"].as_array().unwrap();
        let tokens = items.iter().find(|item| item["measure"] == "tokens").unwrap();
        assert_eq!((&usage["subject"], &tokens["used"]), (&json!(subject), &json!(330)));
    }
    let shown: (String, i64, i64) = sqlx::query_as(
        "select model, sum(questions)::bigint, sum(input_tokens)::bigint
        from analytics.usage_of_subjects_by_day group by model",
    )
    .fetch_one(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(shown, ("script-1".to_owned(), 2, 642));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_question_says_which_quota_and_when_to_come_again_and_leaves_nothing() {
    let (app, owner, model) = scripted().await;
    model.on(QUESTION, answer(90, 10));
    limit(&owner, "key", None, "tokens", 100).await;
    owner.ask(QUESTION).await;
    let session = owner.post("/v1/sessions", &json!({})).await.expect(201);
    let in_session = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    let before = contents(&app).await;
    for (path, body) in [
        ("/v1/answers", json!({ "question": QUESTION })),
        (in_session.as_str(), json!({ "content": QUESTION })),
    ] {
        let reply = owner.post(path, &body).await;
        let refused = problem(&reply, 429, "quota_exceeded");
        let wait: i64 = reply.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=86_400).contains(&wait), "{wait}");
        let quota = &refused["quota"];
        assert_eq!(
            (&quota["subject"], &quota["measure"], &quota["period"]),
            (&json!("key"), &json!("tokens"), &json!("day"))
        );
        assert!(quota["resets_at"].as_str().unwrap().contains("T00:00:00"), "{quota}");
    }
    assert_eq!(contents(&app).await, before);
    let other = owner.with_role("member").await;
    other.ask(QUESTION).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soft_limit_is_told_in_a_header_of_both_forms() {
    let (_app, owner, model) = scripted().await;
    model.on(QUESTION, answer(1, 1));
    let quota =
        json!({ "subject": "tenant", "measure": "questions", "period": "month", "soft_limit": 1 });
    owner.post("/v1/quotas", &quota).await.expect(201);
    let body = json!({ "question": QUESTION });
    let quiet = owner.post("/v1/answers", &body).await;
    assert_eq!(quiet.headers.get("pidima-quota-warning"), None);
    let warned = owner.post("/v1/answers", &body).await;
    assert_eq!(warned.headers["pidima-quota-warning"], "questions;subject=tenant;period=month");
    let stream = owner.request(reqwest::Method::POST, "/v1/answers").json(&body);
    let stream = owner.send(stream.header("accept", "text/event-stream")).await;
    assert_eq!(stream.headers["pidima-quota-warning"], "questions;subject=tenant;period=month");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_once_are_counted_while_they_go_on_and_no_longer() {
    let (app, owner, model) = scripted().await;
    let said = vec![ModelEvent::Delta("Keys live ".to_owned())];
    let rest = vec![
        ModelEvent::Delta("for 90 days.".to_owned()),
        ModelEvent::Finished(FinishReason::Stop),
    ];
    model.on(QUESTION, Script::Pause(said, rest));
    limit(&owner, "tenant", None, "concurrent_runs", 2).await;
    let body = json!({ "question": QUESTION });
    let first = owner.follow("/v1/answers", &body).await;
    let second = owner.follow("/v1/answers", &body).await;
    let reply = owner.post("/v1/answers", &body).await;
    let refused = problem(&reply, 429, "quota_exceeded");
    assert_eq!(refused["quota"], json!({ "subject": "tenant", "measure": "concurrent_runs" }));
    assert_eq!(reply.headers["retry-after"], "2");
    model.release();
    model.release();
    first.rest().await;
    second.rest().await;
    eventually("both are settled", || async { settled(&app).await.3 == 0 }).await;
    let third = owner.follow("/v1/answers", &body).await;
    model.release();
    third.rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_or_loses_its_session_is_settled_too() {
    let (app, owner, model) = scripted().await;
    model.on(QUESTION, Script::Refuse(ModelError::Connect("away".to_owned())));
    owner.post("/v1/answers", &json!({ "question": QUESTION })).await.expect(503);
    model.on("panic?", Script::Panic);
    owner.post("/v1/answers", &json!({ "question": "panic?" })).await.expect(500);
    assert_eq!(settled(&app).await, (2, 0, 0, 0));
    let rest = vec![
        ModelEvent::Delta("for 90 days. [1]".to_owned()),
        ModelEvent::Usage(ModelUsage {
            input_tokens: 50,
            output_tokens: 7,
            ..ModelUsage::default()
        }),
        ModelEvent::Finished(FinishReason::Stop),
    ];
    model.on("gone?", Script::Pause(vec![ModelEvent::Delta("Keys live ".to_owned())], rest));
    let session = owner.post("/v1/sessions", &json!({})).await.expect(201);
    let session = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
    let going = owner.follow(&format!("{session}/messages"), &json!({ "content": "gone?" })).await;
    owner.delete(&session).await.expect(204);
    model.release();
    going.rest().await;
    assert_eq!(settled(&app).await, (3, 50, 7, 0), "what was used stays used");
}
