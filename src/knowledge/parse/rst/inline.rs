//! Running text of reStructuredText without its marks.

use crate::knowledge::parse::inline::Inline;

/// The text of a paragraph on one line: roles, links and emphasis leave what a reader sees.
pub(super) fn plain(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find(['`', '*', '|', '\\', ':']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = if let Some(after) = rest.strip_prefix("``") {
            quoted(&mut out, after, "``", false)
        } else if let Some(after) = rest.strip_prefix('`') {
            quoted(&mut out, after, "`", true)
        } else if let Some(after) = rest.strip_prefix("**") {
            quoted(&mut out, after, "**", false)
        } else if let Some(after) = rest.strip_prefix('*') {
            quoted(&mut out, after, "*", false)
        } else if rest.starts_with(':') {
            role(&mut out, rest)
        } else if let Some(after) = rest.strip_prefix('\\') {
            // A space behind a backslash joins what stands around it.
            after.strip_prefix(' ').unwrap_or(after)
        } else {
            // A bar of a substitution is not told from one of its own: it stays.
            out.push('|');
            &rest[1..]
        };
    }
    out.push_str(rest);
    let mut inline = Inline::default();
    inline.push(&out, false);
    inline.take()
}

/// Text up to `end`; without an end, or with a space at its start, the mark is a character like others.
fn quoted<'a>(out: &mut String, after: &'a str, end: &str, is_link: bool) -> &'a str {
    let close = after.find(end).filter(|at| *at > 0 && !after.starts_with(char::is_whitespace));
    let Some(close) = close else {
        out.push_str(end);
        return after;
    };
    let text = &after[..close];
    let shown = if is_link { label(text) } else { text };
    out.push_str(shown);
    let rest = &after[close + end.len()..];
    if is_link { rest.strip_prefix("__").or(rest.strip_prefix('_')).unwrap_or(rest) } else { rest }
}

/// `text <target>` shows its text; a target that is alone shows itself, without the tilde that shortens it.
fn label(text: &str) -> &str {
    match text.rsplit_once('<') {
        Some((label, target)) if target.ends_with('>') && !label.trim().is_empty() => {
            label.trim_end()
        }
        _ => text.trim_start_matches(['~', '!']),
    }
}

/// ``:ref:`text` `` is its text; any other colon is a colon.
fn role<'a>(out: &mut String, rest: &'a str) -> &'a str {
    let name = rest[1..].find(|c: char| !c.is_ascii_alphanumeric() && !"-_.+:".contains(c));
    let name = name.map(|end| &rest[1..=end]).filter(|name| name.len() > 1 && name.ends_with(':'));
    match name {
        Some(name) if rest[1 + name.len()..].starts_with('`') => &rest[1 + name.len()..],
        _ => {
            out.push(':');
            &rest[1..]
        }
    }
}
