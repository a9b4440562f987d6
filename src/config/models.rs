//! Answering questions: which model, and how long it may take.

use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use super::Env;

/// Which provider answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderName {
    /// In process: chooses and cites sentences, invents nothing.
    Extractive,
    /// Amazon Bedrock.
    Bedrock,
    /// Any server that speaks OpenAI's chat completions.
    OpenAi,
}

impl FromStr for ProviderName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "extractive" => Ok(Self::Extractive),
            "bedrock" => Ok(Self::Bedrock),
            "openai" => Ok(Self::OpenAi),
            _ => Err("give extractive, bedrock or openai".to_owned()),
        }
    }
}

/// How questions are answered.
#[derive(Clone, Debug)]
pub struct ChatConfig {
    /// `PIDIMA_MODEL_PROVIDER`: extractive, bedrock or openai; default extractive.
    pub provider: ProviderName,
    /// Settings of the provider `bedrock`.
    pub bedrock: Option<BedrockConfig>,
    /// Settings of the provider `openai`.
    pub openai: Option<OpenAiConfig>,
    /// How long a model may take.
    pub times: ModelTimes,
    /// `PIDIMA_CHAT_PASSAGES`: passages given to the model; default 8.
    pub passages: usize,
    /// `PIDIMA_CHAT_HISTORY_MESSAGES`: earlier messages given to the model; default 10.
    pub history_messages: i64,
    /// `PIDIMA_CHAT_MAX_OUTPUT_TOKENS`: longest answer, in the model's tokens; default 1024.
    pub max_output_tokens: u32,
    /// `PIDIMA_CHAT_ALLOWED_LINKS`: beginnings of addresses that answers may link to whatever the documents say,
    /// separated by commas; default none.
    pub allowed_links: Vec<String>,
    /// `PIDIMA_CHAT_MAX_HELD_BYTES`: most bytes of an answer that are held back until it is clear what they become;
    /// default 4096.
    pub max_held_bytes: usize,
}

/// An OpenAI-compatible server.
#[derive(Clone, Debug)]
pub struct OpenAiConfig {
    /// `PIDIMA_OPENAI_BASE_URL`: address up to and with `/v1`; required for the provider.
    pub base_url: String,
    /// `PIDIMA_OPENAI_API_KEY`: bearer token, where the server wants one.
    pub api_key: Option<SecretString>,
    /// `PIDIMA_OPENAI_MODEL`: model's name; required for the provider.
    pub model: String,
}

/// A model of Amazon Bedrock. Credentials, region and endpoint come from the environment as AWS's SDKs read it.
#[derive(Clone, Debug)]
pub struct BedrockConfig {
    /// `PIDIMA_BEDROCK_MODEL`: id of the model or of a cross-region inference profile; required for the provider.
    pub model: String,
    /// `PIDIMA_BEDROCK_GUARDRAIL_ID` and `PIDIMA_BEDROCK_GUARDRAIL_VERSION`: a guardrail and its version; both or none.
    pub guardrail: Option<(String, String)>,
}

/// How long a model may take.
#[derive(Clone, Copy, Debug)]
pub struct ModelTimes {
    /// `PIDIMA_MODEL_FIRST_TOKEN_TIMEOUT_MS`: wait for the first text; default 10000.
    pub first_token_timeout: Duration,
    /// `PIDIMA_MODEL_NEXT_TOKEN_TIMEOUT_MS`: wait between two texts; default 20000.
    pub next_token_timeout: Duration,
    /// `PIDIMA_MODEL_TOTAL_TIMEOUT_MS`: time for a whole answer; default 120000.
    pub total_timeout: Duration,
}

impl ChatConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let provider = env.parse("PIDIMA_MODEL_PROVIDER", ProviderName::Extractive);
        Self {
            provider,
            bedrock: BedrockConfig::from_env(env, provider == ProviderName::Bedrock),
            openai: OpenAiConfig::from_env(env, provider == ProviderName::OpenAi),
            times: ModelTimes::from_env(env),
            passages: env.number("PIDIMA_CHAT_PASSAGES", 8, 1, 50),
            history_messages: env.number("PIDIMA_CHAT_HISTORY_MESSAGES", 10, 0, 100),
            max_output_tokens: env.number("PIDIMA_CHAT_MAX_OUTPUT_TOKENS", 1_024, 16, 32_768),
            allowed_links: allowed_links(env),
            max_held_bytes: env.number("PIDIMA_CHAT_MAX_HELD_BYTES", 4_096, 256, 65_536),
        }
    }
}

fn allowed_links(env: &Env) -> Vec<String> {
    let list = env.text("PIDIMA_CHAT_ALLOWED_LINKS").unwrap_or_default();
    let links = list.split(',').map(str::trim).filter(|link| !link.is_empty());
    let links: Vec<String> = links.map(str::to_owned).collect();
    for link in &links {
        let is_address = ["https://", "http://"].iter().any(|scheme| link.starts_with(scheme));
        if !is_address || link.contains(['?', '#']) {
            env.fault(format!(
                "PIDIMA_CHAT_ALLOWED_LINKS has \"{link}\": give addresses that begin with https:// or http://, \
                 without a query"
            ));
        }
    }
    links
}

impl OpenAiConfig {
    fn from_env(env: &Env, wanted: bool) -> Option<Self> {
        let base_url = env.text("PIDIMA_OPENAI_BASE_URL");
        let model = env.text("PIDIMA_OPENAI_MODEL");
        let settings = Self {
            base_url: base_url.clone().unwrap_or_default(),
            api_key: env.secret("PIDIMA_OPENAI_API_KEY"),
            model: model.clone().unwrap_or_default(),
        };
        if !wanted {
            return None;
        }
        if base_url.is_none() || model.is_none() {
            env.fault(
                "PIDIMA_MODEL_PROVIDER is openai: set PIDIMA_OPENAI_BASE_URL and PIDIMA_OPENAI_MODEL too"
                    .to_owned(),
            );
        }
        Some(settings)
    }
}

impl BedrockConfig {
    fn from_env(env: &Env, wanted: bool) -> Option<Self> {
        let model = env.text("PIDIMA_BEDROCK_MODEL");
        let guardrail = env.text("PIDIMA_BEDROCK_GUARDRAIL_ID");
        let version = env.text("PIDIMA_BEDROCK_GUARDRAIL_VERSION");
        if !wanted {
            return None;
        }
        if model.is_none() {
            env.fault("PIDIMA_MODEL_PROVIDER is bedrock: set PIDIMA_BEDROCK_MODEL too".to_owned());
        }
        if guardrail.is_some() != version.is_some() {
            env.fault(
                "set PIDIMA_BEDROCK_GUARDRAIL_ID and PIDIMA_BEDROCK_GUARDRAIL_VERSION together"
                    .to_owned(),
            );
        }
        Some(Self { model: model.unwrap_or_default(), guardrail: guardrail.zip(version) })
    }
}

impl ModelTimes {
    fn from_env(env: &Env) -> Self {
        Self {
            first_token_timeout: env.millis(
                "PIDIMA_MODEL_FIRST_TOKEN_TIMEOUT_MS",
                10_000,
                10,
                600_000,
            ),
            next_token_timeout: env.millis(
                "PIDIMA_MODEL_NEXT_TOKEN_TIMEOUT_MS",
                20_000,
                10,
                600_000,
            ),
            total_timeout: env.millis("PIDIMA_MODEL_TOTAL_TIMEOUT_MS", 120_000, 10, 3_600_000),
        }
    }
}
