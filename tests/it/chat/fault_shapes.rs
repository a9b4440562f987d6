//! The eleven shapes in which a model's answer breaks, through the whole application, against both protocols, with one
//! provider and with two: each ends in `done` or in an honest `partial` or `error`, and no row stays `running`.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use pidima::adapters::models::failover::RetrySettings;
use pidima::adapters::models::{ChatModel, FailoverSettings, ModelRegistry};
use pidima::app::Outside;
use serde_json::{Value, json};

use super::{GUIDE, check_numbers, no_run_is_left};
use crate::models::stand_in::Do;
use crate::models::wires::{ModelServer, SENTENCE, Shape, Wire, pieces};
use crate::support::{StreamEvent, TestApp, minilm};

/// Words by which a request to continue is told from one that begins.
const CONTINUE: &str = "Continue exactly where it ends";
/// What a gateway that is widely used makes of a stream that breaks in the middle (LiteLLM, issue 40404).
const PUBLISHED: &str = "0 of 3 of LiteLLM, issue 40404";

fn question(shape: Shape) -> String {
    format!("How long do keys live, case {shape:?}?")
}

/// The question is in the request; it tells the shape.
fn shape_of(request: &str) -> Shape {
    let is_asked = |shape: &&Shape| request.contains(&format!("case {shape:?}?"));
    *Shape::ALL.iter().find(is_asked).expect("a question of this test")
}

/// A provider that breaks as the question says.
async fn faulty(wire: Wire) -> ModelServer {
    ModelServer::start(move |request| shape_of(request).script(wire)).await
}

/// A provider that answers, or goes on with what another one wrote.
async fn good(wire: Wire) -> ModelServer {
    ModelServer::start(move |request| {
        let pieces: &[&str] =
            if request.contains(CONTINUE) { &["and so ", "on. [1]"] } else { &SENTENCE };
        vec![Do::Send(wire.answer(pieces))]
    })
    .await
}

fn settings() -> FailoverSettings {
    let standard = FailoverSettings::default();
    let retry = RetrySettings { base: Duration::from_millis(5), burst: 1_000, ..standard.retry };
    // Every answer of these tests breaks: a breaker would leave the provider alone after twenty.
    let mut settings = FailoverSettings { retry, ..standard };
    settings.breaker.least_calls = 10_000;
    settings.breaker.first_token_timeouts = 1_000;
    settings
}

/// What came of one question.
struct Case {
    shape: Shape,
    last: &'static str,
    outcome: String,
    switch: Option<String>,
}

fn case(shape: Shape, events: &[StreamEvent]) -> Case {
    let last = events.last().unwrap();
    let switched = events.iter().find(|event| event.name == "provider_switched");
    let (last, outcome) = match last.name.as_str() {
        "done" => ("done", last.data["answer"]["outcome"].as_str().unwrap().to_owned()),
        "error" => ("error", last.data["code"].as_str().unwrap().to_owned()),
        other => panic!("{shape:?} ends in {other}"),
    };
    let switch = switched.map(|it| it.data["mode"].as_str().unwrap().to_owned());
    Case { shape, last, outcome, switch }
}

/// Deltas since the last reset, joined.
fn text_of(events: &[StreamEvent]) -> String {
    let mut text = String::new();
    for event in events {
        match event.name.as_str() {
            "delta" => text.push_str(event.data["text"].as_str().unwrap()),
            "reset" => text.clear(),
            _ => {}
        }
    }
    text
}

async fn run_all(wire: Wire, with_second: bool) -> Vec<Case> {
    let (first, second) = (faulty(wire).await, good(wire).await);
    let mut providers: Vec<(String, Arc<dyn ChatModel>)> =
        vec![("first".to_owned(), wire.model(&first))];
    if with_second {
        providers.push(("second".to_owned(), wire.model(&second)));
    }
    let models = ModelRegistry::new(providers, settings());
    let outside = Outside { embedder: Arc::new(minilm().await), models };
    let app = TestApp::start_outside(&[], outside).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let mut cases = Vec::new();
    for shape in Shape::ALL {
        let body = json!({ "question": question(shape) });
        let events = tenant.follow("/v1/answers", &body).await.rest().await;
        check_numbers(&events);
        let last = &events.last().unwrap().data;
        if events.last().unwrap().name == "done" {
            let answer = &last["answer"];
            assert_eq!(text_of(&events), answer["content"].as_str().unwrap(), "{shape:?}");
            let id = answer["message_id"].as_str().unwrap();
            let stored = tenant.get(&format!("/v1/messages/{id}")).await.expect(200);
            assert_eq!(stored["content"], answer["content"], "{shape:?}");
        } else {
            assert_eq!(text_of(&events), "", "{shape:?}: an error with text shown");
        }
        cases.push(case(shape, &events));
    }
    no_run_is_left(&app).await;
    every_try_is_kept(&app, with_second).await;
    cases
}

