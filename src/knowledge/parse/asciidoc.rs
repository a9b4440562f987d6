//! AsciiDoc: titles, paragraphs, lists, listings, notes, tables, quotes; marks and links leave their text.
//!
//! Read line by line, without recursion over more than the nesting of blocks, which is bounded. Attributes of the document
//! are put in where it names them; what it would include, fetch or compute is not content.

mod attributes;
mod inline;
mod lines;
mod tables;
#[cfg(test)]
mod tests;

use super::blocks::Blocks;
use super::{Extraction, ParseError, ParseLimits};
use attributes::Attributes;
use lines::{Item, Line};

/// Blocks within blocks.
const MAX_DEPTH: usize = 64;

/// Reads a document; its first title is its title.
pub(super) fn parse(source: &str, limits: &ParseLimits) -> Result<Extraction, ParseError> {
    let lines: Vec<&str> = source.lines().map(str::trim_end).collect();
    let max_depth = limits.max_nesting.min(MAX_DEPTH);
    let attributes = Attributes::default();
    let mut reader = Reader {
        blocks: Blocks::new(limits),
        attributes,
        ahead: Ahead::default(),
        max_depth,
        max_cells: limits.max_cells,
    };
    reader.read(&lines, 0)?;
    Ok(reader.blocks.finish())
}

struct Reader<'a> {
    blocks: Blocks<'a>,
    attributes: Attributes,
    ahead: Ahead,
    max_depth: usize,
    max_cells: usize,
}

/// What lines of attributes said about the block that comes next.
#[derive(Default)]
struct Ahead {
    /// The first word, e.g. `source` or `NOTE`.
    style: String,
    columns: Option<usize>,
}

