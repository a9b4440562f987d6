//! Running text of AsciiDoc without its marks.

use crate::knowledge::parse::inline::Inline;

/// Marks around words that are set apart; the doubled ones also within words.
const MARKS: [&str; 8] = ["**", "__", "``", "##", "*", "_", "`", "#"];
/// Macros that show the text in their brackets, or their target where that is empty.
const LINKS: [&str; 8] =
    ["link:", "xref:", "mailto:", "https://", "http://", "kbd:", "btn:", "menu:"];

/// Marks that are looked at for the end of one.
const MAX_ENDS: usize = 16;
/// Longest text within marks, and longest macro, in bytes.
const MAX_MACRO_BYTES: usize = 2_000;

/// The text of a paragraph on one line.
pub(super) fn plain(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let before = out.chars().next_back();
        rest = step(&mut out, rest, before).unwrap_or_else(|| {
            out.push(c);
            &rest[c.len_utf8()..]
        });
    }
    let mut inline = Inline::default();
    inline.push(&out, false);
    inline.take()
}

/// The anchor that Asciidoctor gives to a title: an underscore, then its words in lower case with underscores between.
pub(super) fn id_of(title: &str) -> String {
    let mut id = String::new();
    for c in title.to_lowercase().chars() {
        if c.is_alphanumeric() {
            id.push(c);
        } else if !id.is_empty() && !id.ends_with('_') && " .-_".contains(c) {
            id.push('_');
        }
    }
    format!("_{}", id.trim_end_matches('_'))
}

/// Reads one mark or macro; what is behind it. Nothing where the text goes on as it is.
fn step<'a>(out: &mut String, rest: &'a str, before: Option<char>) -> Option<&'a str> {
    let is_in_word = before.is_some_and(char::is_alphanumeric);
    if let Some(after) = rest.strip_prefix('\\') {
        let c = after.chars().next().filter(char::is_ascii_punctuation)?;
        out.push(c);
        return Some(&after[c.len_utf8()..]);
    }
    if let Some(after) = rest.strip_prefix("<<") {
        let end = near(after).find(">>").filter(|end| !after[..*end].contains('\n'))?;
        let inner = &after[..end];
        out.push_str(inner.split_once(',').map_or(inner, |(_, text)| text.trim()));
        return Some(&after[end + 2..]);
    }
    if let Some(after) = rest.strip_prefix("[[") {
        return near(after).find("]]").map(|end| &after[end + 2..]);
    }
    if let Some(after) = rest.strip_prefix("footnote:") {
        let (text, after) = bracketed(after)?;
        out.push_str(" (");
        out.push_str(text);
        out.push(')');
        return Some(after);
    }
    if let Some(after) = rest.strip_prefix("image:").filter(|_| !is_in_word) {
        let (text, after) = bracketed(after)?;
        out.push_str(text.split(',').next().unwrap_or(text));
        return Some(after);
    }
    if !is_in_word && let Some(link) = LINKS.iter().find(|link| rest.starts_with(**link)) {
        return macro_of(out, rest, link);
    }
    // `[.role]#text#`
    if rest.starts_with("[.") || rest.starts_with("[#") {
        let after = &rest[near(rest).find(']')? + 1..];
        return after.starts_with('#').then_some(after);
    }
    let mark = MARKS.iter().find(|mark| rest.starts_with(**mark))?;
    let after = &rest[mark.len()..];
    if mark.len() == 1 && (is_in_word || after.starts_with(char::is_whitespace)) {
        return None;
    }
    let close = closing(after, mark)?;
    let inner = &after[..close];
    // Code keeps its characters; other marks may stand within each other.
    if mark.starts_with('`') {
        out.push_str(inner.trim_start_matches('+').trim_end_matches('+'));
        return Some(&after[close + mark.len()..]);
    }
    let mut nested = inner;
    while let Some(c) = nested.chars().next() {
        let before = out.chars().next_back();
        let is_mark = MARKS.iter().any(|inside| inside != mark && nested.starts_with(*inside));
        let next = if is_mark { unwrapped(out, nested) } else { step_link(out, nested, before) };
        nested = next.unwrap_or_else(|| {
            out.push(c);
            &nested[c.len_utf8()..]
        });
    }
    Some(&after[close + mark.len()..])
}

/// One mark within another: its text as it is.
fn unwrapped<'a>(out: &mut String, rest: &'a str) -> Option<&'a str> {
    let mark = MARKS.iter().find(|mark| rest.starts_with(**mark))?;
    let after = &rest[mark.len()..];
    let close = closing(after, mark)?;
    out.push_str(&after[..close]);
    Some(&after[close + mark.len()..])
}

fn step_link<'a>(out: &mut String, rest: &'a str, before: Option<char>) -> Option<&'a str> {
    let is_in_word = before.is_some_and(char::is_alphanumeric);
    let link = LINKS.iter().find(|link| !is_in_word && rest.starts_with(**link))?;
    macro_of(out, rest, link)
}

/// A link: its text, or its target where it has none.
fn macro_of<'a>(out: &mut String, rest: &'a str, link: &str) -> Option<&'a str> {
    let end = near(rest).find(|c: char| c.is_whitespace() || c == '[');
    let end = end.unwrap_or(near(rest).len());
    let target = &rest[..end];
    if !rest[end..].starts_with('[') {
        // An address alone is shown; a word that looks like a macro is a word.
        let is_address = link.ends_with("//") && end > link.len();
        return is_address.then(|| {
            out.push_str(target);
            &rest[end..]
        });
    }
    let (text, after) = bracketed(rest)?;
    let text = text.trim().trim_end_matches('^');
    let text = if text.starts_with("role=") || text.starts_with("window=") { "" } else { text };
    let named = target.strip_prefix(link).filter(|_| !link.ends_with("//")).unwrap_or(target);
    out.push_str(if text.is_empty() { named.trim_start_matches('#') } else { text });
    Some(after)
}

/// The text in the brackets that stand before the next space, and what is behind them.
fn bracketed(rest: &str) -> Option<(&str, &str)> {
    let open = near(rest).find('[')?;
    if rest[..open].contains(char::is_whitespace) {
        return None;
    }
    let rest = &rest[open + 1..];
    let close = near(rest).find(']')?;
    Some((&rest[..close], &rest[close + 1..]))
}

/// As much of a text as is searched for the end of a macro, so that one full of beginnings is read in linear time.
fn near(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_MACRO_BYTES)]
}

/// Where a mark ends: within its paragraph, behind a character, and for a single one not within a word.
fn closing(after: &str, mark: &str) -> Option<usize> {
    near(after).match_indices(mark).map(|(at, _)| at).take(MAX_ENDS).find(|at| {
        let ends_word =
            after[at + mark.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric());
        let is_behind = !after[..*at].is_empty() && !after[..*at].ends_with(char::is_whitespace);
        is_behind && (mark.len() == 2 || ends_word)
    })
}
