//! The adapters of real models against a stand-in that writes raw bytes; here that for OpenAI-compatible servers: every shape
//! that an answer has been seen to take, and every way in which it breaks.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use pidima::adapters::models::*;

mod bedrock;
mod failover;
mod ministack;
pub mod stand_in;
pub mod wires;

use stand_in::{Do, StandIn};

use crate::support::process::free_port;

const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

fn prompt() -> Prompt {
    Prompt {
        instructions: "Be kind.".to_owned(),
        history: Vec::new(),
        message: "At most 25 keys.\n\nQuestion: How many keys?".to_owned(),
        passages: vec![Passage {
            marker: 1,
            title: "Limits".to_owned(),
            heading_path: vec!["API".to_owned()],
            text: "At most 25 keys.".to_owned(),
            score: 0.03,
            similarity: Some(0.7),
        }],
        question: "How many keys?".to_owned(),
        standalone_question: "How many keys?".to_owned(),
        max_output_tokens: 77,
        temperature: 0.5,
    }
}

fn token(text: &str) -> String {
    let chunk = serde_json::json!({ "choices": [{ "index": 0, "delta": { "content": text } }] });
    format!("data: {chunk}\n\n")
}

const STOP: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":4}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn send(parts: &[&str]) -> Do {
    Do::Send(parts.concat().into_bytes())
}

/// What came of an answer: its text, the other events, and the error that ended it, if any.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    text: String,
    others: Vec<ModelEvent>,
    error: Option<ModelError>,
    was_refused: bool,
}

async fn ask(model: &impl ChatModel) -> Outcome {
    let mut outcome = Outcome::default();
    let mut stream = match model.answer(prompt()).await {
        Ok(stream) => stream,
        Err(error) => {
            return Outcome { error: Some(error), was_refused: true, ..outcome };
        }
    };
    while let Some(event) = stream.next().await {
        assert_eq!(outcome.error, None, "an event behind the error");
        match event {
            Ok(ModelEvent::Delta(delta)) => outcome.text.push_str(&delta),
            Ok(other) => outcome.others.push(other),
            Err(error) => outcome.error = Some(error),
        }
    }
    outcome
}

async fn ask_stand_in(script: Vec<Do>) -> Outcome {
    ask(&StandIn::start(script).await.model()).await
}

fn said(text: &str, reason: FinishReason) -> Outcome {
    let others = vec![ModelEvent::Finished(reason)];
    Outcome { text: text.to_owned(), others, ..Outcome::default() }
}

#[tokio::test]
async fn a_whole_stream_gives_text_usage_and_end_in_this_order() {
    let role = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
    let parts =
        [STREAM, ": hi\n\n", role, &token("At most "), &token("25. [1]"), STOP, USAGE, DONE];
    let stand_in = StandIn::start(vec![send(&parts)]).await;
    let outcome = ask(&stand_in.model()).await;
    assert_eq!(outcome.text, "At most 25. [1]");
    assert_eq!(outcome.error, None);
    let usage = ModelEvent::Usage(ModelUsage {
        input_tokens: 11,
        output_tokens: 4,
        ..ModelUsage::default()
    });
    assert_eq!(outcome.others, [usage, ModelEvent::Finished(FinishReason::Stop)]);
}

#[tokio::test]
async fn the_request_asks_for_a_stream_with_usage_and_carries_the_key_as_a_header() {
    let stand_in = StandIn::start(vec![send(&[STREAM, &token("x"), STOP, DONE])]).await;
    ask(&stand_in.model()).await;
    let body = stand_in.body();
    assert_eq!(body["stream"], true);
    assert_eq!(body["stream_options"]["include_usage"], true);
    assert_eq!(body["model"], "some-model");
    assert_eq!(body["max_tokens"], 77);
    assert!(body["messages"][0]["content"].as_str().unwrap().starts_with("Be kind."));
    assert!(body["messages"][1]["content"].as_str().unwrap().contains("At most 25 keys."));
    let request = stand_in.request();
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
    assert!(request.contains("authorization: Bearer top-secret-key\r\n"));
    assert!(!body.to_string().contains("top-secret-key"));
}

#[tokio::test]
async fn without_usage_no_usage_is_told() {
    let outcome = ask_stand_in(vec![send(&[STREAM, &token("a"), STOP, DONE])]).await;
    assert_eq!(outcome, said("a", FinishReason::Stop));
}

