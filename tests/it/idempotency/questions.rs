//! Questions under a key: asked once, and answered to everybody who asks again, in either form, from the same run.

use futures_util::future::join_all;
use pidima::adapters::models::{FinishReason, ModelEvent};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;

use super::{KEY, is_replayed, new_key, post};
use crate::api::problem;
use crate::support::{EventReader, Script, ScriptedModel, StreamEvent, TestApp, TestTenant};

const GUIDE: &str = "# Keys\n\nAn API key lives for 90 days. Its secret is shown once.";
const QUESTION: &str = "How long does a key live?";
const ANSWER: [&str; 3] = ["A key lives ", "for 90 days [1]", "."];

async fn start(slug: &str) -> (TestApp, TestTenant, Arc<ScriptedModel>) {
    let model = Arc::new(ScriptedModel::default());
    model.on(QUESTION, Script::answer(&ANSWER, FinishReason::Stop));
    let app = TestApp::start_with(&[], model.clone()).await;
    let tenant = app.tenant(slug).await;
    tenant.learn("keys.md", GUIDE).await;
    (app, tenant, model)
}

/// Opens the stream of an answer, and tells whether it is marked as one of before.
async fn follow(tenant: &TestTenant, path: &str, key: &str, body: &Value) -> (EventReader, bool) {
    let request = tenant.request(Method::POST, path).header(KEY, key).json(body);
    let response = request.header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let replayed = response.headers().get(super::REPLAYED).is_some();
    (EventReader::new(response), replayed)
}

fn told(events: &[StreamEvent]) -> Vec<(usize, String, Value)> {
    events.iter().map(|event| (event.id, event.name.clone(), event.data.clone())).collect()
}

async fn counts(app: &TestApp) -> (i64, i64) {
    let count = "select (select count(*) from app.runs), (select count(*) from app.messages)";
    sqlx::query_as(count).fetch_one(&app.database.admin()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_again_in_either_form_and_asked_once() {
    let (app, tenant, model) = start("either-form").await;
    let session = tenant.post("/v1/sessions", &json!({})).await.expect(201);
    let in_session = format!("/v1/sessions/{}/messages", session["id"].as_str().unwrap());
    for (path, body) in [
        ("/v1/answers", json!({ "question": QUESTION })),
        (in_session.as_str(), json!({ "content": QUESTION })),
    ] {
        let (before, key) = (counts(&app).await, new_key());
        let first = post(&tenant, path, &key, &body).await;
        assert!(!is_replayed(&first));
        let answer = first.clone().expect(200);
        let again = post(&tenant, path, &key, &body).await;
        assert!(is_replayed(&again));
        assert_eq!(again.text(), first.text());

        let (stream, replayed) = follow(&tenant, path, &key, &body).await;
        assert!(replayed);
        let events = stream.rest().await;
        assert_eq!(events.last().unwrap().data["answer"], answer);
        let (stream, _) = follow(&tenant, path, &key, &body).await;
        assert_eq!(told(&stream.rest().await), told(&events));
        let after = counts(&app).await;
        assert_eq!(after, (before.0 + 1, before.1 + 2), "{path}");
    }
    assert_eq!(model.prompts().len(), 2);
    let other = post(&tenant, "/v1/answers", &new_key(), &json!({ "question": QUESTION })).await;
    assert!(!is_replayed(&other));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_again_while_the_answer_is_made_joins_its_stream() {
    let (app, tenant, model) = start("join").await;
    let delta = |text: &str| ModelEvent::Delta(text.to_owned());
    let rest = vec![delta("two."), ModelEvent::Finished(FinishReason::Stop)];
    model.on("Slow?", Script::Pause(vec![delta("One and ")], rest));
    let (body, key) = (json!({ "question": "Slow?" }), new_key());
    let (mut first, replayed) = follow(&tenant, "/v1/answers", &key, &body).await;
    assert!(!replayed);
    let mut seen = vec![first.next().await.unwrap()];
    let (mut second, replayed) = follow(&tenant, "/v1/answers", &key, &body).await;
    assert!(replayed);
    assert_eq!(told(&[second.next().await.unwrap()]), told(&seen));
    model.release();
    seen.extend(first.rest().await);
    let rest = second.rest().await;
    assert_eq!(told(&rest), told(&seen[1..]));
    assert_eq!(seen.last().unwrap().name, "done");
    assert_eq!(counts(&app).await, (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_questions_at_once_are_one() {
    let (app, tenant, model) = start("question-crowd").await;
    let (body, key) = (json!({ "question": QUESTION }), new_key());
    let replies = join_all((0..32).map(|_| post(&tenant, "/v1/answers", &key, &body))).await;
    assert_eq!(counts(&app).await, (1, 2));
    assert_eq!(model.prompts().len(), 1);
    let anew = replies.iter().filter(|reply| reply.status == 200 && !is_replayed(reply));
    let anew: Vec<_> = anew.collect();
    assert_eq!(anew.len(), 1);
    for reply in &replies {
        match reply.status.as_u16() {
            200 => assert_eq!(reply.text(), anew[0].text()),
            _ => drop(problem(reply, 409, "idempotency_key_in_use")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_question_under_the_key_and_a_run_that_failed_are_told_as_they_are() {
    let (app, tenant, model) = start("told").await;
    model.on("Broken?", Script::Say(vec![]));
    let (body, key) = (json!({ "question": "Broken?" }), new_key());
    let first = post(&tenant, "/v1/answers", &key, &body).await;
    problem(&first, 503, "unavailable");
    // The question was stored and its run has failed: that is what came of it. To try anew takes a new key.
    problem(&post(&tenant, "/v1/answers", &key, &body).await, 503, "unavailable");
    assert_eq!(counts(&app).await, (1, 1));
    let other = json!({ "question": QUESTION });
    problem(&post(&tenant, "/v1/answers", &key, &other).await, 422, "idempotency_key_reused");
    assert_eq!(counts(&app).await, (1, 1));
}
