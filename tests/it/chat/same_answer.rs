//! Stream = JSON = history, for the extractive model and for a model that does everything a model may do.

use pidima::adapters::models::{FinishReason, ModelError, ModelEvent, ModelUsage};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::exfiltration::{forbidden, prepared_with};
use super::{GUIDE, check_numbers, history, joined, no_run_is_left, open_session, seen};
use crate::support::{Script, TestApp, TestTenant};

/// Answers that are made up, each asked for as a stream and as JSON.
const ANSWERS: u64 = 1_000;
/// Questions of one conversation: its history is read whole.
const IN_A_SESSION: u64 = 25;

/// Thousands of questions are none too many here.
const PATIENT: &[(&str, &str)] = &[
    ("PIDIMA_LIMIT_ASK_BURST", "100000"),
    ("PIDIMA_LIMIT_CALLER_BURST", "1000000"),
    ("PIDIMA_LIMIT_TENANT_BURST", "1000000"),
    ("PIDIMA_LIMIT_ADDRESS_BURST", "1000000"),
];

/// Texts that answers are put together from. In code there is only `[0]`, which no answer has as a marker.
const FRAGMENTS: [&str; 49] = [
    "Keys live for 90 days.",
    "A key is refused after that",
    " Größe: höchstens 5 MB — «genau».",
    "The limit is 20 requests a second. ",
    "It is kept for seven days 🗂️ and then removed.",
    "Nothing of this is in the text, not a word.",
    " [1]",
    "[2]",
    " [3]",
    "  [1]",
    "[1][2]",
    " [1, 3]",
    "[2,99]",
    " [99]",
    " [4242]",
    "[0]",
    "[",
    "]",
    "[[99]1]",
    "[[99]2]",
    "[1[77]3]",
    "\n\n",
    "\n- ",
    " ",
    "   ",
    "\n`list[0]`\n",
    "\n\n```rust\nlist[0] = 1; // ok\n```\n\n",
    "[link](https://docs.example/guide)",
    "[link](http://evil.example/a)",
    "[1](http://evil.example/b)",
    "[99](https://docs.example/guide)",
    "![image](http://evil.example/c.png)",
    "![",
    "](",
    "<b>bold</b>",
    "<img src=http://evil.example/d>",
    "<",
    "&#60;",
    " http://evil.example/e ",
    " https://docs.example/guide, ",
    "\n\n[r]: http://evil.example/f\n\n",
    "`<i> list[0]`",
    "\n\n1. Do:\n   ```html\n   <p> list[0]\n   ```\n",
    "\n- ```\n  list[0]\n",
    "\u{200b}\u{202e}",
    "**bold** ",
    "\u{0}",
    "e\u{301} 検索 ",
    "[12345678901234567890123]",
];

/// A made-up answer: what the model says and how it ends.
struct MadeUp {
    script: Script,
    /// Outcome of an answer with text; its reason when it has one whatever the citations.
    outcome: Option<(&'static str, Option<&'static str>)>,
}

