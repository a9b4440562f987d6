//! Says how good each unit is as a part of the answer, and which are no sentences at all. Called by
//! the extractive answerer's choice; it chooses nothing itself.

use super::question::{Intent, Question};
use super::reading::{Reading, Unit};
use crate::adapters::models::Passage;
use crate::kernel::terms::sentences::UnitKind;

/// Weight of the unit's own words against those that its title and headings add.
const OWN_WORDS: f32 = 0.75;
/// Weight of the unit against the passage that it stands in.
const UNIT_SHARE: f32 = 0.7;
/// What a strong neighbour lends: the answer often follows the sentence that names the subject.
const NEIGHBOUR_SHARE: f32 = 0.15;
/// A unit in the form that the question asks for.
const FORM_BONUS: f32 = 1.3;
/// Code without a question for steps, and a lead-in whose list or code is not there.
const FORM_PENALTY: f32 = 0.7;

/// Prose with fewer words is a label; without a stop at its end it needs more to be a sentence.
const FEWEST_WORDS: usize = 4;
const FEWEST_WORDS_WITHOUT_STOP: usize = 7;
/// Longer units are whole pages in one line.
const MOST_WORDS: usize = 90;
/// Share of capitalised words from which a line without a stop is a menu.
const MENU_CAPITALS: f32 = 0.6;

/// First words of an instruction.
const IMPERATIVES: &[&str] = &[
    "add",
    "call",
    "change",
    "check",
    "choose",
    "click",
    "configure",
    "copy",
    "create",
    "define",
    "delete",
    "download",
    "edit",
    "enable",
    "enter",
    "export",
    "go",
    "import",
    "include",
    "install",
    "navigate",
    "open",
    "pass",
    "paste",
    "provide",
    "put",
    "remove",
    "replace",
    "restart",
    "run",
    "select",
    "send",
    "set",
    "specify",
    "start",
    "stop",
    "type",
    "update",
    "upload",
    "use",
    "visit",
    "write",
];

