//! Assembles an [`Extraction`]: text, character offsets, sections; keeps the limits.
//!
//! Used by every format. It is the only place where offsets are counted.

use std::collections::HashMap;

use super::decode::is_dropped;
use super::{Block, BlockKind, Extraction, ParseError, ParseLimits, Section};

/// Longest heading in a path and longest anchor, in characters: each section repeats them.
const MAX_HEADING_CHARS: usize = 200;
const MAX_ANCHOR_CHARS: usize = 300;

/// How a block is divided from the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    BlankLine,
    Line,
}

/// A document in the making.
pub(super) struct Builder<'a> {
    limits: &'a ParseLimits,
    text: String,
    chars: usize,
    blocks: Vec<Block>,
    sections: Vec<Section>,
    open: Vec<OpenHeading>,
    slugs: HashMap<String, usize>,
    /// The section was begun by a defined term, not by a heading.
    has_own_anchor: bool,
    page: Option<u32>,
}

struct OpenHeading {
    level: u8,
    title: String,
    anchor: Option<String>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(limits: &'a ParseLimits) -> Self {
        Self {
            limits,
            text: String::new(),
            chars: 0,
            blocks: Vec::new(),
            sections: vec![Section::default()],
            open: Vec::new(),
            slugs: HashMap::new(),
            has_own_anchor: false,
            page: None,
        }
    }

    /// Appends a block; one without visible characters is left out.
    pub(super) fn push(
        &mut self,
        kind: BlockKind,
        joint: Joint,
        body: &str,
        keep_with_next: bool,
    ) -> Result<(), ParseError> {
        let body = trim_blank_lines(body);
        if body.chars().all(|c| c.is_whitespace() || is_dropped(c)) {
            return Ok(());
        }
        if self.blocks.len() >= self.limits.max_blocks {
            let limit = self.limits.max_blocks;
            return Err(ParseError::too_many("blocks", limit));
        }
        if !self.blocks.is_empty() {
            let gap = if joint == Joint::Line { "\n" } else { "\n\n" };
            self.append(gap)?;
        }
        let start = self.chars;
        self.append(body)?;
        let section = self.sections.len() - 1;
        self.blocks.push(Block { kind, start, end: self.chars, section, keep_with_next });
        Ok(())
    }

    /// Begins a section and appends its heading. Without an anchor of its own, the section has
    /// that of the nearest heading above it.
    pub(super) fn heading(
        &mut self,
        level: u8,
        title: &str,
        anchor: Option<String>,
    ) -> Result<(), ParseError> {
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        if title.is_empty() {
            return Ok(());
        }
        while self.open.last().is_some_and(|above| above.level >= level) {
            self.open.pop();
        }
        let anchor = anchor.filter(|id| is_usable_anchor(id));
        let short = title.chars().take(MAX_HEADING_CHARS).collect();
        self.open.push(OpenHeading { level, title: short, anchor });
        self.has_own_anchor = false;
        self.begin_section(None);
        self.push(BlockKind::Heading(level), Joint::BlankLine, &title, true)
    }

    /// What follows stands on this page of the original, from 1.
    pub(super) fn page(&mut self, number: u32) {
        self.page = Some(number);
        self.begin_section(None);
    }

    /// Begins a section under the same headings with a link target of its own, as a defined term has.
    pub(super) fn anchor(&mut self, id: &str) {
        if is_usable_anchor(id) {
            self.begin_section(Some(id.to_owned()));
            self.has_own_anchor = true;
        }
    }

    /// Ends what [`Self::anchor`] began: what follows has the anchor of its heading again.
    pub(super) fn end_anchor(&mut self) {
        if std::mem::take(&mut self.has_own_anchor) {
            self.begin_section(None);
        }
    }

    /// The anchor that GitHub and most site builders give to a Markdown heading: lower case,
    /// punctuation gone, spaces as hyphens, repeated ones numbered.
    pub(super) fn slug(&mut self, title: &str) -> String {
        let mut slug = String::new();
        for c in title.trim().to_lowercase().chars() {
            match c {
                ' ' => slug.push('-'),
                '-' | '_' => slug.push(c),
                c if c.is_alphanumeric() => slug.push(c),
                _ => {}
            }
        }
        let seen = self.slugs.entry(slug.clone()).or_insert(0);
        *seen += 1;
        if *seen > 1 { format!("{slug}-{}", *seen - 1) } else { slug }
    }

    pub(super) fn finish(self, title: Option<String>, language: Option<String>) -> Extraction {
        let title = title.map(|t| t.replace(is_dropped, ""));
        let title = title.map(|t| t.split_whitespace().collect::<Vec<_>>().join(" "));
        Extraction {
            title: title.filter(|t| !t.is_empty()),
            language,
            text: self.text,
            blocks: self.blocks,
            sections: self.sections,
        }
    }

