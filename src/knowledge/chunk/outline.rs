//! Heading path and anchor of a chunk, from the sections of its pieces.

use super::split::Piece;
use crate::knowledge::parse::Section;

/// The headings common to all of the chunk's body; without any, those of its largest section.
pub(super) fn heading_path(pieces: &[Piece], sections: &[Section]) -> Vec<String> {
    let body: Vec<&Piece> = pieces.iter().filter(|piece| !piece.is_heading()).collect();
    let Some(first) = body.first() else {
        return path_of(pieces.last(), sections).to_vec();
    };
    let mut common = path_of(Some(first), sections);
    for piece in &body {
        let path = path_of(Some(piece), sections);
        let same = common.iter().zip(path).take_while(|(a, b)| a == b).count();
        common = &common[..same];
    }
    if !common.is_empty() {
        return common.to_vec();
    }
    path_of(largest_section(&body), sections).to_vec()
}

/// The link target of the last heading that the chunk begins with, else of its first block.
pub(super) fn anchor(pieces: &[Piece], sections: &[Section]) -> Option<String> {
    let leading = pieces.iter().take_while(|piece| piece.is_heading()).last();
    let piece = leading.or(pieces.first())?;
    sections.get(piece.section)?.anchor.clone()
}

/// The page on which the body of the chunk begins.
pub(super) fn page(pieces: &[Piece], sections: &[Section]) -> Option<u32> {
    let piece = pieces.iter().find(|piece| !piece.is_heading()).or(pieces.first())?;
    page_of(piece, sections)
}

/// Where each page after that one begins.
pub(super) fn page_starts(pieces: &[Piece], sections: &[Section]) -> Vec<usize> {
    let mut starts = Vec::new();
    let Some(first) = page(pieces, sections) else { return starts };
    for piece in pieces {
        let reached = page_of(piece, sections).unwrap_or(first).saturating_sub(first);
        let reached = usize::try_from(reached).unwrap_or_default();
        if reached > starts.len() {
            starts.resize(reached, piece.start);
        }
    }
    starts
}

fn page_of(piece: &Piece, sections: &[Section]) -> Option<u32> {
    sections.get(piece.section)?.page
}

/// Length of the common beginning of two sections' heading paths.
pub(super) fn common_depth(a: &Piece, b: &Piece, sections: &[Section]) -> usize {
    let (a, b) = (path_of(Some(a), sections), path_of(Some(b), sections));
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

fn path_of<'a>(piece: Option<&Piece>, sections: &'a [Section]) -> &'a [String] {
    let section = piece.and_then(|piece| sections.get(piece.section));
    section.map_or(&[], |section| section.heading_path.as_slice())
}

/// A piece of the section with most words; pieces of a section stand together.
fn largest_section<'a>(body: &[&'a Piece]) -> Option<&'a Piece> {
    let mut best: Option<(usize, &Piece)> = None;
    for run in body.chunk_by(|a, b| a.section == b.section) {
        let words: usize = run.iter().map(|piece| piece.words).sum();
        if let Some(first) = run.first()
            && best.is_none_or(|(most, _)| words > most)
        {
            best = Some((words, first));
        }
    }
    best.map(|(_, piece)| piece)
}
