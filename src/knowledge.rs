//! Documentation: collections, documents and versions; reading, cutting, embedding, indexing; search.

mod announce_version;
pub mod api;
mod attachments;
mod author;
pub mod chunk;
mod dumps;
mod embedded_text;
mod embedders;
mod embedding_space;
mod enrichment;
mod hold_content;
mod ingest_version;
mod limit_collection;
pub mod parse;
pub mod parser;
mod place;
mod reach;
mod receive_document;
mod redrive_message;
mod reembeddings;
mod remove_attachment;
mod remove_document;
mod search;
mod steer_job;
mod store;
mod uploads;
mod watch_job;

pub use attachments::{
    AttachmentCounts, AttachmentSettings, TooManyAttachments, find_attachment, has_attachments,
    list_attachments,
};
pub use author::Author;
pub use dumps::{DUMP_COLLECTION, DumpSettings, Dumps, RESTORE_DUMP};
pub use embedded_text::{embedded_digest, embedded_text};
pub use embedders::{Embedders, SameModel, embed_passages};
pub use embedding_space::{EmbeddingSpaceError, check_embedding_models, claim_embedding_space};
pub use enrichment::{ENRICH_COLLECTION, EnrichmentChange, EnrichmentError, change_enrichment};
pub use hold_content::{StoreContentError, hold_content, release_content};
pub use ingest_version::{
    GivenUp, INGEST_VERSION, IngestSettings, Ingestion, JobOutcome, REMOVE_ORIGINAL,
};
pub use limit_collection::{LimitError, limit_collection};
pub use place::{Place, default_collection};
pub use reach::{Reach, Reader};
pub use receive_document::{NewDocument, Receipt, ReceiveError, Received, Receiver};
pub use reembeddings::{REEMBED_COLLECTION, ReembedOutcome, ReembeddingSettings, Reembeddings};
pub use remove_attachment::{remove_last_attachments, sweep_attachments};
pub use remove_document::{remove_document, remove_documents};
pub use search::{
    EmbeddedAhead, Hit, Ranks, Scope, Search, SearchError, SearchQuery, SearchResult,
    SearchSettings, SearchedAhead,
};
pub use store::attachments::UnreadAttachment;
pub use store::collections::Collection;
pub use store::contexts::PassageContexts;
pub use store::documents::Document;
pub use store::enrichment::EnrichmentSwitch;
pub use store::passages::{Changed, PassageChange, StoredPassage, VersionChange};
pub use store::search::Passage;
pub use store::source_documents::SoleSource;
pub use store::version_states::VersionState;
pub use store::windows::VectorsByModel;
pub use uploads::{PartSigner, UploadSettings, Uploads};
pub use watch_job::{JobWatch, WatchSettings, Watcher};
