//! Turns text into vectors, behind one trait for every embedding model.
//!
//! Ingestion embeds passages, search embeds questions. An adapter never cuts text: what is longer than
//! its model's window is embedded in windows. It stores nothing and knows no tenant.

pub mod minilm;
pub mod remote;

use std::path::PathBuf;

use async_trait::async_trait;

/// One embedding, scaled to unit length: the dot product of two is their cosine.
pub type Vector = Vec<f32>;

/// An embedding model.
#[async_trait]
pub trait Embedder: Send + Sync + 'static {
    /// Stable id stored with every vector, such as `all-minilm-l6-v2-int8`. Vectors of different ids
    /// must not be compared.
    fn model(&self) -> &str;

    /// Numbers in each vector.
    fn dimensions(&self) -> usize;

    /// Counts the model's tokens of a text, without special tokens.
    fn count_tokens(&self, text: &str) -> usize;

    /// One vector for a question. A question longer than the model's window is embedded in windows,
    /// and their mean is returned, scaled to unit length.
    async fn embed_query(&self, text: &str) -> Result<Vector, EmbeddingError>;

    /// For each passage the vectors of its windows, in reading order: at least one per passage.
    async fn embed_passages(&self, passages: &[String])
    -> Result<Vec<Vec<Vector>>, EmbeddingError>;
}

/// Why text could not be embedded.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingError {
    /// A file of the model is missing, unreadable or not the expected one.
    #[error("the embedding model cannot be loaded from {path}: {reason}; fetch the file again")]
    Load {
        /// The file that could not be used.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The tokenizer refused a text.
    #[error("the tokenizer of {model} refused a text of {bytes} bytes: {reason}")]
    Tokenize {
        /// Id of the model.
        model: String,
        /// Length of the refused text.
        bytes: usize,
        /// What the tokenizer reported.
        reason: String,
    },
    /// The model did not finish, for want of memory or for a fault of its own.
    #[error(
        "the embedding model {model} failed on {texts} texts of up to {tokens} tokens: {reason}"
    )]
    Run {
        /// Id of the model.
        model: String,
        /// Texts or windows in the failed batch.
        texts: usize,
        /// Tokens of the longest of them.
        tokens: usize,
        /// What the model reported.
        reason: String,
    },
    /// The model answered with something that is no embedding; storing it would spoil search.
    #[error("the embedding model {model} returned an unusable vector: {reason}")]
    Output {
        /// Id of the model.
        model: String,
        /// What is wrong with the vector.
        reason: String,
    },
    /// The provider refuses the request, and will refuse it again: a wrong key, an unknown model.
    #[error("the embedding model {model} refuses: {reason}; check key, address and name")]
    Refused {
        /// Id of the model.
        model: String,
        /// What the provider said.
        reason: String,
    },
    /// The model is not running now, as while the process shuts down.
    #[error("the embedding model {model} is not available: {reason}; try again later")]
    Unavailable {
        /// Id of the model.
        model: String,
        /// Why it cannot be reached.
        reason: String,
    },
}

impl EmbeddingError {
    /// Whether the same call may succeed later without anyone changing text, files or settings.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Run { .. } | Self::Unavailable { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_permanent_and_a_stopping_process_is_not() {
        let missing = EmbeddingError::Load { path: "model.onnx".into(), reason: "missing".into() };
        let stopping = EmbeddingError::Unavailable { model: "m".into(), reason: "stop".into() };
        assert!(!missing.is_retryable());
        assert!(stopping.is_retryable());
        assert!(missing.to_string().contains("model.onnx"));
    }
}
