//! Markers of list items: which lists are numbered, and how far each has counted.

use std::collections::HashMap;

use crate::knowledge::parse::xml::{Node, Xml};
use crate::knowledge::parse::{ParseError, ParseLimits};

/// Deeper levels exist in no program.
const MAX_LEVELS: usize = 10;

/// Lists by their number, and what they count.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// Format of each level, e.g. `decimal` or `bullet`, by abstract list.
    formats: HashMap<String, HashMap<usize, String>>,
    abstract_of: HashMap<String, String>,
    counters: HashMap<String, [u32; MAX_LEVELS]>,
}

impl Numbering {
    pub(super) fn read(source: &str, limits: &ParseLimits) -> Result<Self, ParseError> {
        let mut xml = Xml::new(source, "word/numbering.xml", limits);
        let mut made = Self::default();
        let (mut list, mut level, mut number) = (String::new(), 0, String::new());
        while let Some(node) = xml.next()? {
            let Node::Open(element) = node else { continue };
            let attribute = |name: &str| element.attribute(name).unwrap_or_default().to_owned();
            match element.name.as_str() {
                "abstractNum" => list = attribute("abstractNumId"),
                "lvl" => level = attribute("ilvl").parse().unwrap_or(0),
                "numFmt" => {
                    made.formats.entry(list.clone()).or_default().insert(level, attribute("val"));
                }
                "num" => number = attribute("numId"),
                "abstractNumId" => {
                    made.abstract_of.insert(number.clone(), attribute("val"));
                }
                _ => {}
            }
        }
        Ok(made)
    }

    /// Marker of the next item of a list at a level from 0; the same list counts on.
    pub(super) fn marker(&mut self, number: &str, level: usize) -> String {
        let level = level.min(MAX_LEVELS - 1);
        let formats = self.abstract_of.get(number).and_then(|list| self.formats.get(list));
        let format = formats.and_then(|levels| levels.get(&level));
        let is_counted = format.is_some_and(|format| format != "bullet" && format != "none");
        if !is_counted {
            return "- ".to_owned();
        }
        let counters = self.counters.entry(number.to_owned()).or_default();
        counters[level] += 1;
        counters[level + 1..].fill(0);
        format!("{}. ", counters[level])
    }
}