#[tokio::test]
async fn a_missing_done_is_no_fault_when_the_end_was_said() {
    let outcome = ask_stand_in(vec![send(&[STREAM, &token("a"), STOP])]).await;
    assert_eq!(outcome, said("a", FinishReason::Stop));
}

#[tokio::test]
async fn a_server_that_stays_silent_behind_the_end_loses_nothing_of_the_answer() {
    let script = vec![send(&[STREAM, &token("a"), STOP]), Do::Wait(Duration::from_secs(5))];
    assert_eq!(ask_stand_in(script).await, said("a", FinishReason::Stop));
}

#[tokio::test]
async fn a_connection_cut_after_some_tokens_is_told_as_cut() {
    let outcome = ask_stand_in(vec![send(&[STREAM, &token("a"), &token("b")])]).await;
    assert_eq!(outcome.text, "ab");
    assert_eq!(outcome.error, Some(ModelError::Cut));
    assert!(outcome.others.is_empty() && !outcome.was_refused);
}

#[tokio::test]
async fn a_connection_cut_inside_a_chunk_is_told_as_cut() {
    let outcome =
        ask_stand_in(vec![send(&[STREAM, &token("a"), "data: {\"choices\":[{\"del"])]).await;
    assert_eq!((outcome.text.as_str(), outcome.error), ("a", Some(ModelError::Cut)));
}

#[tokio::test]
async fn a_body_shorter_than_promised_is_told_as_cut() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n";
    let outcome = ask_stand_in(vec![send(&[head, &token("a")])]).await;
    assert_eq!((outcome.text.as_str(), outcome.error), ("a", Some(ModelError::Cut)));
}

#[tokio::test]
async fn a_server_that_hangs_up_without_a_word_can_be_asked_again() {
    let outcome = ask_stand_in(Vec::new()).await;
    assert!(outcome.was_refused);
    assert!(matches!(&outcome.error, Some(error @ ModelError::Connect(_)) if error.is_retryable()));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_told_without_the_address() {
    let base_url = format!("http://user:hidden@127.0.0.1:{}", free_port());
    let model = OpenAiModel::new(OpenAiSettings::new(base_url, "m")).unwrap();
    let Some(ModelError::Connect(message)) = ask(&model).await.error else { panic!() };
    assert!(!message.contains("hidden"), "{message}");
}

#[tokio::test]
async fn silence_before_the_first_token_ends_in_time_also_behind_headers_and_comments() {
    let began = Instant::now();
    let pause = || Do::Wait(Duration::from_millis(150));
    let mut script = vec![send(&[STREAM])];
    for _ in 0..8 {
        script.extend([send(&[": still here\n\n"]), pause()]);
    }
    let outcome = ask_stand_in(script).await;
    let expected = ModelError::FirstTokenTimeout(Duration::from_millis(400));
    assert_eq!(outcome.error, Some(expected));
    assert!(outcome.was_refused);
    assert!(began.elapsed() < Duration::from_millis(900));
    let silent = ask_stand_in(vec![Do::Wait(Duration::from_secs(3))]).await;
    assert!(matches!(silent.error, Some(ModelError::FirstTokenTimeout(_))));
}

#[tokio::test]
async fn an_answer_that_stalls_between_tokens_ends_with_what_it_had() {
    let script = vec![send(&[STREAM, &token("a")]), Do::Wait(Duration::from_secs(3))];
    let outcome = ask_stand_in(script).await;
    assert_eq!(outcome.text, "a");
    assert_eq!(outcome.error, Some(ModelError::NextTokenTimeout(Duration::from_millis(250))));
}

#[tokio::test]
async fn an_endless_answer_ends_at_the_total_time() {
    let mut script = vec![send(&[STREAM])];
    for _ in 0..40 {
        script.extend([send(&[&token("a")]), Do::Wait(Duration::from_millis(100))]);
    }
    let outcome = ask_stand_in(script).await;
    assert_eq!(outcome.error, Some(ModelError::TotalTimeout(Duration::from_millis(1500))));
    assert!(outcome.text.len() > 5);
}

#[tokio::test]
async fn characters_and_chunks_cut_by_the_network_arrive_whole() {
    let whole = [STREAM, &token("Grüße 👍🏽 "), &token("検索"), STOP, DONE].concat().into_bytes();
    let mut script = Vec::new();
    for piece in whole.chunks(7) {
        script.extend([Do::Send(piece.to_vec()), Do::Wait(Duration::from_millis(1))]);
    }
    assert_eq!(ask_stand_in(script).await, said("Grüße 👍🏽 検索", FinishReason::Stop));
}

#[tokio::test]
async fn windows_line_ends_and_data_over_two_lines_are_read() {
    let two_lines = "data: {\"choices\":[{\"delta\":\r\ndata: {\"content\":\"a\"}}]}\r\n\r\n";
    let stop = STOP.replace('\n', "\r\n");
    let outcome = ask_stand_in(vec![send(&[STREAM, two_lines, &stop])]).await;
    assert_eq!(outcome, said("a", FinishReason::Stop));
}

#[tokio::test]
async fn a_malformed_chunk_is_told_and_what_came_before_it_is_kept() {
    let outcome = ask_stand_in(vec![send(&[STREAM, &token("a"), "data: {oops}\n\n", STOP])]).await;
    assert_eq!(outcome.text, "a");
    assert!(matches!(outcome.error, Some(ModelError::Malformed(_))));
}

#[tokio::test]
async fn an_error_object_inside_a_stream_is_told_with_its_code() {
    let error = "data: {\"error\":{\"message\":\"overloaded, try later\",\"code\":503}}\n\n";
    let outcome = ask_stand_in(vec![send(&[STREAM, &token("a"), error])]).await;
    assert_eq!(outcome.text, "a");
    let expected = ModelError::status(503, "overloaded, try later");
    assert_eq!(outcome.error, Some(expected));
}

#[tokio::test]
async fn an_error_object_with_status_200_in_place_of_the_stream_is_an_error() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    let body = "{\"error\":{\"message\":\"no such model\",\"code\":\"model_not_found\"}}";
    let outcome = ask_stand_in(vec![send(&[head, body])]).await;
    assert!(outcome.was_refused);
    let expected = ModelError::status(200, "no such model");
    assert_eq!(outcome.error, Some(expected));
}

