//! The outline of a document: titles, levels, and the pages that they point to.

use std::collections::{HashMap, HashSet};

use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::object::{
    self, Array, Dict, MaybeRef, Object, ObjectIdentifier,
};

/// Entries and names that are read: a manual has some thousands.
const MOST: usize = 20_000;
/// Deeper entries count as this deep.
const DEEPEST: u8 = 6;

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) title: String,
    /// From 1.
    pub(super) level: u8,
    /// From 0.
    pub(super) page: u32,
}

/// Entries in their order. One that points to no page is left out, with nothing said of it.
pub(super) fn read(pdf: &Pdf) -> Vec<Entry> {
    let Some(catalogue) = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id()) else {
        return Vec::new();
    };
    let Some(outlines) = catalogue.get::<Dict<'_>>(b"Outlines") else { return Vec::new() };
    let targets = Targets::new(pdf, &catalogue);
    let mut entries = Vec::new();
    // Each with its level; what comes next is on top.
    let mut open: Vec<(Dict<'_>, u8)> = Vec::new();
    open.extend(outlines.get::<Dict<'_>>(b"First").map(|first| (first, 1)));
    let (mut seen, mut count) = (HashSet::new(), 0);
    while let Some((entry, level)) = open.pop().filter(|_| count < MOST) {
        count += 1;
        // Entries that point back are met once.
        if entry.obj_id().is_some_and(|id| !seen.insert(id)) {
            continue;
        }
        open.extend(entry.get::<Dict<'_>>(b"Next").map(|next| (next, level)));
        open.extend(entry.get::<Dict<'_>>(b"First").map(|first| (first, (level + 1).min(DEEPEST))));
        let title = text(&entry, b"Title").filter(|title| !title.trim().is_empty());
        if let (Some(title), Some(page)) = (title, targets.page_of(&entry)) {
            entries.push(Entry { title: title.trim().to_owned(), level, page });
        }
    }
    entries
}

struct Targets {
    pages: HashMap<ObjectIdentifier, u32>,
    names: HashMap<Vec<u8>, u32>,
}

impl Targets {
    fn page_of(&self, entry: &Dict<'_>) -> Option<u32> {
        let action = entry.get::<Dict<'_>>(b"A");
        let target = entry.get::<Object<'_>>(b"Dest").or_else(|| action?.get(b"D"))?;
        match target {
            Object::Array(array) => self.page_at(&array),
            Object::Name(name) => self.named(name.as_ref()),
            Object::String(name) => self.named(name.as_bytes()),
            _ => None,
        }
    }

    fn named(&self, name: &[u8]) -> Option<u32> {
        self.names.get(name).copied()
    }

    fn page_at(&self, target: &Array<'_>) -> Option<u32> {
        let MaybeRef::Ref(page) = target.raw_iter().next()? else { return None };
        self.pages.get(&page.into()).copied()
    }
}

impl Targets {
    /// From the objects of the document, and the names that its catalogue gives to places.
    fn new(pdf: &Pdf, catalogue: &Dict<'_>) -> Self {
        let numbers = (0_u32..).zip(pdf.pages().iter());
        let pages = numbers.filter_map(|(number, page)| Some((page.raw().obj_id()?, number)));
        let mut made = Self { pages: pages.collect(), names: HashMap::new() };
        if let Some(places) = catalogue.get::<Dict<'_>>(b"Dests") {
            for name in places.keys().take(MOST).collect::<Vec<_>>() {
                made.name(name.as_ref(), places.get::<Object<'_>>(name.as_ref()));
            }
        }
        let tree = catalogue.get::<Dict<'_>>(b"Names").and_then(|names| names.get(b"Dests"));
        made.read_tree(tree);
        made
    }

    /// Names in a tree; a node that is met again, or after too many, is not read.
    fn read_tree<'a>(&mut self, root: Option<Dict<'a>>) {
        let mut open: Vec<Dict<'a>> = root.into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(node) = open.pop() {
            if seen.len() > MOST || self.names.len() > MOST {
                return;
            }
            if node.obj_id().is_some_and(|id| !seen.insert(id)) {
                continue;
            }
            if let Some(kids) = node.get::<Array<'_>>(b"Kids") {
                open.extend(kids.iter::<Dict<'_>>().take(MOST));
            }
            if let Some(pairs) = node.get::<Array<'_>>(b"Names") {
                let mut pairs = pairs.iter::<Object<'_>>();
                while let (Some(Object::String(name)), Some(place)) = (pairs.next(), pairs.next()) {
                    self.name(name.as_bytes(), Some(place));
                }
            }
        }
    }

    fn name(&mut self, name: &[u8], place: Option<Object<'_>>) {
        let array = match place {
            Some(Object::Array(array)) => Some(array),
            Some(Object::Dict(dict)) => dict.get(b"D"),
            _ => None,
        };
        if let Some(page) = array.and_then(|array| self.page_at(&array)) {
            self.names.insert(name.to_vec(), page);
        }
    }
}

/// A text of a dictionary.
pub(super) fn text(dict: &Dict<'_>, key: &[u8]) -> Option<String> {
    dict.get::<object::String<'_>>(key).map(|text| decoded(text.as_bytes()))
}

/// A text as PDF writes it: UTF-16 or UTF-8 with a mark, else one byte for each character.
pub(super) fn decoded(bytes: &[u8]) -> String {
    let text = if let Some(units) = bytes.strip_prefix(b"\xfe\xff") {
        let units = units.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    } else if let Some(text) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        String::from_utf8_lossy(text).into_owned()
    } else {
        bytes.iter().map(|byte| char::from(*byte)).collect::<String>()
    };
    text.chars().filter(|c| !c.is_control()).collect()
}
