//! HTTP of knowledge.

mod collections;
mod documents;
mod search;
mod upload;
mod versions;

pub use collections::CollectionsApi;
pub use documents::DocumentsApi;
pub use search::{HitExplanation, SearchApi, SearchExplanation};
