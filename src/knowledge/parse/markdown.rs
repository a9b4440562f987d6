//! Markdown, and what is common of its dialects, through `pulldown-cmark`.
//!
//! Called by `parse`. The events of the parser are walked once, without recursion; blocks of raw
//! HTML go to the HTML walker. It must not read link targets: only their text is content.

mod dialects;
mod nesting;
#[cfg(test)]
mod tests;
mod walk;

use pulldown_cmark::{Options, Parser};

use super::builder::Builder;
use super::{Extraction, ParseError, ParseLimits};

/// Title: front matter, else the first level 1 heading, else the first heading.
pub(super) fn parse(source: &str, limits: &ParseLimits) -> Result<Extraction, ParseError> {
    let (front_matter, body) = dialects::split_front_matter(source);
    let body = dialects::to_common_markdown(body);
    nesting::check(&body, limits)?;
    let mut walker = walk::Walker::new(Builder::new(limits), limits);
    for event in Parser::new_ext(&body, options()) {
        walker.event(event)?;
    }
    let (builder, heading) = walker.finish()?;
    let title = dialects::front_matter_value(front_matter, "title").or(heading);
    let language = dialects::front_matter_value(front_matter, "lang")
        .or_else(|| dialects::front_matter_value(front_matter, "language"))
        .filter(|tag| super::html::is_language_tag(tag));
    Ok(builder.finish(title, language))
}

/// Appends Markdown that stands in another format; gives the builder back, and the title that its headings give.
pub(super) fn append<'a>(
    source: &str,
    builder: Builder<'a>,
    limits: &'a ParseLimits,
) -> Result<(Builder<'a>, Option<String>), ParseError> {
    let body = dialects::to_common_markdown(source);
    nesting::check(&body, limits)?;
    let mut walker = walk::Walker::new(builder, limits);
    for event in Parser::new_ext(&body, options()) {
        walker.event(event)?;
    }
    walker.finish()
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM
}
