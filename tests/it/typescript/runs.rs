//! Questions asked with the client of the real service, over connections that break.

use std::collections::BTreeSet;
use std::sync::Arc;

use pidima::adapters::models::{FinishReason, ModelEvent, SwitchMode};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::client::drive;
use super::cutter::{Cutter, Fate};
use crate::support::{Script, ScriptedModel, TestApp, TestTenant, eventually};

const GUIDE: &str = "# Keys\n\nAn API key lives for 90 days. Its secret is shown once.";
const QUESTION: &str = "How long does a key live?";

/// The service with a model that answers the question in many pieces, and a tenant that knows something.
async fn start(slug: &str) -> (TestApp, TestTenant, Arc<ScriptedModel>) {
    let model = Arc::new(ScriptedModel::default());
    let mut pieces: Vec<String> = (0..60).map(|number| format!("word{number} ä ")).collect();
    pieces.push("A key lives for 90 days [1]".to_owned());
    pieces.push(".".to_owned());
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    model.on(QUESTION, Script::answer(&pieces, FinishReason::Stop));
    let app = TestApp::start_with(&[], model.clone()).await;
    let tenant = app.tenant(slug).await;
    tenant.learn("keys.md", GUIDE).await;
    (app, tenant, model)
}

fn numbers(seen: &Value) -> Vec<u64> {
    let events = seen["events"].as_array().unwrap();
    events.iter().map(|each| each["number"].as_u64().unwrap()).collect()
}

fn types(seen: &Value) -> BTreeSet<&str> {
    let events = seen["events"].as_array().unwrap().iter();
    events.map(|each| each["event"]["type"].as_str().unwrap()).collect()
}

/// Text of the deltas since the last reset.
fn text(seen: &Value) -> String {
    seen["events"].as_array().unwrap().iter().fold(String::new(), |text, each| {
        match each["event"]["type"].as_str() {
            Some("reset") => String::new(),
            Some("delta") => text + each["event"]["text"].as_str().unwrap(),
            _ => text,
        }
    })
}

/// Each event once, in order, to one good end, and the text is what is stored.
async fn is_whole(tenant: &TestTenant, seen: &Value) -> String {
    assert_eq!(seen["error"], Value::Null);
    let numbers = numbers(seen);
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<u64>>());
    let last = &seen["events"].as_array().unwrap().last().unwrap()["event"];
    assert_eq!(last["type"], "done", "{last}");
    assert_eq!(text(seen), last["answer"]["content"].as_str().unwrap());
    let path = format!("/v1/messages/{}", last["answer"]["message_id"].as_str().unwrap());
    let stored = tenant.get(&path).await.expect(200);
    assert_eq!(stored["content"], last["answer"]["content"]);
    stored["content"].as_str().unwrap().to_owned()
}

