//! Says how good each unit is as a part of the answer. Called by the extractive answerer's choice;
//! it chooses nothing itself.

use super::form;
use super::question::{Intent, Question};
use super::reading::Reading;
use super::usable::is_usable;
use crate::adapters::models::Passage;
use crate::kernel::terms::sentences::UnitKind;

/// What a term of the question counts that only the label above the unit has: nearly as much as in
/// the unit, because text below a label does not repeat it.
const IN_LABEL: f32 = 0.8;
/// The same for the title and the headings of the whole passage, which hold for much more text.
const IN_HEADINGS: f32 = 0.5;
/// From this fit on a heading names what is asked and hardly anything else: its whole text is about
/// the subject and counts as if it held the terms, as it does for a label.
const NAMED: f32 = 0.8;
/// How much a passage under such a heading gains over one that only speaks of the subject.
const NAMED_SHARE: f32 = 0.2;
/// Weight of the unit against the passage that it stands in.
const UNIT_SHARE: f32 = 0.4;
/// What a strong neighbour lends: the answer often follows the sentence that names the subject.
const NEIGHBOUR_SHARE: f32 = 0.15;
/// How fast passages lose by their place in the search: the fused scores of neighbours are nearly
/// equal, while the first three places hold the answer in most cases.
const PLACE_DECAY: f32 = 0.25;
/// Of a passage's strength: its place in the search, the rest is its cosine and its words.
const PLACE_SHARE: f32 = 0.5;

/// The worth of every unit, in the order of the units; 0 for those that must not be used.
pub(super) fn worths(question: &Question, reading: &Reading, passages: &[Passage]) -> Vec<f32> {
    let strengths = strengths(question, reading, passages);
    let own: Vec<f32> =
        (0..reading.units.len()).map(|index| own_worth(question, reading, index)).collect();
    let mut worths = Vec::with_capacity(own.len());
    for (index, unit) in reading.units.iter().enumerate() {
        if !is_usable(unit) || own[index] <= 0.0 || is_table_head(reading, index) {
            worths.push(0.0);
            continue;
        }
        let neighbour = |at: Option<usize>| {
            let at =
                at.filter(|at| reading.units.get(*at).is_some_and(|it| it.passage == unit.passage));
            at.map_or(0.0, |at| own[at])
        };
        let lent = neighbour(index.checked_sub(1)).max(neighbour(Some(index + 1)));
        let words = (own[index] + NEIGHBOUR_SHARE * lent).min(1.0);
        let worth = UNIT_SHARE * words + (1.0 - UNIT_SHARE) * strengths[unit.passage];
        worths.push(worth * form::factor(question, reading, index));
    }
    worths
}

/// Share of the subject that the unit holds, itself or by what stands above it.
fn own_worth(question: &Question, reading: &Reading, index: usize) -> f32 {
    let unit = &reading.units[index];
    // "There is one function for it:" and the function below are one statement.
    let led_to = reading.units.get(index + 1).filter(|next| {
        let leads = unit.kind == UnitKind::Prose && unit.folded.ends_with(':');
        leads && next.passage == unit.passage
    });
    let has = |term: &str| {
        unit.terms.contains(term) || led_to.is_some_and(|next| next.terms.contains(term))
    };
    let headings = &reading.heading_terms[unit.passage];
    // The items below "Install the hardware" are the installation, whatever their words.
    let is_step = question.intent == Intent::Steps && unit.kind == UnitKind::ListItem;
    let is_named = named(question, reading, unit.passage) >= NAMED;
    let takes_label =
        is_step || question.intent == Intent::Quantity || question.named_by(&unit.label) >= NAMED;
    let holds = |term: &str| {
        has(term) || takes_label && unit.label.contains(term) || is_named && headings.contains(term)
    };
    if question.coverage(holds) <= 0.0 {
        return 0.0;
    }
    question.pulled(|term| {
        if has(term) || is_step && unit.label.contains(term) {
            1.0
        } else if unit.label.contains(term) || is_named && headings.contains(term) {
            IN_LABEL
        } else if headings.contains(term) {
            IN_HEADINGS
        } else {
            0.0
        }
    })
}

/// The first row of a table names the columns; alone it says nothing.
fn is_table_head(reading: &Reading, index: usize) -> bool {
    let key = |at: usize| reading.units.get(at).map(|unit| (unit.passage, unit.block, unit.kind));
    let own = key(index);
    let is_first = index.checked_sub(1).is_none_or(|above| key(above) != own);
    reading.units[index].kind == UnitKind::TableRow && is_first && key(index + 1) == own
}

/// How well the best of the passage's headings names the subject.
fn named(question: &Question, reading: &Reading, passage: usize) -> f32 {
    let fits = reading.names[passage].iter().map(|name| question.named_by(name));
    fits.fold(0.0, f32::max)
}

/// How good each passage is, 0 to 1: its place in the search, its cosine against the nearest of the
/// prompt, and the share of the subject that it holds.
fn strengths(question: &Question, reading: &Reading, passages: &[Passage]) -> Vec<f32> {
    let cosines = passages.iter().filter_map(|passage| passage.similarity);
    let best_cosine = cosines.fold(0.0, f32::max);
    let mut strengths = Vec::with_capacity(passages.len());
    for (index, passage) in passages.iter().enumerate() {
        let place = 1.0 / (1.0 + PLACE_DECAY * index as f32);
        let words = question.passage_coverage(reading, index);
        let rest = match passage.similarity {
            Some(cosine) if best_cosine > 0.0 => (words + (cosine / best_cosine).max(0.0)) / 2.0,
            _ => words,
        };
        let found = PLACE_SHARE * place + (1.0 - PLACE_SHARE) * rest;
        let name = named(question, reading, index);
        strengths.push((1.0 - NAMED_SHARE) * found + NAMED_SHARE * name);
    }
    strengths
}
