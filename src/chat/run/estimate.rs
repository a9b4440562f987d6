//! The most that an answer may use, before anything was searched: what the quotas reserve.

use super::Question;
use super::history::History;
use crate::chat::assistants::EffectiveConfiguration;
use crate::governance::{Estimate, estimated_tokens};

/// Characters of the instructions and of the marks around passages.
const FRAME_CHARS: usize = 3_000;
/// Characters of a long passage with its headings.
const PASSAGE_CHARS: usize = 2_400;

/// The most that the answer to a question may use. No price is known yet.
pub(super) fn most(
    configuration: &EffectiveConfiguration,
    question: &Question,
    history: &History,
) -> Estimate {
    let said: usize = history.turns.iter().map(|turn| turn.content.chars().count()).sum();
    let summary = history.summary.as_ref().map_or(0, |summary| summary.chars().count());
    let instructions = configuration.instructions.chars().count();
    // The question stands in the prompt twice: as it was asked, and as it was searched.
    let asked = question.content.chars().count() * 2;
    let passages = usize::try_from(configuration.passages).unwrap_or(usize::MAX);
    let passages = passages.saturating_mul(PASSAGE_CHARS);
    let prompt = estimated_tokens(FRAME_CHARS + instructions + summary + said + asked + passages);
    Estimate { tokens: prompt + i64::from(configuration.max_output_tokens), cost_micro_usd: 0 }
}
