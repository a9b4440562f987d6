//! Fits a prompt into what its model reads at once. What is left out first is what an answer misses least: passages beyond
//! the best few, then the oldest turns, then what was said before them in short, then the other passages but the first.
//! The question is never cut.

use super::tokens::{Counting, TOKENS_PER_MESSAGE};
use crate::adapters::models::Turn;

/// Passages that the conversation gives way to.
const KEPT_PASSAGES: usize = 3;

/// What a prompt may take.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// How tokens are counted.
    pub counting: Counting,
    /// All of it, without the answer.
    pub tokens: u32,
    /// Earlier turns.
    pub history_tokens: u32,
}

/// What can be left out of a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The older part of the conversation in short, as it will be written.
    pub summary: Option<String>,
    /// Earlier turns, oldest first.
    pub turns: Vec<Turn>,
    /// Passages as they will be written, best first.
    pub passages: Vec<String>,
}

/// Something that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// What.
    pub what: Dropped,
    /// Machine-readable reason: `history_budget` or `context_budget`.
    pub reason: &'static str,
    /// Its tokens.
    pub tokens: u32,
}

/// Parts of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The passage with this marker.
    Passage(u32),
    /// The turn at this place, the oldest being 1.
    Turn(u32),
    /// What was said before, in short.
    Summary,
}

/// Not even the question and one passage fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the question and one passage are about {needed} tokens, and the model reads {budget} besides its answer; ask a shorter question, or use a model that reads more"
)]
pub struct TooLong {
    /// Tokens needed.
    pub needed: u32,
    /// Tokens there are.
    pub budget: u32,
}

const HISTORY: &str = "history_budget";
const CONTEXT: &str = "context_budget";

/// The parts that fit beside the fixed texts, their tokens and those of the fixed texts, and what was left out.
///
/// # Errors
/// Not even the fixed texts and one passage fit.
pub fn fit(
    budget: &Budget,
    fixed: &[&str],
    parts: Parts,
) -> Result<(Parts, u32, Vec<LeftOut>), TooLong> {
    let count = |text: &str| budget.counting.tokens(text);
    let message = |text: &str| count(text).saturating_add(TOKENS_PER_MESSAGE);
    let mut left_out = Vec::new();
    let mut turns: Vec<u32> = parts.turns.iter().map(|turn| message(&turn.content)).collect();
    let mut passages: Vec<u32> = parts.passages.iter().map(|text| count(text)).collect();
    let mut summary = parts.summary.as_deref().map(message);
    let fixed: u32 = fixed.iter().map(|text| message(text)).fold(0, u32::saturating_add);
    let mut first_turn = 0;
    let mut drop_turn = |turns: &mut Vec<u32>, reason, left_out: &mut Vec<LeftOut>| {
        let tokens = turns.remove(0);
        first_turn += 1;
        let what = Dropped::Turn(u32::try_from(first_turn).unwrap_or(u32::MAX));
        left_out.push(LeftOut { what, reason, tokens });
    };
    while sum(&turns) > budget.history_tokens {
        drop_turn(&mut turns, HISTORY, &mut left_out);
    }
    loop {
        let total = [fixed, summary.unwrap_or(0), sum(&turns), sum(&passages)];
        let total = sum(&total);
        if total <= budget.tokens {
            let kept = Parts {
                summary: parts.summary.filter(|_| summary.is_some()),
                turns: parts.turns[parts.turns.len() - turns.len()..].to_vec(),
                passages: parts.passages[..passages.len()].to_vec(),
            };
            return Ok((kept, total, left_out));
        }
        if passages.len() > KEPT_PASSAGES {
            drop_passage(&mut passages, &mut left_out);
        } else if !turns.is_empty() {
            drop_turn(&mut turns, CONTEXT, &mut left_out);
        } else if let Some(tokens) = summary.take() {
            left_out.push(LeftOut { what: Dropped::Summary, reason: CONTEXT, tokens });
        } else if passages.len() > 1 {
            drop_passage(&mut passages, &mut left_out);
        } else {
            return Err(TooLong { needed: total, budget: budget.tokens });
        }
    }
}

fn drop_passage(passages: &mut Vec<u32>, left_out: &mut Vec<LeftOut>) {
    let marker = u32::try_from(passages.len()).unwrap_or(u32::MAX);
    if let Some(tokens) = passages.pop() {
        left_out.push(LeftOut { what: Dropped::Passage(marker), reason: CONTEXT, tokens });
    }
}

fn sum(tokens: &[u32]) -> u32 {
    tokens.iter().copied().fold(0, u32::saturating_add)
}
