//! Enrichment: which models write about documents, how long what they write may be, and what it may cost.

use std::time::Duration;

use super::{Env, ProviderConfig, ProviderKind};

/// Limits of enrichment.
#[derive(Clone, Debug)]
pub struct EnrichmentConfig {
    /// `PIDIMA_ENRICHMENT_PROVIDERS`: names of the providers of `PIDIMA_MODEL_PROVIDERS` that write, in the order in which they
    /// are asked, with commas between; default all of them that write texts of their own.
    pub providers: Vec<String>,
    /// `PIDIMA_ENRICHMENT_CONCURRENCY`: collections that this process works on at once; default 2.
    pub concurrency: usize,
    /// `PIDIMA_ENRICHMENT_SLICE_MS`: after so long a collection lets others go first; default 10000.
    pub slice: Duration,
    /// `PIDIMA_ENRICHMENT_DOCUMENT_TOKENS`: most tokens of a document that are read for one passage; default 12000.
    pub document_tokens: u32,
    /// `PIDIMA_ENRICHMENT_MAX_OUTPUT_TOKENS`: longest reply of a model, with what it thinks before; default
    /// 1024.
    pub max_output_tokens: u32,
    /// `PIDIMA_ENRICHMENT_CONTEXT_CHARS`: longest context of a passage, in characters; default 400.
    pub context_chars: usize,
    /// `PIDIMA_ENRICHMENT_SUMMARY_CHARS`: longest summary, in characters; default 1200.
    pub summary_chars: usize,
    /// `PIDIMA_ENRICHMENT_QUESTIONS`: most questions of a document; default 5.
    pub questions: usize,
    /// `PIDIMA_ENRICHMENT_QUESTION_CHARS`: longest question, in characters; default 200.
    pub question_chars: usize,
    /// `PIDIMA_ENRICHMENT_COLLECTION_TOKENS`: tokens that a collection may use in a month, unless it has a number of its own;
    /// default 20000000.
    pub collection_tokens: i64,
    /// `PIDIMA_ENRICHMENT_TENANT_TOKENS`: tokens that all collections of a tenant may use in a month; default 100000000.
    pub tenant_tokens: i64,
    /// `PIDIMA_ENRICHMENT_MAX_ATTEMPTS`: attempts at a document without getting further before it is given up; default 10.
    pub max_attempts: u32,
    /// `PIDIMA_ENRICHMENT_RETRY_MS`: wait after the first attempt that failed, twice as long after each further one; default 30000.
    pub retry: Duration,
    /// `PIDIMA_ENRICHMENT_RECHECK_MS`: how often it is looked whether there is something again, once a budget is used up;
    /// default 900000.
    pub recheck: Duration,
}

impl EnrichmentConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            providers: providers(env),
            concurrency: env.number("PIDIMA_ENRICHMENT_CONCURRENCY", 2, 1, 64),
            slice: env.millis("PIDIMA_ENRICHMENT_SLICE_MS", 10_000, 1, 600_000),
            document_tokens: env.number(
                "PIDIMA_ENRICHMENT_DOCUMENT_TOKENS",
                12_000,
                500,
                1_000_000,
            ),
            max_output_tokens: env.number("PIDIMA_ENRICHMENT_MAX_OUTPUT_TOKENS", 1_024, 16, 32_768),
            context_chars: env.number("PIDIMA_ENRICHMENT_CONTEXT_CHARS", 400, 20, 2_000),
            summary_chars: env.number("PIDIMA_ENRICHMENT_SUMMARY_CHARS", 1_200, 20, 10_000),
            questions: env.number("PIDIMA_ENRICHMENT_QUESTIONS", 5, 0, 50),
            question_chars: env.number("PIDIMA_ENRICHMENT_QUESTION_CHARS", 200, 20, 2_000),
            collection_tokens: env.number(
                "PIDIMA_ENRICHMENT_COLLECTION_TOKENS",
                20_000_000,
                0,
                1_000_000_000_000,
            ),
            tenant_tokens: env.number(
                "PIDIMA_ENRICHMENT_TENANT_TOKENS",
                100_000_000,
                0,
                1_000_000_000_000,
            ),
            max_attempts: env.number("PIDIMA_ENRICHMENT_MAX_ATTEMPTS", 10, 1, 1_000),
            retry: env.millis("PIDIMA_ENRICHMENT_RETRY_MS", 30_000, 1, 3_600_000),
            recheck: env.millis("PIDIMA_ENRICHMENT_RECHECK_MS", 900_000, 10, 86_400_000),
        }
    }

    /// Notes a fault where a provider is named that there is not, or one that writes no text of its own.
    pub fn check_providers(&self, env: &Env, known: &[ProviderConfig]) {
        for name in &self.providers {
            match known.iter().find(|provider| provider.name == *name) {
                None => env.fault(format!(
                    "PIDIMA_ENRICHMENT_PROVIDERS names {name}, which PIDIMA_MODEL_PROVIDERS does not name"
                )),
                Some(ProviderConfig { kind: ProviderKind::Extractive, .. }) => env.fault(format!(
                    "PIDIMA_ENRICHMENT_PROVIDERS names {name}, which writes no text of its own"
                )),
                Some(_) => {}
            }
        }
    }
}

fn providers(env: &Env) -> Vec<String> {
    let list = env.text("PIDIMA_ENRICHMENT_PROVIDERS").unwrap_or_default();
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn only_providers_that_are_there_and_write_are_taken() {
        let faults = |named: &str| {
            let pairs = [
                ("DATABASE_URL", "postgres://pidima_app@127.0.0.1/pidima"),
                ("PIDIMA_MODEL_PROVIDERS", "openai,extractive"),
                ("PIDIMA_OPENAI_BASE_URL", "http://a/v1"),
                ("PIDIMA_OPENAI_MODEL", "m"),
                ("PIDIMA_ENRICHMENT_PROVIDERS", named),
            ];
            let read = Config::from_env(&Env::from_pairs(pairs));
            read.map_or_else(|error| error.faults.len(), |_| 0)
        };
        assert_eq!(faults(""), 0);
        assert_eq!(faults("openai"), 0);
        assert_eq!(faults("extractive"), 1);
        assert_eq!(faults("openai, bedrock"), 1);
    }
}
