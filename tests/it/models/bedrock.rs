//! The adapter for Amazon Bedrock against a stand-in that writes the frames of its event stream: every end that an answer
//! can have.

use std::time::Duration;

use pidima::adapters::models::*;
use serde_json::{Value, json};

use super::stand_in::{Do, StandIn};
use super::wires::{bedrock_client, frame};
use super::{Outcome, ask};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\nconnection: close\r\n\r\n";

fn event(name: &str, body: &Value) -> Vec<u8> {
    frame(("event", ":event-type"), name, body)
}

fn exception(name: &str, message: &str) -> Vec<u8> {
    frame(("exception", ":exception-type"), name, &json!({ "message": message }))
}

fn token(text: &str) -> Vec<u8> {
    event("contentBlockDelta", &json!({ "contentBlockIndex": 0, "delta": { "text": text } }))
}

fn stop(reason: &str) -> Vec<u8> {
    event("messageStop", &json!({ "stopReason": reason }))
}

fn usage() -> Vec<u8> {
    let usage = json!({ "inputTokens": 11, "outputTokens": 4, "totalTokens": 15 });
    event("metadata", &json!({ "usage": usage, "metrics": { "latencyMs": 5 } }))
}

fn send(frames: &[Vec<u8>]) -> Do {
    Do::Send([HEAD.as_bytes(), &frames.concat()].concat())
}

fn model(server: &StandIn) -> BedrockModel {
    let address = server.base_url().trim_end_matches("/v1");
    let settings = BedrockSettings {
        first_token_timeout: Duration::from_millis(400),
        next_token_timeout: Duration::from_millis(250),
        total_timeout: Duration::from_millis(1500),
        ..BedrockSettings::new("some.model-v1:0")
    };
    BedrockModel::with_client(settings, bedrock_client(address))
}

async fn ask_stand_in(script: Vec<Do>) -> Outcome {
    ask(&model(&StandIn::start(script).await)).await
}

fn code_of(outcome: &Outcome) -> u16 {
    match &outcome.error {
        Some(ModelError::Status { code, .. }) => *code,
        other => panic!("no status: {other:?}"),
    }
}

#[tokio::test]
async fn a_whole_stream_gives_text_usage_and_end_in_this_order() {
    let frames = [token("At most "), token("25 [1]."), stop("end_turn"), usage()];
    let outcome = ask_stand_in(vec![send(&frames)]).await;
    assert_eq!(outcome.text, "At most 25 [1].");
    let expected = [
        ModelEvent::Usage(ModelUsage {
            input_tokens: 11,
            output_tokens: 4,
            ..ModelUsage::default()
        }),
        ModelEvent::Finished(FinishReason::Stop),
    ];
    assert_eq!(outcome.others, expected);
    assert_eq!(outcome.error, None);
}

#[tokio::test]
async fn the_request_holds_rules_question_and_limits_and_its_path_names_the_model() {
    let server = StandIn::start(vec![send(&[token("x"), stop("end_turn"), usage()])]).await;
    ask(&model(&server)).await;
    let request = server.request();
    assert!(request.starts_with("POST /model/some.model-v1%3A0/converse-stream "), "{request}");
    assert!(!request.contains("top-secret-key"), "the key signs and is not sent");
    let body = server.body();
    assert!(body["system"][0]["text"].as_str().unwrap().starts_with("Be kind."));
    let question = body["messages"][0]["content"][0]["text"].as_str().unwrap();
    assert!(question.contains("At most 25 keys.") && question.contains("How many keys?"));
    assert_eq!(body["inferenceConfig"]["maxTokens"], 77);
}

