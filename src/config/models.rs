//! Answering questions: which models, how long they may take, and how they replace one another.

mod providers;

use std::time::Duration;

use super::Env;

pub use providers::{BedrockConfig, OpenAiConfig, ProviderConfig, ProviderKind, ServerName};

/// How questions are answered.
#[derive(Clone, Debug)]
pub struct ChatConfig {
    /// `PIDIMA_MODEL_PROVIDERS`: names of the providers in the order in which they are asked, with commas between; default
    /// the one that `PIDIMA_MODEL_PROVIDER` (extractive, bedrock or openai; default extractive) names.
    pub providers: Vec<ProviderConfig>,
    /// How long a model may take.
    pub times: ModelTimes,
    /// How providers replace one another.
    pub failover: FailoverConfig,
    /// `PIDIMA_MODEL_CATALOGUE_REFRESH_MS`: how often the table of models is read again; default 60000.
    pub catalogue_refresh: Duration,
    /// `PIDIMA_CHAT_PASSAGES`: passages given to the model; default 8.
    pub passages: u32,
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
    /// `PIDIMA_CHAT_HISTORY_TOKENS`: most tokens of earlier messages given to the model; default 3000.
    pub history_tokens: u32,
    /// `PIDIMA_CHAT_CONTEXT_TOKENS`: tokens that a model reads and writes at once, where nothing is known of it; default 16384.
    pub context_tokens: u32,
    /// `PIDIMA_CHAT_MIN_EVIDENCE`: least evidence, 0 to 100, with which a model is asked; default 15.
    pub min_evidence: u8,
    /// `PIDIMA_MAX_ASSISTANTS`: most assistants of one tenant, the default one included; default 100.
    pub max_assistants: u32,
}

/// How long a model may take.
#[derive(Clone, Copy, Debug)]
pub struct ModelTimes {
    /// `PIDIMA_MODEL_FIRST_TOKEN_TIMEOUT_MS`: wait for the first text; default 10000.
    pub first_token_timeout: Duration,
    /// `PIDIMA_MODEL_NEXT_TOKEN_TIMEOUT_MS`: wait between two texts; default 20000.
    pub next_token_timeout: Duration,
    /// `PIDIMA_MODEL_TOTAL_TIMEOUT_MS`: time for a whole answer, whoever writes it; default 120000.
    pub total_timeout: Duration,
}

/// How providers replace one another.
#[derive(Clone, Copy, Debug)]
pub struct FailoverConfig {
    /// `PIDIMA_MODEL_RESTART_TOKENS`: tokens shown below which an answer begins anew at the next provider instead of being
    /// continued; default 40.
    pub restart_tokens: u64,
    /// `PIDIMA_MODEL_RETRY_TRIES`: tries of one provider before its first text; default 3.
    pub retry_tries: u32,
    /// `PIDIMA_MODEL_RETRY_BASE_MS`: longest wait before the second try, doubled with each further one; default 200.
    pub retry_base: Duration,
    /// `PIDIMA_MODEL_RETRY_CAP_MS`: longest wait of all; default 5000.
    pub retry_cap: Duration,
    /// `PIDIMA_MODEL_RETRY_BUDGET_PERCENT`: retries for each hundred calls; default 10.
    pub retry_budget_percent: u32,
    /// `PIDIMA_MODEL_RETRY_BURST`: retries that are there without any call before; default 10.
    pub retry_burst: u32,
    /// `PIDIMA_MODEL_BREAKER_WINDOW_MS`: how far back calls of a provider are counted; default 30000.
    pub breaker_window: Duration,
    /// `PIDIMA_MODEL_BREAKER_CALLS`: calls in that time below which errors say nothing; default 20.
    pub breaker_calls: u32,
    /// `PIDIMA_MODEL_BREAKER_ERROR_PERCENT`: share of errors at which a provider is left alone; default 50.
    pub breaker_error_percent: u32,
    /// `PIDIMA_MODEL_BREAKER_TIMEOUTS`: time-outs before the first text, one after the other, at which it is; default 5.
    pub breaker_timeouts: u32,
    /// `PIDIMA_MODEL_BREAKER_PROBE_MS`: how often one question goes to it all the same; default 10000.
    pub breaker_probe: Duration,
}

impl ChatConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            providers: providers::read(env),
            times: ModelTimes::from_env(env),
            failover: FailoverConfig::from_env(env),
            catalogue_refresh: env.millis(
                "PIDIMA_MODEL_CATALOGUE_REFRESH_MS",
                60_000,
                100,
                86_400_000,
            ),
            passages: env.number("PIDIMA_CHAT_PASSAGES", 8, 1, 50),
            history_messages: env.number("PIDIMA_CHAT_HISTORY_MESSAGES", 10, 0, 100),
            max_output_tokens: env.number("PIDIMA_CHAT_MAX_OUTPUT_TOKENS", 1_024, 16, 32_768),
            allowed_links: allowed_links(env),
            max_held_bytes: env.number("PIDIMA_CHAT_MAX_HELD_BYTES", 4_096, 256, 65_536),
            history_tokens: env.number("PIDIMA_CHAT_HISTORY_TOKENS", 3_000, 0, 100_000),
            context_tokens: env.number("PIDIMA_CHAT_CONTEXT_TOKENS", 16_384, 2_048, 10_000_000),
            min_evidence: env.number("PIDIMA_CHAT_MIN_EVIDENCE", 15, 0, 100),
            max_assistants: env.number("PIDIMA_MAX_ASSISTANTS", 100, 1, 10_000),
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

impl FailoverConfig {
    fn from_env(env: &Env) -> Self {
        Self {
            restart_tokens: env.number("PIDIMA_MODEL_RESTART_TOKENS", 40, 0, 100_000),
            retry_tries: env.number("PIDIMA_MODEL_RETRY_TRIES", 3, 1, 10),
            retry_base: env.millis("PIDIMA_MODEL_RETRY_BASE_MS", 200, 0, 60_000),
            retry_cap: env.millis("PIDIMA_MODEL_RETRY_CAP_MS", 5_000, 0, 60_000),
            retry_budget_percent: env.number("PIDIMA_MODEL_RETRY_BUDGET_PERCENT", 10, 0, 100),
            retry_burst: env.number("PIDIMA_MODEL_RETRY_BURST", 10, 0, 10_000),
            breaker_window: env.millis("PIDIMA_MODEL_BREAKER_WINDOW_MS", 30_000, 100, 600_000),
            breaker_calls: env.number("PIDIMA_MODEL_BREAKER_CALLS", 20, 1, 10_000),
            breaker_error_percent: env.number("PIDIMA_MODEL_BREAKER_ERROR_PERCENT", 50, 1, 100),
            breaker_timeouts: env.number("PIDIMA_MODEL_BREAKER_TIMEOUTS", 5, 1, 1_000),
            breaker_probe: env.millis("PIDIMA_MODEL_BREAKER_PROBE_MS", 10_000, 10, 600_000),
        }
    }
}
