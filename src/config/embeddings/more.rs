//! Embedding models beside the database's own, by name: what collections are re-embedded with.

use std::str::FromStr;
use std::time::Duration;

use super::{EmbeddingProvider, RemoteEmbeddingsConfig};
use crate::config::{Env, ServerName};

/// Most of them at once.
const MOST: usize = 5;

/// An embedding model with a name of its own.
#[derive(Clone, Debug)]
pub struct MoreEmbeddingsConfig {
    /// By which the settings name it.
    pub name: String,
    /// What it is.
    pub provider: EmbeddingProvider,
    /// The model, where it runs elsewhere. Its variables are those of the database's own model with `PIDIMA_EMBEDDER_<NAME>_`
    /// in front.
    pub remote: RemoteEmbeddingsConfig,
}

/// Ends of the variables of each.
const VARIABLES: [&str; 12] = [
    "PROVIDER",
    "MODEL",
    "DIMENSIONS",
    "BASE_URL",
    "API_KEY",
    "SERVER",
    "API_VERSION",
    "REGION",
    "BATCH",
    "CONCURRENCY",
    "TIMEOUT_MS",
    "TRIES",
];

/// Those that `PIDIMA_EMBEDDING_MORE` names.
pub(super) fn read(env: &Env) -> Vec<MoreEmbeddingsConfig> {
    // Also those of models that are not in the list: one may be taken out of it for a while.
    env.family("PIDIMA_EMBEDDER_", &VARIABLES);
    let text = env.text("PIDIMA_EMBEDDING_MORE").unwrap_or_default();
    let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.len() > MOST {
        env.fault(format!("PIDIMA_EMBEDDING_MORE names {}: give {MOST} at most", names.len()));
    }
    let mut more: Vec<MoreEmbeddingsConfig> = Vec::new();
    for name in names {
        if more.iter().any(|one| one.name == name) {
            env.fault(format!("PIDIMA_EMBEDDING_MORE names {name} twice"));
        } else if let Some(one) = named(env, name) {
            more.push(one);
        }
    }
    more
}

fn named(env: &Env, name: &str) -> Option<MoreEmbeddingsConfig> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.len() > 30 || !name.bytes().all(plain) {
        env.fault(format!(
            "PIDIMA_EMBEDDING_MORE names \"{name}\": take 1 to 30 lower-case letters, digits and underscores"
        ));
        return None;
    }
    let variables = Variables { env, prefix: format!("PIDIMA_EMBEDDER_{}_", name.to_uppercase()) };
    let text = variables.text("PROVIDER");
    let Some(provider) = text.as_deref().and_then(|text| EmbeddingProvider::from_str(text).ok())
    else {
        let told = text.map_or("not set".to_owned(), |text| format!("\"{text}\""));
        variables.fault("PROVIDER", &format!("is {told}: give minilm, bedrock or openai"));
        return None;
    };
    let remote = variables.remote(provider);
    Some(MoreEmbeddingsConfig { name: name.to_owned(), provider, remote })
}

/// The variables of one model.
struct Variables<'a> {
    env: &'a Env,
    prefix: String,
}

