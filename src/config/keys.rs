//! API keys and widget tokens.

use secrecy::{ExposeSecret, SecretString};

use super::Env;

/// Shortest secret that signs: as long as the digests that it makes.
const SECRET_BYTES: usize = 32;

/// How many keys, and what signs widget tokens.
#[derive(Clone, Debug)]
pub struct KeysConfig {
    /// `PIDIMA_MAX_API_KEYS`: most API keys of one tenant that are good at once; default 1000.
    pub max_api_keys: u32,
    /// `PIDIMA_SIGNING_SECRET`: signs widget tokens, at least 32 bytes, the same on all instances; absent: none are made.
    pub signing_secret: Option<SecretString>,
}

impl KeysConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let signing_secret = env.secret("PIDIMA_SIGNING_SECRET");
        if signing_secret.as_ref().is_some_and(|it| it.expose_secret().len() < SECRET_BYTES) {
            env.fault(format!(
                "PIDIMA_SIGNING_SECRET is shorter than {SECRET_BYTES} bytes: take random ones, e.g. of openssl rand -hex 32"
            ));
        }
        Self { max_api_keys: env.number("PIDIMA_MAX_API_KEYS", 1_000, 1, 100_000), signing_secret }
    }
}
