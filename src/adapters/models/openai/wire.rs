//! The shapes that an OpenAI-compatible server sends, read with forbearance: servers leave fields
//! out, send `null` for them or add their own. Called by the reading of an answer; it does no
//! input.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use crate::adapters::models::{FinishReason, ModelError};

/// Longest message of a server that is passed on.
const MOST_MESSAGE_CHARS: usize = 300;

/// One chunk of a stream, or a whole answer.
#[derive(Debug, Deserialize)]
pub(super) struct Completion {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Counts>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    index: Option<u32>,
    #[serde(default)]
    delta: Option<Content>,
    #[serde(default)]
    message: Option<Content>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Content {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    reasoning_content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Counts {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
}

/// What one chunk says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Step {
    pub text: String,
    /// The model is thinking aloud in a field that is not shown; it is alive.
    pub is_thinking: bool,
    pub finish: Option<FinishReason>,
    /// Input and output tokens, when the server counted both.
    pub usage: Option<(u64, u64)>,
}

/// Reads a chunk or a whole answer. An error object in its place becomes the error that it
/// describes.
pub(super) fn read(json: &str, key: Option<&SecretString>) -> Result<Step, ModelError> {
    let completion: Completion = serde_json::from_str(json)
        .map_err(|error| ModelError::Malformed(format!("no chunk of an answer ({error})")))?;
    if let Some(error) = completion.error {
        let code =
            error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        return Err(ModelError::Status {
            code: code.unwrap_or(200),
            message: message(&error, key),
        });
    }
    let usage = completion.usage.and_then(|it| Some((it.prompt_tokens?, it.completion_tokens?)));
    let mut step = Step { usage, ..Step::default() };
    let choices = completion.choices.unwrap_or_default();
    // Only one answer was asked for; others would be mixed into it.
    let first = choices.into_iter().find(|choice| choice.index.unwrap_or_default() == 0);
    let Some(choice) = first else { return Ok(step) };
    step.finish = choice.finish_reason.as_deref().filter(|reason| !reason.is_empty()).map(finish);
    if let Some(content) = choice.delta.or(choice.message) {
        step.is_thinking = content.reasoning_content.is_some_and(|thought| !thought.is_empty());
        step.text = content.content.unwrap_or_default();
    }
    Ok(step)
}

/// The error that a response with another status than 2xx stands for.
pub(super) fn refused(code: u16, body: &str, key: Option<&SecretString>) -> ModelError {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let error = parsed.map(|value| value.get("error").cloned().unwrap_or(value));
    let error = error.unwrap_or_else(|| Value::String(body.to_owned()));
    ModelError::Status { code, message: message(&error, key) }
}

fn finish(reason: &str) -> FinishReason {
    match reason {
        "length" | "max_tokens" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

/// The server's words in one short line, without the key and without anything that looks like one.
fn message(error: &Value, key: Option<&SecretString>) -> String {
    let said = error.get("message").and_then(Value::as_str).or(error.as_str());
    let mut text = said.unwrap_or("no message").to_owned();
    if let Some(key) = key.map(ExposeSecret::expose_secret).filter(|key| !key.is_empty()) {
        text = text.replace(key, "[key]");
    }
    let words = text.split_whitespace().map(|word| {
        let looks_like_key = word.contains("sk-") || word.contains("Bearer");
        if looks_like_key { "[key]" } else { word }
    });
    let line = words.collect::<Vec<_>>().join(" ");
    line.chars().take(MOST_MESSAGE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_and_missing_fields_say_nothing() {
        assert_eq!(read("{}", None), Ok(Step::default()));
        let nulls = r#"{"choices":[{"delta":{"content":null},"finish_reason":null}],"usage":null,"error":null}"#;
        assert_eq!(read(nulls, None), Ok(Step::default()));
        assert_eq!(read(r#"{"usage":{"prompt_tokens":3}}"#, None).unwrap().usage, None);
    }

    #[test]
    fn a_second_choice_is_not_mixed_into_the_first() {
        let two = r#"{"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}"#;
        assert_eq!(read(two, None).unwrap().text, "a");
    }

    #[test]
    fn a_message_is_short_and_holds_no_key() {
        let key = SecretString::from("top-secret");
        let long = format!("key top-secret or sk-abc*** is wrong {}", "x".repeat(5000));
        let body = serde_json::json!({ "error": { "message": long } }).to_string();
        let ModelError::Status { code, message } = refused(401, &body, Some(&key)) else {
            panic!()
        };
        assert_eq!(code, 401);
        assert!(message.starts_with("key [key] or [key] is wrong"), "{message}");
        assert_eq!(message.chars().count(), MOST_MESSAGE_CHARS);
    }
}
