//! Finding passages.

use super::Env;

/// How search weighs and how far it looks.
#[derive(Clone, Copy, Debug)]
pub struct SearchConfig {
    /// `PIDIMA_SEARCH_CANDIDATES`: passages that each of the two searches brings to the fusion; default 100.
    pub candidates: i64,
    /// `PIDIMA_SEARCH_LEXICAL_WEIGHT`: weight of the search by words in the fusion, the search by meaning having 1;
    /// default 2: the words of a question about documentation are mostly those of its answer.
    pub lexical_weight: f64,
}

impl SearchConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            candidates: env.number("PIDIMA_SEARCH_CANDIDATES", 100, 10, 1_000),
            lexical_weight: env.number("PIDIMA_SEARCH_LEXICAL_WEIGHT", 2.0, 0.0, 100.0),
        }
    }
}
