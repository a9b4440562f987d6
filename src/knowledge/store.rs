//! SQL of knowledge, as methods on the tenant's transaction.

pub mod attachments;
pub mod collections;
pub mod document_deletions;
pub mod document_names;
pub mod documents;
pub mod embedding_space;
pub mod index;
pub mod ingestion;
pub mod jobs;
pub mod media_type;
pub mod originals;
pub mod reach;
pub mod reembedded_versions;
pub mod reembedding_comparisons;
pub mod reembedding_leases;
pub mod reembeddings;
pub mod search;
pub mod source_documents;
pub mod uploads;
pub mod version_states;
pub mod versions;
pub mod waiting_reembeddings;
pub mod windows;
