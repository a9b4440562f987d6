//! Sees to it that a process embeds with the model that the database's vectors are of. Called before anything is served.

use super::store::embedding_space::EmbeddingSpace;
use crate::adapters::embeddings::Embedder;
use crate::db::{self, Db};
use crate::knowledge::embedders::Embedders;

/// Most numbers of a vector: its row stands on one page of the database.
const MOST_DIMENSIONS: usize = 4_000;

/// Why this process must not embed into this database.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingSpaceError {
    /// Another model made the vectors that are there.
    #[error(
        "the database's vectors are of {stored} with {stored_dimensions} dimensions and the settings name {wanted} with \
        {wanted_dimensions}: set PIDIMA_EMBEDDING_PROVIDER, PIDIMA_EMBEDDING_MODEL and PIDIMA_EMBEDDING_DIMENSIONS to what \
        is there, or import the documentation into a new database"
    )]
    Other {
        /// Model of the vectors that are there.
        stored: String,
        /// Their dimensions.
        stored_dimensions: i32,
        /// Model of the settings.
        wanted: String,
        /// Its dimensions.
        wanted_dimensions: i32,
    },
    /// Collections need models that the settings do not name.
    #[error(
        "collections of the database are embedded with {0}, which the settings do not name: name it in \
        PIDIMA_EMBEDDING_MORE, or roll the collections back with a version of the settings that does"
    )]
    Missing(String),
    /// The database holds no vector of that many numbers.
    #[error("a vector of {0} dimensions does not fit: the most is {MOST_DIMENSIONS}")]
    TooLong(usize),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Claims the database for the model of `embedder`, or finds that it is claimed for it.
///
/// # Errors
/// See [`EmbeddingSpaceError`].
pub async fn claim_embedding_space(
    db: &Db,
    embedder: &dyn Embedder,
) -> Result<(), EmbeddingSpaceError> {
    let dimensions = embedder.dimensions();
    let short =
        i32::try_from(dimensions).ok().filter(|_| (1..=MOST_DIMENSIONS).contains(&dimensions));
    let wanted = EmbeddingSpace {
        model: embedder.model().to_owned(),
        dimensions: short.ok_or(EmbeddingSpaceError::TooLong(dimensions))?,
    };
    let mut tx = db.system().await?;
    let stored = tx.claim_embedding_space(&wanted).await?;
    tx.commit().await?;
    if stored == wanted {
        return Ok(());
    }
    Err(EmbeddingSpaceError::Other {
        stored: stored.model,
        stored_dimensions: stored.dimensions,
        wanted: wanted.model,
        wanted_dimensions: wanted.dimensions,
    })
}

/// Finds that this process can embed with each model that collections need.
///
/// # Errors
/// See [`EmbeddingSpaceError`].
pub async fn check_embedding_models(
    db: &Db,
    embedders: &Embedders,
) -> Result<(), EmbeddingSpaceError> {
    let (needed, _) = db.system().await?.list_other_models().await?;
    let missing: Vec<String> =
        needed.into_iter().filter(|model| embedders.find(model).is_err()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(EmbeddingSpaceError::Missing(missing.join(" and ")))
}