impl Reader<'_> {
    fn read(&mut self, lines: &[&str], depth: usize) -> Result<(), ParseError> {
        if depth > self.max_depth {
            return Err(ParseError::TooDeep { limit: self.max_depth });
        }
        let mut at = 0;
        while at < lines.len() {
            at += self.block(&lines[at..], depth)?;
        }
        Ok(())
    }

    /// Reads the block that the lines begin with; how many of them it has.
    fn block(&mut self, lines: &[&str], depth: usize) -> Result<usize, ParseError> {
        let line = lines[0];
        match lines::read(line) {
            Line::Empty | Line::Nothing => return Ok(1),
            Line::Attribute(name, value) => self.attributes.set(name, value),
            Line::Anchor(id) => self.blocks.anchor(id),
            Line::About(about) => self.look_ahead(about),
            Line::Title(level, title) => {
                let title = self.plain(title);
                self.blocks.heading_with_anchor(level, &title, inline::id_of(&title))?;
                // Author and revision stand below the title of the document.
                return Ok(if level == 1 && depth == 0 { 1 + header(&lines[1..]) } else { 1 });
            }
            Line::Caption(title) => {
                let title = self.plain(title);
                self.blocks.caption(&title)?;
            }
            Line::Image(alt) => {
                let alt = self.plain(alt);
                self.blocks.paragraph(&alt)?;
            }
            Line::Fence(mark) => return self.fenced(mark, lines, depth),
            Line::Item(item) => return self.item(&item, lines, depth),
            Line::Text if line.starts_with([' ', '\t']) => return self.literal(lines),
            Line::Text => return self.paragraph(lines),
        }
        Ok(1)
    }

    fn look_ahead(&mut self, about: &str) {
        let style = about.split([',', '%', '#', '.']).next().unwrap_or_default().trim();
        if !style.is_empty() && !style.contains('=') {
            style.clone_into(&mut self.ahead.style);
        }
        if let Some(id) = about.split([',', '.', '%']).find_map(|part| part.split_once('#')) {
            self.blocks.anchor(id.1.trim());
        }
        self.ahead.columns = tables::columns(about).or(self.ahead.columns);
    }

    /// What stands between two equal lines of marks; without a second one, to the end.
    fn fenced(&mut self, mark: &str, lines: &[&str], depth: usize) -> Result<usize, ParseError> {
        let close = if mark.starts_with("```") { "```" } else { mark };
        let length = lines[1..].iter().position(|line| *line == close);
        let count = length.map_or(lines.len(), |length| length + 2);
        let body = &lines[1..length.map_or(lines.len(), |length| length + 1)];
        let ahead = std::mem::take(&mut self.ahead);
        match mark.as_bytes()[0] {
            b'/' | b'+' => {}
            b'|' | b',' | b':' | b'!' => {
                let rows = tables::rows(mark, body, ahead.columns, self.max_cells)?;
                let rows: Vec<Vec<String>> = rows
                    .iter()
                    .map(|row| row.iter().map(|cell| self.plain(cell)).collect())
                    .collect();
                self.blocks.table(&rows)?;
            }
            b'_' => {
                let text = self.plain(&body.join("\n"));
                self.blocks.quote(&text)?;
            }
            b'=' | b'*' => {
                self.note(&ahead.style)?;
                self.read(body, depth + 1)?;
            }
            b'-' if mark == "--" && !["source", "listing", "literal"].contains(&&*ahead.style) => {
                self.note(&ahead.style)?;
                self.read(body, depth + 1)?;
            }
            _ => self.blocks.code(&body.join("\n"))?,
        }
        Ok(count)
    }

    /// The word of a note stands before it.
    fn note(&mut self, style: &str) -> Result<(), ParseError> {
        match lines::note(style) {
            Some(word) => self.blocks.caption(&format!("{word}:")),
            None => Ok(()),
        }
    }

    fn item(&mut self, item: &Item<'_>, lines: &[&str], depth: usize) -> Result<usize, ParseError> {
        self.ahead = Ahead::default();
        // The text goes on until something else begins; a lonely plus joins the block below.
        let more = lines[1..].iter().take_while(|line| lines::goes_on(line)).count();
        let first = std::iter::once(item.text);
        let rest = lines[1..=more].iter().map(|line| line.trim_start());
        let text = self.plain(&first.chain(rest).collect::<Vec<_>>().join("\n"));
        match item.term {
            Some(term) => {
                let term = self.plain(term);
                self.blocks.caption(&term)?;
                self.blocks.paragraph(&text)?;
            }
            None => self.blocks.item(depth + item.depth, item.marker, &text)?,
        }
        Ok(1 + more)
    }

    /// Indented lines are kept as they are.
    fn literal(&mut self, lines: &[&str]) -> Result<usize, ParseError> {
        let count = lines.iter().take_while(|line| !line.is_empty()).count();
        let indent = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
        let least = lines[..count].iter().map(indent).min().unwrap_or_default();
        let body: Vec<&str> =
            lines[..count].iter().map(|line| line.get(least..).unwrap_or_default()).collect();
        self.blocks.code(&body.join("\n"))?;
        Ok(count)
    }

    fn paragraph(&mut self, lines: &[&str]) -> Result<usize, ParseError> {
        let more = lines[1..].iter().take_while(|line| lines::is_text(line)).count();
        let body = &lines[..=more];
        let ahead = std::mem::take(&mut self.ahead);
        if ["source", "listing", "literal"].contains(&&*ahead.style) {
            self.blocks.code(&body.join("\n"))?;
            return Ok(body.len());
        }
        let text = body.join("\n");
        let (word, text) = match text.split_once(": ") {
            Some((style, rest)) if lines::note(style).is_some() => (lines::note(style), rest),
            _ => (lines::note(&ahead.style), &*text),
        };
        let text = self.plain(text);
        match word {
            Some(word) => self.blocks.paragraph(&format!("{word}: {text}"))?,
            None if ["quote", "verse"].contains(&&*ahead.style) => self.blocks.quote(&text)?,
            None => self.blocks.paragraph(&text)?,
        }
        Ok(body.len())
    }

    fn plain(&self, source: &str) -> String {
        inline::plain(&self.attributes.filled(source))
    }
}

/// Lines of author and revision below the title.
fn header(lines: &[&str]) -> usize {
    lines.iter().take(2).take_while(|line| lines::is_text(line) && !line.ends_with('.')).count()
}
