//! The most that an answer may use, before anything was searched: what the quotas reserve.

use super::history::History;
use super::{ChatSettings, Question};
use crate::governance::{Estimate, estimated_tokens};

/// Characters of the instructions and of the marks around passages.
const FRAME_CHARS: usize = 3_000;
/// Characters of a long passage with its headings.
const PASSAGE_CHARS: usize = 2_400;

/// The most that the answer to a question may use. No price is known yet.
pub(super) fn most(settings: &ChatSettings, question: &Question, history: &History) -> Estimate {
    let said: usize = history.turns.iter().map(|turn| turn.content.chars().count()).sum();
    // The question stands in the prompt twice: as it was asked, and as it was searched.
    let asked = question.content.chars().count() * 2;
    let passages = settings.passages * PASSAGE_CHARS;
    let prompt = estimated_tokens(FRAME_CHARS + said + asked + passages);
    Estimate { tokens: prompt + i64::from(settings.max_output_tokens), cost_micro_usd: 0 }
}
