//! The one citation builder: turns a model's text with markers into an answer's content and citations.
//!
//! Stream, JSON answer and history are all made of what it gives, so the three are equal. A marker maps only to a passage
//! that this run gave to the model; any other is removed and counted. Markers are numbered in the order of appearance.
//! Before anything else the text is filtered, so that nothing forbidden is in what the builder gives.

mod deep_link;
mod foreign;
mod joint;
mod quote;
mod scanner;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::output_filter::{AllowedLinks, FilterSettings, Filtered, OutputFilter, Segment};
use crate::kernel::ids::new_id;
use crate::knowledge::Passage;
use scanner::{Scanned, Scanner};

pub use foreign::without_markers;

/// Which passage a marker stands for, pinned to the version that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The n of the marker `[n]`.
    pub number: i32,
    /// Id.
    pub citation_id: Uuid,
    /// Passage; it may be gone when a newer version is ready.
    pub chunk_id: Uuid,
    /// Document.
    pub document_id: Uuid,
    /// Version that was read.
    pub version_id: Uuid,
    /// Number of that version.
    pub version_number: i32,
    /// Title of the document at the time.
    pub document_title: String,
    /// Headings above the passage, outermost first.
    pub heading_path: Vec<String>,
    /// Page of the original on which the quote begins, from 1; absent for formats without pages.
    pub page: Option<i32>,
    /// Where a reader finds it.
    pub url: Option<String>,
    /// First character of the quote in the extracted text of the version, from 0.
    pub char_start: i32,
    /// Character after the last one.
    pub char_end: i32,
    /// Words of the passage that the answer rests on.
    pub quote: String,
    /// Whether the words of the answer were found in the quote.
    pub verified: bool,
    /// Whether a newer version is read by now, or the document is gone.
    pub stale: bool,
}

/// A piece of an answer, in the order of the stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// The next characters of the content.
    Text(String),
    /// The passage of a marker that stands in the content for the first time.
    Citation(Citation),
}

/// Builds content and citations out of a model's text.
#[derive(Debug)]
pub struct CitationBuilder {
    passages: Arc<[Arc<Passage>]>,
    filter: OutputFilter,
    scanner: Scanner,
    content: String,
    citations: Vec<Citation>,
    /// Place in `passages` of each citation, by number - 1.
    cited: Vec<usize>,
    unknown_markers: i32,
    /// Whether a marker was removed at the end of the content.
    has_gap: bool,
}

impl CitationBuilder {
    /// A builder for the passages that the model was given as `[1]`, `[2]` …
    pub fn new(passages: Arc<[Arc<Passage>]>, settings: &FilterSettings) -> Self {
        let links = AllowedLinks::of(&passages, settings);
        Self {
            passages,
            filter: OutputFilter::new(links, settings.max_held_bytes),
            scanner: Scanner::default(),
            content: String::new(),
            citations: Vec::new(),
            cited: Vec::new(),
            unknown_markers: 0,
            has_gap: false,
        }
    }

    /// Takes the next text of the model.
    pub fn push(&mut self, delta: &str) -> Vec<Piece> {
        let segments = self.filter.push(delta);
        let scanned = self.scan(&segments);
        self.take(scanned)
    }

    /// Takes the end of the model's text: what was held back comes out.
    pub fn finish(&mut self) -> Vec<Piece> {
        let segments = self.filter.finish();
        let mut scanned = self.scan(&segments);
        self.scanner.finish(&mut scanned);
        self.take(scanned)
    }

    /// Everything so far: the texts of all pieces, joined.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// Citations so far, by number.
    pub fn citations(&self) -> &[Citation] {
        &self.citations
    }

    /// Markers that stood for nothing and were removed.
    pub fn unknown_markers(&self) -> i32 {
        self.unknown_markers
    }

    /// What was taken out of the model's text or made harmless.
    pub fn filtered(&self) -> Filtered {
        self.filter.filtered()
    }

    fn scan(&mut self, segments: &[Segment]) -> Vec<Scanned> {
        let mut scanned = Vec::new();
        for Segment { text, is_code } in segments {
            if *is_code {
                self.scanner.pass(text, &mut scanned);
            } else {
                text.chars().for_each(|character| self.scanner.push(character, &mut scanned));
            }
        }
        scanned
    }

    fn take(&mut self, scanned: Vec<Scanned>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        for item in scanned {
            match item {
                Scanned::Text(more) => self.write(&more, &mut text),
                Scanned::Markers { space, numbers } => {
                    let mut space = Some(space);
                    for number in numbers {
                        let Some((number, citation)) = self.cite(number) else { continue };
                        let space = space.take().unwrap_or_default();
                        self.write(&format!("{space}[{number}]"), &mut text);
                        if let Some(citation) = citation {
                            pieces.push(Piece::Text(std::mem::take(&mut text)));
                            pieces.push(Piece::Citation(citation));
                        }
                    }
                    self.has_gap |= space.is_some();
                }
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        pieces
    }

    /// Adds to the content and to the text of the next piece.
    fn write(&mut self, more: &str, text: &mut String) {
        let Some(first) = more.chars().next() else { return };
        if std::mem::take(&mut self.has_gap) && joint::needs_space(&self.content, first) {
            self.content.push(' ');
            text.push(' ');
        }
        self.content.push_str(more);
        text.push_str(more);
    }

    /// Number of a marker's passage in this answer, with the citation when it is its first time.
    fn cite(&mut self, marker: usize) -> Option<(usize, Option<Citation>)> {
        let place = marker.checked_sub(1).filter(|place| *place < self.passages.len());
        let Some(place) = place else {
            self.unknown_markers = self.unknown_markers.saturating_add(1);
            return None;
        };
        if let Some(index) = self.cited.iter().position(|cited| *cited == place) {
            return Some((index + 1, None));
        }
        self.cited.push(place);
        let citation = self.citation(self.cited.len(), &self.passages[place]);
        self.citations.push(citation.clone());
        Some((self.cited.len(), Some(citation)))
    }

    fn citation(&self, number: usize, passage: &Passage) -> Citation {
        let quote = quote::find(quote::claim(&self.content), &passage.body);
        let offset = |characters: usize| {
            passage.char_start.saturating_add(i32::try_from(characters).unwrap_or(i32::MAX))
        };
        Citation {
            number: i32::try_from(number).unwrap_or(i32::MAX),
            citation_id: new_id(),
            chunk_id: passage.chunk_id,
            document_id: passage.document_id,
            version_id: passage.version_id,
            version_number: passage.version_number,
            document_title: passage.document_title.clone(),
            heading_path: passage.heading_path.clone(),
            page: passage.page_at(offset(quote.start)),
            url: deep_link::to(passage, &quote.text),
            char_start: offset(quote.start),
            char_end: offset(quote.end),
            quote: quote.text,
            verified: quote.verified,
            stale: false,
        }
    }
}

#[cfg(test)]
mod tests;