async fn count(app: &TestApp, table: &str) -> i64 {
    let count = format!("select count(*) from app.{table}");
    let count = sqlx::query_scalar(sqlx::AssertSqlSafe(count));
    count.fetch_one(&app.database.admin()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_whole_over_connections_that_are_cut_at_any_byte() {
    let (app, tenant, _) = start("cut").await;
    let mut random = StdRng::seed_from_u64(4);
    let mut cuts = 0;
    for round in 0..6 {
        // The first cut is sometimes in the head of the answer: then the question itself is sent again.
        let fates: Vec<Fate> = (0..20).map(|_| Fate::Cut(random.random_range(1..2_500))).collect();
        let cutter = Cutter::before(&app.url, fates).await;
        let before = count(&app, "runs").await;
        let seen = drive(&tenant, &cutter.url, json!({ "question": QUESTION })).await;
        let content = is_whole(&tenant, &seen).await;
        assert!(content.starts_with("word0 ä word1"), "{content}");
        assert_eq!(count(&app, "runs").await, before + 1, "round {round}: asked once");
        cuts += 20 - cutter.left();
    }
    assert!(cuts > 30, "only {cuts} connections were cut");
    println!("6 questions over {cuts} cut connections");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_whose_answer_was_lost_at_once_is_asked_once() {
    let (app, tenant, _) = start("lost").await;
    let session = tenant.post("/v1/sessions", &json!({})).await.expect(201);
    let session_id = session["id"].as_str().unwrap();
    let task = json!({ "question": QUESTION, "sessionId": session_id });
    let cutter = Cutter::before(&app.url, [Fate::Cut(1), Fate::Cut(1), Fate::Cut(20)]).await;
    let seen = drive(&tenant, &cutter.url, task.clone()).await;
    assert_eq!(cutter.left(), 0);
    let content = is_whole(&tenant, &seen).await;
    assert_eq!((count(&app, "runs").await, count(&app, "messages").await), (1, 2));

    let mut task = task;
    task["whole"] = json!(true);
    let cutter = Cutter::before(&app.url, [Fate::Cut(1), Fate::Cut(1), Fate::Cut(20)]).await;
    let seen = drive(&tenant, &cutter.url, task).await;
    assert_eq!(seen["answer"]["content"], content.as_str());
    assert_eq!((count(&app, "runs").await, count(&app, "messages").await), (2, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_nothing_comes_is_left_for_another() {
    let (app, tenant, _) = start("silent").await;
    let fates = [Fate::Silence(0), Fate::Silence(600), Fate::Silence(1_200)];
    let cutter = Cutter::before(&app.url, fates).await;
    let task = json!({ "question": QUESTION, "silenceMs": 300 });
    let seen = drive(&tenant, &cutter.url, task).await;
    assert_eq!(cutter.left(), 0);
    is_whole(&tenant, &seen).await;
    assert_eq!(count(&app, "runs").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_goes_on_later_where_they_were() {
    let (app, tenant, _) = start("leave").await;
    for how in ["leaveAt", "abortAt"] {
        let mut task = json!({ "question": QUESTION });
        task[how] = json!(7);
        let left = drive(&tenant, &app.url, task).await;
        assert_eq!(numbers(&left), (1..=7).collect::<Vec<u64>>());
        if how == "abortAt" {
            assert_eq!(left["error"]["message"], "the caller had enough");
        } else {
            assert_eq!(left["error"], Value::Null);
        }
        let task = json!({ "runId": left["runId"], "after": left["lastEventId"] });
        let rest = drive(&tenant, &app.url, task).await;
        assert_eq!(numbers(&rest)[0], 8);
        let all = drive(&tenant, &app.url, json!({ "runId": left["runId"] })).await;
        is_whole(&tenant, &all).await;
        let events = |seen: &Value| seen["events"].as_array().unwrap().clone();
        assert_eq!([events(&left), events(&rest)].concat(), events(&all));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_answer_ends_with_what_there_was() {
    let (app, tenant, model) = start("cancel").await;
    let question = "And then the keys?";
    let said = ["One. ", "Two. "].map(|text| ModelEvent::Delta(text.to_owned()));
    model.on(question, Script::Pause(said.to_vec(), vec![]));
    // The third event is the second delta: from then on the model says nothing by itself.
    for task in [json!({ "cancelAt": 2 }), json!({ "cancelFirst": true })] {
        let mut task = task;
        task["question"] = json!(question);
        let seen = drive(&tenant, &app.url, task.clone()).await;
        assert_eq!(seen["error"], Value::Null);
        let last = &seen["events"].as_array().unwrap().last().unwrap()["event"];
        // Who has read a delta has text; who cancels first may be faster than the model.
        if task["cancelAt"] == 2 {
            assert_eq!(seen["events"][1]["event"]["type"], "delta");
            let content = is_whole(&tenant, &seen).await;
            assert!(content.starts_with("One."), "{content}");
        }
        match last["type"].as_str() {
            Some("done") => {
                assert_eq!(last["answer"]["outcome"], "partial", "{last}");
                assert_eq!(last["answer"]["outcome_reason"], "cancelled", "{last}");
            }
            other => assert_eq!(other, Some("error"), "{last}"),
        }
    }
    eventually("no run goes on", || async {
        let running = "select count(*) from app.runs where state = 'running'";
        let running: i64 =
            sqlx::query_scalar(running).fetch_one(&app.database.admin()).await.unwrap();
        running == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_and_not_tried_again() {
    let (app, tenant, _) = start("refusal").await;
    let seen = drive(&tenant, &app.url, json!({ "question": " " })).await;
    assert_eq!(seen["error"]["name"], "ProblemError");
    assert_eq!(seen["error"]["code"], "validation_failed");
    let nobody = tenant.with_key("pdm_nobody");
    let seen = drive(&nobody, &app.url, json!({ "question": QUESTION })).await;
    assert_eq!(seen["error"]["status"], 401);
    let nowhere = json!({ "question": QUESTION, "retries": 2 });
    let seen = drive(&tenant, "http://127.0.0.1:1", nowhere).await;
    assert_eq!(seen["error"]["name"], "ConnectionLostError");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_event_that_the_document_names_was_seen_on_the_wire() {
    let (app, tenant, model) = start("types").await;
    model.on("Broken?", Script::Say(vec![]));
    let switched = vec![
        Ok(ModelEvent::Delta("This is void.".to_owned())),
        Ok(ModelEvent::Reset { reason: "provider_failed".to_owned() }),
        Ok(ModelEvent::ProviderSwitched {
            provider: "other".to_owned(),
            model: "other-1".to_owned(),
            mode: SwitchMode::Restarted,
        }),
        Ok(ModelEvent::Delta("A key lives for 90 days [1].".to_owned())),
        Ok(ModelEvent::Finished(FinishReason::Stop)),
    ];
    model.on("Switched?", Script::Say(switched));
    let mut seen = BTreeSet::new();
    for question in [QUESTION, "Broken?", "Switched?"] {
        let it = drive(&tenant, &app.url, json!({ "question": question })).await;
        seen.extend(types(&it).into_iter().map(str::to_owned));
    }
    let document: Value = serde_json::from_str(&pidima::app::openapi_text().unwrap()).unwrap();
    let named = &document["components"]["schemas"]["ChatEvent"]["discriminator"]["mapping"];
    let named: BTreeSet<String> = named.as_object().unwrap().keys().cloned().collect();
    assert_eq!(seen, named);
}
