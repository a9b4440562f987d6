//! The embedded answerer: it chooses the best sentences for a question out of the passages and
//! cites each; it never writes a word about the subject itself. Called through [`ChatModel`] where
//! no outside model is configured. The same prompt always gives the same answer.
//!
//! How its text can be checked against the passages. Every part comes from one unit (see
//! `kernel::terms::sentences`) of the passage whose marker follows it:
//!
//! * a sentence or a list item (with its own `-` or `1.`) stands with white space folded to single
//!   spaces, followed by a space and `[n]`;
//! * the lines of a code block or the rows of a table stand between code fences on lines of their
//!   own (the fence is the only thing added); the marker is that of the sentence directly before,
//!   else it stands on the line after the closing fence. Rows of a table may be left out between
//!   two others.
//!
//! So: take the fences and ` [n]` away, fold white space on both sides, and each sentence, each
//! item, each code block and each row is found in the text of its passage. Units that themselves
//! hold a number in square brackets or a code fence are not used outside code, as they would read
//! as a marker or swallow the rest; inside a fence a number in brackets is code and no citation.
//!
//! When the evidence is too weak the text says so, names the nearest sections as a hint, cites
//! nothing and ends with [`FinishReason::NoAnswer`].

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream;

use super::{
    ChatModel, FinishReason, ModelError, ModelEvent, ModelStream, ModelUsage, Passage, Prompt, Turn,
};

mod choose;
mod compose;
mod evidence;
mod followup;
mod form;
mod question;
mod reading;
mod usable;
mod worth;

use evidence::Evidence;
use question::Question;
use reading::Reading;

/// Name of this adapter. It answers with sentences of passages, and writes none of its own.
pub const EXTRACTIVE: &str = "extractive";

/// Words in one delta: small enough to be read as a stream, large enough not to flood it.
const WORDS_PER_DELTA: usize = 6;
/// Sections named when there is no answer.
const SECTIONS_NAMED: usize = 3;
const NO_ANSWER: &str = "The documentation searched does not answer this question.";

/// Answers with sentences of the passages; needs no server, key or setting.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExtractiveModel;

#[async_trait]
impl ChatModel for ExtractiveModel {
    fn provider(&self) -> &str {
        EXTRACTIVE
    }

    fn model(&self) -> &str {
        "sentences-1"
    }

    async fn answer(&self, prompt: Prompt) -> Result<ModelStream, ModelError> {
        let answer = write_answer(&prompt);
        let usage = ModelEvent::Usage(ModelUsage {
            input_tokens: input_words(&prompt),
            output_tokens: count_words(&answer.text),
            ..ModelUsage::default()
        });
        let mut events: Vec<ModelEvent> = deltas(&answer.text).map(ModelEvent::Delta).collect();
        events.extend([usage, ModelEvent::Finished(answer.finish)]);
        Ok(stream::iter(events.into_iter().map(Ok)).boxed())
    }

    async fn standalone_question(
        &self,
        history: &[Turn],
        question: &str,
    ) -> Result<String, ModelError> {
        Ok(followup::standalone(history, question))
    }
}

struct Answer {
    text: String,
    finish: FinishReason,
}

fn write_answer(prompt: &Prompt) -> Answer {
    let asked = if prompt.standalone_question.trim().is_empty() {
        &prompt.question
    } else {
        &prompt.standalone_question
    };
    let reading = Reading::of(&prompt.passages);
    let question = Question::read(asked, &reading);
    if !Evidence::gather(&question, &reading, &prompt.passages).is_enough() {
        return no_answer(&prompt.passages);
    }
    let worths = worth::worths(&question, &reading, &prompt.passages);
    let chosen = choose::choose(&question, &reading, &worths);
    let pieces = compose::compose(&reading, &prompt.passages, &chosen);
    if pieces.is_empty() {
        return no_answer(&prompt.passages);
    }
    within_bound(pieces, u64::from(prompt.max_output_tokens))
}

/// Whole pieces up to the bound, and always the first.
fn within_bound(pieces: Vec<String>, most_words: u64) -> Answer {
    let mut text = String::new();
    for piece in pieces {
        if !text.is_empty() && count_words(&text) + count_words(&piece) > most_words {
            return Answer { text, finish: FinishReason::Length };
        }
        text.push_str(&piece);
    }
    Answer { text, finish: FinishReason::Stop }
}

fn no_answer(passages: &[Passage]) -> Answer {
    let mut sections: Vec<String> = Vec::new();
    for passage in passages {
        let section = match passage.heading_path.last() {
            Some(heading) if *heading != passage.title => format!("{} – {heading}", passage.title),
            _ => passage.title.clone(),
        };
        if !section.trim().is_empty() && !sections.contains(&section) {
            sections.push(section);
        }
    }
    sections.truncate(SECTIONS_NAMED);
    let mut text = NO_ANSWER.to_owned();
    if !sections.is_empty() {
        text.push_str(" The nearest sections are: ");
        text.push_str(&sections.join("; "));
        text.push('.');
    }
    Answer { text, finish: FinishReason::NoAnswer }
}

/// The text in groups of a few words, with every character of its white space.
fn deltas(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut words = text.split_inclusive(char::is_whitespace);
    std::iter::from_fn(move || {
        let delta: String = words.by_ref().take(WORDS_PER_DELTA).collect();
        (!delta.is_empty()).then_some(delta)
    })
}

/// Usage in words between white space. No tokenizer is involved here, so this is an honest count of
/// something else than the tokens that other providers bill.
fn input_words(prompt: &Prompt) -> u64 {
    let history: u64 = prompt.history.iter().map(|turn| count_words(&turn.content)).sum();
    let passages: u64 = prompt.passages.iter().map(|passage| count_words(&passage.text)).sum();
    history + passages + count_words(&prompt.instructions) + count_words(&prompt.question)
}

fn count_words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

#[cfg(test)]
mod tests;
