//! The part of ingestion that touches nothing outside: bytes in, passages with their terms out.

use std::collections::BTreeMap;
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::{AttemptError, IngestSettings, millis};
use crate::kernel::terms;
use crate::knowledge::chunk::{Chunk, ChunkOptions, chunk};
use crate::knowledge::embedded_text::embedded_text;
use crate::knowledge::parse::Extraction;
use crate::knowledge::parser::Parser;
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
    /// What is embedded: title and headings in front of the passage, so that it is understood alone.
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
    parser: &Parser,
    settings: &IngestSettings,
) -> Result<ChunkPlan, AttemptError> {
    let parsing = Instant::now();
    let media = media_type::from_row(&version.media_type);
    let extraction = Box::pin(parser.parse(media, &bytes)).await?;
    let parse_ms = millis(parsing);
    drop(bytes);
    let (name, options) = (version.name.clone(), settings.chunk.clone());
    let cut = move || cut(extraction, &name, &options, parse_ms);
    Ok(tokio::task::spawn_blocking(cut).await?)
}

fn cut(extraction: Extraction, name: &str, options: &ChunkOptions, parse_ms: i32) -> ChunkPlan {
    let chunking = Instant::now();
    let title = extraction.title.clone().unwrap_or_else(|| name.to_owned());
    let chunks =
        chunk(&extraction, options).into_iter().map(|chunk| planned(&title, chunk)).collect();
    ChunkPlan {
        title: extraction.title,
        language: extraction.language,
        text: extraction.text,
        chunks,
        parse_ms,
        chunk_ms: millis(chunking),
    }
}

fn planned(title: &str, chunk: Chunk) -> PlannedChunk {
    let embedded_text = embedded_text(title, &chunk.heading_path, &chunk.text);
    PlannedChunk {
        digest: Sha256::digest(embedded_text.as_bytes()).into(),
        terms: terms::frequencies(&embedded_text),
        embedded_text,
        chunk,
    }
}
