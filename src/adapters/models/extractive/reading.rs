//! Reads the passages of a prompt once: their units with the terms of each, and how rare every term
//! is among them. Called by the extractive answerer; it judges nothing.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use super::usable;
use crate::adapters::models::Passage;
use crate::kernel::terms::sentences::{UnitKind, units};
use crate::kernel::terms::{self, Term};

/// First terms of a unit that are kept in order; more than the subject of a question has.
const OPENING_TERMS: usize = 12;

/// A unit of a passage that may become part of an answer.
#[derive(Debug)]
pub(super) struct Unit {
    /// Index into the passages of the prompt.
    pub passage: usize,
    /// Block inside its passage.
    pub block: usize,
    pub kind: UnitKind,
    /// Bytes of the passage's text.
    pub range: Range<usize>,
    /// The text with its white space folded.
    pub folded: String,
    pub terms: HashSet<String>,
    /// Its first terms in reading order, numbers left out.
    pub opening: Vec<String>,
    /// Terms of the nearest heading or label above it inside the passage: a passage may hold
    /// several sections, and what a section is about is often said by its label alone.
    pub label: Rc<HashSet<String>>,
}

/// All passages, read.
#[derive(Debug)]
pub(super) struct Reading {
    /// Units of all passages: the passages by their order, the units by theirs.
    pub units: Vec<Unit>,
    /// Terms of each passage's text.
    pub passage_terms: Vec<HashSet<String>>,
    /// Terms of each passage's title and headings.
    pub heading_terms: Vec<HashSet<String>>,
    /// Terms of each passage's title, of every heading, and of the title with
    /// the nearest heading, one set each.
    pub names: Vec<Vec<HashSet<String>>>,
    /// Of how many units each term is part.
    unit_frequency: HashMap<String, usize>,
}

impl Reading {
    pub fn of(passages: &[Passage]) -> Self {
        let mut reading = Self {
            units: Vec::new(),
            passage_terms: Vec::new(),
            heading_terms: Vec::new(),
            names: Vec::new(),
            unit_frequency: HashMap::new(),
        };
        for (index, passage) in passages.iter().enumerate() {
            reading.add(index, passage);
        }
        reading
    }

    fn add(&mut self, index: usize, passage: &Passage) {
        let headings = format!("{}\n{}", passage.title, passage.heading_path.join("\n"));
        self.heading_terms.push(term_set(&headings));
        let names = std::iter::once(&passage.title).chain(&passage.heading_path);
        let mut names: Vec<HashSet<String>> = names.map(|name| term_set(name)).collect();
        if let Some(nearest) = passage.heading_path.last() {
            names.push(term_set(&format!("{}\n{nearest}", passage.title)));
        }
        self.names.push(names);
        let mut of_passage = HashSet::new();
        let mut label = Rc::new(HashSet::new());
        for unit in units(&passage.text) {
            let text = &passage.text[unit.range.clone()];
            let in_order = terms::analyze(text);
            let opening = opening(&in_order);
            let unit_terms: HashSet<String> =
                in_order.into_iter().map(|Term { text, .. }| text).collect();
            let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for term in &unit_terms {
                *self.unit_frequency.entry(term.clone()).or_default() += 1;
            }
            of_passage.extend(unit_terms.iter().cloned());
            let names_what_follows = match unit.kind {
                UnitKind::Heading => true,
                UnitKind::Prose => usable::is_label(&folded),
                _ => false,
            };
            if names_what_follows {
                label = Rc::new(unit_terms.clone());
            }
            self.units.push(Unit {
                opening,
                label: Rc::clone(&label),
                passage: index,
                block: unit.block,
                kind: unit.kind,
                range: unit.range,
                folded,
                terms: unit_terms,
            });
        }
        self.passage_terms.push(of_passage);
    }

    /// Whether any unit, title or heading has the term.
    pub fn holds(&self, term: &str) -> bool {
        self.unit_frequency.contains_key(term)
            || self.heading_terms.iter().any(|terms| terms.contains(term))
    }

    /// How much a term tells among these units: the inverse document frequency of BM25 with a unit
    /// in the place of the document, `ln(1 + (n - f + 0.5) / (f + 0.5))`. Highest for a term that
    /// none has.
    pub fn rarity(&self, term: &str) -> f32 {
        let count = self.units.len() as f32;
        let frequency = self.unit_frequency.get(term).copied().unwrap_or_default() as f32;
        (1.0 + (count - frequency + 0.5) / (frequency + 0.5)).ln()
    }
}

fn opening(in_order: &[Term]) -> Vec<String> {
    let words = in_order.iter().map(|term| &term.text);
    let words = words.filter(|text| !text.bytes().all(|byte| byte.is_ascii_digit()));
    words.take(OPENING_TERMS).cloned().collect()
}

fn term_set(text: &str) -> HashSet<String> {
    terms::analyze(text).into_iter().map(|Term { text, .. }| text).collect()
}
