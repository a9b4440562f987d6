//! Chooses the units that make up the answer: few, different from each other, each adding to what
//! is said. Called by the extractive answerer once the evidence is enough.

use std::collections::{BTreeSet, HashSet};

use super::question::{Intent, Question};
use super::reading::{Reading, Unit};
use super::{form, usable};
use crate::kernel::terms::sentences::UnitKind;

/// Sentences of an answer, lists and code not counted.
const MOST_SENTENCES: usize = 3;
/// A further unit has to be worth this share of the best one.
const WORTH_BESIDE_THE_BEST: f32 = 0.8;
/// What a part of the subject that is still unsaid adds to the worth of the unit that says it.
const UNSAID_SHARE: f32 = 0.4;
/// From this many sentences on only units that say something unsaid are added.
const ENOUGH_SENTENCES: usize = 2;
/// Share of common terms (of the smaller unit) from which two units say the same.
const SAME_TERMS: f32 = 0.8;
/// Longer lists and code blocks are not an answer but a page; who asks for steps reads more of
/// them.
const MOST_LINES_FOR_STEPS: usize = 40;
const MOST_LINES: usize = 15;

/// Indices of the chosen units: the best one with its block, then the rest of its passage, then the
/// other passages, each in reading order. Empty when no unit can stand in an answer.
pub(super) fn choose(question: &Question, reading: &Reading, worths: &[f32]) -> Vec<usize> {
    let picked = pick(question, reading, worths);
    let Some(best) = picked.first() else {
        return Vec::new();
    };
    let first_passage = reading.units[*best].passage;
    let first_units = with_its_block(question.intent, reading, *best);
    let mut chosen = BTreeSet::new();
    for index in &picked {
        chosen.extend(with_its_block(question.intent, reading, *index));
    }
    // What came along with a block has not been looked at yet.
    chosen.retain(|index| {
        let unit = &reading.units[*index];
        matches!(unit.kind, UnitKind::Code | UnitKind::TableRow)
            || !usable::is_ambiguous(&unit.folded)
    });
    drop_repetitions(reading, &picked, &mut chosen);
    let mut ordered: Vec<usize> = chosen.into_iter().collect();
    let first_blocks: HashSet<usize> =
        first_units.iter().map(|index| reading.units[*index].block).collect();
    ordered.sort_by_key(|index| {
        let unit = &reading.units[*index];
        let other_passage = unit.passage != first_passage;
        // The sentences of a paragraph are told apart, the rows of a table are not.
        let is_first = unit.kind != UnitKind::Prose && first_blocks.contains(&unit.block);
        (other_passage, !(is_first || first_units.contains(index)), *index)
    });
    ordered
}

/// The best units, best first.
fn pick(question: &Question, reading: &Reading, worths: &[f32]) -> Vec<usize> {
    let mut picked: Vec<usize> = Vec::new();
    let mut said: HashSet<&str> = HashSet::new();
    let mut best_worth = 0.0;
    while picked.len() < MOST_SENTENCES {
        let mut next: Option<(usize, f32, f32)> = None;
        for (index, unit) in reading.units.iter().enumerate() {
            let beside_best = worths[index] > best_worth * WORTH_BESIDE_THE_BEST;
            if !beside_best || picked.iter().any(|other| same(unit, &reading.units[*other])) {
                continue;
            }
            let is_unsaid = |term: &str| unit.terms.contains(term) && !said.contains(term);
            let unsaid = question.pulled(|term| if is_unsaid(term) { 1.0 } else { 0.0 });
            // The first one is the best by itself; only beside it does it matter what is new.
            let unsaid = if picked.is_empty() { 0.0 } else { unsaid };
            let value = worths[index] + UNSAID_SHARE * unsaid;
            if next.is_none_or(|(_, highest, _)| value > highest) {
                next = Some((index, value, unsaid));
            }
        }
        let Some((index, _, unsaid)) = next else {
            break;
        };
        if picked.len() >= ENOUGH_SENTENCES && unsaid <= 0.0 {
            break;
        }
        if picked.is_empty() {
            best_worth = worths[index];
        }
        said.extend(reading.units[index].terms.iter().map(String::as_str));
        picked.push(index);
    }
    picked
}

