//! Plain text and source code.
//!
//! Plain text: paragraphs by blank lines; headings of reStructuredText and AsciiDoc when their
//! form leaves no doubt. Source code: one block, untouched. It must not interpret further markup.

use super::builder::{Builder, Joint};
use super::{BlockKind, Extraction, ParseError, ParseLimits};

const MAX_HEADING_CHARS: usize = 120;

/// Source code as one block of code.
pub(super) fn parse_source_code(
    source: &str,
    limits: &ParseLimits,
) -> Result<Extraction, ParseError> {
    let mut builder = Builder::new(limits);
    builder.push(BlockKind::Code, Joint::BlankLine, source, false)?;
    Ok(builder.finish(None, None))
}

/// Plain text; its first heading is its title.
pub(super) fn parse(source: &str, limits: &ParseLimits) -> Result<Extraction, ParseError> {
    let lines: Vec<&str> = source.lines().collect();
    let mut walker = Walker { builder: Builder::new(limits), styles: Vec::new(), title: None };
    let mut paragraph: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].trim_end();
        let found = if paragraph.is_empty() { heading_at(&lines, at) } else { None };
        if let Some(found) = found {
            walker.heading(&found)?;
            at += found.lines;
            continue;
        }
        if line.trim().is_empty() {
            walker.paragraph(&mut paragraph)?;
        } else {
            paragraph.push(line);
        }
        at += 1;
    }
    walker.paragraph(&mut paragraph)?;
    Ok(walker.builder.finish(walker.title, None))
}

struct Walker<'a> {
    builder: Builder<'a>,
    /// Underline styles in the order of their first use, which is their level (reStructuredText).
    styles: Vec<Style>,
    title: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Underline {
        mark: char,
        over: bool,
    },
    /// Number of leading marks, as AsciiDoc counts levels.
    Prefix(u8),
}

pub(super) struct Heading<'a> {
    pub(super) title: &'a str,
    pub(super) style: Style,
    pub(super) lines: usize,
}

impl Walker<'_> {
    fn heading(&mut self, found: &Heading<'_>) -> Result<(), ParseError> {
        let level = match found.style {
            Style::Prefix(level) => level,
            style => self.level_of(style),
        };
        self.title.get_or_insert_with(|| found.title.to_owned());
        self.builder.heading(level, found.title, None)
    }

    fn level_of(&mut self, style: Style) -> u8 {
        let known = self.styles.iter().position(|seen| *seen == style);
        let index = known.unwrap_or_else(|| {
            self.styles.push(style);
            self.styles.len() - 1
        });
        u8::try_from(index + 1).unwrap_or(6).min(6)
    }

    fn paragraph(&mut self, lines: &mut Vec<&str>) -> Result<(), ParseError> {
        if lines.is_empty() {
            return Ok(());
        }
        let body = lines.join("\n");
        lines.clear();
        let announces = body.ends_with(':');
        self.builder.push(BlockKind::Paragraph, Joint::BlankLine, &body, announces)
    }
}

/// The heading that begins at a line.
pub(super) fn heading_at<'a>(lines: &[&'a str], at: usize) -> Option<Heading<'a>> {
    let line = lines.get(at)?.trim_end();
    let next = lines.get(at + 1).map(|l| l.trim_end());
    let after = lines.get(at + 2).map(|l| l.trim_end());
    if let Some(mark) = rule(line)
        && let (Some(title), Some(under)) = (next, after)
        && rule(under) == Some(mark)
        && fits(title.trim(), under)
    {
        let style = Style::Underline { mark, over: true };
        return Some(Heading { title: title.trim(), style, lines: 3 });
    }
    if let Some(heading) = prefixed(line) {
        return Some(heading);
    }
    let under = next?;
    let mark = rule(under)?;
    if line.starts_with(char::is_whitespace) || !fits(line, under) {
        return None;
    }
    Some(Heading { title: line, style: Style::Underline { mark, over: false }, lines: 2 })
}

/// `== Title`, as in AsciiDoc.
fn prefixed(line: &str) -> Option<Heading<'_>> {
    let marks = line.bytes().take_while(|b| *b == b'=').count();
    let title = line.get(marks..)?.strip_prefix(' ')?.trim().trim_end_matches('=').trim();
    let level = u8::try_from(marks).ok().filter(|level| (1..=6).contains(level))?;
    if title.is_empty() || title.chars().count() > MAX_HEADING_CHARS {
        return None;
    }
    Some(Heading { title, style: Style::Prefix(level), lines: 1 })
}

/// The mark of a line that is made of one punctuation character, three or more.
fn rule(line: &str) -> Option<char> {
    let mark = line.chars().next().filter(|c| "=-~^\"'`#*+.:_".contains(*c))?;
    (line.len() >= 3 && line.chars().all(|c| c == mark)).then_some(mark)
}

/// An underline is about as long as its title; a divider below a paragraph is not.
fn fits(title: &str, under: &str) -> bool {
    let chars = title.chars().count();
    chars > 0
        && chars <= MAX_HEADING_CHARS
        && title.chars().any(char::is_alphanumeric)
        && under.len() + 2 >= chars
        && under.len() <= chars * 2 + 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Extraction {
        parse(source, &ParseLimits::default()).unwrap()
    }

    #[test]
    fn underlined_headings_take_their_level_from_their_order() {
        let made = read(
            "=====\nGuide\n=====\n\nIntro.\n\nInstall\n-------\n\nRun it.\n\nUse\n---\nNow.\n",
        );
        assert_eq!(made.title.as_deref(), Some("Guide"));
        let last = made.sections.last().unwrap();
        assert_eq!(last.heading_path, ["Guide", "Use"]);
        assert_eq!(made.text, "Guide\n\nIntro.\n\nInstall\n\nRun it.\n\nUse\n\nNow.");
    }

    #[test]
    fn asciidoc_headings_take_their_level_from_their_marks() {
        let made = read("= Manual\n\n== Setup\n\nText.\n\n=== Linux\n\nMore.");
        assert_eq!(made.sections.last().unwrap().heading_path, ["Manual", "Setup", "Linux"]);
    }

    #[test]
    fn paragraphs_keep_their_lines_and_a_divider_is_no_heading() {
        let made =
            read("First line\n  second line\n\nA long paragraph that ends here.\n-----\nrest");
        assert_eq!(made.blocks.len(), 2);
        assert!(made.text.starts_with("First line\n  second line\n\n"));
        assert_eq!(made.title, None);
    }

    #[test]
    fn source_code_is_one_block_with_its_indentation() {
        let source = "\n\nfn main() {\n\n    run();\n}\n";
        let made = parse_source_code(source, &ParseLimits::default()).unwrap();
        assert_eq!(made.text, "fn main() {\n\n    run();\n}");
        assert_eq!(made.blocks[0].kind, BlockKind::Code);
    }
}
