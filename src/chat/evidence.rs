//! How much speaks for an answer before a model is asked: what the two searches found, and whether they agree.
//!
//! No single score tells a question that can be answered from one that can not. Weighed together are the share of the
//! question's rare terms that one passage holds, the nearness by meaning of the nearest passage, and the nearness by meaning
//! of the very passage that holds most of the words: it is high only where both kinds of search point to one passage.

use std::collections::HashSet;

use crate::kernel::terms;
use crate::knowledge::Hit;

/// What was found for a question, each part 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Largest share of the question's terms in one passage with its headings, rare terms counting more.
    pub coverage: f64,
    /// Cosine of the nearest passage.
    pub nearest: f64,
    /// Cosine of the passage with the largest share.
    pub agreement: f64,
}

/// Weights of the three and the constant of a logistic function, fitted on one half of 100 questions on public
/// documentation that was cut in two. `pidima eval refusals` counts the mistakes on both halves.
const COVERAGE: f64 = 4.5;
const NEAREST: f64 = 3.2;
const AGREEMENT: f64 = 4.2;
const CONSTANT: f64 = -6.2;

/// What a term counts at least: it keeps a word that stands in every passage of a small collection from counting nothing.
const LEAST_RARITY: f64 = 0.7;

impl Evidence {
    /// All of it in one number, 0 to 100.
    pub fn percent(self) -> u8 {
        let sum = COVERAGE * self.coverage + NEAREST * self.nearest + AGREEMENT * self.agreement;
        let share = 1.0 / (1.0 + (-(sum + CONSTANT)).exp());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of one hundred"
        )]
        let percent = (share * 100.0).round() as u8;
        percent
    }

    /// What the passages hold of the question.
    pub fn gather(standalone_question: &str, hits: &[Hit]) -> Self {
        let asked = terms::query_terms(standalone_question);
        let held: Vec<HashSet<String>> = hits.iter().map(terms_of).collect();
        let weights: Vec<f64> = asked.iter().map(|term| rarity(term, &held)).collect();
        let shares: Vec<f64> = held.iter().map(|held| share(&asked, &weights, held)).collect();
        let cosines: Vec<f64> = hits.iter().filter_map(|hit| hit.ranks.similarity).collect();
        // What the search by meaning did not bring was at most as near as the last that it did bring.
        let farthest = cosines.iter().copied().reduce(f64::min).unwrap_or_default();
        let best = (0..hits.len()).max_by(|left, right| {
            // Of two equal ones the earlier, which the search found the better.
            shares[*left].total_cmp(&shares[*right]).then(right.cmp(left))
        });
        let agreement = best.map(|best| hits[best].ranks.similarity.unwrap_or(farthest));
        Self {
            coverage: best.map_or(0.0, |best| shares[best]),
            nearest: cosines.into_iter().fold(0.0, f64::max),
            agreement: agreement.unwrap_or_default().clamp(0.0, 1.0),
        }
    }
}

/// Terms of a passage with its title and headings.
fn terms_of(hit: &Hit) -> HashSet<String> {
    let passage = &hit.passage;
    let above = std::iter::once(&passage.document_title).chain(&passage.heading_path);
    let texts = above.chain(std::iter::once(&passage.body));
    texts.flat_map(|text| terms::analyze(text)).map(|term| term.text).collect()
}

/// How much a term tells: one that stands in every passage found tells nothing of any of them.
fn rarity(term: &str, held: &[HashSet<String>]) -> f64 {
    let passages = held.iter().filter(|held| held.contains(term)).count();
    #[expect(clippy::cast_precision_loss, reason = "at most a hundred passages")]
    let share = (held.len() as f64 + 1.0) / (passages as f64 + 0.5);
    LEAST_RARITY + share.ln()
}

fn share(asked: &[String], weights: &[f64], held: &HashSet<String>) -> f64 {
    let total: f64 = weights.iter().sum();
    let holds = asked.iter().zip(weights).filter(|(term, _)| held.contains(*term));
    let found: f64 = holds.map(|(_, weight)| weight).sum();
    if total > 0.0 { found / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::knowledge::{Passage, Ranks};

    fn hit(body: &str, similarity: Option<f64>) -> Hit {
        let passage = Passage {
            chunk_id: Uuid::nil(),
            collection_id: Uuid::nil(),
            document_id: Uuid::nil(),
            document_name: "a.md".to_owned(),
            document_title: "Guide".to_owned(),
            source_url: None,
            metadata: serde_json::json!({}),
            version_id: Uuid::nil(),
            version_number: 1,
            ordinal: 0,
            heading_path: Vec::new(),
            anchor: None,
            page: None,
            page_starts: Vec::new(),
            char_start: 0,
            char_end: 1,
            body: body.to_owned(),
        };
        let passage = Arc::new(passage);
        Hit { passage, ranks: Ranks { similarity, ..Ranks::default() }, terms: Vec::new() }
    }

    #[test]
    fn a_passage_with_the_words_that_is_near_in_meaning_speaks_for_an_answer() {
        let hits =
            [hit("Keys of the server live for 90 days.", Some(0.7)), hit("Pumps.", Some(0.2))];
        let strong = Evidence::gather("How long do the keys of the server live?", &hits);
        assert!(strong.coverage > 0.6 && (strong.agreement - 0.7).abs() < 1e-9, "{strong:?}");
        assert!(strong.percent() > 60, "{strong:?} {}", strong.percent());
    }

    #[test]
    fn nearness_of_one_passage_and_words_of_another_speak_less_than_both_in_one() {
        let question = "How long do keys of the server live?";
        let apart =
            [hit("Pumps and valves.", Some(0.6)), hit("Keys of the server live.", Some(0.1))];
        let together = [hit("Keys of the server live.", Some(0.6)), hit("Pumps.", Some(0.1))];
        let (apart, together) =
            (Evidence::gather(question, &apart), Evidence::gather(question, &together));
        assert!(apart.percent() + 20 < together.percent(), "{apart:?} {together:?}");
    }

    #[test]
    fn nothing_in_common_is_nearly_nothing_and_no_passage_is_no_evidence() {
        let hits = [hit("Pumps and valves.", Some(0.1)), hit("Hoses.", None)];
        assert!(Evidence::gather("Who won the chess match?", &hits).percent() < 5);
        let nothing = Evidence::gather("Who won?", &[]);
        assert_eq!(nothing, Evidence { coverage: 0.0, nearest: 0.0, agreement: 0.0 });
    }
}
