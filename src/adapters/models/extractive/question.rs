//! Reads a question: which of its terms carry its subject, how much each tells, and what form of
//! answer it asks for. Called by the extractive answerer alone.

use std::collections::HashSet;

use super::reading::Reading;
use crate::kernel::terms;

/// Stems of words that speak of the asking, not of the subject ("what does the documentation say
/// about", "what are two key ways"). No passage needs them in order to answer.
const ASKING: &[&str] = &[
    "accord",
    "answer",
    "describ",
    "detail",
    "document",
    "explain",
    "give",
    "help",
    "inform",
    "key",
    "know",
    "list",
    "mean",
    "mention",
    "name",
    "need",
    "pleas",
    "question",
    "say",
    "show",
    "specif",
    "tell",
    "thing",
    "understand",
    "want",
    "way",
];

/// Stems of words that name the form of the answer: the sentence that answers shows a number or a
/// name in their place ("at most 25 keys" for "the maximum number of keys").
const FORM_WORDS: &[&str] = &[
    "amount", "command", "count", "do", "function", "many", "max", "maximum", "min", "minimum",
    "number", "return", "setting", "use", "valu", "work",
];
/// They still help to choose between two sentences about the same subject.
const FORM_WORD_SHARE: f32 = 0.15;

/// A name or an identifier says more about the subject than a common word of the same rarity.
const NAME_WEIGHT: f32 = 1.5;

/// What form the answer should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// "What is a run?"
    Definition,
    /// "How many keys may a tenant have?"
    Quantity,
    /// "How do I install it?"
    Steps,
    /// Any other question.
    Open,
}

/// One term of the question's subject.
#[derive(Debug, Clone)]
pub(super) struct Sought {
    pub term: String,
    /// How much it tells about the subject.
    pub weight: f32,
    /// How much it tells one sentence of the passages from another: nothing for a term that none
    /// of them has, little for one that names the form of the answer.
    pub pull: f32,
}

/// A question, read.
#[derive(Debug)]
pub(super) struct Question {
    pub sought: Vec<Sought>,
    pub intent: Intent,
}

impl Question {
    pub fn read(question: &str, reading: &Reading) -> Self {
        let names = names(question);
        let all = terms::query_terms(question);
        // A question of nothing but such words ("What do I need?") has to be sought by them.
        let keep_all = all.iter().all(|term| is_about_asking(term));
        let mut sought = Vec::new();
        for term in all {
            if !keep_all && is_about_asking(&term) {
                continue;
            }
            let factor = if names.contains(&term) { NAME_WEIGHT } else { 1.0 };
            let weight = reading.rarity(&term) * factor;
            let share = if is_form_word(&term) { FORM_WORD_SHARE } else { 1.0 };
            let pull = if reading.holds(&term) { weight * share } else { 0.0 };
            sought.push(Sought { term, weight, pull });
        }
        Self { sought, intent: intent(question) }
    }

    /// Share of the subject's weight that the terms hold, 0 to 1.
    pub fn coverage(&self, holds: impl Fn(&str) -> bool) -> f32 {
        let total: f32 = self.sought.iter().map(|sought| sought.weight).sum();
        if total <= 0.0 {
            return 0.0;
        }
        let held = self.sought.iter().filter(|sought| holds(&sought.term));
        held.map(|sought| sought.weight).sum::<f32>() / total
    }

    /// Share of what tells sentences apart, 0 to 1; `part` says how much of a term is held.
    pub fn pulled(&self, part: impl Fn(&str) -> f32) -> f32 {
        let total: f32 = self.sought.iter().map(|sought| sought.pull).sum();
        if total <= 0.0 {
            return 0.0;
        }
        let held = self.sought.iter().map(|sought| sought.pull * part(&sought.term));
        held.sum::<f32>() / total
    }

    /// How well a heading names the subject and nothing else, 0 to 1: the F measure of their terms.
    pub fn named_by(&self, heading: &HashSet<String>) -> f32 {
        let subject = || self.sought.iter().map(|it| &it.term).filter(|it| !is_form_word(it));
        let common = subject().filter(|term| heading.contains(*term)).count();
        let is_word =
            |term: &&String| !term.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit());
        let both = subject().count() + heading.iter().filter(is_word).count();
        if both == 0 { 0.0 } else { 2.0 * common as f32 / both as f32 }
    }

    /// Coverage by the text, title and headings of one passage.
    pub fn passage_coverage(&self, reading: &Reading, passage: usize) -> f32 {
        let (text, headings) = (&reading.passage_terms[passage], &reading.heading_terms[passage]);
        self.coverage(|term| text.contains(term) || headings.contains(term))
    }
}

