//! Says how well the form of a unit fits what a question asks for: a definition, a number, steps.
//! Called when units are weighed; whether the unit speaks of the subject is not judged here.

use super::question::{Intent, Question};
use super::reading::{Reading, Unit};
use super::usable::is_sentence;
use crate::kernel::terms;
use crate::kernel::terms::sentences::UnitKind;

/// A unit in the form that the question asks for.
const FITS: f32 = 1.3;
/// A definition whose subject also comes first: documents introduce a thing by opening a sentence
/// or a table row with its name.
const OPENS_WITH_SUBJECT: f32 = 0.5;
/// Share of the subject that has to stand before the verb of a definition.
const MOST_OF_SUBJECT: f32 = 0.6;
/// Terms that may stand before or between those of the subject in such an opening.
const OPENING_SLACK: usize = 2;
/// Words of an opening that holds a subject and its verb.
const MOST_WORDS_BEFORE_VERB: usize = 8;
/// How many, how long: without a number it cannot be the answer, only lead to it.
const WITHOUT_NUMBER: f32 = 0.75;
/// Code without a question for steps, and a lead-in whose list or code is not there.
const MISFIT: f32 = 0.7;
/// "This page describes …", "See section 4": it says where something is, not what it is.
const SIGNPOST: f32 = 0.6;
/// "It is also …": what it speaks of was named in another sentence, which is not quoted with it.
const DEPENDENT: f32 = 0.85;

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

/// Factor for the worth of one unit, about 1.
pub(super) fn factor(question: &Question, reading: &Reading, index: usize) -> f32 {
    let unit = &reading.units[index];
    if unit.kind == UnitKind::Prose && leads_nowhere(reading, index) {
        return MISFIT;
    }
    let mut factor = fit(question, unit);
    let speaks = matches!(unit.kind, UnitKind::Prose | UnitKind::ListItem);
    if speaks && is_signpost(&unit.folded) {
        factor *= SIGNPOST;
    }
    if unit.kind == UnitKind::Prose && is_dependent(&unit.folded) {
        factor *= DEPENDENT;
    }
    factor
}

fn fit(question: &Question, unit: &Unit) -> f32 {
    let is_code = unit.kind == UnitKind::Code;
    match question.intent {
        Intent::Definition if is_code => MISFIT,
        Intent::Definition => {
            let opens = opening_share(question, unit);
            let is_told =
                opens >= MOST_OF_SUBJECT && (defines(&unit.folded) || acts(question, unit));
            let form = if is_told { FITS } else { 1.0 };
            form + OPENS_WITH_SUBJECT * opens
        }
        Intent::Quantity if has_number(unit) => FITS,
        Intent::Quantity => WITHOUT_NUMBER,
        Intent::Steps if is_code || is_step(unit) || instructs(&unit.folded) => FITS,
        Intent::Open if is_code => MISFIT,
        Intent::Steps | Intent::Open => 1.0,
    }
}

/// An item of a numbered list, or a sentence that leads to a command.
fn is_step(unit: &Unit) -> bool {
    match unit.kind {
        UnitKind::ListItem => unit.folded.starts_with(|first: char| first.is_ascii_digit()),
        UnitKind::Prose => unit.folded.ends_with(':'),
        _ => false,
    }
}

/// Share of the subject that the first terms of the unit hold.
fn opening_share(question: &Question, unit: &Unit) -> f32 {
    let length = question.sought.len() + OPENING_SLACK;
    let opening = &unit.opening[..length.min(unit.opening.len())];
    question.pulled(|term| if opening.iter().any(|it| it == term) { 1.0 } else { 0.0 })
}

/// A sentence that ends in a colon without a list, code or a single line that is no sentence (a
/// command whose mark of code was lost) behind it.
fn leads_nowhere(reading: &Reading, index: usize) -> bool {
    let unit = &reading.units[index];
    let next = reading.units.get(index + 1).filter(|next| next.passage == unit.passage);
    let is_prose = |next: &Unit| next.kind == UnitKind::Prose && is_sentence(&next.folded);
    unit.folded.ends_with(':') && next.is_none_or(is_prose)
}

