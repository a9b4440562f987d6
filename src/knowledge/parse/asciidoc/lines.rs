//! What a line of AsciiDoc begins.

/// Longest title, in characters; a longer line is text.
const MAX_TITLE_CHARS: usize = 200;
/// Words of notes, as they are written and as they are shown.
const NOTES: [(&str, &str); 5] = [
    ("NOTE", "Note"),
    ("TIP", "Tip"),
    ("WARNING", "Warning"),
    ("IMPORTANT", "Important"),
    ("CAUTION", "Caution"),
];

/// A line by what it begins.
pub(super) enum Line<'a> {
    Empty,
    /// Comments, directives, rules, page breaks: nothing to read.
    Nothing,
    /// `:name: value`
    Attribute(&'a str, &'a str),
    /// `[[id]]` or `[#id]`
    Anchor(&'a str),
    /// `[source,rust]`
    About(&'a str),
    /// Level from 1.
    Title(u8, &'a str),
    /// `.Title` of the block below.
    Caption(&'a str),
    /// What stands for an image where it can not be shown.
    Image(&'a str),
    /// A line of marks that begins and ends a block.
    Fence(&'a str),
    Item(Item<'a>),
    Text,
}

/// An item of a list.
pub(super) struct Item<'a> {
    /// From 0.
    pub(super) depth: usize,
    pub(super) marker: &'a str,
    /// What is defined, in a list of terms.
    pub(super) term: Option<&'a str>,
    pub(super) text: &'a str,
}

pub(super) fn read(line: &str) -> Line<'_> {
    if line.trim().is_empty() {
        return Line::Empty;
    }
    if is_fence(line) {
        return Line::Fence(line);
    }
    if is_nothing(line) {
        return Line::Nothing;
    }
    if let Some(title) = title(line) {
        return title;
    }
    if let Some((name, value)) = line.strip_prefix(':').and_then(|rest| rest.split_once(':'))
        && !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || "-_!".contains(c))
        && (value.is_empty() || value.starts_with(' '))
    {
        return Line::Attribute(name, value.trim());
    }
    if let Some(inner) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let anchor = inner.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let anchor = anchor.map(|id| id.split(',').next().unwrap_or(id));
        return match anchor
            .or_else(|| inner.strip_prefix('#').filter(|id| !id.contains(['.', ','])))
        {
            Some(id) => Line::Anchor(id.trim()),
            None => Line::About(inner),
        };
    }
    if let Some(rest) = line.strip_prefix("image::").or_else(|| line.strip_prefix("video::")) {
        let alt = rest.split_once('[').and_then(|(_, alt)| alt.strip_suffix(']'));
        return alt.map_or(Line::Nothing, |alt| Line::Image(alt.split(',').next().unwrap_or(alt)));
    }
    if let Some(title) = line.strip_prefix('.')
        && !title.starts_with(['.', ' '])
    {
        return Line::Caption(title);
    }
    item(line).map_or(Line::Text, Line::Item)
}

/// Whether a line goes on with the text above it.
pub(super) fn is_text(line: &str) -> bool {
    // A line of a paragraph that looks like an item is none, but one of a list may end it: lists without an empty line
    // above are common where people came from Markdown.
    matches!(read(line), Line::Text)
}

/// Whether a line goes on with the text of an item: indented ones do as well.
pub(super) fn goes_on(line: &str) -> bool {
    is_text(line.trim_start())
}

/// The word of a note, where it is the style of one.
pub(super) fn note(style: &str) -> Option<&'static str> {
    NOTES.iter().find(|(name, _)| *name == style).map(|(_, word)| *word)
}

fn is_fence(line: &str) -> bool {
    let all = |mark: char| line.len() >= 4 && line.chars().all(|c| c == mark);
    line == "--"
        || ["|===", ",===", ":===", "!==="].contains(&line)
        || line.starts_with("```")
        || "-./+=*_".chars().any(all)
}

fn is_nothing(line: &str) -> bool {
    let names = ["include::", "ifdef::", "ifndef::", "ifeval::", "endif::", "toc::", "audio::"];
    names.iter().any(|name| line.starts_with(name))
        || (line.starts_with("//") && !line.starts_with("///"))
        || ["'''", "<<<", "---", "***", "+"].contains(&line)
}

/// `== Title`, or `## Title`.
fn title(line: &str) -> Option<Line<'_>> {
    let mark = line.chars().next().filter(|c| ['=', '#'].contains(c))?;
    let marks = line.chars().take_while(|c| *c == mark).count();
    let title = line.get(marks..)?.strip_prefix(' ')?.trim();
    let level = u8::try_from(marks).ok().filter(|level| *level <= 6)?;
    let fits = !title.is_empty() && title.chars().count() <= MAX_TITLE_CHARS;
    fits.then_some(Line::Title(level, title))
}

fn item(line: &str) -> Option<Item<'_>> {
    let trimmed = line.trim_start();
    if let Some((marker, text)) = trimmed.split_once(' ')
        && let Some((depth, marker)) = marker_of(marker)
    {
        let text = text.trim_start();
        let text =
            ["[ ] ", "[*] ", "[x] "].iter().find_map(|it| text.strip_prefix(it)).unwrap_or(text);
        return Some(Item { depth, marker, term: None, text });
    }
    let (term, text) = trimmed
        .split_once(":: ")
        .or_else(|| trimmed.strip_suffix("::").map(|term| (term, "")))
        .filter(|(term, _)| !term.is_empty() && !term.contains("::"))?;
    Some(Item { depth: 0, marker: "", term: Some(term.trim_end_matches(':')), text })
}

/// Depth and marker as shown.
fn marker_of(marker: &str) -> Option<(usize, &str)> {
    let all = |mark: char| marker.chars().all(|c| c == mark) && marker.len() <= 5;
    if marker == "-" || all('*') {
        return Some((marker.len() - 1, "-"));
    }
    if all('.') {
        return Some((marker.len() - 1, "-"));
    }
    let number = marker.strip_suffix('.');
    if number.is_some_and(|number| {
        !number.is_empty() && number.len() <= 9 && number.bytes().all(|b| b.is_ascii_digit())
    }) {
        return Some((0, marker));
    }
    let callout = marker.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    callout
        .filter(|number| *number == "." || number.bytes().all(|b| b.is_ascii_digit()))
        .filter(|number| !number.is_empty())
        .map(|_| (0, marker))
}
