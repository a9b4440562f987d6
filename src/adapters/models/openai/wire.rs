//! The shapes that an OpenAI-compatible server sends, read with forbearance: servers leave fields
//! out, send `null` for them or add their own. Called by the reading of an answer; it does no
//! input.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::adapters::models::{FinishReason, ModelError, ModelUsage};

/// Longest message of a server that is passed on.
const MOST_MESSAGE_CHARS: usize = 300;

/// One chunk of a stream, or a whole answer.
#[derive(Debug, Deserialize)]
pub(super) struct Completion {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
    /// Errors of vLLM, and of llama.cpp inside a stream, have no field `error`: they are an object with a message.
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    code: Option<Value>,
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
    /// What OpenAI's models say in place of an answer that they refuse to give.
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default, alias = "reasoning")]
    reasoning_content: Option<String>,
}

/// What one chunk says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Step {
    pub text: String,
    /// The text is a refusal and no answer.
    pub is_refusal: bool,
    /// The model is thinking aloud in a field that is not shown; it is alive.
    pub is_thinking: bool,
    pub finish: Option<FinishReason>,
    /// Tokens, when the server counted and the count can be true.
    pub usage: Option<ModelUsage>,
}

/// Reads a chunk or a whole answer. An error object in its place becomes the error that it
/// describes.
pub(super) fn read(json: &str, key: Option<&SecretString>) -> Result<Step, ModelError> {
    let completion: Completion = serde_json::from_str(json)
        .map_err(|error| ModelError::Malformed(format!("no chunk of an answer ({error})")))?;
    let error = completion.error.or_else(|| {
        let message = completion.message.filter(|_| completion.choices.is_none())?;
        Some(json!({ "message": message, "code": completion.code }))
    });
    if let Some(error) = error {
        return Err(ModelError::status(code_of(&error), message(&error, key)));
    }
    let mut step = Step { usage: completion.usage.as_ref().and_then(counts), ..Step::default() };
    let choices = completion.choices.unwrap_or_default();
    // Only one answer was asked for; others would be mixed into it.
    let first = choices.into_iter().find(|choice| choice.index.unwrap_or_default() == 0);
    let Some(choice) = first else { return Ok(step) };
    let reason = choice.finish_reason.as_deref().filter(|reason| !reason.is_empty());
    step.finish = reason.map(finish).transpose()?;
    if let Some(content) = choice.delta.or(choice.message) {
        step.is_thinking = content.reasoning_content.is_some_and(|thought| !thought.is_empty());
        step.text = content.content.unwrap_or_default();
        if let Some(refusal) = content.refusal.filter(|refusal| !refusal.is_empty()) {
            step.text.push_str(&refusal);
            step.is_refusal = true;
        }
    }
    Ok(step)
}

/// The error object of a response with another status than 2xx, or its body where there is none.
pub(super) fn error_of(body: &str) -> Value {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let error = parsed.map(|value| value.get("error").cloned().unwrap_or(value));
    error.unwrap_or_else(|| Value::String(body.to_owned()))
}

/// A count that is negative, huge, no whole number or not of both is no count.
fn counts(usage: &Value) -> Option<ModelUsage> {
    let cached = usage.pointer("/prompt_tokens_details/cached_tokens").and_then(Value::as_i64);
    ModelUsage::counted(
        usage.get("prompt_tokens")?.as_i64()?,
        usage.get("completion_tokens")?.as_i64()?,
        cached.unwrap_or_default(),
        0,
    )
}

/// The status that an error inside a stream stands for; 200 when it does not say.
fn code_of(error: &Value) -> u16 {
    let field = |name: &str| error.get(name).cloned().unwrap_or_default();
    let number = field("code").as_u64().or_else(|| field("code").as_str()?.parse().ok());
    if let Some(code) = number.and_then(|code| u16::try_from(code).ok()) {
        return code;
    }
    let named = |name: &str| {
        [field("type"), field("code")]
            .iter()
            .any(|it| it.as_str().is_some_and(|it| it.contains(name)))
    };
    match () {
        () if named("rate_limit") => 429,
        () if named("overloaded") => 529,
        () if named("unavailable") => 503,
        () if named("timeout") => 504,
        () if named("server_error") || named("api_error") => 500,
        () => 200,
    }
}

fn finish(reason: &str) -> Result<FinishReason, ModelError> {
    Ok(match reason {
        "length" | "max_tokens" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        // None was offered: whatever it wanted from one is missing in its answer.
        "tool_calls" | "function_call" => {
            return Err(ModelError::Malformed("the model stopped for a tool".to_owned()));
        }
        _ => FinishReason::Stop,
    })
}

/// The server's words in one short line, without the key and without anything that looks like one.
pub(super) fn message(error: &Value, key: Option<&SecretString>) -> String {
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
    fn a_count_that_cannot_be_true_is_none_and_spoils_nothing() {
        let with = |usage: Value| {
            let text = json!({ "choices": [{ "delta": { "content": "a" } }], "usage": usage });
            let step = read(&text.to_string(), None).unwrap();
            assert_eq!(step.text, "a");
            step.usage
        };
        let cached = json!({ "prompt_tokens": 9, "completion_tokens": 2,
            "prompt_tokens_details": { "cached_tokens": 4 } });
        assert_eq!(with(cached).unwrap().cached_input_tokens, 4);
        for (input, output) in [
            (json!(-1), json!(1)),
            (json!(1), json!(-5)),
            (json!(1e300), json!(1)),
            (json!(u64::MAX), json!(1)),
            (json!("many"), json!(1)),
            (json!(1.5), json!(1)),
            (json!(null), json!(1)),
        ] {
            let usage = json!({ "prompt_tokens": input, "completion_tokens": output });
            assert_eq!(with(usage.clone()), None, "{usage}");
        }
    }

    #[test]
    fn errors_inside_a_stream_have_the_status_that_their_words_mean() {
        for (json, code) in [
            (r#"{"error":{"message":"m","code":503}}"#, 503),
            (r#"{"error":{"message":"m","code":"429"}}"#, 429),
            (r#"{"error":{"message":"m","type":"overloaded_error"}}"#, 529),
            (r#"{"error":{"message":"m","code":"rate_limit_exceeded"}}"#, 429),
            (r#"{"error":{"message":"m","type":"server_error","code":null}}"#, 500),
            (r#"{"object":"error","message":"m","type":"BadRequestError","code":400}"#, 400),
            (r#"{"error":"model not found"}"#, 200),
        ] {
            let Err(ModelError::Status { code: told, .. }) = read(json, None) else {
                panic!("{json}")
            };
            assert_eq!(told, code, "{json}");
        }
    }

    #[test]
    fn a_refusal_is_text_and_told_as_one_and_a_call_of_a_tool_is_no_end() {
        let refused = read(r#"{"choices":[{"delta":{"refusal":"I can not."}}]}"#, None).unwrap();
        assert!(refused.is_refusal && refused.text == "I can not.");
        let tool = r#"{"choices":[{"delta":{"tool_calls":[{}]},"finish_reason":"tool_calls"}]}"#;
        assert!(matches!(read(tool, None), Err(ModelError::Malformed(_))));
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
        let message = message(&error_of(&body), Some(&key));
        assert!(message.starts_with("key [key] or [key] is wrong"), "{message}");
        assert_eq!(message.chars().count(), MOST_MESSAGE_CHARS);
    }
}
