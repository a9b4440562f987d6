//! The embedding models of this process: the one that the database was made with, and those that collections may be
//! re-embedded with.

use std::sync::Arc;

use pgvector::HalfVector;

use crate::adapters::embeddings::{Embedder, EmbeddingError};

/// Embedding models by their ids. Clones are the same models.
#[derive(Clone)]
pub struct Embedders {
    own: Arc<dyn Embedder>,
    more: Arc<[Arc<dyn Embedder>]>,
}

/// Two models that would be one.
#[derive(Debug, thiserror::Error)]
#[error("{0} is embedded with twice: take one of both out of the settings")]
pub struct SameModel(String);

impl Embedders {
    /// One model alone.
    pub fn of(own: Arc<dyn Embedder>) -> Self {
        Self { own, more: Arc::new([]) }
    }

    /// The database's own model, and others.
    ///
    /// # Errors
    /// Two have the same id.
    pub fn with(own: Arc<dyn Embedder>, more: Vec<Arc<dyn Embedder>>) -> Result<Self, SameModel> {
        for (place, one) in more.iter().enumerate() {
            let mut before = more[..place].iter().chain([&own]);
            if before.any(|other| other.model() == one.model()) {
                return Err(SameModel(one.model().to_owned()));
            }
        }
        Ok(Self { own, more: more.into() })
    }

    /// The database's own model.
    pub fn own(&self) -> &Arc<dyn Embedder> {
        &self.own
    }

    /// Id of the database's own model.
    pub fn own_model(&self) -> &str {
        self.own.model()
    }

    /// Whether that is its id.
    pub fn is_own(&self, model: &str) -> bool {
        self.own.model() == model
    }

    /// All models, the database's own first.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Embedder>> {
        [&self.own].into_iter().chain(self.more.iter())
    }

    /// Whether there are several.
    pub fn are_several(&self) -> bool {
        !self.more.is_empty()
    }

    /// The model of an id.
    ///
    /// # Errors
    /// [`EmbeddingError::Unavailable`]: the settings of this process name no such model.
    pub fn find(&self, model: &str) -> Result<&Arc<dyn Embedder>, EmbeddingError> {
        self.all().find(|embedder| embedder.model() == model).ok_or_else(|| {
            EmbeddingError::Unavailable {
                model: model.to_owned(),
                reason: "the settings of this process do not name it".to_owned(),
            }
        })
    }
}

/// Embeds passages; the vectors of the windows of each, as they are stored.
///
/// # Errors
/// The model failed, or gave a passage nothing.
pub async fn embed_passages(
    embedder: &dyn Embedder,
    texts: &[String],
) -> Result<Vec<Vec<HalfVector>>, EmbeddingError> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let vectors = embedder.embed_passages(texts).await?;
    if vectors.len() != texts.len() || vectors.iter().any(Vec::is_empty) {
        return Err(EmbeddingError::Output {
            model: embedder.model().to_owned(),
            reason: "there are passages without a vector".to_owned(),
        });
    }
    let stored = |windows: &Vec<Vec<f32>>| {
        windows.iter().map(|window| HalfVector::from_f32_slice(window)).collect()
    };
    Ok(vectors.iter().map(stored).collect())
}
