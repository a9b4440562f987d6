//! Joins pieces into chunks: within chapters, near the target size, headings with what follows.

use std::ops::Range;

use super::ChunkOptions;
use super::outline::common_depth;
use super::split::Piece;
use crate::knowledge::parse::Extraction;

/// Two tiny chunks that were joined may still be tiny.
const MAX_JOINING_ROUNDS: usize = 4;

/// Ranges of `pieces`, each a chunk; in order and without gaps.
pub(super) fn pack(
    pieces: &[Piece],
    extraction: &Extraction,
    options: &ChunkOptions,
) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut first = 0;
    for at in 1..=pieces.len() {
        if at == pieces.len() || pieces[at].begins_chapter() {
            pack_chapter(pieces, first..at, options, &mut spans);
            first = at;
        }
    }
    for _ in 0..MAX_JOINING_ROUNDS {
        let joined = join_tiny(pieces, &spans, extraction, options);
        let is_done = joined.len() == spans.len();
        spans = joined;
        if is_done {
            break;
        }
    }
    spans
}

fn words(pieces: &[Piece], span: &Range<usize>) -> usize {
    pieces[span.clone()].iter().map(|piece| piece.words).sum()
}

fn pack_chapter(
    pieces: &[Piece],
    chapter: Range<usize>,
    options: &ChunkOptions,
    spans: &mut Vec<Range<usize>>,
) {
    let mut rest = words(pieces, &chapter);
    if rest <= options.max_words {
        spans.push(chapter);
        return;
    }
    let aim = rest.div_ceil(rest.div_ceil(options.target_words));
    let units = units(pieces, chapter, options);
    let mut current: Range<usize> = 0..0;
    let mut sum = 0;
    for (index, unit) in units.iter().enumerate() {
        let count = words(pieces, unit);
        let ahead = section_words(pieces, &units[index..]);
        if sum > 0 && ends_before(&pieces[unit.start], sum, count, ahead, rest, aim, options) {
            spans.push(current.clone());
            sum = 0;
        }
        current = if sum == 0 { unit.clone() } else { current.start..unit.end };
        sum += count;
        rest -= count;
    }
    spans.push(current);
}

/// True when the chunk of `sum` words ends before the unit of `count` words that begins with
/// `next`; `ahead` words are left in its section, `rest` in its chapter.
fn ends_before(
    next: &Piece,
    sum: usize,
    count: usize,
    ahead: usize,
    rest: usize,
    aim: usize,
    options: &ChunkOptions,
) -> bool {
    if sum + count > options.max_words {
        return true;
    }
    if rest < options.tiny_words && sum + rest <= options.max_words {
        return false;
    }
    if next.is_heading() && sum >= options.tiny_words {
        return sum * 2 >= aim || sum + ahead > options.target_words;
    }
    sum * 2 >= aim && sum + count > aim + aim / 8
}

/// Words from the first unit up to the next heading.
fn section_words(pieces: &[Piece], units: &[Range<usize>]) -> usize {
    let same = |unit: &&Range<usize>| !pieces[unit.start].is_heading();
    let first = units.first().map_or(0, |unit| words(pieces, unit));
    let limit = 64; // more units than that are more than a chunk
    first
        + units.iter().skip(1).take(limit).take_while(same).map(|u| words(pieces, u)).sum::<usize>()
}

/// Pieces that stay together: a heading, a term, a table's header and what follows it.
fn units(pieces: &[Piece], chapter: Range<usize>, options: &ChunkOptions) -> Vec<Range<usize>> {
    let mut units = Vec::new();
    let mut first = chapter.start;
    let mut sum = 0;
    for at in chapter.clone() {
        let piece = &pieces[at];
        if at > first && sum + piece.words > options.max_words {
            units.push(first..at);
            (first, sum) = (at, 0);
        }
        sum += piece.words;
        let holds = piece.keep_with_next && sum <= options.tiny_words * 2;
        if !holds || at + 1 == chapter.end {
            units.push(first..at + 1);
            (first, sum) = (at + 1, 0);
        }
    }
    units
}

/// Joins chunks below the tiny size with the neighbour that shares more of their headings; with
/// the next one when that is equal.
fn join_tiny(
    pieces: &[Piece],
    spans: &[Range<usize>],
    extraction: &Extraction,
    options: &ChunkOptions,
) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    let mut sizes: Vec<usize> = Vec::with_capacity(spans.len());
    for (index, span) in spans.iter().enumerate() {
        let size = words(pieces, span);
        let Some((last, last_size)) = joined.last_mut().zip(sizes.last_mut()) else {
            joined.push(span.clone());
            sizes.push(size);
            continue;
        };
        let fits = *last_size + size <= options.max_words;
        let pulls = *last_size < options.tiny_words;
        let follows = size < options.tiny_words
            && !is_lead_of_next(pieces, span, spans.get(index + 1), size, extraction, options);
        if fits && (pulls || follows) {
            last.end = span.end;
            *last_size += size;
        } else {
            joined.push(span.clone());
            sizes.push(size);
        }
    }
    joined
}

/// True when a tiny chunk fits the next one at least as well as the one before it.
fn is_lead_of_next(
    pieces: &[Piece],
    span: &Range<usize>,
    next: Option<&Range<usize>>,
    size: usize,
    extraction: &Extraction,
    options: &ChunkOptions,
) -> bool {
    let Some(next) = next else { return false };
    if size + words(pieces, next) > options.max_words {
        return false;
    }
    let sections = &extraction.sections;
    let (own, following) = (&pieces[span.end - 1], &pieces[next.end - 1]);
    let before = span.start.checked_sub(1).map_or(0, |b| common_depth(own, &pieces[b], sections));
    common_depth(own, following, sections) >= before
}
