//! HTML pages: the main content of documentation sites, without their navigation.
//!
//! Called by `parse`, and by the Markdown walker for raw HTML. Steps: build the tree under limits
//! (`dom`), measure its elements (`survey`), choose the root and what to leave out (`furniture`),
//! walk the rest (`walk`). Nothing here recurses: depth is bounded before, memory is linear.

mod anchors;
mod dom;
mod furniture;
mod lists;
mod roles;
mod survey;
mod tables;
#[cfg(test)]
mod tests;
mod title;
mod vocabulary;
mod walk;

use super::builder::Builder;
use super::{Extraction, ParseError, ParseLimits};

use furniture::Strictness;

/// Words of body text that make a page worth its strictest reading.
const ENOUGH_WORDS: usize = 8;

/// Reads a page; when the strict rules leave nothing, less strict ones are tried.
pub(super) fn parse(source: &str, limits: &ParseLimits) -> Result<Extraction, ParseError> {
    let page = dom::build(source, limits)?;
    let survey = survey::Survey::of(&page);
    let language = title::language(&page);
    let mut best: Option<(usize, Extraction)> = None;
    for strictness in [Strictness::Content, Strictness::Lists, Strictness::Everything] {
        let made = read(&page, &survey, limits, strictness, language.clone())?;
        let words = body_words(&made);
        let enough = words >= ENOUGH_WORDS || (words > 0 && strictness != Strictness::Content);
        if enough || best.as_ref().is_none_or(|(most, _)| words > *most) {
            best = Some((words, made));
        }
        if enough {
            break;
        }
    }
    best.map(|(_, made)| made).ok_or(ParseError::NoText)
}

/// Appends raw HTML found in another format; nothing of it is taken for navigation.
pub(super) fn append_fragment(
    source: &str,
    builder: &mut Builder<'_>,
    limits: &ParseLimits,
) -> Result<(), ParseError> {
    let page = dom::build(source, limits)?;
    let survey = survey::Survey::of(&page);
    let plan = furniture::Plan::new(&page, &survey, Strictness::Everything);
    let mut walker = walk::Walker::new(builder, &survey, &plan, None);
    walker.give_headings_slugs();
    walker.walk()
}

/// BCP 47 in outline: letters, digits and hyphens, at most 35 characters.
pub(super) fn is_language_tag(tag: &str) -> bool {
    (2..=35).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn read(
    page: &scraper::Html,
    survey: &survey::Survey,
    limits: &ParseLimits,
    strictness: Strictness,
    language: Option<String>,
) -> Result<Extraction, ParseError> {
    let plan = furniture::Plan::new(page, survey, strictness);
    let mut builder = Builder::new(limits);
    let page_title = title::element(page);
    let mut walker = walk::Walker::new(&mut builder, survey, &plan, page_title.as_deref());
    walker.walk()?;
    let title = title::choose(page_title.as_deref(), walker.headings());
    Ok(builder.finish(title, language))
}

fn body_words(made: &Extraction) -> usize {
    let headings: usize = made
        .blocks
        .iter()
        .filter(|block| matches!(block.kind, super::BlockKind::Heading(_)))
        .map(|block| block.end - block.start)
        .sum();
    if headings >= made.text.chars().count() {
        return 0;
    }
    let in_headings: usize = made
        .sections
        .iter()
        .skip(1)
        .filter_map(|section| section.heading_path.last())
        .map(|title| title.split_whitespace().count())
        .sum();
    made.text.split_whitespace().count().saturating_sub(in_headings)
}