#[tokio::test]
async fn a_whole_json_answer_in_place_of_the_stream_is_accepted() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    let body = "{\"choices\":[{\"message\":{\"content\":\"At most 25. [1]\"},\"finish_reason\":\"length\"}],\
                \"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6}}";
    let outcome = ask_stand_in(vec![send(&[head, body])]).await;
    assert_eq!(outcome.text, "At most 25. [1]");
    let usage = ModelEvent::Usage(ModelUsage {
        input_tokens: 5,
        output_tokens: 6,
        ..ModelUsage::default()
    });
    assert_eq!(outcome.others, [usage, ModelEvent::Finished(FinishReason::Length)]);
}

#[tokio::test]
async fn a_web_page_with_status_200_is_no_answer() {
    let page =
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<p>Log in</p>";
    let outcome = ask_stand_in(vec![send(&[page])]).await;
    assert!(matches!(outcome.error, Some(ModelError::Malformed(_))));
}

#[tokio::test]
async fn refusals_keep_their_status_and_a_short_message_without_the_key() {
    for (code, is_retryable) in [(401, false), (429, true), (500, true)] {
        let head = format!("HTTP/1.1 {code} No\r\nconnection: close\r\n\r\n");
        let body =
            format!("{{\"error\":{{\"message\":\"no: top-secret-key {}\"}}}}", "x ".repeat(3000));
        let outcome = ask_stand_in(vec![send(&[&head, &body])]).await;
        let error = outcome.error.unwrap();
        assert_eq!(error.is_retryable(), is_retryable, "{code}");
        let ModelError::Status { code: told, message, .. } = error else { panic!() };
        assert_eq!(told, code);
        assert!(message.starts_with("no: [key]") && message.len() <= 300, "{message}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let head = "HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\n\r\n";
    let outcome = ask_stand_in(vec![send(&[head])]).await;
    assert!(matches!(outcome.error, Some(ModelError::Status { code: 307, .. })));
}

#[tokio::test]
async fn a_line_of_ten_megabytes_is_refused() {
    let long = "x".repeat(10 * 1024 * 1024);
    let outcome = ask_stand_in(vec![send(&[STREAM, "data: ", &long, "\n\n"])]).await;
    assert!(matches!(outcome.error, Some(ModelError::Malformed(_))), "{:?}", outcome.error);
    let behind_text = ask_stand_in(vec![send(&[STREAM, &token("a"), "data: ", &long])]).await;
    assert_eq!(behind_text.text, "a");
    assert!(matches!(behind_text.error, Some(ModelError::Malformed(_))));
}

#[tokio::test]
async fn a_repeated_end_or_usage_is_told_once_and_text_behind_the_end_is_dropped() {
    let again =
        [STREAM, &token("ha"), &token("ha"), STOP, USAGE, STOP, &token("more"), USAGE, DONE, DONE];
    let outcome = ask_stand_in(vec![send(&again)]).await;
    assert_eq!(outcome.text, "haha");
    assert_eq!(outcome.others.len(), 2);
}

#[tokio::test]
async fn an_end_without_any_text_is_an_error_and_a_filtered_answer_is_not() {
    let empty = ask_stand_in(vec![send(&[STREAM, STOP, DONE])]).await;
    assert_eq!(empty.error, Some(ModelError::Empty));
    assert!(empty.was_refused);
    let filtered = STOP.replace("stop", "content_filter");
    let outcome = ask_stand_in(vec![send(&[STREAM, &filtered, DONE])]).await;
    assert_eq!(outcome, said("", FinishReason::ContentFilter));
}

#[tokio::test]
async fn the_word_for_no_answer_is_taken_out_and_told_as_the_reason() {
    let parts = [STREAM, &token("NO_"), &token("ANSWER\n"), &token("Nothing on keys."), STOP, DONE];
    let outcome = ask_stand_in(vec![send(&parts)]).await;
    assert_eq!(outcome, said("Nothing on keys.", FinishReason::NoAnswer));
}

#[tokio::test]
async fn a_follow_up_is_rewritten_by_the_model_and_kept_when_the_model_fails() {
    let history = [Turn { role: Role::User, content: "What is a key?".to_owned() }];
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    let body = "{\"choices\":[{\"message\":{\"content\":\"\\\"How do I revoke a key?\\\"\\n\"}}]}";
    let stand_in = StandIn::start(vec![send(&[head, body])]).await;
    let rewritten = stand_in.model().standalone_question(&history, "How do I revoke it?").await;
    assert_eq!(rewritten.unwrap(), "How do I revoke a key?");
    assert_eq!(stand_in.body()["stream"], false);

    let failing =
        StandIn::start(vec![send(&["HTTP/1.1 500 No\r\nconnection: close\r\n\r\n"])]).await;
    let kept = failing.model().standalone_question(&history, "How do I revoke it?").await;
    assert_eq!(kept.unwrap(), "How do I revoke it?");

    let stalled = StandIn::start(vec![Do::Wait(Duration::from_secs(3))]).await;
    let settings =
        OpenAiSettings { rewriting_timeout: Duration::from_millis(100), ..stalled.settings() };
    let model = OpenAiModel::new(settings).unwrap();
    let kept = model.standalone_question(&history, "How do I revoke it?").await;
    assert_eq!(kept.unwrap(), "How do I revoke it?");
}

#[tokio::test]
async fn a_first_question_is_not_sent_anywhere() {
    let model = OpenAiModel::new(OpenAiSettings::new("http://127.0.0.1:1", "m")).unwrap();
    let question = model.standalone_question(&[], "What is a key?").await;
    assert_eq!(question.unwrap(), "What is a key?");
}

#[test]
fn neither_settings_nor_model_print_the_key() {
    let settings = OpenAiSettings {
        api_key: secrecy::SecretString::from("top-secret-key").into(),
        ..OpenAiSettings::new("http://127.0.0.1:1", "m")
    };
    let model = OpenAiModel::new(settings.clone()).unwrap();
    assert!(!format!("{settings:?} {model:?}").contains("top-secret-key"));
    assert!(OpenAiModel::new(OpenAiSettings::new("no address", "m")).is_err());
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_told_however_it_is_written() {
    for (header, wait) in [
        ("retry-after: 7", Some(Duration::from_secs(7))),
        ("retry-after: -7", Some(Duration::ZERO)),
        ("retry-after: 99999999999999", Some(Duration::from_secs(86_400))),
        ("retry-after: Wed, 21 Oct 2015 07:28:00 GMT", Some(Duration::ZERO)),
        ("retry-after-ms: 250", Some(Duration::from_millis(250))),
        ("retry-after: soon", None),
        ("x-nothing: 1", None),
    ] {
        let head = format!("HTTP/1.1 429 No\r\n{header}\r\nconnection: close\r\n\r\n{{}}");
        let outcome = ask_stand_in(vec![send(&[&head])]).await;
        assert_eq!(outcome.error.unwrap().retry_after(), wait, "{header}");
    }
}

#[tokio::test]
async fn a_compressed_stream_is_refused_with_words_that_say_so() {
    let head = STREAM.replace("connection", "content-encoding: gzip\r\nconnection");
    let outcome = ask_stand_in(vec![send(&[&head, "\u{1f}"])]).await;
    let Some(ModelError::Malformed(told)) = outcome.error else { panic!("{outcome:?}") };
    assert!(told.contains("compressed (gzip)"), "{told}");
}

#[tokio::test]
async fn a_refusal_is_told_as_blocked_and_keeps_its_words() {
    let refusal = "data: {\"choices\":[{\"delta\":{\"refusal\":\"I can not.\"}}]}\n\n";
    let outcome = ask_stand_in(vec![send(&[STREAM, refusal, STOP, DONE])]).await;
    assert_eq!(outcome, said("I can not.", FinishReason::ContentFilter));
    let head = "HTTP/1.1 400 No\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    let body = "{\"error\":{\"code\":\"content_filter\",\"message\":\"filtered\"}}";
    let outcome = ask_stand_in(vec![send(&[head, body])]).await;
    assert_eq!(outcome, said("", FinishReason::ContentFilter));
}

#[tokio::test]
async fn a_tool_that_was_not_offered_is_no_answer() {
    let call = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"1\"}]}}]}\n\n";
    let stop = STOP.replace("stop", "tool_calls");
    let outcome = ask_stand_in(vec![send(&[STREAM, &token("Let me look"), call, &stop])]).await;
    assert_eq!(outcome.text, "Let me look");
    assert!(matches!(outcome.error, Some(ModelError::Malformed(_))));
}

#[tokio::test]
async fn a_model_that_refuses_a_parameter_is_asked_without_it_and_never_with_it_again() {
    use wires::{ModelServer, Wire};
    let server = ModelServer::start(|request| {
        if request.contains("max_tokens") {
            let body = "{\"error\":{\"param\":\"max_tokens\",\"message\":\"Use 'max_completion_tokens'.\"}}";
            return vec![send(&["HTTP/1.1 400 No\r\nconnection: close\r\n\r\n", body])];
        }
        vec![Do::Send(Wire::OpenAi.answer(&["25."]))]
    })
    .await;
    let model = OpenAiModel::new(OpenAiSettings::new(format!("{}/v1", server.url), "m")).unwrap();
    assert_eq!(ask(&model).await.text, "25.");
    assert_eq!(ask(&model).await.text, "25.");
    assert_eq!(server.requests().len(), 3);
    assert!(server.requests()[2].contains("\"max_completion_tokens\":77"));
}

#[tokio::test]
async fn azure_is_asked_at_its_deployment_with_its_own_header() {
    let stand_in = StandIn::start(vec![send(&[STREAM, &token("x"), STOP, DONE])]).await;
    let server = OpenAiServer::Azure { api_version: "2024-10-21".to_owned() };
    let base_url = stand_in.base_url().trim_end_matches("/v1").to_owned();
    let settings = OpenAiSettings { server, base_url, ..stand_in.settings() };
    ask(&OpenAiModel::new(settings).unwrap()).await;
    let request = stand_in.request();
    let line = "POST /openai/deployments/some-model/chat/completions?api-version=2024-10-21 ";
    assert!(request.starts_with(line), "{request}");
    assert!(request.contains("api-key: top-secret-key\r\n") && !request.contains("authorization"));
}

#[tokio::test]
async fn errors_of_other_servers_are_read_inside_a_stream_too() {
    for (line, code) in [
        ("error: {\"code\":500,\"message\":\"out of memory\"}\n\n", 500),
        ("data: {\"object\":\"error\",\"message\":\"out of memory\",\"code\":503}\n\n", 503),
        ("data: {\"error\":\"out of memory\"}\n\n", 200),
    ] {
        let outcome = ask_stand_in(vec![send(&[STREAM, &token("a"), line])]).await;
        assert_eq!(outcome.text, "a");
        assert_eq!(outcome.error, Some(ModelError::status(code, "out of memory")), "{line}");
    }
}