impl Variables<'_> {
    fn text(&self, end: &str) -> Option<String> {
        self.env.named(&format!("{}{end}", self.prefix))
    }

    fn fault(&self, end: &str, words: &str) {
        self.env.fault(format!("{}{end} {words}", self.prefix));
    }

    fn needed(&self, end: &str, is_needed: bool) -> String {
        let text = self.text(end);
        if is_needed && text.is_none() {
            self.fault(end, "is not set: the provider needs it");
        }
        text.unwrap_or_default()
    }

    /// A number within bounds (both included).
    fn number(&self, end: &str, default: u64, least: u64, most: u64) -> u64 {
        let Some(text) = self.text(end) else { return default };
        let number = text.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
        number.unwrap_or_else(|| {
            self.fault(end, &format!("is {text}: give a number from {least} to {most}"));
            default
        })
    }

    fn remote(&self, provider: EmbeddingProvider) -> RemoteEmbeddingsConfig {
        let server = self.text("SERVER").and_then(|text| {
            let told = |error| self.fault("SERVER", &format!("is \"{text}\": {error}"));
            ServerName::from_str(&text).map_err(told).ok()
        });
        let key = self.text("API_KEY");
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        RemoteEmbeddingsConfig {
            model: self.needed("MODEL", provider != EmbeddingProvider::MiniLm),
            dimensions: count(self.number("DIMENSIONS", 1_024, 8, 4_000)),
            base_url: self.needed("BASE_URL", provider == EmbeddingProvider::OpenAi),
            api_key: self.env.sendable(&format!("{}API_KEY", self.prefix), key).into(),
            server,
            api_version: self.text("API_VERSION"),
            region: self.text("REGION"),
            batch: count(self.number("BATCH", 64, 1, 2_048)),
            concurrency: count(self.number("CONCURRENCY", 8, 1, 64)),
            timeout: Duration::from_millis(self.number("TIMEOUT_MS", 30_000, 100, 600_000)),
            tries: u32::try_from(self.number("TRIES", 5, 1, 20)).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: [(&str, &str); 4] = [
        ("PIDIMA_EMBEDDING_MORE", "large"),
        ("PIDIMA_EMBEDDER_LARGE_PROVIDER", "openai"),
        ("PIDIMA_EMBEDDER_LARGE_BASE_URL", "http://a/v1"),
        ("PIDIMA_EMBEDDER_LARGE_MODEL", "m"),
    ];

    fn more(pairs: &[(&str, &str)]) -> Result<Vec<MoreEmbeddingsConfig>, Vec<String>> {
        let env = Env::from_pairs(pairs.iter().copied());
        let read = read(&env);
        env.finish().map(|()| read).map_err(|error| error.faults)
    }

    fn with(end: &str, value: &str) -> Result<RemoteEmbeddingsConfig, Vec<String>> {
        let name = format!("PIDIMA_EMBEDDER_LARGE_{end}");
        let pairs = [&LARGE[..], &[(name.as_str(), value)]].concat();
        more(&pairs).map(|mut more| more.remove(0).remote)
    }

    #[test]
    fn a_named_model_has_the_defaults_of_the_first_one() {
        assert!(more(&[]).unwrap().is_empty());
        let large = more(&LARGE).unwrap().remove(0);
        assert_eq!((large.name.as_str(), large.provider), ("large", EmbeddingProvider::OpenAi));
        let first = RemoteEmbeddingsConfig::from_env(&Env::default(), EmbeddingProvider::MiniLm);
        let numbers = |it: &RemoteEmbeddingsConfig| {
            (it.dimensions, it.batch, it.concurrency, it.tries, it.timeout)
        };
        assert_eq!(numbers(&large.remote), numbers(&first));
        assert_eq!(with("DIMENSIONS", "512").unwrap().dimensions, 512);
    }

    #[test]
    fn numbers_are_taken_at_their_bounds_and_refused_beyond() {
        let bounds = [
            ("DIMENSIONS", 8, 4_000),
            ("BATCH", 1, 2_048),
            ("CONCURRENCY", 1, 64),
            ("TIMEOUT_MS", 100, 600_000),
            ("TRIES", 1, 20),
        ];
        for (end, least, most) in bounds {
            for (number, fits) in
                [(least - 1, false), (least, true), (most, true), (most + 1, false)]
            {
                assert_eq!(with(end, &number.to_string()).is_ok(), fits, "{end} {number}");
            }
        }
        assert!(with("BATCH", "many").is_err());
    }

    #[test]
    fn what_is_missing_wrong_or_there_twice_is_told() {
        let faults = |pairs: &[(&str, &str)]| more(pairs).map_or_else(|it| it.len(), |_| 0);
        assert_eq!(faults(&[("PIDIMA_EMBEDDING_MORE", "large")]), 1, "no provider");
        assert_eq!(faults(&LARGE[..2]), 2, "no address, no model");
        assert_eq!(with("PROVIDER", "other").map_or_else(|it| it.len(), |_| 0), 1);
        assert_eq!(with("SERVER", "other").map_or_else(|it| it.len(), |_| 0), 1);
        let named = |value| faults(&[&LARGE[1..], &[("PIDIMA_EMBEDDING_MORE", value)]].concat());
        assert_eq!(named("large,large"), 1);
        assert_eq!(named("Large"), 1);
        for (count, told) in [(5, 0), (6, 1)] {
            let names: Vec<String> = (0..count).map(|number| format!("e{number}")).collect();
            let mut pairs = vec![("PIDIMA_EMBEDDING_MORE".to_owned(), names.join(","))];
            for name in names {
                let prefix = format!("PIDIMA_EMBEDDER_{}_", name.to_uppercase());
                pairs.push((format!("{prefix}PROVIDER"), "minilm".to_owned()));
            }
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (&**a, &**b)).collect();
            assert_eq!(faults(&pairs), told, "{count}");
        }
    }
}
