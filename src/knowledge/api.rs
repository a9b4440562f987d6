//! HTTP of knowledge.

mod collections;
mod dead_letters;
mod documents;
mod dump_views;
mod dumps;
mod enrichment;
mod enrichment_views;
mod job_events;
mod job_views;
mod jobs;
mod reembedding_views;
mod reembeddings;
mod restores;
mod search;
mod upload;
mod upload_views;
mod uploads;
mod versions;

pub use collections::CollectionsApi;
pub use dead_letters::DeadLettersApi;
pub use documents::{DocumentsApi, Failure, StateName, document_of};
pub use dumps::DumpsApi;
pub use enrichment::EnrichmentApi;
pub use jobs::{IngestionJobsApi, WaitFor};
pub use reembeddings::ReembeddingsApi;
pub use restores::RestoresApi;
pub use search::{HitExplanation, SearchApi, SearchExplanation};
pub use upload::document_name;
pub use uploads::UploadsApi;
