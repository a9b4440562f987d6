//! Cuts blocks that are too long for a chunk: at sentences, lines, words, characters.
//!
//! Gives `pack` its pieces, with offsets in characters. A block that fits stays whole.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::{ChunkOptions, words};
use crate::knowledge::parse::{Block, BlockKind, Extraction};

/// Characters of a run without spaces that stand in one segment at most.
const MAX_CLUSTER_CHARS: usize = 64;

/// A block or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub start: usize,
    pub end: usize,
    pub words: usize,
    pub section: usize,
    /// Level, when the piece is a heading.
    pub heading: Option<u8>,
    pub keep_with_next: bool,
}

impl Piece {
    pub(super) fn is_heading(&self) -> bool {
        self.heading.is_some()
    }

    /// Chapters and main sections are not joined, unless they are tiny.
    pub(super) fn begins_chapter(&self) -> bool {
        self.heading.is_some_and(|level| level <= 2)
    }
}

/// A part that is not cut further, as a byte range of its block.
struct Segment {
    range: Range<usize>,
    words: usize,
    /// How good a cut before it is: 0 anywhere, 1 after a blank line, 2 before a top-level line too.
    rank: u8,
}

/// All blocks of `extraction` in order, the long ones in parts.
pub(super) fn pieces(extraction: &Extraction, options: &ChunkOptions) -> Vec<Piece> {
    let longest = options.max_words - options.tiny_words;
    let mut pieces = Vec::with_capacity(extraction.blocks.len());
    let mut rest = extraction.text.as_str();
    let mut at = 0;
    for block in &extraction.blocks {
        rest = skip_chars(rest, block.start - at);
        let after = skip_chars(rest, block.end - block.start);
        let text = &rest[..rest.len() - after.len()];
        rest = after;
        at = block.end;
        let count = words::count(text);
        if count <= longest {
            pieces.push(piece_of(block, block.start, block.end, count));
            continue;
        }
        let segments = segments_of(text, block.kind, options.target_words);
        push_parts(&mut pieces, block, text, &segments, options.target_words);
    }
    pieces
}

fn piece_of(block: &Block, start: usize, end: usize, words: usize) -> Piece {
    let heading = match block.kind {
        BlockKind::Heading(level) => Some(level),
        _ => None,
    };
    let keep_with_next = block.keep_with_next && end == block.end;
    Piece { start, end, words, section: block.section, heading, keep_with_next }
}

fn skip_chars(text: &str, chars: usize) -> &str {
    let at = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    &text[at..]
}

/// Joins segments into parts of about equal size, each near `target`.
fn push_parts(
    pieces: &mut Vec<Piece>,
    block: &Block,
    text: &str,
    segments: &[Segment],
    target: usize,
) {
    let total: usize = segments.iter().map(|segment| segment.words).sum();
    let aim = total.div_ceil(total.div_ceil(target).max(1));
    let (mut first, mut byte, mut at) = (0, 0, block.start);
    while first < segments.len() {
        let next = part_end(segments, first, aim);
        let (from, to) = (segments[first].range.start, segments[next - 1].range.end);
        let part = &text[from..to];
        let lead = leading_break(part);
        let body = part[lead..].trim_end();
        if !body.is_empty() {
            at += text[byte..from + lead].chars().count();
            byte = from + lead;
            let end = at + body.chars().count();
            pieces.push(piece_of(block, at, end, words::count(body)));
        }
        first = next;
    }
}

/// Index behind the last segment of the part that begins at `first`.
fn part_end(segments: &[Segment], first: usize, aim: usize) -> usize {
    let mut sum = 0;
    let mut next = first;
    let mut best = (0, first);
    while next < segments.len() {
        let words = segments[next].words;
        if next > first && sum + words > aim + aim / 8 {
            break;
        }
        if sum * 2 >= aim && segments[next].rank >= best.0 {
            best = (segments[next].rank, next);
        }
        sum += words;
        next += 1;
    }
    if next < segments.len() && best.0 > 0 { best.1 } else { next.max(first + 1) }
}

/// White space at the beginning of a part that is no indentation.
fn leading_break(part: &str) -> usize {
    let first = part.find(|c: char| !c.is_whitespace()).unwrap_or(part.len());
    part[..first]
        .rfind('\n')
        .map_or_else(|| if part.starts_with(' ') { first } else { 0 }, |n| n + 1)
}

fn segments_of(text: &str, kind: BlockKind, target: usize) -> Vec<Segment> {
    let mut segments = Vec::new();
    let by_lines = matches!(kind, BlockKind::Code | BlockKind::TableRow);
    if by_lines {
        push_lines(&mut segments, text, target);
    } else {
        push_sentences(&mut segments, text, 0..text.len(), 0, target);
    }
    segments
}

fn push_lines(segments: &mut Vec<Segment>, text: &str, target: usize) {
    let mut at = 0;
    let mut after_blank = false;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        let is_blank = line.trim().is_empty();
        let is_top_level = !line.starts_with([' ', '\t', '}', ')', ']']);
        let rank = u8::from(after_blank) * (1 + u8::from(is_top_level));
        after_blank = is_blank;
        if !is_blank {
            push_sentences(segments, text, range, rank, target);
        }
    }
}

/// One segment when `range` fits, else one for each sentence.
fn push_sentences(
    segments: &mut Vec<Segment>,
    text: &str,
    range: Range<usize>,
    rank: u8,
    target: usize,
) {
    let whole = &text[range.clone()];
    let count = words::count(whole);
    if count <= target / 4 {
        segments.push(Segment { range, words: count, rank });
        return;
    }
    let mut rank = rank;
    for (at, sentence) in whole.split_sentence_bound_indices() {
        let start = range.start + at;
        let count = words::count(sentence);
        if count <= target {
            segments.push(Segment { range: start..start + sentence.len(), words: count, rank });
        } else {
            push_words(segments, text, start..start + sentence.len(), rank, target);
        }
        rank = 0;
    }
}

fn push_words(
    segments: &mut Vec<Segment>,
    text: &str,
    range: Range<usize>,
    rank: u8,
    target: usize,
) {
    let mut rank = rank;
    let mut at = range.start;
    for token in text[range].split_inclusive(char::is_whitespace) {
        let count = words::count_token(token.trim_end());
        if count <= target {
            segments.push(Segment { range: at..at + token.len(), words: count, rank });
        } else {
            push_characters(segments, token, at, target);
        }
        at += token.len();
        rank = 0;
    }
}

/// Cuts a run without spaces between characters as a reader sees them, not inside an accent or a
/// joined emoji, unless that alone is monstrous.
fn push_characters(segments: &mut Vec<Segment>, token: &str, at: usize, target: usize) {
    let step = (target / 4).clamp(1, MAX_CLUSTER_CHARS);
    let (mut start, mut chars) = (0, 0);
    let mut cut = |end: usize| {
        let words = words::count_token(token[start..end].trim_end());
        segments.push(Segment { range: at + start..at + end, words, rank: 0 });
        start = end;
    };
    for (offset, cluster) in token.grapheme_indices(true) {
        for (inner, c) in cluster.char_indices() {
            chars += 1;
            let end = offset + inner + c.len_utf8();
            let is_between = inner + c.len_utf8() == cluster.len();
            if chars >= MAX_CLUSTER_CHARS || (is_between && chars >= step) {
                cut(end);
                chars = 0;
            }
        }
    }
    if chars > 0 {
        cut(token.len());
    }
}