/// The subject and then at once what it does: "VACUUM FULL rewrites the table". What it can, must
/// or requires is said after that.
fn acts(question: &Question, unit: &Unit) -> bool {
    const NO_ACTS: [&str; 8] =
        ["is", "has", "was", "does", "requires", "needs", "always", "sometimes"];
    let mut subject_seen = false;
    for word in unit.folded.split(' ').take(MOST_WORDS_BEFORE_VERB) {
        let bare = word.trim_matches(|character: char| !character.is_alphanumeric());
        let terms = terms::query_terms(bare);
        if terms.iter().any(|term| question.sought.iter().any(|it| it.term == *term)) {
            subject_seen = true;
        } else if subject_seen {
            let is_verb = bare.len() > 3 && bare.ends_with('s') && !NO_ACTS.contains(&bare);
            return is_verb && bare.chars().all(char::is_lowercase);
        }
    }
    false
}

/// A digit that counts something: not the number of a list item, nor of the section, table or
/// chapter that the text refers to.
fn has_number(unit: &Unit) -> bool {
    const NUMBERED: [&str; 7] =
        ["section", "table", "chapter", "figure", "appendix", "example", "version"];
    let body = unit.folded.split_once(". ").filter(|_| unit.kind == UnitKind::ListItem);
    let text = body.map_or(unit.folded.as_str(), |(_, body)| body);
    let mut previous = String::new();
    for word in text.split(' ') {
        let is_reference = NUMBERED.contains(&previous.as_str());
        if !is_reference && word.contains(|character: char| character.is_ascii_digit()) {
            return true;
        }
        previous = word.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    }
    false
}

fn is_signpost(text: &str) -> bool {
    const PLACES: [&str; 6] = ["page", "chapter", "section", "guide", "appendix", "document"];
    let mut words = text.split(' ').map(|word| {
        word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase()
    });
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let refers = [", see ", "described in "].iter().any(|words| text.contains(words));
    refers
        || first == "see"
        || matches!(first.as_str(), "this" | "the") && PLACES.contains(&second.as_str())
}

/// Whether the sentence points back to the one before it.
pub(super) fn is_dependent(text: &str) -> bool {
    const POINTING: [&str; 12] = [
        "it",
        "its",
        "they",
        "these",
        "this",
        "those",
        "such",
        "however",
        "otherwise",
        "also",
        "but",
        "therefore",
    ];
    let first = text.split(' ').next().unwrap_or_default();
    let first = first.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase();
    POINTING.contains(&first.as_str())
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
    fn a_definition_puts_its_subject_before_the_verb() {
        assert!(defines("A tenant is a customer with data of its own."));
        assert!(!defines("Delete the tenant."));
    }

    #[test]
    fn signposts_and_sentences_that_point_back_are_told() {
        assert!(is_signpost("This page lists what the site must offer."));
        assert!(is_signpost("See Section 4 for all of them."));
        assert!(!is_signpost("This limit holds for each key."));
        assert!(is_dependent("It also holds for commands from the app."));
        assert!(!is_dependent("Item 4 holds the name."));
    }

    #[test]
    fn the_number_of_a_section_is_no_amount() {
        let passage = |text: &str| crate::adapters::models::Passage {
            marker: 1,
            title: String::new(),
            heading_path: Vec::new(),
            text: text.to_owned(),
            score: 1.0,
            similarity: None,
        };
        let first = |text: &str| Reading::of(&[passage(text)]).units.remove(0);
        assert!(has_number(&first("A tenant may have 25 keys.")));
        assert!(!has_number(&first("The limits of a tenant are in (Section 4.2).")));
        assert!(!has_number(&first("1. Open the list of the limits.")));
    }
}