    fn begin_section(&mut self, anchor: Option<String>) {
        let inherited = || self.open.iter().rev().find_map(|heading| heading.anchor.clone());
        let section = Section {
            heading_path: self.open.iter().map(|heading| heading.title.clone()).collect(),
            anchor: anchor.or_else(inherited),
            page: self.page,
        };
        let is_unused = self.blocks.last().is_none_or(|b| b.section + 1 < self.sections.len());
        if is_unused && self.sections.len() > 1 {
            self.sections.pop();
        }
        self.sections.push(section);
    }

    fn append(&mut self, text: &str) -> Result<(), ParseError> {
        for c in text.chars().filter(|c| !is_dropped(*c)) {
            self.text.push(c);
            self.chars += 1;
        }
        if self.chars > self.limits.max_text_chars {
            return Err(ParseError::TextTooLong { limit: self.limits.max_text_chars });
        }
        Ok(())
    }
}

fn is_usable_anchor(id: &str) -> bool {
    !id.is_empty()
        && id.chars().count() <= MAX_ANCHOR_CHARS
        && !id.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Takes away blank lines around `body`, and white space at its end, but no indentation.
fn trim_blank_lines(body: &str) -> &str {
    let body = body.trim_end();
    let first = body.find(|c: char| !c.is_whitespace()).unwrap_or(body.len());
    let line = body[..first].rfind('\n').map_or(0, |at| at + 1);
    &body[line..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_are_dropped_make_no_block_and_stand_in_no_title() {
        let limits = ParseLimits::default();
        let mut builder = Builder::new(&limits);
        for nothing in ["\u{ad}", "\u{feff} \u{8}", "\u{0}", "\u{92}"] {
            builder.push(BlockKind::Code, Joint::BlankLine, nothing, false).unwrap();
        }
        builder.push(BlockKind::Code, Joint::BlankLine, "a\u{ad}b", false).unwrap();
        let made = builder.finish(Some("a\u{0}b\u{ad}".to_owned()), None);
        assert_eq!(
            (made.text.as_str(), made.blocks.len(), made.title.as_deref()),
            ("ab", 1, Some("ab"))
        );
        assert!(made.is_sound());
    }

    #[test]
    fn offsets_count_characters_not_bytes() {
        let limits = ParseLimits::default();
        let mut builder = Builder::new(&limits);
        builder.heading(1, "Größe", Some("size".into())).unwrap();
        builder.push(BlockKind::Paragraph, Joint::BlankLine, "né 👩", false).unwrap();
        let made = builder.finish(None, None);
        assert_eq!(made.text, "Größe\n\nné 👩");
        assert_eq!((made.blocks[1].start, made.blocks[1].end), (7, 11));
        assert_eq!(made.sections[1].heading_path, ["Größe"]);
    }

    #[test]
    fn a_section_without_an_anchor_has_that_of_the_heading_above() {
        let limits = ParseLimits::default();
        let mut builder = Builder::new(&limits);
        builder.heading(1, "A", Some("a".into())).unwrap();
        builder.heading(2, "B", None).unwrap();
        builder.anchor("term");
        builder.push(BlockKind::ListItem, Joint::BlankLine, "term", true).unwrap();
        builder.heading(1, "C", None).unwrap();
        let sections = builder.finish(None, None).sections;
        assert_eq!(sections[2].anchor.as_deref(), Some("a"));
        assert_eq!(sections[3].anchor.as_deref(), Some("term"));
        assert_eq!(sections[3].heading_path, ["A", "B"]);
        assert_eq!((sections[4].heading_path.len(), &sections[4].anchor), (1, &None));
    }

    #[test]
    fn repeated_titles_get_numbered_slugs() {
        let limits = ParseLimits::default();
        let mut builder = Builder::new(&limits);
        assert_eq!(builder.slug("What's new? (v2_1)"), "whats-new-v2_1");
        assert_eq!(builder.slug("Usage"), "usage");
        assert_eq!(builder.slug("Usage"), "usage-1");
    }

    #[test]
    fn the_limits_are_kept() {
        let limits = ParseLimits { max_text_chars: 5, max_blocks: 1, ..Default::default() };
        let mut builder = Builder::new(&limits);
        builder.push(BlockKind::Paragraph, Joint::BlankLine, "abc", false).unwrap();
        let error = builder.push(BlockKind::Paragraph, Joint::BlankLine, "d", false).unwrap_err();
        assert_eq!(error.code(), "too_complex");
        let mut builder = Builder::new(&limits);
        let error =
            builder.push(BlockKind::Paragraph, Joint::BlankLine, "abcdef", false).unwrap_err();
        assert_eq!(error.code(), "text_too_long");
    }
}
