//! Re-embedding: a collection gets vectors of another model while its searches go on with those that it has. When every
//! passage has both, the nearest passages by both are compared, and somebody switches the searches over, and back if need be.
//!
//! The vectors are made by a job of the worker that goes on in slices: all that it knows stands in the database, so that
//! another worker goes on where one died. Versions that are published meanwhile get the vectors of both models at once.

mod begin;
mod compare;
mod drop_vectors;
mod embed_versions;
mod steer;
mod sweep;
mod work;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use work::ReembedOutcome;

use super::embedders::Embedders;
use crate::adapters::embeddings::EmbeddingError;
use crate::db::{self, Db};

/// Name of the job that works on a re-embedding.
pub const REEMBED_COLLECTION: &str = "reembed_collection";

/// Limits and manners of re-embedding.
#[derive(Clone, Debug)]
pub struct ReembeddingSettings {
    /// Passages that are embedded and stored at once.
    pub batch: usize,
    /// Re-embeddings that this process works on at once.
    pub concurrency: usize,
    /// After so long a re-embedding lets others go first.
    pub slice: Duration,
    /// How long a worker is trusted without a sign.
    pub lease: Duration,
    /// Attempts in a row that embed nothing before it is given up.
    pub max_attempts: u32,
    /// Wait after the first of them, twice as long after each further one.
    pub retry: Duration,
    /// Questions of which the nearest passages are compared.
    pub sample: u32,
    /// Nearest passages that are compared for each.
    pub depth: u32,
    /// How long old vectors are kept after searches were switched over, and those of one that failed.
    pub keep: Duration,
    /// How often it is looked for vectors whose time is over, and for what lost its message.
    pub sweep: Duration,
    /// How often one that is ready or switched to is looked through for documents that lack vectors.
    pub look: Duration,
    /// For how long after it is completed that is still done.
    pub late: Duration,
    /// What nobody touched for so long, and is without a message, is queued again.
    pub lost_after: Duration,
}

/// Why a re-embedding was not begun, found or steered.
#[derive(Debug, thiserror::Error)]
pub enum ReembeddingError {
    /// No such collection, or none within reach.
    #[error("there is no such collection")]
    UnknownCollection,
    /// The collection has none of this id.
    #[error("there is no such re-embedding of the collection")]
    Unknown,
    /// A model that this server does not have.
    #[error("is no embedding model of this server, which has {0}")]
    UnknownModel(String),
    /// The model that it has already.
    #[error("is what searches of the collection read already")]
    SameModel,
    /// Another one is not over.
    #[error(
        "the collection is being re-embedded with {to_model}, which is {state}; cancel that first, or let it come to its end"
    )]
    Live {
        /// Its model.
        to_model: String,
        /// Where it stands.
        state: String,
    },
    /// A dump is being brought in as it, with vectors of one model.
    #[error("the collection is being filled from a dump; wait for the restore")]
    BeingFilled,
    /// It is not at the point for this.
    #[error("the re-embedding is {state}: {remedy}")]
    State {
        /// Where it stands.
        state: String,
        /// What can be done.
        remedy: &'static str,
    },
    /// Versions came in without the vectors that searches would read.
    #[error(
        "documents came in that have no vectors of that model yet, as it was away or the process was an older one; a worker makes them when the model answers, try again in some minutes"
    )]
    Lacking,
    /// The settings of this process do not name a model that is needed.
    #[error("{0}")]
    Model(#[from] EmbeddingError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The service that re-embeds collections.
#[derive(Clone)]
pub struct Reembeddings {
    db: Db,
    embedders: Embedders,
    settings: ReembeddingSettings,
    places: Arc<Semaphore>,
}

impl Reembeddings {
    /// A service that embeds with these models.
    pub fn new(db: Db, embedders: Embedders, settings: ReembeddingSettings) -> Self {
        let places = Arc::new(Semaphore::new(settings.concurrency));
        Self { db, embedders, settings, places }
    }

    /// Limits and manners.
    pub fn settings(&self) -> &ReembeddingSettings {
        &self.settings
    }

    /// A place to work on a re-embedding, as long as it is kept; `None` when all are taken.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Ids of the models that a collection can be embedded with, the database's own first.
    pub fn models(&self) -> Vec<String> {
        self.embedders.all().map(|embedder| embedder.model().to_owned()).collect()
    }

    /// The model as its name stands at a collection.
    fn stored<'a>(&self, model: &'a str) -> Option<&'a str> {
        (!self.embedders.is_own(model)).then_some(model)
    }
}
