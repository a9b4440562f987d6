//! Models that fail and clients that go away.

use pidima::adapters::models::{FinishReason, ModelError, ModelEvent, SwitchMode};
use serde_json::{Value, json};

use super::{GUIDE, check_numbers, history, joined, no_run_is_left, open_session, scripted, seen};
use crate::support::{Script, TestApp, eventually};

async fn runs(app: &TestApp) -> Vec<(String, Option<String>, Option<String>)> {
    sqlx::query_as("select state, outcome, outcome_reason from app.runs order by run_id")
        .fetch_all(&app.database.admin())
        .await
        .unwrap()
}

fn delta(text: &str) -> ModelEvent {
    ModelEvent::Delta(text.to_owned())
}

#[tokio::test]
async fn a_model_that_is_away_is_a_problem_in_json_and_an_error_event_in_a_stream() {
    let (app, model) = scripted().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let gone = || Err(ModelError::Connect("refused".to_owned()));
    for (question, script, status, code) in [
        ("refused?", Script::Refuse(ModelError::Connect("no".to_owned())), 503, "unavailable"),
        ("busy?", Script::Say(vec![gone()]), 503, "unavailable"),
        ("nothing?", Script::Say(vec![]), 503, "unavailable"),
        ("empty?", Script::answer(&[], FinishReason::Stop), 503, "unavailable"),
        ("spaces?", Script::answer(&["  \n", " [99]"], FinishReason::Stop), 503, "unavailable"),
        ("half a marker?", Script::Say(vec![Ok(delta(" [1")), gone()]), 503, "unavailable"),
        ("forbidden?", Script::Refuse(ModelError::Malformed("x".to_owned())), 500, "internal"),
        ("panics?", Script::Panic, 500, "internal"),
    ] {
        model.on(question, script);
        let body = json!({ "question": question });
        let whole = tenant.post("/v1/answers", &body).await;
        assert_eq!(whole.status, status, "{question} {}", whole.text());
        assert_eq!(whole.json()["code"], code, "{question}");
        assert_eq!(whole.headers["content-type"], "application/problem+json");
        let events = tenant.follow("/v1/answers", &body).await.rest().await;
        check_numbers(&events);
        let last = events.last().unwrap();
        assert_eq!((last.name.as_str(), last.data["code"].as_str()), ("error", Some(code)));
        assert_eq!(last.data["retryable"], question != "forbidden?", "{question}");
    }
    for (state, outcome, reason) in runs(&app).await {
        assert_eq!((state.as_str(), outcome.as_deref()), ("failed", Some("failed")));
        assert!(matches!(reason.as_deref(), Some("model_failed" | "crashed")), "{reason:?}");
    }
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn a_model_that_fails_inside_its_answer_leaves_a_partial_answer_with_its_text() {
    let (app, model) = scripted().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let begun = || [Ok(delta("Keys live for")), Ok(delta(" 90 days. [1] And"))];
    let ends = [None, Some(Err(ModelError::Cut)), Some(Err(ModelError::Malformed("x".into())))];
    for (number, end) in ends.into_iter().enumerate() {
        let question = format!("Question {number}: how long do keys live?");
        model.on(&question, Script::Say(begun().into_iter().chain(end).collect()));
        let answer = tenant.ask(&question).await;
        assert_eq!(answer["content"], "Keys live for 90 days. [1] And");
        assert_eq!(answer["outcome"], "partial");
        assert_eq!(answer["outcome_reason"], "model_failed");
        let id = answer["message_id"].as_str().unwrap();
        let stored = tenant.get(&format!("/v1/messages/{id}")).await.expect(200);
        assert_eq!(seen(&answer), seen(&stored));
    }
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn a_model_that_begins_anew_takes_back_what_it_said_and_names_who_goes_on() {
    let (app, model) = scripted().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let switched = |model: &str, mode| ModelEvent::ProviderSwitched {
        provider: "second".to_owned(),
        model: model.to_owned(),
        mode,
    };
    let steps = vec![
        delta("Keys live for [1] nine"),
        ModelEvent::Reset { reason: "provider_failed".to_owned() },
        switched("model-2", SwitchMode::Restarted),
        delta("A key lives for 90"),
        switched("model-3", SwitchMode::Continued),
        delta(" days. [1]"),
        ModelEvent::Finished(FinishReason::Stop),
    ];
    model.on("How long?", Script::Say(steps.into_iter().map(Ok).collect()));
    let body = json!({ "question": "How long?" });
    let events = tenant.follow("/v1/answers", &body).await.rest().await;
    check_numbers(&events);
    assert_eq!(joined(&events), "A key lives for 90 days. [1]");
    let of = |name: &str| {
        let found = events.iter().filter(|event| event.name == name);
        found.map(|event| event.data.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("reset"), [json!({ "type": "reset", "reason": "provider_failed" })]);
    assert_eq!(
        of("provider_switched"),
        [("model-2", "restarted"), ("model-3", "continued")].map(|(model, mode)| json!({
            "type": "provider_switched", "provider": "second", "model": model, "mode": mode,
        }))
    );
    let answer = &events.last().unwrap().data["answer"];
    assert_eq!(answer["content"], "A key lives for 90 days. [1]");
    assert_eq!(answer["citations"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(answer["usage"]["provider"], "second");
    assert_eq!(answer["usage"]["model"], "model-3");
    let id = answer["message_id"].as_str().unwrap();
    assert_eq!(seen(answer), seen(&tenant.get(&format!("/v1/messages/{id}")).await.expect(200)));
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn the_answer_of_a_client_that_hung_up_is_in_the_history() {
    let (app, model) = scripted().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let session = open_session(&tenant, &json!({})).await;
    let rest = vec![delta(" 90 days. [1]"), ModelEvent::Finished(FinishReason::Stop)];
    model.on("How long?", Script::Pause(vec![delta("Keys live for")], rest));
    let path = format!("/v1/sessions/{session}/messages");
    let mut reader = tenant.follow(&path, &json!({ "content": "How long?" })).await;
    assert_eq!(reader.next().await.unwrap().name, "started");
    drop(reader);
    assert_eq!(history(&tenant, &session).await.len(), 1, "the question, at once");
    model.release();
    eventually("the answer is there", || async { history(&tenant, &session).await.len() == 2 })
        .await;
    let answer = &history(&tenant, &session).await[1];
    assert_eq!(answer["content"], "Keys live for 90 days. [1]");
    assert_eq!(answer["citations"][0]["quote"], "Keys live for 90 days.");
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn text_is_with_the_reader_while_the_model_still_writes() {
    let (app, model) = scripted().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let rest = vec![ModelEvent::Finished(FinishReason::Stop)];
    model.on("How long?", Script::Pause(vec![delta("Keys live for 90 days.")], rest));
    let body = json!({ "question": "How long?" });
    let mut reader = tenant.follow("/v1/answers", &body).await;
    let mut events = vec![reader.next().await.unwrap(), reader.next().await.unwrap()];
    assert_eq!(joined(&events), "Keys live for 90 days.");
    model.release();
    events.extend(reader.rest().await);
    check_numbers(&events);
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn a_session_that_is_deleted_while_its_answer_is_made_ends_the_stream_with_a_conflict() {
    let (app, model) = scripted().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let session = open_session(&tenant, &json!({})).await;
    let rest = vec![ModelEvent::Finished(FinishReason::Stop)];
    model.on("How long?", Script::Pause(vec![delta("Keys live")], rest));
    let path = format!("/v1/sessions/{session}/messages");
    let mut reader = tenant.follow(&path, &json!({ "content": "How long?" })).await;
    assert_eq!(reader.next().await.unwrap().name, "started");
    assert_eq!(reader.next().await.unwrap().name, "delta");
    assert_eq!(tenant.delete(&format!("/v1/sessions/{session}")).await.status, 204);
    model.release();
    let rest = reader.rest().await;
    assert_eq!(rest.last().unwrap().data["code"], "conflict");
    let left: i64 = sqlx::query_scalar(
        "select (select count(*) from app.messages) + (select count(*) from app.runs)
            + (select count(*) from app.retrievals) + (select count(*) from app.citations)",
    )
    .fetch_one(&app.database.admin())
    .await
    .unwrap();
    assert_eq!(left, 0);
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn an_empty_tenant_gets_no_answer_and_the_model_is_not_asked() {
    let (app, model) = scripted().await;
    let tenant = app.tenant("acme").await;
    let answer = tenant.ask("How long do keys live?").await;
    assert_eq!(answer["outcome"], "no_answer");
    assert_eq!(answer["outcome_reason"], "no_candidates");
    assert_eq!(answer["citations"], Value::Array(Vec::new()));
    assert!(!answer["content"].as_str().unwrap().is_empty());
    assert!(model.prompts().is_empty());
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn a_model_that_abstains_without_a_word_still_tells_the_reader_something() {
    let (app, model) = scripted().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    model.on("How long?", Script::answer(&[], FinishReason::NoAnswer));
    let answer = tenant.ask("How long?").await;
    assert_eq!(answer["outcome"], "no_answer");
    assert_eq!(answer["outcome_reason"], "model_abstained");
    assert!(!answer["content"].as_str().unwrap().is_empty());
    no_run_is_left(&app).await;
}