/// Whether the term speaks of the asking and not of the subject.
pub(super) fn is_about_asking(term: &str) -> bool {
    ASKING.contains(&term)
}

fn is_form_word(term: &str) -> bool {
    FORM_WORDS.contains(&term)
}

/// Terms of words that are written like a name: a capital inside a sentence, a digit, an underscore
/// or a mark of code.
fn names(question: &str) -> HashSet<String> {
    let mut names = HashSet::new();
    for (position, word) in question.split_whitespace().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let capitals = bare.chars().filter(|c| c.is_uppercase()).count();
        let is_capital = capitals > 0 && (position > 0 || capitals > 1);
        let is_code = word.starts_with(['`', '"', '“'])
            || bare.contains(['_', '.'])
            || bare.contains("::")
            || bare.chars().any(|c| c.is_ascii_digit());
        if is_capital || is_code {
            names.extend(terms::query_terms(bare));
        }
    }
    names
}

fn intent(question: &str) -> Intent {
    let lower = question.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let pair = |first: &str, seconds: &[&str]| {
        words.windows(2).any(|two| two[0] == first && seconds.contains(&two[1]))
    };
    let counts = ["many", "much", "long", "often", "large", "big", "fast", "old"];
    let steps = ["install", "steps", "configure", "instructions"];
    let instructs = pair("how", &["do", "can", "to", "should", "would", "could"])
        || pair("should", &["i", "we"])
        || has(&steps);
    // "How do roles work?" asks for no steps.
    if instructs && !pair("how", &counts) && words.last() != Some(&"work") {
        return Intent::Steps;
    }
    let amount =
        ["limit", "limits", "maximum", "minimum", "max", "min", "price", "cost", "percentage"];
    if pair("how", &counts) || has(&amount) || has(&["default"]) && has(&["value", "setting"]) {
        return Intent::Quantity;
    }
    let asks_what_it_does = pair("what", &["does", "do"]) && words.len() <= DEFINITION_WORDS;
    let defines = has(&["define", "definition"]) || asks_what_it_does;
    if defines || pair("what", &["is", "are", "s"]) && words.len() <= DEFINITION_WORDS {
        return Intent::Definition;
    }
    Intent::Open
}

/// "What is" opens any question; only a short one asks for a definition.
const DEFINITION_WORDS: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_opening_words_tell_the_form_of_the_answer() {
        assert_eq!(intent("What is a tenant?"), Intent::Definition);
        assert_eq!(intent("How many keys may I have?"), Intent::Quantity);
        assert_eq!(intent("What is the rate limit of the search API?"), Intent::Quantity);
        assert_eq!(intent("How do I install it?"), Intent::Steps);
        assert_eq!(intent("It is offline. What should I check?"), Intent::Steps);
        assert_eq!(intent("What does VACUUM FULL do?"), Intent::Definition);
        assert_eq!(intent("What is the default value of shared_buffers?"), Intent::Quantity);
        assert_eq!(intent("How do I limit the rows of a query?"), Intent::Steps);
        assert_eq!(intent("How do roles work?"), Intent::Open);
        assert_eq!(intent("Does it run on Windows?"), Intent::Open);
    }

    #[test]
    fn words_about_the_asking_are_not_sought() {
        let reading = Reading::of(&[]);
        let question =
            Question::read("Please explain the two key ways to rotate secrets", &reading);
        let terms: Vec<_> = question.sought.iter().map(|sought| sought.term.as_str()).collect();
        assert_eq!(terms, ["two", "rotat", "secret"]);
    }

    #[test]
    fn names_and_identifiers_weigh_more_than_common_words() {
        let reading = Reading::of(&[]);
        let question = Question::read("Does the server read max_retries from Vault?", &reading);
        let weight = |term: &str| {
            let sought = question.sought.iter().find(|sought| sought.term == term);
            sought.map(|sought| sought.weight).unwrap()
        };
        assert!(weight("max_retries") > weight("server"));
        assert!(weight("vault") > weight("read"));
    }
}
