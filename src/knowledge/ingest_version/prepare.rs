//! The pure part of ingestion: bytes in, passages with their terms out. Runs on a thread that may block.

use std::collections::BTreeMap;
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::{AttemptError, IngestSettings, millis};
use crate::kernel::terms;
use crate::knowledge::chunk::{Chunk, chunk};
use crate::knowledge::parse::{ParseError, parse};
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

/// Reads and cuts a version's bytes.
pub(super) async fn read_and_cut(
    version: &ClaimedVersion,
    bytes: Vec<u8>,
    settings: &IngestSettings,
) -> Result<ChunkPlan, AttemptError> {
    let (row_media_type, name) = (version.media_type.clone(), version.name.clone());
    let settings = settings.clone();
    let plan = tokio::task::spawn_blocking(move || plan(&row_media_type, &name, &bytes, &settings))
        .await?;
    Ok(plan?)
}

fn plan(
    row_media_type: &str,
    name: &str,
    bytes: &[u8],
    settings: &IngestSettings,
) -> Result<ChunkPlan, ParseError> {
    let parsing = Instant::now();
    let media = media_type::from_row(row_media_type);
    let extraction = parse(media, bytes, &settings.parse)?;
    let parse_ms = millis(parsing);
    let chunking = Instant::now();
    let title = extraction.title.clone().unwrap_or_else(|| name.to_owned());
    let chunks = chunk(&extraction, &settings.chunk)
        .into_iter()
        .map(|chunk| planned(&title, chunk))
        .collect();
    Ok(ChunkPlan {
        title: extraction.title,
        language: extraction.language,
        text: extraction.text,
        chunks,
        parse_ms,
        chunk_ms: millis(chunking),
    })
}

fn planned(title: &str, chunk: Chunk) -> PlannedChunk {
    let mut context: Vec<&str> = vec![title];
    context
        .extend(chunk.heading_path.iter().map(String::as_str).filter(|heading| *heading != title));
    let embedded_text = format!("{}\n{}", context.join(" > "), chunk.text);
    PlannedChunk {
        digest: Sha256::digest(embedded_text.as_bytes()).into(),
        terms: terms::frequencies(&embedded_text),
        embedded_text,
        chunk,
    }
}
