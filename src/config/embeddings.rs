//! Embedding passages and questions.

use std::path::PathBuf;

use super::Env;

/// The embedding model that runs in this process.
#[derive(Clone, Debug)]
pub struct EmbeddingsConfig {
    /// `PIDIMA_CACHE_DIR`: folder of fetched packages; default the user's cache folder.
    pub cache_dir: Option<PathBuf>,
    /// `PIDIMA_EMBEDDING_THREADS`: threads that embed passages; default the number of cores.
    pub threads: usize,
}

impl EmbeddingsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            cache_dir: env.text("PIDIMA_CACHE_DIR").map(PathBuf::from),
            threads: env.number("PIDIMA_EMBEDDING_THREADS", cores.min(8), 1, 64),
        }
    }
}
