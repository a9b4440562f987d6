//! Stage 3 of a run: what the model is told. Retrieved text is data, whatever it says; all of it together fits into what
//! the model reads at once; and what had to be left out is known by name.

mod budget;
mod instructions;
mod spotlight;
mod summary;
mod tokens;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use budget::{Dropped, LeftOut, TooLong};
pub use spotlight::Marker;
pub use summary::for_summary;
pub use tokens::{Counting, Window};

use self::budget::{Budget, Parts};
use super::assistants::EffectiveConfiguration;
use super::citations::without_markers;
use crate::adapters::models::{Passage, Prompt, Role, Turn};
use crate::knowledge::Hit;

/// Of the window, what an answer may take at most, whatever the configuration says: one half.
const ANSWER_SHARE: u32 = 2;

/// Everything that a prompt can be made of.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// How the assistant answers.
    pub configuration: &'a EffectiveConfiguration,
    /// What the older part of the conversation comes to.
    pub summary: Option<&'a str>,
    /// Earlier turns, oldest first.
    pub turns: &'a [Turn],
    /// What was found, best first; cited as `[1]`, `[2]` … in this order.
    pub passages: &'a [Passage],
    /// The question as the user wrote it.
    pub question: &'a str,
    /// The question as it can be understood alone.
    pub standalone_question: &'a str,
}

/// A prompt that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// What the model is given.
    pub prompt: Prompt,
    /// SHA-256 over all that it reads, with the random marker left out: equal for equal prompts.
    pub sha256: [u8; 32],
    /// How many of the passages, from the first, it is given.
    pub passages: usize,
    /// Its tokens, counted too high rather than too low.
    pub tokens: u32,
    /// What was left out, and why.
    pub left_out: Vec<LeftOut>,
}

impl Built {
    /// What was left out, as it is stored; absent when nothing was.
    pub fn left_out_facts(&self) -> Option<Value> {
        let facts = self.left_out.iter().map(|left_out| {
            let (part, number) = match left_out.what {
                Dropped::Passage(marker) => ("passage", marker),
                Dropped::Turn(place) => ("turn", place),
                Dropped::Summary => ("summary", 1),
            };
            json!({
                "part": part,
                "number": number,
                "reason": left_out.reason,
                "tokens": left_out.tokens,
            })
        });
        (!self.left_out.is_empty()).then(|| facts.collect())
    }
}

/// Hits as passages with their markers.
pub fn passages(hits: &[Hit]) -> Vec<Passage> {
    #[expect(clippy::cast_possible_truncation, reason = "scores lose nothing that matters")]
    let passages = (1..).zip(hits).map(|(marker, hit)| Passage {
        marker,
        title: own(&hit.passage.document_title),
        heading_path: hit.passage.heading_path.iter().map(|heading| own(heading)).collect(),
        text: own(&hit.passage.body),
        score: hit.ranks.fused as f32,
        similarity: hit.ranks.similarity.map(|similarity| similarity as f32),
    });
    passages.collect()
}

/// Numbers in brackets that the document brings along are no markers of ours.
fn own(text: &str) -> String {
    without_markers(text).into_owned()
}

/// The prompt of one answer. The question is in it whole; what else does not fit is left out, least needed first.
///
/// # Errors
/// Not even the question and one passage fit.
pub fn build(sources: &Sources<'_>, window: Window) -> Result<Built, TooLong> {
    let titles = sources.passages.iter().map(|passage| passage.title.as_str());
    let texts = sources.passages.iter().map(|passage| passage.text.as_str());
    let said = sources.turns.iter().map(|turn| turn.content.as_str());
    let others = [sources.question, sources.summary.unwrap_or_default()];
    let marker = Marker::unlike(titles.chain(texts).chain(said).chain(others));
    with_marker(sources, window, &marker)
}

fn with_marker(sources: &Sources<'_>, window: Window, marker: &Marker) -> Result<Built, TooLong> {
    let configuration = sources.configuration;
    let system = instructions::system_prompt(configuration);
    let parts = Parts {
        summary: sources.summary.map(|summary| {
            let summary = marker.enclose("conversation", summary);
            format!("What was said before, in short:\n{summary}")
        }),
        turns: sources.turns.to_vec(),
        passages: sources.passages.iter().map(|passage| marker.passage(passage)).collect(),
    };
    let max_output_tokens = configuration.max_output_tokens.min(window.tokens / ANSWER_SHARE);
    let budget = Budget {
        counting: window.counting,
        tokens: window.tokens - max_output_tokens,
        history_tokens: configuration.history_tokens,
    };
    // What must be there in any case: the user's message without passages.
    let frame = last_turn(sources, marker, None, "");
    let fixed = [system.as_str(), frame.as_str()];
    let (parts, tokens, left_out) = budget::fit(&budget, &fixed, parts)?;
    let given = parts.passages.len();
    let message = last_turn(sources, marker, parts.summary.as_deref(), &parts.passages.concat());
    let sha256 = sha256(&system, &parts.turns, &message, marker);
    let prompt = Prompt {
        instructions: system,
        history: parts.turns,
        message,
        passages: sources.passages[..given].to_vec(),
        question: sources.question.to_owned(),
        standalone_question: sources.standalone_question.to_owned(),
        max_output_tokens,
        temperature: configuration.temperature(),
    };
    Ok(Built { prompt, sha256, passages: given, tokens, left_out })
}

fn last_turn(
    sources: &Sources<'_>,
    marker: &Marker,
    summary: Option<&str>,
    passages: &str,
) -> String {
    let word = marker.as_str();
    let mut text = format!("TAG is {word}.\n");
    if let Some(summary) = summary {
        text.push_str(summary);
    }
    text.push_str(&format!("<passages-{word}>\n{passages}</passages-{word}>\n\n"));
    text.push_str(instructions::REMINDER);
    text.push_str(&format!("\n\nQuestion: {}", sources.question.trim()));
    let standalone = sources.standalone_question.trim();
    if !standalone.is_empty() && standalone != sources.question.trim() {
        text.push_str(&format!("\nMeant in this conversation: {standalone}"));
    }
    text
}

/// Each text with its length in front, so that no two prompts are written alike.
fn sha256(system: &str, turns: &[Turn], message: &str, marker: &Marker) -> [u8; 32] {
    let mut digest = Sha256::new();
    let turns = turns.iter().flat_map(|turn| {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        [role, turn.content.as_str()]
    });
    for text in std::iter::once(system).chain(turns).chain(["user", message]) {
        let text = text.replace(marker.as_str(), "TAG");
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text.as_bytes());
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests;