/// The worth of every unit, in the order of the units; 0 for those that must not be used.
pub(super) fn worths(question: &Question, reading: &Reading, passages: &[Passage]) -> Vec<f32> {
    let strengths = strengths(question, reading, passages);
    let own: Vec<f32> =
        reading.units.iter().map(|unit| own_worth(question, reading, unit)).collect();
    let mut worths = Vec::with_capacity(own.len());
    for (index, unit) in reading.units.iter().enumerate() {
        if !is_usable(unit) {
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
        worths.push(worth * form_factor(question.intent, reading, index));
    }
    worths
}

/// Whether the unit can stand in an answer: no heading, menu, label or endless line, and nothing
/// ambiguous.
fn is_usable(unit: &Unit) -> bool {
    match unit.kind {
        UnitKind::Heading => false,
        UnitKind::Code => true,
        UnitKind::TableRow => !is_ambiguous(&unit.folded),
        UnitKind::ListItem => unit.folded.split(' ').count() > 2 && !is_ambiguous(&unit.folded),
        UnitKind::Prose => is_sentence(&unit.folded) && !is_ambiguous(&unit.folded),
    }
}

fn is_sentence(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let starts_well = |c: char| c.is_alphanumeric() || "(\"'“‘`*_$<".contains(c);
    if !text.starts_with(starts_well) {
        return false;
    }
    if words.len() < FEWEST_WORDS || words.len() > MOST_WORDS {
        // Scripts without spaces have one "word" in a sentence.
        return words.len() < FEWEST_WORDS && text.ends_with(['。', '！', '？']);
    }
    let end = text.trim_end_matches([')', '"', '”', '’', '\'', '*', '_', '`', ']']);
    if end.ends_with(['.', '!', ':', '。', '！', '…']) {
        return true;
    }
    // Without a stop, signs of code tell a line of a program that lost its fence.
    if text.contains(['{', '}', '=', ';', '<', '>', '\\']) {
        return false;
    }
    // A question in a document asks, it does not answer.
    if end.ends_with(['?', '？']) || words.len() < FEWEST_WORDS_WITHOUT_STOP {
        return false;
    }
    let long: Vec<&&str> = words.iter().filter(|word| word.chars().count() > 3).collect();
    let capitals = long.iter().filter(|word| word.starts_with(char::is_uppercase)).count();
    (capitals as f32) < MENU_CAPITALS * long.len() as f32
}

/// Whether the text would change its meaning inside an answer: `[7]` would be taken for a citation
/// of passage 7, and a code fence would swallow what follows.
pub(super) fn is_ambiguous(text: &str) -> bool {
    if text.contains("```") || text.contains("~~~") {
        return true;
    }
    text.split('[').skip(1).any(|behind| {
        let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        digits > 0 && behind[digits..].starts_with(']')
    })
}

fn own_worth(question: &Question, reading: &Reading, unit: &Unit) -> f32 {
    let headings = &reading.heading_terms[unit.passage];
    let bare = question.coverage(|term| unit.terms.contains(term));
    if bare <= 0.0 {
        return 0.0;
    }
    let framed = question.coverage(|term| unit.terms.contains(term) || headings.contains(term));
    OWN_WORDS * bare + (1.0 - OWN_WORDS) * framed
}

/// How good each passage is, 0 to 1: the mean of its place in the search, its cosine and the share
/// of the subject that it holds, the first two measured against the best of the prompt.
fn strengths(question: &Question, reading: &Reading, passages: &[Passage]) -> Vec<f32> {
    let best_score = passages.iter().map(|passage| passage.score).fold(0.0, f32::max);
    let cosines = passages.iter().filter_map(|passage| passage.similarity);
    let best_cosine = cosines.fold(0.0, f32::max);
    let relative = |value: f32, best: f32| {
        if best > 0.0 { (value / best).max(0.0) } else { 0.0 }
    };
    let mut strengths = Vec::with_capacity(passages.len());
    for (index, passage) in passages.iter().enumerate() {
        let search = relative(passage.score, best_score);
        let words = question.passage_coverage(reading, index);
        strengths.push(match passage.similarity {
            Some(cosine) => (search + words + relative(cosine, best_cosine)) / 3.0,
            None => (search + words) / 2.0,
        });
    }
    strengths
}

fn form_factor(intent: Intent, reading: &Reading, index: usize) -> f32 {
    let unit = &reading.units[index];
    let next = reading.units.get(index + 1).filter(|next| next.passage == unit.passage);
    let leads_nowhere =
        unit.folded.ends_with(':') && next.is_none_or(|next| next.kind == UnitKind::Prose);
    if unit.kind == UnitKind::Prose && leads_nowhere {
        return FORM_PENALTY;
    }
    let fits = match intent {
        Intent::Definition => defines(&unit.folded),
        Intent::Quantity => {
            let body = unit.folded.split_once(". ").filter(|_| unit.kind == UnitKind::ListItem);
            let text = body.map_or(unit.folded.as_str(), |(_, body)| body);
            text.contains(|character: char| character.is_ascii_digit())
        }
        Intent::Steps => unit.kind == UnitKind::Code || instructs(&unit.folded),
        Intent::Open => false,
    };
    match (fits, unit.kind) {
        (true, _) => FORM_BONUS,
        (false, UnitKind::Code) => FORM_PENALTY,
        (false, _) => 1.0,
    }
}

/// The subject comes first and is then said to be something.
fn defines(text: &str) -> bool {
    const VERBS: [&str; 7] =
        [" is a ", " is an ", " is the ", " are ", " refers to ", " means ", " stands for "];
    const LATEST_VERB: usize = 60;
    VERBS.iter().any(|verb| text.find(verb).is_some_and(|at| at <= LATEST_VERB))
}

fn instructs(text: &str) -> bool {
    let first = text.split(' ').find(|word| word.starts_with(char::is_alphabetic));
    let first = first.unwrap_or_default().trim_end_matches(',').to_lowercase();
    IMPERATIVES.contains(&first.as_str()) || text.contains("you can ") || text.contains("To ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menus_labels_questions_and_markers_are_no_sentences() {
        assert!(!is_sentence("Get started"));
        assert!(!is_sentence(
            "Quickstart Overview Prompt Library Model Options Enterprise Considerations"
        ));
        assert!(!is_sentence("What does the server do when it starts?"));
        assert!(!is_sentence("reasoning, intent = extract(output) and return both of them"));
        assert!(is_sentence("The server reads its settings at start."));
        assert!(is_sentence("系统会自动重启。"));
        assert!(is_ambiguous("as shown in [12] before"));
        assert!(is_ambiguous("ends in ```"));
        assert!(!is_ambiguous("items[i] and [x] and []"));
    }

    #[test]
    fn a_definition_puts_its_subject_before_the_verb() {
        assert!(defines("A tenant is a customer with data of its own."));
        assert!(!defines("Delete the tenant."));
    }
}
