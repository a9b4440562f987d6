//! Stopping an answer: from any instance, as often as one likes, and what there is of it is kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pidima::adapters::models::ModelEvent;
use pidima::app::Outside;
use serde_json::json;

use super::instance::Instance;
use super::paced::{ENDLESS, PacedModel};
use super::{
    GUIDE, IMPATIENT, ask, check_numbers, delta, follow, history, joined, no_run_is_left,
    open_session, paused, run, run_id, seen,
};
use crate::chat::scripted_with;
use crate::support::{Script, TestApp, eventually, minilm};

#[tokio::test]
async fn what_there_is_of_a_cancelled_answer_is_kept_wherever_it_is_cancelled() {
    let (app, model) = scripted_with(IMPATIENT).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let other = Instance::beside(&app, model.clone(), IMPATIENT).await;
    model.on("How long?", paused());
    for by in [&tenant, &tenant.at(&other.url)] {
        let session = open_session(&tenant, &json!({})).await;
        let path = format!("/v1/sessions/{session}/messages");
        let mut reader = tenant.follow(&path, &json!({ "content": "How long?" })).await;
        let mut events = vec![reader.next().await.unwrap(), reader.next().await.unwrap()];
        let id = run_id(&events[0]);
        let mut second = follow(by, &id, 0).await;
        assert_eq!(second.next().await.unwrap().name, "started");
        // Two at once, and again.
        let path = format!("/v1/runs/{id}/cancel");
        let nothing = json!({});
        let (one, two) = tokio::join!(by.post(&path, &nothing), tenant.post(&path, &nothing));
        for reply in [one, two] {
            assert_eq!(reply.expect(200)["id"], id.as_str());
        }
        events.extend(reader.rest().await);
        check_numbers(&events);
        let answer = &events.last().unwrap().data["answer"];
        assert_eq!(answer["content"], "Keys live for");
        assert_eq!(answer["content"], joined(&events));
        assert_eq!(
            (&answer["outcome"], &answer["outcome_reason"]),
            (&json!("partial"), &json!("cancelled"))
        );
        assert_eq!(second.rest().await.last().unwrap().data["answer"], *answer);
        let messages = history(&tenant, &session).await;
        assert_eq!(messages.len(), 2);
        assert_eq!(seen(&messages[1]), seen(answer));
        let after = by.post(&path, &json!({})).await.expect(200);
        assert_eq!(after, run(&tenant, &id).await, "cancelling what is over changes nothing");
        assert_eq!(after["state"], "cancelled");
    }
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn an_answer_that_is_cancelled_before_its_first_word_ends_in_an_error() {
    let (app, model) = scripted_with(IMPATIENT).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    model.on("How long?", Script::Pause(vec![], vec![delta("x")]));
    let mut reader = ask(&tenant, "How long?").await;
    let started = reader.next().await.unwrap();
    let id = run_id(&started);
    tenant.post(&format!("/v1/runs/{id}/cancel"), &json!({})).await.expect(200);
    let rest = reader.rest().await;
    assert_eq!(rest.len(), 1);
    assert_eq!((rest[0].id, rest[0].name.as_str()), (2, "error"));
    assert_eq!(rest[0].data["code"], "conflict");
    assert_eq!(rest[0].data["retryable"], true);
    let again = follow(&tenant, &id, 1).await.rest().await;
    assert_eq!(again[0].data, rest[0].data);
    let told = run(&tenant, &id).await;
    assert_eq!((&told["state"], &told["outcome"]), (&json!("cancelled"), &json!("failed")));
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn the_providers_stream_is_closed_within_a_second_also_from_another_instance() {
    let model = Arc::new(PacedModel::default());
    let outside = Outside { embedder: Arc::new(minilm().await), models: Arc::clone(&model).into() };
    // As it is set by default.
    let app = TestApp::start_outside(&[], outside).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let other = Instance::beside(&app, Arc::clone(&model) as Arc<_>, &[]).await;
    for by in [&tenant, &tenant.at(&other.url)] {
        let mut reader = ask(&tenant, &format!("key {ENDLESS}?")).await;
        let mut events = vec![reader.next().await.unwrap()];
        let id = run_id(&events[0]);
        while joined(&events).trim().is_empty() {
            events.push(reader.next().await.unwrap());
        }
        assert_eq!(model.open.load(Ordering::SeqCst), 1);
        let began = Instant::now();
        by.post(&format!("/v1/runs/{id}/cancel"), &json!({})).await.expect(200);
        eventually("the stream is closed", || async { model.open.load(Ordering::SeqCst) == 0 })
            .await;
        let took = began.elapsed();
        println!("closed after {took:?}");
        assert!(took < Duration::from_secs(1), "{took:?}");
        let end = reader.rest().await;
        assert_eq!(end.last().unwrap().data["answer"]["outcome_reason"], "cancelled");
    }
    no_run_is_left(&app).await;
}

#[tokio::test]
async fn a_server_that_stops_lets_answers_go_on_and_then_cuts_them_honestly() {
    let settings = [IMPATIENT, &[("PIDIMA_RUN_DRAIN_MS", "400")]].concat();
    let (app, model) = scripted_with(&settings).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let other = Instance::beside(&app, model.clone(), &settings).await;
    let at = tenant.at(&other.url);
    let ending = vec![
        delta(" 90 days. [1]"),
        ModelEvent::Finished(pidima::adapters::models::FinishReason::Stop),
    ];
    model.on("in time?", Script::Pause(vec![delta("Keys live for")], ending));
    model.on("too long?", paused());
    let mut in_time = ask(&at, "in time?").await;
    assert_eq!(in_time.next().await.unwrap().name, "started");
    assert_eq!(in_time.next().await.unwrap().name, "delta");
    // Who follows a run of another instance is sent there at once.
    let mut foreign = ask(&tenant, "too long?").await;
    let foreign_id = run_id(&foreign.next().await.unwrap());
    let mut sent_away = follow(&at, &foreign_id, 0).await;
    assert_eq!(sent_away.next().await.unwrap().name, "started");
    assert_eq!(sent_away.next().await.unwrap().name, "delta");
    other.drain();
    assert!(sent_away.next().await.is_none());
    model.release();
    // Whichever of the two was waiting first: one ends by itself, or both are cut.
    let ended = in_time.rest().await;
    assert_eq!(ended.last().unwrap().name, "done", "{ended:?}");

    let mut late = ask(&at, "too long?").await;
    let first = late.next().await.unwrap();
    let mut events = vec![first];
    events.extend(late.rest().await);
    check_numbers(&events);
    let last = events.last().unwrap();
    match last.name.as_str() {
        "done" => assert_eq!(last.data["answer"]["outcome_reason"], "interrupted"),
        _ => assert_eq!(last.data["code"], "unavailable"),
    }
    assert_eq!(run(&tenant, &run_id(&events[0])).await["state"], "interrupted");
    model.release();
    model.release();
    drop(foreign);
    no_run_is_left(&app).await;
}