/// Each run tells its tries, the last of which is what the answer says of its provider.
async fn every_try_is_kept(app: &TestApp, with_second: bool) {
    let runs: Vec<(Option<String>, Value)> =
        sqlx::query_as("select provider, attempts from app.runs order by run_id")
            .fetch_all(&app.database.admin())
            .await
            .unwrap();
    assert_eq!(runs.len(), Shape::ALL.len());
    for (provider, attempts) in runs {
        let attempts = attempts.as_array().unwrap();
        assert!(!attempts.is_empty());
        let last = attempts.last().unwrap();
        let whose = with_second.then(|| last["provider"].as_str().unwrap().to_owned());
        assert!(whose.is_none() || whose == provider, "{provider:?} {attempts:?}");
        for attempt in attempts {
            assert!(attempt["total_ms"].is_number() && attempt["outcome"].is_string());
        }
    }
}

/// What an answer must come to when nobody else can be asked.
fn alone(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::CutAfter(0) | Shape::StallBeforeFirst | Shape::Gzip | Shape::WrongContentType => {
            ("error", "")
        }
        Shape::CutAfter(_)
        | Shape::Stall
        | Shape::MalformedChunk
        | Shape::ErrorAfter200
        | Shape::TenMegabytes => ("done", "partial"),
        Shape::MissingDone
        | Shape::DuplicateChunk
        | Shape::SplitEverywhere
        | Shape::UsageMissing => ("done", "answered"),
    }
}

/// How the second provider must have taken over.
fn switch(shape: Shape) -> Option<&'static str> {
    match shape {
        // 45 and 60 pieces are more than 40 tokens.
        Shape::CutAfter(45 | 60) => Some("continued"),
        _ if alone(shape) == ("done", "partial") => Some("restarted"),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eleven_shapes_of_failure_end_honestly_with_both_protocols_and_whole_with_a_second_provider()
 {
    assert!(pieces()[..45].concat().len() > 160);
    let mut table = String::new();
    for wire in Wire::BOTH {
        assert!(wire.long_token().len() > 10_000_000);
        let (without, with) = tokio::join!(run_all(wire, false), run_all(wire, true));
        let mut whole: Vec<&str> = Vec::new();
        for (one, two) in without.iter().zip(&with) {
            let shape = one.shape;
            let (last, outcome) = alone(shape);
            assert_eq!(one.last, last, "{wire:?} {shape:?}: {}", one.outcome);
            assert!(outcome.is_empty() || one.outcome == outcome, "{wire:?} {shape:?}");
            assert_eq!(
                (two.last, two.outcome.as_str()),
                ("done", "answered"),
                "{wire:?} {shape:?}"
            );
            assert_eq!(two.switch.as_deref(), switch(shape), "{wire:?} {shape:?}");
            whole.push(shape.kind());
            let told = two.switch.as_deref().unwrap_or("-");
            writeln!(
                table,
                "{:8} {:20} {:18} alone: {} {:11} with a second: {} {} ({told})",
                wire.name(),
                shape.kind(),
                format!("{shape:?}"),
                one.last,
                one.outcome,
                two.last,
                two.outcome
            )
            .unwrap();
        }
        whole.dedup();
        assert_eq!(whole.len(), 11);
        writeln!(table, "{}: {} of 11 shapes, next to {PUBLISHED}", wire.name(), whole.len())
            .unwrap();
    }
    println!("{table}");
}

#[tokio::test]
async fn when_both_providers_are_down_the_reader_is_told_at_once_that_asking_again_may_help() {
    let refuse = |_: &str| {
        let head = "HTTP/1.1 503 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        vec![Do::Send(head.as_bytes().to_vec())]
    };
    let (first, second) = (ModelServer::start(refuse).await, ModelServer::start(refuse).await);
    let models = ModelRegistry::new(
        [
            ("first".to_owned(), Wire::OpenAi.model(&first)),
            ("second".to_owned(), Wire::Bedrock.model(&second)),
        ],
        settings(),
    );
    let outside = Outside { embedder: Arc::new(minilm().await), models };
    let app = TestApp::start_outside(&[], outside).await;
    let tenant = app.tenant("acme").await;
    tenant.learn("guide.md", GUIDE).await;
    let reply = tenant.post("/v1/answers", &json!({ "question": "How long do keys live?" })).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (503, &json!("unavailable")));
    assert_eq!((first.requests().len(), second.requests().len()), (3, 3), "three tries each");
    no_run_is_left(&app).await;
}
