//! The part of ingestion that touches nothing outside: bytes in, passages with their terms out.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{AttemptError, IngestSettings, millis};
use crate::kernel::terms;
use crate::knowledge::chunk::{Chunk, ChunkOptions, chunk};
use crate::knowledge::embedded_text::{embedded_digest, embedded_text};
use crate::knowledge::parse::Extraction;
use crate::knowledge::parser::Parser;
use crate::knowledge::store::contexts::PassageContexts;
use crate::knowledge::store::ingestion::ClaimedVersion;
use crate::knowledge::store::media_type;

/// A document taken apart.
#[derive(Debug)]
pub struct ChunkPlan {
    /// Title found.
    pub title: Option<String>,
    /// Language found.
    pub language: Option<String>,
    /// Extracted text.
    pub text: String,
    /// Passages, in order.
    pub chunks: Vec<PlannedChunk>,
    /// Milliseconds of reading.
    pub parse_ms: i32,
    /// Milliseconds of cutting.
    pub chunk_ms: i32,
}

/// A passage and what is indexed of it.
#[derive(Debug)]
pub struct PlannedChunk {
    /// Where it stands and what it says.
    pub chunk: Chunk,
    /// Context that was written for it in an earlier version of the document.
    pub context: Option<String>,
    /// What is embedded: title, headings and context in front of the passage, so that it is understood alone.
    pub embedded_text: String,
    /// SHA-256 of that.
    pub digest: [u8; 32],
    /// How often each term stands in that.
    pub terms: BTreeMap<String, u32>,
}

/// Reads a version's bytes in a process of their own, and cuts what stands in them.
pub(super) async fn read_and_cut(
    version: &ClaimedVersion,
    bytes: Vec<u8>,
    contexts: PassageContexts,
    parser: &Parser,
    settings: &IngestSettings,
) -> Result<ChunkPlan, AttemptError> {
    let parsing = Instant::now();
    let media = media_type::from_row(&version.media_type);
    let extraction = Box::pin(parser.parse(media, &bytes)).await?;
    let parse_ms = millis(parsing);
    drop(bytes);
    let (name, options) = (version.name.clone(), settings.chunk.clone());
    let cut = move || cut(extraction, &name, &contexts, &options, parse_ms);
    Ok(tokio::task::spawn_blocking(cut).await?)
}

fn cut(
    extraction: Extraction,
    name: &str,
    contexts: &PassageContexts,
    options: &ChunkOptions,
    parse_ms: i32,
) -> ChunkPlan {
    let chunking = Instant::now();
    let title = extraction.title.clone().unwrap_or_else(|| name.to_owned());
    let chunks = chunk(&extraction, options).into_iter();
    let chunks = chunks.map(|chunk| planned(&title, contexts, chunk)).collect();
    ChunkPlan {
        title: extraction.title,
        language: extraction.language,
        text: extraction.text,
        chunks,
        parse_ms,
        chunk_ms: millis(chunking),
    }
}

fn planned(title: &str, contexts: &PassageContexts, chunk: Chunk) -> PlannedChunk {
    let mut embedded = embedded_text(title, &chunk.heading_path, None, &chunk.text);
    let known = contexts.get(embedded_digest(&embedded).as_slice());
    let context = known.filter(|context| !context.is_empty()).cloned();
    if context.is_some() {
        embedded = embedded_text(title, &chunk.heading_path, context.as_deref(), &chunk.text);
    }
    PlannedChunk {
        context,
        digest: embedded_digest(&embedded),
        terms: terms::frequencies(&embedded),
        embedded_text: embedded,
        chunk,
    }
}
