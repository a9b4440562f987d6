//! Decides whether the passages can answer a question at all. Called by the extractive answerer
//! before it chooses a sentence; it writes no text.
//!
//! No single score tells a question that can be answered from one that cannot, so four signals are
//! weighed together: how much of the question's subject one sentence holds, whether it holds
//! neighbouring words of the question together, how near the nearest passage is by meaning, and how
//! near by meaning the very passage is that holds most of the words. The last one is high only when
//! the two kinds of search agree on a passage. Strength in one signal can make up for another: a
//! passage in other words than the question's is still found by meaning, one full of its rare terms
//! by its words.

use super::question::{Question, Sought};
use super::reading::Reading;
use crate::adapters::models::Passage;

/// The subject has to be in one sentence: terms spread over a passage are a matter of its theme.
const SENTENCE_WEIGHT: f32 = 0.4;
/// Little, because a paraphrase tears neighbours apart; but where they stand together it tells.
const PAIRS_WEIGHT: f32 = 0.1;
/// Nearness by meaning of the nearest passage, whichever it is.
const NEAREST_WEIGHT: f32 = 0.4;
/// Nearness by meaning of the passage with most of the words: the searches agree.
const AGREEMENT_WEIGHT: f32 = 0.4;
/// Below it the evidence does not carry an answer. A fully covered question needs a cosine of about
/// 0.2 and one without a common word a cosine of about 0.85. Chosen with 100 public documentation
/// questions in view; `pidima eval refusals` counts its mistakes of both kinds on them. Another
/// collection may need another value.
const ENOUGH: f32 = 0.67;

/// Without any cosine the words decide alone, and neighbours have to count for more.
const WORDS_ONLY_SENTENCE_WEIGHT: f32 = 0.55;
const WORDS_ONLY_PAIRS_WEIGHT: f32 = 0.45;
/// Set like [`ENOUGH`], with the cosines left out.
const WORDS_ONLY_ENOUGH: f32 = 0.4;

/// The signals for one question, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evidence {
    /// Largest share of the subject, by weight, in one unit together with its headings.
    pub sentence: f32,
    /// Largest share of neighbouring subject terms that stand in one unit of the same passage.
    pub pairs: f32,
    /// Cosines; `None` when the dense search saw no passage.
    pub meaning: Option<Meaning>,
}

/// Nearness by meaning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Meaning {
    /// Of the nearest passage.
    pub nearest: f32,
    /// Of the passage that holds most of the subject.
    pub at_best_words: f32,
}

impl Evidence {
    pub fn gather(question: &Question, reading: &Reading, passages: &[Passage]) -> Self {
        let sentence = reading.units.iter().map(|unit| {
            let headings = &reading.heading_terms[unit.passage];
            question.coverage(|term| unit.terms.contains(term) || headings.contains(term))
        });
        let sentence = sentence.fold(0.0, f32::max);
        Self {
            sentence,
            pairs: pairs(question, reading).unwrap_or(sentence),
            meaning: meaning(question, reading, passages),
        }
    }

    pub fn is_enough(&self) -> bool {
        let Some(meaning) = self.meaning else {
            let words =
                WORDS_ONLY_SENTENCE_WEIGHT * self.sentence + WORDS_ONLY_PAIRS_WEIGHT * self.pairs;
            return words >= WORDS_ONLY_ENOUGH;
        };
        let sum = SENTENCE_WEIGHT * self.sentence
            + PAIRS_WEIGHT * self.pairs
            + NEAREST_WEIGHT * meaning.nearest
            + AGREEMENT_WEIGHT * meaning.at_best_words;
        sum >= ENOUGH
    }
}

/// `None` for a subject of one term, which has no neighbours.
fn pairs(question: &Question, reading: &Reading) -> Option<f32> {
    let neighbours: Vec<&[Sought]> = question.sought.windows(2).collect();
    if neighbours.is_empty() {
        return None;
    }
    let shares = (0..reading.passage_terms.len()).map(|passage| {
        let together = neighbours.iter().filter(|pair| {
            reading.units.iter().any(|unit| {
                unit.passage == passage && pair.iter().all(|it| unit.terms.contains(&it.term))
            })
        });
        together.count() as f32 / neighbours.len() as f32
    });
    Some(shares.fold(0.0, f32::max))
}

fn meaning(question: &Question, reading: &Reading, passages: &[Passage]) -> Option<Meaning> {
    let seen: Vec<f32> = passages.iter().filter_map(|passage| passage.similarity).collect();
    let nearest = seen.iter().copied().reduce(f32::max)?;
    // What the dense search did not bring was at most as near as the last that it did bring.
    let farthest = seen.iter().copied().reduce(f32::min)?;
    let best_words = (0..passages.len()).max_by(|left, right| {
        let covered = |passage| question.passage_coverage(reading, passage);
        // Of two equal ones the earlier, which the search found the better.
        covered(*left).total_cmp(&covered(*right)).then(right.cmp(left))
    })?;
    let at_best_words = passages[best_words].similarity.unwrap_or(farthest).clamp(0.0, 1.0);
    Some(Meaning { nearest: nearest.clamp(0.0, 1.0), at_best_words })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(sentence: f32, cosine: f32) -> Evidence {
        let meaning = Some(Meaning { nearest: cosine, at_best_words: cosine });
        Evidence { sentence, pairs: sentence, meaning }
    }

    #[test]
    fn words_alone_or_meaning_alone_can_carry_an_answer() {
        assert!(evidence(1.0, 0.3).is_enough());
        assert!(evidence(0.1, 0.85).is_enough());
    }

    #[test]
    fn neither_common_words_nor_a_common_theme_alone_is_enough() {
        assert!(!evidence(0.3, 0.45).is_enough());
        assert!(!evidence(0.0, 0.6).is_enough());
        assert!(!evidence(0.6, 0.1).is_enough());
    }

    #[test]
    fn without_cosines_the_words_decide() {
        let by_words = |sentence, pairs| Evidence { sentence, pairs, meaning: None };
        assert!(by_words(0.8, 0.3).is_enough());
        assert!(!by_words(0.4, 0.0).is_enough());
    }
}
