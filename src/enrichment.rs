//! Enrichment: a model reads each document of a collection that is switched on, and writes a heading in context for each of its
//! passages, a summary, and questions that the document answers. Passages are then found by their contexts too; what is quoted
//! and cited stays the text of the document.
//!
//! It is work behind everything else: one message for each collection, at places of its own, in slices. All that it knows
//! stands in the database, so that another worker goes on where one died, and what was paid for is kept at once. Whatever
//! becomes of it, a document that is in search stays there.

mod ask;
mod document;
mod error;
mod index;
mod plain_text;
mod prompt;
mod reserve;
mod resume;
mod settings;
mod store;
mod work;
mod write;

pub use prompt::Lengths;
pub use resume::wake_lost_enrichments;
pub use settings::EnrichmentSettings;
pub use work::{EnrichOutcome, Enrichment};
