//! Stage 3 of a run: what the model is told. Retrieved text is data, whatever it says.

use crate::adapters::models::{Passage, Prompt, Turn};
use crate::chat::citations::without_markers;
use crate::knowledge::Hit;

/// What every answer is asked to be.
const INSTRUCTIONS: &str = "You answer questions about the documentation of a product, from the passages given and \
from nothing else. Be brief and exact. Answer in the language of the question.";

/// The prompt of one answer; the passages are cited as `[1]`, `[2]` … in the order given.
pub fn build(
    question: &str,
    standalone_question: String,
    history: &[Turn],
    hits: &[Hit],
    max_output_tokens: u32,
) -> Prompt {
    #[expect(clippy::cast_possible_truncation, reason = "scores lose nothing that matters")]
    let passages = (1..).zip(hits).map(|(marker, hit)| Passage {
        marker,
        title: own(&hit.passage.document_title),
        heading_path: hit.passage.heading_path.iter().map(|heading| own(heading)).collect(),
        text: own(&hit.passage.body),
        score: hit.ranks.fused as f32,
        similarity: hit.ranks.similarity.map(|similarity| similarity as f32),
    });
    Prompt {
        instructions: INSTRUCTIONS.to_owned(),
        history: history.to_vec(),
        passages: passages.collect(),
        question: question.to_owned(),
        standalone_question,
        max_output_tokens,
        temperature: 0.0,
    }
}

/// Numbers in brackets that the document brings along are no markers of ours.
fn own(text: &str) -> String {
    without_markers(text).into_owned()
}
