//! reStructuredText: titles, paragraphs, lists, literal blocks, directives, tables, footnotes; roles and marks leave their text.
//!
//! Read line by line, without recursion over more than the nesting of directives, which is bounded. What a directive would
//! fetch or compute is not content.

mod inline;
mod tables;
#[cfg(test)]
mod tests;

use super::blocks::Blocks;
use super::plain::{Style, heading_at};
use super::{Extraction, ParseError, ParseLimits};
use inline::plain;

/// Bodies of these are code.
const CODE: [&str; 8] = [
    "code-block",
    "code",
    "sourcecode",
    "parsed-literal",
    "highlight",
    "testcode",
    "doctest",
    "math",
];
/// These hold nothing to read.
const SILENT: [&str; 14] = [
    "toctree",
    "contents",
    "index",
    "include",
    "raw",
    "meta",
    "image",
    "highlight",
    "currentmodule",
    "default-role",
    "literalinclude",
    "autosummary",
    "tabularcolumns",
    "sectnum",
];
/// Marks of a note to the reader.
const NOTES: [&str; 11] = [
    "note",
    "warning",
    "tip",
    "caution",
    "danger",
    "important",
    "hint",
    "attention",
    "error",
    "seealso",
    "deprecated",
];

/// Reads a document; its first title is its title.
pub(super) fn parse(source: &str, limits: &ParseLimits) -> Result<Extraction, ParseError> {
    let lines: Vec<&str> = source.lines().map(str::trim_end).collect();
    let mut reader = Reader { blocks: Blocks::new(limits), styles: Vec::new(), limits };
    reader.read(&lines, 0)?;
    Ok(reader.blocks.finish())
}

struct Reader<'a> {
    blocks: Blocks<'a>,
    /// Underlines in the order of their first use, which is their level.
    styles: Vec<Style>,
    limits: &'a ParseLimits,
}

