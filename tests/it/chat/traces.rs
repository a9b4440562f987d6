//! How an answer came about: everything that the run found, left out and took, to those who may know it.

use pidima::adapters::models::{FinishReason, ModelError, ModelEvent, ModelUsage};
use serde_json::{Value, json};

use super::{GUIDE, open_session, scripted};
use crate::api::problem;
use crate::support::{Script, TestTenant};

const QUESTION: &str = "How long do keys live?";

fn path(message: &Value) -> String {
    format!("/v1/messages/{}/trace", message.as_str().unwrap())
}

/// Passages enough that some are below the cut.
fn long_guide() -> String {
    let chapter = |number: usize| {
        format!(
            "## Chapter {number}\n\nKeys of kind {number} live for {number} days. {}\n\n",
            "A key is refused after that. ".repeat(40)
        )
    };
    (1..=24).map(chapter).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_tells_what_was_found_what_was_given_and_what_it_took() {
    let (app, model) = scripted().await;
    let owner = app.tenant("trace").await;
    owner.learn("guide.md", &long_guide()).await;
    let usage = ModelUsage { input_tokens: 700, output_tokens: 11, ..ModelUsage::default() };
    let usage = ModelEvent::Usage(usage);
    let said = ModelEvent::Delta("Keys live for 90 days [1] or so [99].".to_owned());
    model.on(
        QUESTION,
        Script::Say(vec![Ok(said), Ok(usage), Ok(ModelEvent::Finished(FinishReason::Stop))]),
    );
    let answer = owner.ask(QUESTION).await;
    let trace = owner.get(&path(&answer["message_id"])).await.expect(200);
    assert_eq!(trace["run_id"], answer["run_id"]);
    assert_eq!((&trace["state"], &trace["outcome"]), (&json!("completed"), &answer["outcome"]));
    assert_eq!(trace["standalone_question"], QUESTION);
    // Also when it was done before its search began, embedding takes what it takes.
    assert!(trace["search"]["embed_ms"].as_f64().unwrap() > 0.05, "{}", trace["search"]);
    assert_eq!(trace["usage"], answer["usage"]);
    let attempts = trace["attempts"].as_array().unwrap();
    assert!(attempts.iter().all(|attempt| attempt["total_ms"].is_u64()), "{attempts:?}");
    assert_eq!(trace["filtered"], json!({ "links": 0, "images": 0, "markup": 0, "characters": 0 }));
    assert_eq!((&trace["unknown_markers"], &trace["withheld"]), (&json!(1), &json!(false)));

    let candidates = trace["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 16, "twice as many as the model is given");
    let given = &model.prompts()[0];
    for (place, candidate) in candidates.iter().enumerate() {
        assert_eq!(candidate["rank"], place + 1);
        assert_eq!(candidate["used"], place < 8, "{candidate}");
        let dropped = if place < 8 { Value::Null } else { json!("below_cut") };
        assert_eq!(candidate["dropped"], dropped, "{candidate}");
        if let Some(passage) = given.passages.get(place) {
            assert_eq!(candidate["text"], passage.text);
        }
    }
    // The very numbers and words of the search itself.
    let search = json!({ "query": QUESTION, "limit": 16, "explain": true });
    let found = owner.post("/v1/search", &search).await.expect(200);
    for (hit, candidate) in found["items"].as_array().unwrap().iter().zip(candidates) {
        assert_eq!(hit["chunk_id"], candidate["chunk_id"]);
        for exact in ["dense_rank", "lexical_rank", "matched_terms"] {
            assert_eq!(hit["explanation"][exact], candidate["explanation"][exact], "{exact}");
        }
        for score in ["similarity", "lexical_score"] {
            let of = |value: &Value| value["explanation"][score].as_f64().unwrap_or_default();
            assert!((of(hit) - of(candidate)).abs() < 1e-4, "{score}: {hit} {candidate}");
        }
    }
    let (searched, told) = (&trace["search"], &found["explanation"]);
    for same in ["terms", "searched_chunks", "dense_candidates", "lexical_candidates"] {
        assert_eq!(searched[same], told[same], "{same}");
    }
    for millis in ["embed_ms", "dense_ms", "lexical_ms", "fuse_ms"] {
        assert!(searched[millis].as_f64().unwrap() >= 0.0, "{searched}");
    }
    let prompt = &trace["prompt"];
    let texts: usize = given.passages.iter().map(|passage| passage.text.chars().count()).sum();
    assert!(prompt["chars"].as_u64().unwrap() as usize > texts + QUESTION.len(), "{prompt}");
    assert_eq!((&prompt["passages"], &prompt["max_output_tokens"]), (&json!(8), &json!(1_024)));
    let timings = &trace["timings"];
    let of = |name: &str| timings[name].as_f64().unwrap();
    assert!(of("prepare_ms") >= 0.0 && of("search_ms") <= of("first_token_ms"), "{timings}");
    assert!(of("first_token_ms") <= of("total_ms"), "{timings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_a_run_that_failed_is_found_by_its_question() {
    let (app, model) = scripted().await;
    let owner = app.tenant("failed-trace").await;
    owner.learn("guide.md", GUIDE).await;
    model.on(QUESTION, Script::Refuse(ModelError::Connect("away".to_owned())));
    let events = owner.follow("/v1/answers", &json!({ "question": QUESTION })).await.rest().await;
    let trace = owner.get(&path(&events[0].data["question_id"])).await.expect(200);
    assert_eq!((&trace["state"], &trace["outcome"]), (&json!("failed"), &json!("failed")));
    assert_eq!(trace["outcome_reason"], "model_failed");
    let candidates = trace["candidates"].as_array().unwrap();
    assert!(!candidates.is_empty() && candidates.iter().all(|it| it["used"] == true), "{trace}");

    let nothing = app.tenant("nothing-trace").await;
    let answer = nothing.ask(QUESTION).await;
    let trace = nothing.get(&path(&answer["message_id"])).await.expect(200);
    assert_eq!(trace["candidates"], json!([]));
    assert!(trace["prompt"].get("chars").is_none(), "no model was asked: {trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_for_who_sees_the_message_and_looks_after_documentation() {
    let (app, model) = scripted().await;
    let owner = app.tenant("who-traces").await;
    owner.learn("guide.md", GUIDE).await;
    model.on(QUESTION, Script::answer(&["Keys live for 90 days. [1]"], FinishReason::Stop));
    let (member, editor) = (owner.as_member("member").await, owner.as_member("editor").await);
    let (other, analyst) = (owner.as_member("editor").await, owner.as_member("analyst").await);
    let of_member = path(&member.ask(QUESTION).await["message_id"]);
    let of_editor = path(&editor.ask(QUESTION).await["message_id"]);
    problem(&member.get(&of_member).await, 403, "forbidden");
    editor.get(&of_editor).await.expect(200);
    problem(&other.get(&of_editor).await, 404, "not_found");
    problem(&editor.get(&of_member).await, 404, "not_found");
    for reader in [&analyst, &owner] {
        reader.get(&of_member).await.expect(200);
    }
    let log = owner.get("/v1/audit_events?action=conversation.read").await.expect(200);
    assert_eq!(log["items"].as_array().unwrap().len(), 2, "each reader of another's: {log}");
    let elsewhere = app.tenant("who-traces-not").await;
    let foreign = elsewhere.get(&of_member).await;
    let absent = elsewhere.get(&path(&json!(uuid::Uuid::now_v7()))).await;
    assert_eq!(foreign.status, 404);
    let told = |reply: &crate::support::Reply| reply.json()["detail"].clone();
    assert_eq!(told(&foreign), told(&absent));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reader_does_not_reach_is_kept_back() {
    let (app, model) = scripted().await;
    let owner = app.tenant("walled-trace").await;
    let group = owner.post("/v1/groups", &json!({ "name": "inner" })).await.expect(201);
    owner.learn("guide.md", GUIDE).await;
    model.on(QUESTION, Script::answer(&["Keys live for 90 days. [1]"], FinishReason::Stop));
    let session = open_session(&owner, &json!({})).await;
    let asked = owner
        .post(&format!("/v1/sessions/{session}/messages"), &json!({ "content": QUESTION }))
        .await
        .expect(200);
    let analyst = owner.as_member("analyst").await;
    let path = path(&asked["message_id"]);
    let open = analyst.get(&path).await.expect(200);
    assert_eq!(open["candidates"][0]["withheld"], false);
    limit_to(&owner, &group["id"]).await;
    let walled = analyst.get(&path).await.expect(200);
    assert_eq!(walled["withheld"], true);
    assert!(walled.get("standalone_question").is_none(), "{walled}");
    for candidate in walled["candidates"].as_array().unwrap() {
        assert_eq!(candidate["withheld"], true);
        assert!(candidate.get("text").is_none() && candidate.get("document_title").is_none());
        assert_eq!(candidate["explanation"]["matched_terms"], json!([]));
    }
    assert!(!walled.to_string().contains("90 days"), "{walled}");
    assert_eq!(owner.get(&path).await.expect(200)["withheld"], false);
}

/// Limits the tenant's default collection to a group.
async fn limit_to(owner: &TestTenant, group: &Value) {
    let collections = owner.get("/v1/collections").await.expect(200);
    let id = collections["items"][0]["id"].as_str().unwrap();
    owner
        .patch(&format!("/v1/collections/{id}"), &json!({ "group_ids": [group] }))
        .await
        .expect(200);
}