#[tokio::test]
async fn frames_cut_anywhere_by_the_network_are_put_together() {
    let bytes = [token("Überall "), token("gleich."), stop("end_turn"), usage()].concat();
    for cut in [1, 7, 40, 90, bytes.len() - 1] {
        let script = vec![
            Do::Send([HEAD.as_bytes(), &bytes[..cut]].concat()),
            Do::Wait(Duration::from_millis(5)),
            Do::Send(bytes[cut..].to_vec()),
        ];
        let outcome = ask_stand_in(script).await;
        assert_eq!((outcome.text.as_str(), outcome.error), ("Überall gleich.", None), "cut {cut}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_without_its_end_was_cut_and_keeps_its_text() {
    let outcome = ask_stand_in(vec![send(&[token("At most ")])]).await;
    assert_eq!(outcome.text, "At most ");
    assert_eq!(outcome.error, Some(ModelError::Cut));
    let half = token("25").len() / 2;
    let outcome =
        ask_stand_in(vec![send(&[token("At most "), token("25")[..half].to_vec()])]).await;
    assert_eq!((outcome.text.as_str(), outcome.error), ("At most ", Some(ModelError::Cut)));
}

#[tokio::test]
async fn a_frame_with_a_wrong_checksum_ends_the_answer() {
    let mut damaged = token("25");
    let last = damaged.len() - 1;
    damaged[last] ^= 0xff;
    let outcome = ask_stand_in(vec![send(&[token("At most "), damaged, stop("end_turn")])]).await;
    assert_eq!((outcome.text.as_str(), outcome.error), ("At most ", Some(ModelError::Cut)));
}

#[tokio::test]
async fn an_exception_inside_the_stream_is_told_with_the_code_of_its_kind() {
    for (name, code) in [
        ("throttlingException", 429),
        ("serviceUnavailableException", 503),
        ("validationException", 400),
        ("modelStreamErrorException", 500),
        ("internalServerException", 500),
    ] {
        let outcome = ask_stand_in(vec![send(&[token("At "), exception(name, "no more")])]).await;
        assert_eq!(outcome.text, "At ", "{name}");
        assert_eq!(code_of(&outcome), code, "{name}");
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_status_and_words_without_the_key() {
    for (status, name) in [
        (429, "ThrottlingException"),
        (403, "AccessDeniedException"),
        (503, "ServiceUnavailableException"),
    ] {
        let body = json!({ "message": "not now" }).to_string();
        let head = format!(
            "HTTP/1.1 {status} No\r\nx-amzn-errortype: {name}\r\nretry-after: 7\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let outcome =
            ask_stand_in(vec![Do::Send([head.into_bytes(), body.into_bytes()].concat())]).await;
        assert!(outcome.was_refused);
        assert_eq!(code_of(&outcome), status);
        let error = outcome.error.as_ref().unwrap();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        let told = outcome.error.unwrap().to_string();
        assert!(told.contains("not now") && !told.contains("top-secret"), "{told}");
    }
}

#[tokio::test]
async fn silence_before_the_first_token_and_between_tokens_ends_in_time() {
    let outcome = ask_stand_in(vec![send(&[]), Do::Wait(Duration::from_secs(5))]).await;
    assert!(matches!(outcome.error, Some(ModelError::FirstTokenTimeout(_))), "{outcome:?}");
    let outcome = ask_stand_in(vec![send(&[token("At ")]), Do::Wait(Duration::from_secs(5))]).await;
    assert_eq!(outcome.text, "At ");
    assert!(matches!(outcome.error, Some(ModelError::NextTokenTimeout(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_missing_usage_loses_nothing_of_the_answer() {
    let script = vec![send(&[token("25."), stop("end_turn")]), Do::Wait(Duration::from_secs(5))];
    let outcome = ask_stand_in(script).await;
    assert_eq!(outcome.text, "25.");
    assert_eq!(outcome.others, [ModelEvent::Finished(FinishReason::Stop)]);
}

#[tokio::test]
async fn the_reason_of_the_end_is_passed_on() {
    for (reason, expected) in [
        ("max_tokens", FinishReason::Length),
        ("guardrail_intervened", FinishReason::ContentFilter),
        ("content_filtered", FinishReason::ContentFilter),
        ("stop_sequence", FinishReason::Stop),
    ] {
        let outcome = ask_stand_in(vec![send(&[token("x"), stop(reason), usage()])]).await;
        assert_eq!(outcome.others.last(), Some(&ModelEvent::Finished(expected)), "{reason}");
    }
    let outcome = ask_stand_in(vec![send(&[token("x"), stop("tool_use"), usage()])]).await;
    assert!(matches!(outcome.error, Some(ModelError::Malformed(_))), "{outcome:?}");
    let outcome = ask_stand_in(vec![send(&[stop("end_turn"), usage()])]).await;
    assert_eq!(outcome.error, Some(ModelError::Empty));
}

#[tokio::test]
async fn the_word_for_no_answer_is_taken_out_and_told_as_the_reason() {
    let frames = [token("NO_"), token("ANSWER It is not covered."), stop("end_turn"), usage()];
    let outcome = ask_stand_in(vec![send(&frames)]).await;
    assert_eq!(outcome.text, "It is not covered.");
    assert_eq!(outcome.others.last(), Some(&ModelEvent::Finished(FinishReason::NoAnswer)));
}

#[tokio::test]
async fn a_port_where_nobody_listens_can_be_asked_again() {
    let server = StandIn::start(vec![]).await;
    let gone = model(&server);
    ask(&gone).await; // The stand-in serves one request and is gone.
    let outcome = ask(&gone).await;
    let error = outcome.error.unwrap();
    assert!(matches!(error, ModelError::Connect(_)) && error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn a_count_that_cannot_be_true_is_none_and_spoils_nothing() {
    for (input, output) in [(-1, 4), (11, -4), (i32::MAX, 4), (11, i32::MAX)] {
        let usage = json!({ "inputTokens": input, "outputTokens": output, "totalTokens": 0 });
        let metadata = event("metadata", &json!({ "usage": usage, "metrics": { "latencyMs": 5 } }));
        let outcome = ask_stand_in(vec![send(&[token("25."), stop("end_turn"), metadata])]).await;
        assert_eq!(outcome.text, "25.");
        assert_eq!(outcome.others, [ModelEvent::Finished(FinishReason::Stop)], "{input} {output}");
    }
}

#[tokio::test]
async fn what_came_from_the_cache_is_part_of_what_was_read() {
    let usage = json!({ "inputTokens": 11, "outputTokens": 4, "totalTokens": 1015,
        "cacheReadInputTokens": 900, "cacheWriteInputTokens": 100 });
    let metadata = event("metadata", &json!({ "usage": usage, "metrics": { "latencyMs": 5 } }));
    let outcome = ask_stand_in(vec![send(&[token("25."), stop("end_turn"), metadata])]).await;
    let expected = ModelUsage {
        input_tokens: 1011,
        output_tokens: 4,
        cached_input_tokens: 900,
        cache_write_tokens: 100,
        is_estimated: false,
    };
    assert_eq!(outcome.others[0], ModelEvent::Usage(expected));
}

fn cards(prompt_caching: bool, system_prompt: bool) -> ModelCards {
    let cards = ModelCards::default();
    cards.replace(vec![ModelCard {
        provider: "bedrock".to_owned(),
        model: "some.model-v1:0".to_owned(),
        context_tokens: Some(1000),
        max_output_tokens: Some(50),
        prompt_caching,
        system_prompt,
    }]);
    cards
}

#[tokio::test]
async fn a_model_that_can_is_told_what_to_keep_in_its_cache_and_no_other() {
    for caches in [true, false] {
        let server = StandIn::start(vec![send(&[token("x"), stop("end_turn"), usage()])]).await;
        let model = model(&server).with_cards(cards(caches, true));
        let history = vec![
            Turn { role: Role::User, content: "Hello".to_owned() },
            Turn { role: Role::Assistant, content: "Hi".to_owned() },
        ];
        let prompt = Prompt { history, ..super::prompt() };
        let stream = model.answer(prompt).await.unwrap();
        futures_util::StreamExt::count(stream).await;
        let body = server.body();
        let point = json!({ "cachePoint": { "type": "default" } });
        assert_eq!(body["system"][1] == point, caches, "{body}");
        assert_eq!(body["messages"][1]["content"][1] == point, caches, "{body}");
        assert_eq!(body.to_string().matches("cachePoint").count(), if caches { 2 } else { 0 });
        assert_eq!(body["inferenceConfig"]["maxTokens"], 50, "what the model can write at most");
    }
}

#[tokio::test]
async fn a_model_without_rules_of_their_own_gets_them_before_the_question() {
    let server = StandIn::start(vec![send(&[token("x"), stop("end_turn"), usage()])]).await;
    ask(&model(&server).with_cards(cards(false, false))).await;
    let body = server.body();
    assert_eq!(body.get("system"), None);
    let text = body["messages"][0]["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("Be kind.") && text.contains("How many keys?"), "{text}");
}

#[tokio::test]
async fn what_a_guardrail_found_is_kept_without_the_words_that_it_found() {
    let assessment = json!({
        "topicPolicy": { "topics": [{ "name": "Money", "type": "DENY", "action": "BLOCKED" }] },
        "sensitiveInformationPolicy": { "regexes": [], "piiEntities":
            [{ "match": "ann@example.com", "type": "EMAIL", "action": "ANONYMIZED" }] },
        "wordPolicy": { "managedWordLists": [], "customWords":
            [{ "match": "darn", "action": "NONE" }] },
    });
    let trace = json!({ "guardrail": { "inputAssessment": { "g": assessment },
        "outputAssessments": { "g": [{ "contentPolicy": { "filters":
            [{ "type": "HATE", "confidence": "HIGH", "action": "BLOCKED" }] } }] } } });
    let metadata = event(
        "metadata",
        &json!({ "usage": { "inputTokens": 1, "outputTokens": 1,
        "totalTokens": 2 }, "metrics": { "latencyMs": 5 }, "trace": trace }),
    );
    let frames = [token("No."), stop("guardrail_intervened"), metadata];
    let server = StandIn::start(vec![send(&frames)]).await;
    let outcome = ask(&model(&server)).await;
    let ModelEvent::Guardrail(findings) = &outcome.others[0] else { panic!("{outcome:?}") };
    let told: Vec<String> = findings
        .iter()
        .map(|it| format!("{} {} {} {}", it.side, it.policy, it.name, it.action))
        .collect();
    let expected = [
        "input topic Money blocked",
        "input word custom none",
        "input sensitive_information EMAIL anonymized",
        "output content HATE blocked",
    ];
    assert_eq!(told, expected);
    assert_eq!(outcome.others.last(), Some(&ModelEvent::Finished(FinishReason::ContentFilter)));
}

#[tokio::test]
async fn a_refusal_of_the_model_is_told_as_blocked_and_keeps_its_words() {
    let outcome = ask_stand_in(vec![send(&[token("I can not."), stop("refusal"), usage()])]).await;
    assert_eq!(outcome.text, "I can not.");
    assert_eq!(outcome.others.last(), Some(&ModelEvent::Finished(FinishReason::ContentFilter)));
}

#[tokio::test]
async fn a_piece_of_ten_megabytes_ends_the_answer_and_keeps_what_came_before() {
    let long = "x".repeat(10 * 1024 * 1024);
    let outcome = ask_stand_in(vec![send(&[token("At "), token(&long), stop("end_turn")])]).await;
    assert_eq!(outcome.text, "At ");
    assert!(matches!(outcome.error, Some(ModelError::Malformed(_))), "{:?}", outcome.error);
}

#[tokio::test]
async fn an_answer_is_continued_behind_a_quotation_of_what_is_written() {
    let server = StandIn::start(vec![send(&[token(" days."), stop("end_turn"), usage()])]).await;
    let model = model(&server);
    assert!(model.can_continue());
    let stream = model.continue_answer(super::prompt(), "Keys live for 90").await.unwrap();
    futures_util::StreamExt::count(stream).await;
    let body = server.body();
    assert_eq!(body["messages"].as_array().unwrap().len(), 1, "no turn of the assistant's own");
    let text = body["messages"][0]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains(">Keys live for 90</written-") && text.contains("Continue exactly"));
}