/// Whether two units are the same one or say the same.
fn same(left: &Unit, right: &Unit) -> bool {
    if left.folded == right.folded {
        return true;
    }
    let smaller = left.terms.len().min(right.terms.len());
    let common = left.terms.intersection(&right.terms).count();
    smaller > 0 && common as f32 >= SAME_TERMS * smaller as f32
}

/// The unit with what it cannot be understood without: the list or code that it leads to, or the
/// sentence that leads to it.
fn with_its_block(intent: Intent, reading: &Reading, index: usize) -> Vec<usize> {
    let unit = &reading.units[index];
    match unit.kind {
        UnitKind::Heading => Vec::new(),
        UnitKind::Prose => with_what_follows(intent, reading, index),
        UnitKind::Code => {
            let block = block_of(reading, index);
            lead_in(reading, block[0]).into_iter().chain(block).collect()
        }
        UnitKind::ListItem => {
            let block = block_of(reading, index);
            // What stands directly above a list of steps introduces it, with or without a colon.
            let lead = lead_in(reading, block[0]).filter(|at| {
                let text = &reading.units[*at].folded;
                text.ends_with(':') || intent == Intent::Steps && usable::is_sentence(text)
            });
            let items = if intent == Intent::Steps { block } else { vec![index] };
            lead.into_iter().chain(items).collect()
        }
        UnitKind::TableRow => {
            let head = block_of(reading, index)[0];
            if head == index { vec![index] } else { vec![head, index] }
        }
    }
}

/// A sentence with the list or code that it leads to.
fn with_what_follows(intent: Intent, reading: &Reading, index: usize) -> Vec<usize> {
    let unit = &reading.units[index];
    let leads = unit.folded.ends_with(':');
    let next = reading.units.get(index + 1).filter(|next| next.passage == unit.passage);
    let follows = next.is_some_and(|next| {
        let is_block = !matches!(next.kind, UnitKind::Prose | UnitKind::Heading);
        is_block && (leads || (intent == Intent::Steps && next.kind == UnitKind::Code))
    });
    let mut all = vec![index];
    // A command whose mark of code was lost is a line of prose that is no sentence.
    let is_lost_code =
        |next: &&Unit| leads && next.kind == UnitKind::Prose && !usable::is_sentence(&next.folded);
    all.extend(next.filter(is_lost_code).map(|_| index + 1));
    // "This is done by …": for who asks how, the means follow the sentence that says that it can be
    // done.
    let is_means = |next: &&Unit| {
        let same_paragraph = next.kind == UnitKind::Prose && next.block == unit.block;
        intent == Intent::Steps && same_paragraph && form::is_dependent(&next.folded)
    };
    all.extend(next.filter(is_means).map(|_| index + 1));
    let block = if follows { block_of(reading, index + 1) } else { Vec::new() };
    if block.len() <= most_lines(intent) {
        all.extend(block);
    }
    all
}

/// All units of the block.
fn block_of(reading: &Reading, index: usize) -> Vec<usize> {
    let unit = &reading.units[index];
    let same_block = |at: &usize| {
        let other = &reading.units[*at];
        (other.passage, other.block) == (unit.passage, unit.block)
    };
    let first = (0..=index).rev().take_while(same_block).last().unwrap_or(index);
    (first..reading.units.len()).take_while(same_block).collect()
}

fn most_lines(intent: Intent) -> usize {
    if intent == Intent::Steps { MOST_LINES_FOR_STEPS } else { MOST_LINES }
}

/// The sentence directly before a block.
fn lead_in(reading: &Reading, block_start: usize) -> Option<usize> {
    let before = block_start.checked_sub(1)?;
    let unit = &reading.units[before];
    let leads = unit.kind == UnitKind::Prose && unit.passage == reading.units[block_start].passage;
    leads.then_some(before)
}

/// Blocks bring units along that nobody compared: what repeats a chosen sentence of prose goes.
fn drop_repetitions(reading: &Reading, picked: &[usize], chosen: &mut BTreeSet<usize>) {
    let mut seen: HashSet<&str> =
        picked.iter().map(|index| reading.units[*index].folded.as_str()).collect();
    chosen.retain(|index| {
        let unit = &reading.units[*index];
        picked.contains(index) || unit.kind == UnitKind::Code || seen.insert(unit.folded.as_str())
    });
}