impl Reader<'_> {
    /// Reads lines whose indentation is taken off; `depth` counts the directives and items around them.
    fn read(&mut self, lines: &[&str], depth: usize) -> Result<(), ParseError> {
        if depth > self.limits.max_nesting.min(64) {
            return Err(ParseError::TooDeep { limit: self.limits.max_nesting.min(64) });
        }
        let mut at = 0;
        while at < lines.len() {
            at += self.block(lines, at, depth)?;
        }
        Ok(())
    }

    /// Reads the block that begins at a line; how many lines it has.
    fn block(&mut self, lines: &[&str], at: usize, depth: usize) -> Result<usize, ParseError> {
        let line = lines[at];
        if line.is_empty() {
            return Ok(1);
        }
        if depth == 0
            && let Some(heading) = heading_at(lines, at)
            && !matches!(heading.style, Style::Prefix(_))
        {
            let level = self.level_of(heading.style);
            self.blocks.heading(level, &plain(heading.title))?;
            return Ok(heading.lines);
        }
        if let Some(rest) = line.strip_prefix(".. ").or((line == "..").then_some("")) {
            return self.explicit(rest, lines, at, depth);
        }
        if let Some((rows, count)) = tables::at(lines, at) {
            let rows: Vec<Vec<String>> =
                rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
            self.blocks.table(&rows)?;
            return Ok(count);
        }
        if let Some((marker, indent)) = marker_of(line) {
            return self.item(marker, indent, lines, at, depth);
        }
        if line.starts_with(' ') {
            let count = indented(&lines[at..]);
            let body = outdent(&lines[at..at + count]);
            self.blocks.quote(&plain(&body.join("\n")))?;
            return Ok(count);
        }
        self.paragraph(lines, at)
    }

    fn level_of(&mut self, style: Style) -> u8 {
        let known = self.styles.iter().position(|seen| *seen == style);
        let index = known.unwrap_or_else(|| {
            self.styles.push(style);
            self.styles.len() - 1
        });
        u8::try_from(index + 1).unwrap_or(6)
    }

    fn paragraph(&mut self, lines: &[&str], at: usize) -> Result<usize, ParseError> {
        let count = lines[at..].iter().take_while(|line| !line.is_empty()).count();
        // A term has its definition below, indented.
        let flush = lines[at..at + count].iter().take_while(|line| !line.starts_with(' ')).count();
        let count = if flush == 1 && count > 1 { 1 } else { count };
        let text = lines[at..at + count].join("\n");
        let is_transition = text.len() >= 4 && text.chars().all(|c| c.is_ascii_punctuation());
        if is_transition && text != "::" {
            return Ok(count);
        }
        let Some(text) = text.strip_suffix("::") else {
            let text = plain(text.strip_prefix("| ").unwrap_or(&text));
            if flush == 1
                && count == 1
                && lines.get(at + 1).is_some_and(|next| next.starts_with(' '))
            {
                self.blocks.caption(&text)?;
            } else {
                self.blocks.paragraph(&text)?;
            }
            return Ok(count);
        };
        let text = text.trim_end();
        if !text.is_empty() {
            self.blocks.caption(&format!("{}:", plain(text).trim_end_matches(':')))?;
        }
        let body = indented(&lines[at + count..]);
        self.blocks.code(&outdent(&lines[at + count..at + count + body]).join("\n"))?;
        Ok(count + body)
    }

    fn item(
        &mut self,
        marker: &str,
        indent: usize,
        lines: &[&str],
        at: usize,
        depth: usize,
    ) -> Result<usize, ParseError> {
        let more = indented(&lines[at + 1..]);
        let rest = outdent(&lines[at + 1..at + 1 + more]);
        // The paragraph goes on until an empty line; what is below it is blocks of their own.
        let own =
            rest.iter().take_while(|line| !line.is_empty() && marker_of(line).is_none()).count();
        let first = lines[at].get(indent..).unwrap_or_default();
        let text: Vec<&str> = std::iter::once(first).chain(rest[..own].iter().copied()).collect();
        let text = text.join("\n");
        let is_literal = text.ends_with("::");
        let body = plain(if is_literal { &text[..text.len() - 1] } else { &text });
        let marker = if marker == "#." { "-" } else { marker };
        let marker = if ["*", "+", "-", "•"].contains(&marker) { "-" } else { marker };
        self.blocks.item(depth, marker, &body)?;
        if is_literal {
            let code = indented(&rest[own..]);
            self.blocks.code(&outdent(&rest[own..own + code]).join("\n"))?;
            self.read(&rest[own + code..], depth + 1)?;
        } else {
            self.read(&rest[own..], depth + 1)?;
        }
        Ok(1 + more)
    }

    /// What begins with two dots: a directive, a target, a footnote, a comment.
    fn explicit(
        &mut self,
        rest: &str,
        lines: &[&str],
        at: usize,
        depth: usize,
    ) -> Result<usize, ParseError> {
        let more = indented(&lines[at + 1..]);
        let body = outdent(&lines[at + 1..at + 1 + more]);
        if let Some(target) = rest.strip_prefix('_') {
            // With an address behind it, it is one for links elsewhere.
            if let Some(name) = target.strip_suffix(':') {
                self.blocks.anchor(&name.to_lowercase().replace([' ', '_'], "-"));
            }
        } else if let Some((label, text)) = rest.strip_prefix('[').and_then(|it| it.split_once(']'))
        {
            let text = std::iter::once(text.trim()).chain(body.iter().copied()).collect::<Vec<_>>();
            self.blocks.paragraph(&format!("[{label}] {}", plain(&text.join("\n"))))?;
        } else if !rest.starts_with('|')
            && let Some((name, argument)) = rest.split_once("::")
            && name.chars().all(|c| c.is_alphanumeric() || "-_:+.".contains(c))
        {
            self.directive(name, argument.trim(), &body, depth)?;
        }
        Ok(1 + more)
    }

    fn directive(
        &mut self,
        name: &str,
        argument: &str,
        body: &[&str],
        depth: usize,
    ) -> Result<(), ParseError> {
        let options =
            body.iter().take_while(|line| line.starts_with(':') && line[1..].contains(':')).count();
        let alt = body[..options].iter().find_map(|line| line.strip_prefix(":alt:"));
        let body = &body[options..];
        if let Some(alt) = alt {
            self.blocks.paragraph(&plain(alt.trim()))?;
        }
        if CODE.contains(&name) {
            return self.blocks.code(&body.join("\n"));
        }
        if SILENT.contains(&name) {
            return Ok(());
        }
        if name == "list-table" {
            if !argument.is_empty() {
                self.blocks.caption(&plain(argument))?;
            }
            let rows = tables::of_lists(body);
            let rows: Vec<Vec<String>> =
                rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
            return self.blocks.table(&rows);
        }
        if NOTES.contains(&name) {
            let mut word = name.to_owned();
            word[..1].make_ascii_uppercase();
            let text = plain(argument);
            let line = if text.is_empty() { format!("{word}:") } else { format!("{word}: {text}") };
            self.blocks.caption(&line)?;
        } else if ["versionadded", "versionchanged"].contains(&name) {
            let verb = if name == "versionadded" { "New" } else { "Changed" };
            self.blocks.paragraph(&format!("{verb} in version {}", plain(argument)))?;
        } else if name != "figure" && !argument.is_empty() {
            // A function, a class, an option: what is described is the term.
            self.blocks.caption(&plain(argument))?;
        }
        self.read(body, depth + 1)
    }
}

/// Marker of a list item, and where its text begins.
fn marker_of(line: &str) -> Option<(&str, usize)> {
    let (marker, rest) = line.split_once(' ')?;
    let is_bullet = ["*", "-", "+", "•"].contains(&marker);
    let is_number = marker.strip_suffix(['.', ')']).is_some_and(|number| {
        number == "#"
            || (!number.is_empty()
                && number.len() <= 9
                && number.bytes().all(|b| b.is_ascii_digit()))
    });
    let spaces = rest.len() - rest.trim_start().len();
    (is_bullet || is_number).then_some((marker, marker.len() + 1 + spaces))
}

/// Lines of the indented block that follows, with the empty ones within and before.
fn indented(lines: &[&str]) -> usize {
    let mut count = 0;
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with([' ', '\t']) {
            count = at + 1;
        } else if !line.is_empty() {
            break;
        }
    }
    count
}

/// Takes off the indentation that all lines have.
fn outdent<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let indent = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| line.len() - line.trim_start_matches([' ', '\t']).len())
        .min()
        .unwrap_or(0);
    let lines = lines.iter().map(|line| line.get(indent..).unwrap_or_default());
    lines.skip_while(|line| line.is_empty()).collect()
}
