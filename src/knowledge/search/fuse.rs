//! Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): places count, scores of different scales do not.

use std::collections::HashMap;

use uuid::Uuid;

use crate::knowledge::store::search::{DenseMatch, LexicalMatch};

/// How little the first places differ. The paper's 60 was made for fusing many rankings of thousands; with two, a small
/// constant lets a first place count: on held-out questions 10 finds more than 60 in documentation and in code.
const K: f64 = 10.0;

/// How a passage was found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ranks {
    /// Place in the search by meaning among the passages of the same embedding model, from 1.
    pub dense_rank: Option<i32>,
    /// Cosine similarity of its best window.
    pub similarity: Option<f64>,
    /// Place in the search by words, from 1.
    pub lexical_rank: Option<i32>,
    /// BM25.
    pub lexical_score: Option<f64>,
    /// Sum of weight / (10 + place) over both searches.
    pub fused: f64,
}

/// Joins the lists, best first, `limit` at most. There is a list by meaning for each embedding model, since similarities of
/// different models are of different scales too; each passage stands in one of them. Equal sums are ordered by similarity and
/// then by id, so that the same question gives the same order.
pub fn fuse(
    dense: &[Vec<DenseMatch>],
    lexical: &[LexicalMatch],
    lexical_weight: f64,
    limit: usize,
) -> Vec<(Uuid, Ranks)> {
    let mut ranks: HashMap<Uuid, Ranks> = HashMap::new();
    for (place, found) in dense.iter().flat_map(|list| (1_i32..).zip(list)) {
        let entry = ranks.entry(found.chunk_id).or_default();
        entry.dense_rank = Some(place);
        entry.similarity = Some(found.similarity);
        entry.fused += 1.0 / (K + f64::from(place));
    }
    for (place, found) in (1_i32..).zip(lexical) {
        let entry = ranks.entry(found.chunk_id).or_default();
        entry.lexical_rank = Some(place);
        entry.lexical_score = Some(found.score);
        entry.fused += lexical_weight / (K + f64::from(place));
    }
    let mut ranked: Vec<(Uuid, Ranks)> = ranks.into_iter().collect();
    ranked.sort_by(|(left_id, left), (right_id, right)| {
        let similarity = |ranks: &Ranks| ranks.similarity.unwrap_or(-1.0);
        right
            .fused
            .total_cmp(&left.fused)
            .then_with(|| similarity(right).total_cmp(&similarity(left)))
            .then_with(|| left_id.cmp(right_id))
    });
    ranked.truncate(limit);
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(ids: &[u128]) -> Vec<DenseMatch> {
        ids.iter()
            .map(|id| DenseMatch { chunk_id: Uuid::from_u128(*id), similarity: 0.5 })
            .collect()
    }

    fn dense(ids: &[u128]) -> Vec<Vec<DenseMatch>> {
        vec![list(ids)]
    }

    fn lexical(ids: &[u128]) -> Vec<LexicalMatch> {
        ids.iter()
            .map(|id| LexicalMatch { chunk_id: Uuid::from_u128(*id), score: 1.0, terms: vec![] })
            .collect()
    }

    fn order(ranked: &[(Uuid, Ranks)]) -> Vec<u128> {
        ranked.iter().map(|(id, _)| id.as_u128()).collect()
    }

    #[test]
    fn a_passage_that_both_searches_find_comes_before_those_that_one_finds() {
        let ranked = fuse(&dense(&[1, 2]), &lexical(&[3, 2]), 1.0, 10);
        assert_eq!(order(&ranked)[0], 2);
        assert_eq!(ranked[0].1.dense_rank, Some(2));
        assert_eq!(ranked[0].1.lexical_rank, Some(2));
    }

    #[test]
    fn a_higher_lexical_weight_lifts_what_words_find() {
        assert_eq!(order(&fuse(&dense(&[1]), &lexical(&[2]), 2.0, 10)), [2, 1]);
        assert_eq!(order(&fuse(&dense(&[1]), &lexical(&[2]), 0.5, 10)), [1, 2]);
    }

    #[test]
    fn the_first_of_each_model_counts_as_much_whatever_its_similarity() {
        let mut far = list(&[3, 4]);
        far.iter_mut().for_each(|found| found.similarity = 0.1);
        let ranked = fuse(&[list(&[1, 2]), far], &[], 1.0, 10);
        assert_eq!(order(&ranked), [1, 3, 2, 4]);
        assert_eq!(ranked[1].1.dense_rank, Some(1));
        assert!((ranked[0].1.fused - ranked[1].1.fused).abs() < 1e-12);
    }

    #[test]
    fn no_more_than_the_limit_come_back() {
        assert_eq!(fuse(&dense(&[1, 2, 3]), &[], 1.0, 2).len(), 2);
    }
}
