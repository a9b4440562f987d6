//! Any server that speaks OpenAI's chat completions: hosted ones, vLLM, llama.cpp, Ollama and the
//! like. Called through [`ChatModel`]; it sends one request per call and repeats it only without a parameter that was
//! refused.
//!
//! Redirects are not followed, since the request carries a key and the customer's text. Whatever
//! goes wrong before the first event is the error of `answer` itself; later it is the last item of
//! the stream.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::time::{timeout, timeout_at};

use super::clock::{Clock, Times};
use super::messages::{self, Messages};
use super::rewriting::{self, MOST_REWRITING_TOKENS};
use super::{
    ChatModel, FinishReason, ModelCards, ModelError, ModelEvent, ModelStream, Prompt, Role, Turn,
};
use crate::kernel::live_secret::LiveSecret;

mod reading;
mod refusal;
mod server;
mod wire;

use reading::Reading;
use refusal::beginning;
use server::Parameters;

pub(in crate::adapters) use refusal::Refusal;
pub use server::OpenAiServer;

/// Parameters that one request can be refused for, one after the other.
const MOST_LESSONS: u32 = 3;

/// How to reach a server and how long to wait for it.
#[derive(Debug, Clone)]
pub struct OpenAiSettings {
    /// Address up to and with the version, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// Whose server it is.
    pub server: OpenAiServer,
    /// Sent as a bearer token, or as Azure wants it; many servers of one's own need none.
    pub api_key: LiveSecret,
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
        let base_url = base_url.into();
        Self {
            server: OpenAiServer::of_address(&base_url),
            base_url,
            api_key: LiveSecret::default(),
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
    parameters: Arc<Parameters>,
    cards: ModelCards,
}

impl OpenAiModel {
    /// Prepares the connection; nothing is sent yet.
    ///
    /// # Errors
    /// [`ModelError::Connect`] when the address or the key cannot be part of a request.
    pub fn new(settings: OpenAiSettings) -> Result<Self, ModelError> {
        let url =
            settings.server.address(&settings.base_url, &settings.model, "chat/completions")?;
        // Told now, not at the first question.
        settings.server.headers(settings.api_key.get().as_ref())?;
        let client = client(settings.connect_timeout)?;
        let parameters = Arc::new(Parameters::of(&settings.server, &settings.model));
        Ok(Self { settings, client, url, parameters, cards: ModelCards::default() })
    }

    /// The same with what is known of models.
    #[must_use]
    pub fn with_cards(self, cards: ModelCards) -> Self {
        Self { cards, ..self }
    }

    /// Sends a request; one that is refused for a parameter is sent again without it.
    async fn send(
        &self,
        messages: &Messages,
        most_tokens: u32,
        temperature: f32,
        streams: bool,
    ) -> Result<reqwest::Response, Refused> {
        let mut learned = 0;
        let key = self.settings.api_key.get();
        let headers = self.settings.server.headers(key.as_ref()).map_err(Refused::Error)?;
        loop {
            let mut body = json!({ "model": self.settings.model, "messages": in_form(messages) });
            self.parameters.fill(&mut body, most_tokens, temperature, streams);
            let request = self.client.post(self.url.clone()).headers(headers.clone());
            let sent = request.json(&body).send().await;
            let response = sent.map_err(|error| Refused::Error(lost(error)))?;
            if response.status().is_success() {
                return Ok(response);
            }
            let refusal = Refusal::read(response).await;
            if refusal.is_filtered() {
                return Err(Refused::Filtered);
            }
            let is_new = refusal.of_request().is_some_and(|error| self.parameters.learn(error));
            if !is_new || learned == MOST_LESSONS {
                let error = refusal.into_error(key.as_ref());
                return Err(Refused::Error(error));
            }
            learned += 1;
        }
    }

    async fn stream(&self, messages: Messages, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let clock = Clock::start(self.settings.times());
        let (deadline, overdue) = clock.until_first();
        let model = &self.settings.model;
        let most = self.cards.output_bound(self.provider(), model, prompt.max_output_tokens);
        let sending = self.send(&messages, most, prompt.temperature, true);
        let response = match timeout_at(deadline, sending).await {
            Err(_) => return Err(overdue),
            Ok(Err(Refused::Error(error))) => return Err(error),
            Ok(Err(Refused::Filtered)) => {
                let end = Ok(ModelEvent::Finished(FinishReason::ContentFilter));
                return Ok(stream::iter([end]).boxed());
            }
            Ok(Ok(response)) => response,
        };
        refuse_other_content(&response)?;
        let bytes = response.bytes_stream();
        // Whatever breaks a body that has begun, its end was not seen.
        let bytes = bytes.map(|piece| piece.map(|it| it.to_vec()).map_err(|_| ModelError::Cut));
        let key = self.settings.api_key.get();
        let mut events = events(Reading::new(bytes.boxed(), clock, key));
        match events.next().await {
            Some(Ok(first)) => Ok(stream::once(async { Ok(first) }).chain(events).boxed()),
            Some(Err(error)) => Err(error),
            None => Err(ModelError::Empty),
        }
    }

    async fn rewrite(&self, history: &[Turn], question: &str) -> Result<String, ModelError> {
        let messages = messages::for_rewriting(history, question);
        let response = match self.send(&messages, MOST_REWRITING_TOKENS, 0.0, false).await {
            Ok(response) => response,
            Err(Refused::Error(error)) => return Err(error),
            Err(Refused::Filtered) => return Err(ModelError::Empty),
        };
        let step = wire::read(&beginning(response).await, self.settings.api_key.get().as_ref())?;
        rewriting::question(&step.text)
    }
}

/// Why there is no response to read.
enum Refused {
    /// The provider's filter withholds an answer to the question.
    Filtered,
    Error(ModelError),
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
        self.stream(messages::for_answer(&prompt), &prompt).await
    }

    fn can_continue(&self) -> bool {
        true
    }

    async fn continue_answer(
        &self,
        prompt: Prompt,
        written: &str,
    ) -> Result<ModelStream, ModelError> {
        self.stream(messages::for_continuation(&prompt, written), &prompt).await
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

/// A client for one server: no redirects. The key goes with each request, since it may change.
pub(in crate::adapters) fn client(
    connect_timeout: Duration,
) -> Result<reqwest::Client, ModelError> {
    reqwest::Client::builder()
        .connect_timeout(connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(lost)
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

/// A web page with status 200 comes from a proxy or a login, not from a model; and what is compressed was not asked for.
fn refuse_other_content(response: &reqwest::Response) -> Result<(), ModelError> {
    let header = |name| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_ascii_lowercase()
    };
    if header(CONTENT_TYPE).starts_with("text/html") {
        return Err(ModelError::Malformed("it is a web page (text/html)".to_owned()));
    }
    let encoding = header(CONTENT_ENCODING);
    if !matches!(encoding.as_str(), "" | "identity") {
        let told: String = encoding.chars().take(20).collect();
        return Err(ModelError::Malformed(format!("it is compressed ({told}), unasked")));
    }
    Ok(())
}

/// Nothing of a response came. The address stays out of the message, as it may hold a password.
pub(in crate::adapters) fn lost(error: reqwest::Error) -> ModelError {
    let error = error.without_url();
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    ModelError::Connect(match cause {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })
}
