//! Models of Amazon Bedrock, by its ConverseStream operation. Called through [`ChatModel`]; it sends one request per call
//! and never repeats one, so the SDK's own retries are off.
//!
//! Credentials, region and a stand-in's address come as the SDK finds them everywhere (`AWS_REGION`, `AWS_ENDPOINT_URL`,
//! the task's role).

use std::time::Duration;

use async_trait::async_trait;
use aws_config::Region;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::types::{
    GuardrailStreamConfiguration, GuardrailTrace, InferenceConfiguration, Message,
    SystemContentBlock,
};
use futures_util::{StreamExt, stream};
use tokio::time::{timeout, timeout_at};

use super::clock::{Clock, Times};
use super::messages::{self, Messages};
use super::rewriting::{self, MOST_REWRITING_TOKENS};
use super::{ChatModel, ModelCards, ModelError, ModelStream, Prompt, Role, Turn};
use crate::adapters::aws::Aws;

mod findings;
mod reading;
mod refusal;
mod turns;

use reading::Reading;
pub(in crate::adapters) use refusal::of_request as refused;

/// Which model to ask and how long to wait for it.
#[derive(Debug, Clone)]
pub struct BedrockSettings {
    /// Id of a model or of a cross-region inference profile, such as `eu.anthropic.claude-sonnet-4-5-20250929-v1:0`.
    pub model: String,
    /// Region; that of the environment when absent.
    pub region: Option<String>,
    /// Guardrail that reads questions and answers: its id and version.
    pub guardrail: Option<(String, String)>,
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

impl BedrockSettings {
    /// Settings without a guardrail, with times that suit hosted models.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            region: None,
            guardrail: None,
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

/// A model of Amazon Bedrock.
#[derive(Debug, Clone)]
pub struct BedrockModel {
    settings: BedrockSettings,
    client: Client,
    cards: ModelCards,
}

/// A client of the runtime, in a region of its own or in that of the environment. Nothing is sent yet.
pub(in crate::adapters) async fn connect(
    aws: &Aws,
    region: Option<String>,
    connect_timeout: Duration,
) -> Client {
    let mut config = aws_sdk_bedrockruntime::config::Builder::from(aws.config().await)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(connect_timeout).build());
    if let Some(region) = region {
        config = config.region(Region::new(region));
    }
    if let Some(endpoint) = aws.bedrock_endpoint() {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}

impl BedrockModel {
    /// A model reached with the credentials, the region and the endpoint of the environment. Nothing is sent yet.
    pub async fn connect(aws: &Aws, settings: BedrockSettings) -> Self {
        let client = connect(aws, settings.region.clone(), settings.connect_timeout).await;
        Self::with_client(settings, client)
    }

    /// A model behind a client made elsewhere.
    pub fn with_client(settings: BedrockSettings, client: Client) -> Self {
        Self { settings, client, cards: ModelCards::default() }
    }

    /// The same with what is known of models.
    #[must_use]
    pub fn with_cards(self, cards: ModelCards) -> Self {
        Self { cards, ..self }
    }

    async fn rewrite(&self, history: &[Turn], question: &str) -> Result<String, ModelError> {
        let (system, turns) = self.in_form(messages::for_rewriting(history, question), false)?;
        let limits = inference(MOST_REWRITING_TOKENS, 0.0);
        let reply = self
            .client
            .converse()
            .model_id(&self.settings.model)
            .set_system(system)
            .set_messages(Some(turns))
            .inference_config(limits)
            .send()
            .await
            .map_err(|error| refusal::of_request(&error))?;
        let message = reply.output().and_then(|output| output.as_message().ok());
        rewriting::question(&message.map(turns::text_of).unwrap_or_default())
    }

    /// Rules and turns as this model takes them: with marks for the cache where it has one, and with the rules before the
    /// first question where it takes none apart.
    fn in_form(
        &self,
        messages: Messages,
        may_cache: bool,
    ) -> Result<(Option<Vec<SystemContentBlock>>, Vec<Message>), ModelError> {
        let Messages { system, mut turns } = messages;
        let card = self.cards.find(self.provider(), &self.settings.model);
        let caches = may_cache && card.as_ref().is_some_and(|card| card.prompt_caching);
        if card.is_some_and(|card| !card.system_prompt) {
            turns.insert(0, Turn { role: Role::User, content: system });
            return Ok((None, turns::in_form(&turns, caches)?));
        }
        let mut rules = vec![SystemContentBlock::Text(system)];
        if caches {
            rules.push(SystemContentBlock::CachePoint(turns::cache_point()?));
        }
        Ok((Some(rules), turns::in_form(&turns, caches)?))
    }

    async fn stream(&self, messages: Messages, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let clock = Clock::start(self.settings.times());
        let (system, turns) = self.in_form(messages, true)?;
        let (deadline, overdue) = clock.until_first();
        let beginning = self.begin(prompt, system, turns);
        let receiver = timeout_at(deadline, beginning).await.map_err(|_| overdue)??;
        let mut events = reading::events(Reading::new(receiver, clock));
        match events.next().await {
            Some(Ok(first)) => Ok(stream::once(async { Ok(first) }).chain(events).boxed()),
            Some(Err(error)) => Err(error),
            None => Err(ModelError::Empty),
        }
    }

    async fn begin(
        &self,
        prompt: &Prompt,
        system: Option<Vec<SystemContentBlock>>,
        turns: Vec<Message>,
    ) -> Result<reading::Receiver, ModelError> {
        let guardrail = self.settings.guardrail.as_ref().map(|(id, version)| {
            GuardrailStreamConfiguration::builder()
                .guardrail_identifier(id)
                .guardrail_version(version)
                .trace(GuardrailTrace::Enabled)
                .build()
        });
        let model = &self.settings.model;
        let most = self.cards.output_bound(self.provider(), model, prompt.max_output_tokens);
        let started = self
            .client
            .converse_stream()
            .model_id(model)
            .set_system(system)
            .set_messages(Some(turns))
            .inference_config(inference(most, prompt.temperature))
            .set_guardrail_config(guardrail)
            .send()
            .await;
        Ok(started.map_err(|error| refusal::of_request(&error))?.stream)
    }
}

#[async_trait]
impl ChatModel for BedrockModel {
    fn provider(&self) -> &str {
        "bedrock"
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

fn inference(most_tokens: u32, temperature: f32) -> InferenceConfiguration {
    InferenceConfiguration::builder()
        .max_tokens(i32::try_from(most_tokens).unwrap_or(i32::MAX))
        .temperature(temperature)
        .build()
}
