//! Cuts an extraction into passages that are searched, quoted and cited one by one.
//!
//! Called by the ingestion worker after `parse`. Pure. The text of a chunk is the text of the
//! document between its offsets, so that a citation can be checked with `substring()` in SQL.
//! Chunks are in order, never overlap, and together hold every character that is not white space.

mod outline;
mod pack;
mod split;
#[cfg(test)]
mod tests;
mod words;

use super::parse::Extraction;

/// Sizes, in words as [`word_count`] counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkOptions {
    /// Size aimed at.
    pub target_words: usize,
    /// No chunk is larger; at least 40 more than `tiny_words`, else it is raised to that.
    pub max_words: usize,
    /// A smaller chunk is joined with a neighbour, also across the border of a chapter.
    pub tiny_words: usize,
}

impl Default for ChunkOptions {
    fn default() -> Self {
        Self { target_words: 200, max_words: 280, tiny_words: 40 }
    }
}

/// A passage of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// From 0, in the order of the document.
    pub ordinal: i32,
    /// Headings that all of the passage stands under, outermost first. When it joins small
    /// chapters that have none in common, those of the chapter with most words.
    pub heading_path: Vec<String>,
    /// Link target at or above the beginning of the passage, without `#`.
    pub anchor: Option<String>,
    /// Page of the original on which it begins, from 1; `None` for formats without pages.
    pub page: Option<u32>,
    /// Where each later page begins that the passage reaches, as offsets like `start`: the first is that of `page` + 1.
    /// A page without text begins where the next one does.
    pub page_starts: Vec<usize>,
    /// Offset of the first character in [`Extraction::text`], in Unicode scalar values.
    pub start: usize,
    /// Offset behind the last character.
    pub end: usize,
    /// `text[start..end]` of the extraction.
    pub text: String,
}

/// Cuts `extraction` into chunks; none is empty.
pub fn chunk(extraction: &Extraction, options: &ChunkOptions) -> Vec<Chunk> {
    let options = sane(options);
    let pieces = split::pieces(extraction, &options);
    let spans = pack::pack(&pieces, extraction, &options);
    let mut chunks = Vec::with_capacity(spans.len());
    let mut rest = extraction.text.chars();
    let mut at = 0;
    for (ordinal, span) in spans.into_iter().enumerate() {
        let inside = &pieces[span];
        let (Some(first), Some(last)) = (inside.first(), inside.last()) else {
            continue;
        };
        let (start, end) = (first.start, last.end);
        rest.by_ref().take(start - at).for_each(drop);
        let text: String = rest.by_ref().take(end - start).collect();
        at = end;
        chunks.push(Chunk {
            ordinal: i32::try_from(ordinal).unwrap_or(i32::MAX),
            heading_path: outline::heading_path(inside, &extraction.sections),
            anchor: outline::anchor(inside, &extraction.sections),
            page: outline::page(inside, &extraction.sections),
            page_starts: outline::page_starts(inside, &extraction.sections),
            start,
            end,
            text,
        });
    }
    chunks
}

/// Number of words for sizes: Han and Kana characters count one each, other runs without white
/// space one per 12 characters, rounded up.
pub fn word_count(text: &str) -> usize {
    words::count(text)
}

fn sane(options: &ChunkOptions) -> ChunkOptions {
    let target_words = options.target_words.max(1);
    let max_words = options.max_words.max(target_words).max(options.tiny_words + 40);
    ChunkOptions { target_words, max_words, tiny_words: options.tiny_words }
}
