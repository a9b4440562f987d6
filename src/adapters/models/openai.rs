//! Any server that speaks OpenAI's chat completions: hosted ones, vLLM, llama.cpp, Ollama and the
//! like. Called through [`ChatModel`]; it sends one request per call and never repeats one.
//!
//! Redirects are not followed, since the request carries a key and the customer's text. Whatever
//! goes wrong before the first event is the error of `answer` itself; later it is the last item of
//! the stream.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::{timeout, timeout_at};

use super::clock::{Clock, Times};
use super::messages::{self, Messages};
use super::rewriting::{self, MOST_REWRITING_TOKENS};
use super::{ChatModel, ModelError, ModelEvent, ModelStream, Prompt, Role, Turn};

mod reading;
mod wire;

use reading::Reading;

/// What is read of the body of a refusal.
const MOST_ERROR_BYTES: usize = 64 * 1024;
/// How long that body is waited for.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(2);

/// How to reach a server and how long to wait for it.
#[derive(Debug, Clone)]
pub struct OpenAiSettings {
    /// Address up to and with the version, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// Sent as a bearer token; many servers of one's own need none.
    pub api_key: Option<SecretString>,
    /// The model's name as the server knows it.
    pub model: String,
    /// For the connection itself.
    pub connect_timeout: Duration,
    /// From the request to the first token.
    pub first_token_timeout: Duration,
    /// From one token to the next.
    pub next_token_timeout: Duration,
    /// For the whole answer.
    pub total_timeout: Duration,
    /// For the rewriting of a follow-up, which holds up everything behind it.
    pub rewriting_timeout: Duration,
}

impl OpenAiSettings {
    /// Settings for a server without a key, with times that suit hosted models.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            api_key: None,
            model: model.into(),
            connect_timeout: Duration::from_secs(3),
            first_token_timeout: Duration::from_secs(10),
            next_token_timeout: Duration::from_secs(20),
            total_timeout: Duration::from_secs(120),
            rewriting_timeout: Duration::from_secs(5),
        }
    }

    fn times(&self) -> Times {
        Times {
            first_token: self.first_token_timeout,
            next_token: self.next_token_timeout,
            total: self.total_timeout,
        }
    }
}

/// A model behind an OpenAI-compatible server.
#[derive(Debug, Clone)]
pub struct OpenAiModel {
    settings: OpenAiSettings,
    client: reqwest::Client,
    url: reqwest::Url,
}

impl OpenAiModel {
    /// Prepares the connection; nothing is sent yet.
    ///
    /// # Errors
    /// [`ModelError::Connect`] when the address or the key cannot be part of a request.
    pub fn new(settings: OpenAiSettings) -> Result<Self, ModelError> {
        let address = format!("{}/chat/completions", settings.base_url.trim_end_matches('/'));
        let url = reqwest::Url::parse(&address).map_err(|error| {
            ModelError::Connect(format!("{:?} is no address ({error})", settings.base_url))
        })?;
        let mut headers = HeaderMap::new();
        if let Some(key) = &settings.api_key {
            let bearer = format!("Bearer {}", key.expose_secret());
            let mut value = HeaderValue::from_str(&bearer).map_err(|_| {
                ModelError::Connect(
                    "the api key holds characters that no header may hold".to_owned(),
                )
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = reqwest::Client::builder()
            .connect_timeout(settings.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(headers)
            .build()
            .map_err(lost)?;
        Ok(Self { settings, client, url })
    }

    /// Sends the request; a status other than 2xx becomes an error.
    async fn send(&self, body: &Value) -> Result<reqwest::Response, ModelError> {
        let response = self.client.post(self.url.clone()).json(body).send().await.map_err(lost)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let key = self.settings.api_key.as_ref();
        let text = timeout(ERROR_BODY_TIMEOUT, beginning(response)).await.unwrap_or_default();
        Err(wire::refused(status.as_u16(), &text, key))
    }

    async fn rewrite(&self, history: &[Turn], question: &str) -> Result<String, ModelError> {
        let body = json!({
            "model": self.settings.model,
            "messages": in_form(&messages::for_rewriting(history, question)),
            "max_tokens": MOST_REWRITING_TOKENS,
            "temperature": 0.0,
            "stream": false,
        });
        let answer = beginning(self.send(&body).await?).await;
        let step = wire::read(&answer, self.settings.api_key.as_ref())?;
        rewriting::question(&step.text)
    }
}

#[async_trait]
impl ChatModel for OpenAiModel {
    fn provider(&self) -> &str {
        "openai"
    }

    fn model(&self) -> &str {
        &self.settings.model
    }

    async fn answer(&self, prompt: Prompt) -> Result<ModelStream, ModelError> {
        let clock = Clock::start(self.settings.times());
        let body = json!({
            "model": self.settings.model,
            "messages": in_form(&messages::for_answer(&prompt)),
            "max_tokens": prompt.max_output_tokens,
            "temperature": prompt.temperature,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        let (deadline, overdue) = clock.until_first();
        let response = timeout_at(deadline, self.send(&body)).await.map_err(|_| overdue)??;
        refuse_pages(&response)?;
        let bytes = response.bytes_stream();
        // Whatever breaks a body that has begun, its end was not seen.
        let bytes = bytes.map(|piece| piece.map(|it| it.to_vec()).map_err(|_| ModelError::Cut));
        let key = self.settings.api_key.clone();
        let mut events = events(Reading::new(bytes.boxed(), clock, key));
        match events.next().await {
            Some(Ok(first)) => Ok(stream::once(async { Ok(first) }).chain(events).boxed()),
            Some(Err(error)) => Err(error),
            None => Err(ModelError::Empty),
        }
    }

    async fn standalone_question(
        &self,
        history: &[Turn],
        question: &str,
    ) -> Result<String, ModelError> {
        if history.is_empty() {
            return Ok(question.to_owned());
        }
        let rewritten = timeout(self.settings.rewriting_timeout, self.rewrite(history, question));
        Ok(rewriting::or_as_written(rewritten.await, question))
    }
}

fn events(mut reading: Reading) -> ModelStream {
    let events = async_stream::try_stream! {
        while let Some(deltas) = reading.next().await? {
            for delta in deltas {
                yield ModelEvent::Delta(delta);
            }
        }
        for event in reading.ending()? {
            yield event;
        }
    };
    events.boxed()
}

/// The messages as the chat completions API takes them.
fn in_form(messages: &Messages) -> Value {
    let system = json!({ "role": "system", "content": messages.system });
    let turns = messages.turns.iter().map(|turn| {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        json!({ "role": role, "content": turn.content })
    });
    std::iter::once(system).chain(turns).collect()
}

/// A web page with status 200 comes from a proxy or a login, not from a model.
fn refuse_pages(response: &reqwest::Response) -> Result<(), ModelError> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with("text/html") {
        return Err(ModelError::Malformed("it is a web page (text/html)".to_owned()));
    }
    Ok(())
}

/// The beginning of a body as text, as far as it can be read.
async fn beginning(mut response: reqwest::Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() >= MOST_ERROR_BYTES {
            body.truncate(MOST_ERROR_BYTES);
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

/// Nothing of a response came. The address stays out of the message, as it may hold a password.
fn lost(error: reqwest::Error) -> ModelError {
    let error = error.without_url();
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    ModelError::Connect(match cause {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })
}