fn make_up(seed: u64) -> MadeUp {
    let mut chance = StdRng::seed_from_u64(seed);
    let count = chance.random_range(0..14);
    let text: String =
        (0..count).map(|_| FRAGMENTS[chance.random_range(0..FRAGMENTS.len())]).collect();
    let mut steps: Vec<Result<ModelEvent, ModelError>> = Vec::new();
    let mut piece = String::new();
    for character in text.chars() {
        piece.push(character);
        if chance.random_range(0..4) == 0 {
            steps.push(Ok(ModelEvent::Delta(std::mem::take(&mut piece))));
        }
    }
    if !piece.is_empty() {
        steps.push(Ok(ModelEvent::Delta(piece)));
    }
    if chance.random_bool(0.5) {
        steps.push(Ok(ModelEvent::Usage(ModelUsage {
            input_tokens: seed,
            output_tokens: 7,
            ..ModelUsage::default()
        })));
    }
    let finished = |reason| Ok(ModelEvent::Finished(reason));
    let (end, outcome) = match chance.random_range(0..8) {
        0 => (Some(finished(FinishReason::Length)), Some(("partial", Some("length")))),
        1 => {
            let end = finished(FinishReason::ContentFilter);
            (Some(end), Some(("blocked", Some("content_filter"))))
        }
        2 => (Some(finished(FinishReason::NoAnswer)), Some(("no_answer", Some("model_abstained")))),
        3 => (Some(Err(ModelError::Cut)), Some(("partial", Some("model_failed")))),
        4 => (None, Some(("partial", Some("model_failed")))),
        _ => (Some(finished(FinishReason::Stop)), None),
    };
    steps.extend(end);
    MadeUp { script: Script::Say(steps), outcome }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stream_json_and_history_are_equal_for_a_thousand_made_up_answers() {
    let (app, model, tenant) = prepared_with(PATIENT).await;
    let mut answered = 0;
    let mut failed = 0;
    let mut session = String::new();
    let mut given: Vec<Value> = Vec::new();
    for seed in 0..ANSWERS {
        if seed % IN_A_SESSION == 0 {
            session = open_session(&tenant, &json!({})).await;
        }
        let question = format!("Question {seed}: how long do keys live?");
        let made_up = make_up(seed);
        model.on(&question, made_up.script.clone());
        let path = format!("/v1/sessions/{session}/messages");
        match compare(&tenant, &path, &question).await {
            Some(answer) => {
                check_outcome(&made_up, &answer);
                let content = answer["content"].as_str().unwrap();
                assert_eq!(forbidden(content), Vec::<String>::new(), "{content:?}");
                given.push(answer);
                answered += 1;
            }
            None => failed += 1,
        }
        if (seed + 1) % IN_A_SESSION == 0 {
            let history = history(&tenant, &session).await;
            let listed = history.iter().filter(|message| message["role"] == "assistant");
            let listed: Vec<Value> = listed.map(seen).collect();
            let told: Vec<Value> = given.drain(..).map(|answer| seen(&answer)).collect();
            assert_eq!(listed, told);
        }
    }
    println!("{answered} answers equal, {failed} failed alike");
    assert!(answered > ANSWERS / 2 && failed > 0);
    let cited = quotes_stand_in_the_text(&app).await;
    println!("{cited} citations, every quote stands in its text");
    assert!(cited > 500);
    no_run_is_left(&app).await;
}

fn check_outcome(made_up: &MadeUp, answer: &Value) {
    let cites = !answer["citations"].as_array().unwrap().is_empty();
    let (outcome, reason) = made_up.outcome.unwrap_or(if cites {
        ("answered", None)
    } else {
        ("partial", Some("no_citations"))
    });
    assert_eq!(answer["outcome"], outcome, "{:?} {answer}", made_up.script);
    assert_eq!(answer["outcome_reason"].as_str(), reason, "{answer}");
}

/// Asks twice, as a stream in a conversation and for JSON; the answer, or `None` when both failed alike.
async fn compare(tenant: &TestTenant, path: &str, question: &str) -> Option<Value> {
    let body = json!({ "question": question });
    let mut reader = tenant.follow(path, &json!({ "content": question })).await;
    let mut events = Vec::new();
    let mut stored = Value::Null;
    while let Some(event) = reader.next().await {
        if event.name == "done" {
            // Readable at once: it was stored before it was told.
            let id = event.data["answer"]["message_id"].as_str().unwrap();
            stored = tenant.get(&format!("/v1/messages/{id}")).await.expect(200);
        }
        events.push(event);
    }
    check_numbers(&events);
    let whole = tenant.post("/v1/answers", &body).await;
    let last = &events.last().unwrap();
    if last.name == "error" {
        assert_eq!(whole.status, 503, "{}", whole.text());
        assert_eq!(whole.json()["code"], last.data["code"]);
        assert_eq!(whole.json()["detail"], last.data["detail"]);
        assert_eq!(joined(&events).trim(), "", "an answer that was begun is not thrown away");
        return None;
    }
    let answer = &last.data["answer"];
    assert_eq!(joined(&events), answer["content"].as_str().unwrap());
    let cited: Vec<&Value> = events
        .iter()
        .filter(|event| event.name == "citation")
        .map(|event| &event.data["citation"])
        .collect();
    assert_eq!(cited, answer["citations"].as_array().unwrap().iter().collect::<Vec<_>>());
    assert_eq!(seen(answer), seen(&stored));
    assert_eq!(without_ids(answer), without_ids(&whole.expect(200)));
    check_markers(answer);
    Some(answer.clone())
}

/// Two runs differ in their ids and times alone.
fn without_ids(answer: &Value) -> Value {
    let mut answer = seen(answer);
    answer["created_at"] = Value::Null;
    for citation in answer["citations"].as_array_mut().unwrap() {
        citation["id"] = Value::Null;
    }
    answer
}

/// The markers of the content are the numbers of the citations, ascending from 1 where each is new.
fn check_markers(answer: &Value) {
    let content = answer["content"].as_str().unwrap();
    let mut met: Vec<usize> = Vec::new();
    for (open, _) in content.match_indices('[') {
        let inside: String = content[open + 1..].chars().take_while(char::is_ascii_digit).collect();
        let closed = content[open + 1 + inside.len()..].starts_with(']');
        if !closed || inside.is_empty() || inside == "0" {
            continue;
        }
        let number = inside.parse().unwrap_or(usize::MAX);
        if !met.contains(&number) {
            met.push(number);
        }
    }
    let numbers: Vec<usize> = answer["citations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|citation| usize::try_from(citation["number"].as_u64().unwrap()).unwrap())
        .collect();
    assert_eq!(met, numbers, "{content:?}");
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
}

/// Counts the citations after PostgreSQL itself has cut every quote out of the stored text.
async fn quotes_stand_in_the_text(app: &TestApp) -> i64 {
    let admin = app.database.admin();
    let wrong: Vec<(String, Option<String>)> = sqlx::query_as(
        "select c.quote, substring(t.body from c.char_start + 1 for c.char_end - c.char_start)
        from app.citations c
        left join app.document_texts t on t.tenant_id = c.tenant_id and t.version_id = c.version_id
        where substring(t.body from c.char_start + 1 for c.char_end - c.char_start)
            is distinct from c.quote",
    )
    .fetch_all(&admin)
    .await
    .unwrap();
    assert!(wrong.is_empty(), "{wrong:?}");
    sqlx::query_scalar("select count(*) from app.citations").fetch_one(&admin).await.unwrap()
}

#[tokio::test]
async fn the_extractive_model_gives_the_same_answer_as_stream_json_and_history() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    for question in [
        "How long do keys live?",
        "What is the limit of requests?",
        "In which format is an export?",
        "Wie groß darf es sein?",
        "Who won the football match?",
    ] {
        let session = open_session(&tenant, &json!({})).await;
        let path = format!("/v1/sessions/{session}/messages");
        compare(&tenant, &path, question).await.unwrap();
    }
    assert!(quotes_stand_in_the_text(&app).await >= 3);
    no_run_is_left(&app).await;
}
