//! Makes a follow-up question understandable without the conversation, by words alone. Called by
//! the extractive answerer for `standalone_question`.
//!
//! A follow-up leans on what was said before when it begins like a continuation ("and on
//! Windows?"), points back with a pronoun ("how do I change it?") or hardly names anything
//! ("why?"). A continuation is put behind the last question; the others get the words that carry
//! its subject.

use std::collections::HashSet;

use crate::adapters::models::{Role, Turn};
use crate::kernel::terms;

/// A question with more subject terms of its own explains itself, pronouns or not.
const SELF_SUFFICIENT_TERMS: usize = 5;
/// In a longer question a pronoun most often points to something inside it.
const LONGEST_FOLLOW_UP: usize = 12;
/// A question with no more words than this and no more than one term names nothing.
const SHORTEST_QUESTION: usize = 4;
/// Words taken over from the conversation; more would drown the new question.
const MOST_WORDS_TAKEN: usize = 8;
/// Earlier questions that are looked at, newest first.
const QUESTIONS_BACK: usize = 3;

const CONTINUATIONS: &[&str] = &["and ", "but ", "or ", "also ", "what about ", "how about "];

const PRONOUNS: &[&str] = &[
    "it", "its", "itself", "they", "them", "their", "theirs", "this", "that", "these", "those",
    "one", "ones", "there", "he", "him", "his", "she", "her", "latter", "former", "same", "such",
];

/// The question, alone understandable; unchanged when it already is or nothing was said before.
pub(super) fn standalone(history: &[Turn], question: &str) -> String {
    let trimmed = question.trim();
    let asked: Vec<&str> = earlier(history, Role::User);
    let leaning = leaning(trimmed);
    let (Some(last), Some(leaning)) = (asked.first(), leaning) else {
        return trimmed.to_owned();
    };
    // Questions are only put together when the earlier one stands alone itself.
    if let (Leaning::Continuation(rest), None) = (leaning, self::leaning(last)) {
        let start = last.trim().trim_end_matches(['?', '.', '!', ' ']);
        return format!("{start} {rest}");
    }
    let taken = words_to_take(history, &asked, trimmed);
    if taken.is_empty() {
        return trimmed.to_owned();
    }
    format!("{trimmed} ({})", taken.join(" "))
}

/// How a question depends on what came before.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Leaning<'a> {
    /// It goes on with the last question; the words behind "and", "what about".
    Continuation(&'a str),
    /// It points back, or names nothing.
    Reference,
}

fn leaning(question: &str) -> Option<Leaning<'_>> {
    let lower = question.to_lowercase();
    let words: Vec<&str> = lower
        .split(|character: char| !(character.is_alphanumeric() || character == '\''))
        .filter(|word| !word.is_empty())
        .collect();
    let count = terms::query_terms(question).len();
    if words.len() > LONGEST_FOLLOW_UP || count >= SELF_SUFFICIENT_TERMS {
        return None;
    }
    let has_pronoun = words.iter().any(|word| PRONOUNS.contains(word));
    let opening = CONTINUATIONS.iter().find(|opening| lower.starts_with(**opening));
    if let (Some(opening), false) = (opening, has_pronoun) {
        // Lower case may change the length of some letters; then the whole question is taken.
        let rest = question.get(opening.len()..).unwrap_or(question);
        return Some(Leaning::Continuation(rest.trim()));
    }
    let names_nothing = words.len() <= SHORTEST_QUESTION && count <= 1;
    (has_pronoun || names_nothing).then_some(Leaning::Reference)
}

/// Words of earlier questions, and of the last answer's first sentence when those say too little,
/// that the follow-up does not have yet.
fn words_to_take<'a>(history: &'a [Turn], asked: &[&'a str], question: &str) -> Vec<&'a str> {
    let mut have: HashSet<String> = terms::query_terms(question).into_iter().collect();
    let mut taken = Vec::new();
    for earlier_question in asked.iter().take(QUESTIONS_BACK) {
        take_words(earlier_question, &mut have, &mut taken);
        if leaning(earlier_question).is_none() {
            return taken;
        }
    }
    if let Some(answer) = earlier(history, Role::Assistant).first() {
        let first = terms::sentences::sentences(answer).into_iter().next();
        let sentence = first.and_then(|range| answer.get(range)).unwrap_or_default();
        take_words(sentence, &mut have, &mut taken);
    }
    taken
}

fn take_words<'a>(text: &'a str, have: &mut HashSet<String>, taken: &mut Vec<&'a str>) {
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|character: char| !character.is_alphanumeric());
        let new: Vec<String> =
            terms::query_terms(bare).into_iter().filter(|term| !have.contains(term)).collect();
        let is_marker = word.starts_with('[') && bare.bytes().all(|byte| byte.is_ascii_digit());
        let says_nothing =
            new.is_empty() || new.iter().all(|it| super::question::is_about_asking(it));
        if says_nothing || is_marker || taken.len() >= MOST_WORDS_TAKEN {
            continue;
        }
        have.extend(new);
        taken.push(bare);
    }
}

/// What one side wrote, newest first.
fn earlier(history: &[Turn], role: Role) -> Vec<&str> {
    let turns = history.iter().rev().filter(|turn| turn.role == role);
    turns.map(|turn| turn.content.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(questions: &[&str], question: &str) -> String {
        let mut history = Vec::new();
        for asked in questions {
            history.push(Turn { role: Role::User, content: (*asked).to_owned() });
            let content = "Run the Debian package. [1]".to_owned();
            history.push(Turn { role: Role::Assistant, content });
        }
        standalone(&history, question)
    }

    #[test]
    fn a_continuation_is_put_behind_the_last_question() {
        let asked = ["How do I install Pidima?"];
        assert_eq!(after(&asked, "and on Windows?"), "How do I install Pidima on Windows?");
        assert_eq!(after(&asked, "What about macOS?"), "How do I install Pidima macOS?");
    }

    #[test]
    fn a_pronoun_gets_the_words_of_what_it_points_to() {
        assert_eq!(
            after(&["What is the session time-out?"], "How do I change it?"),
            "How do I change it? (session time-out)"
        );
    }

    #[test]
    fn a_second_follow_up_reaches_back_to_the_question_with_the_subject() {
        let rewritten =
            after(&["What is the session quota?", "How do I raise it?"], "and why is that?");
        assert!(rewritten.contains("session quota"), "{rewritten}");
    }

    #[test]
    fn a_question_that_stands_alone_is_left_as_it_is() {
        let question = "How do I rotate the signing key of an API client?";
        assert_eq!(after(&["What is a tenant?"], question), question);
        assert_eq!(after(&[], "How do I change it?"), "How do I change it?");
        let with_pronoun = "When an expired key is used, does the gateway log it or reject it?";
        assert_eq!(after(&["What is a tenant?"], with_pronoun), with_pronoun);
    }
}
