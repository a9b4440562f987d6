//! Shadow recall: which of the nearest passages by the old vectors are among the nearest by the new ones. Nobody's search
//! reads the new ones for it. It goes on in slices like everything else: what was compared is kept between them.

use std::collections::HashSet;

use pgvector::HalfVector;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Reembeddings;
use super::work::{Slice, WorkError};
use crate::adapters::embeddings::EmbeddingError;
use crate::db::{self, TenantTx};
use crate::kernel::ids::TenantId;
use crate::knowledge::store::reembedding_comparisons::{ComparedTexts, Comparison};
use crate::knowledge::store::reembedding_leases::{ClaimedReembedding, ShadowRecall};
use crate::knowledge::store::search::SearchFilter;

/// What is searched for.
struct Probe {
    /// Under which its overlap is kept.
    key: String,
    text: String,
    /// Passage that it is the text of, which both would find.
    of: Option<Uuid>,
}

/// Outcome of a comparison.
pub(super) enum Compared {
    /// All was compared.
    Whole(ShadowRecall),
    /// The slice is over, or the process is asked to stop: it goes on with the next one.
    Part,
    /// The re-embedding is no longer ours.
    Over,
}

impl Reembeddings {
    /// Compares for the last questions, else for texts of passages, for a slice: one of them at least.
    pub(super) async fn compare(
        &self,
        tenant: TenantId,
        job: &mut ClaimedReembedding,
        slice: &Slice<'_>,
    ) -> Result<Compared, WorkError> {
        let mut tx = self.db.tenant(tenant).await?;
        let mut comparison = tx.find_comparison(job.reembedding_id).await?;
        drop(tx);
        let before = comparison.overlaps.len();
        let comparing = self.compare_more(tenant, job, slice, &mut comparison);
        let compared = Box::pin(comparing).await;
        let has_grown = comparison.overlaps.len() > before;
        // Also after a fault, which then is the first one since; and when all is compared, as a version may have come in.
        if has_grown && !matches!(compared, Ok(Compared::Over)) {
            let mut tx = self.db.tenant(tenant).await?;
            tx.keep_comparison(job, &comparison).await?;
            tx.commit().await?;
            job.failures = 0;
        }
        compared
    }

    async fn compare_more(
        &self,
        tenant: TenantId,
        job: &ClaimedReembedding,
        slice: &Slice<'_>,
        comparison: &mut Comparison,
    ) -> Result<Compared, WorkError> {
        let probes = self.probes(tenant, job.collection_id, comparison).await?;
        let depth = i64::from(self.settings.depth);
        for probe in &probes {
            if slice.is_stopped() {
                return Ok(Compared::Part);
            }
            let embedding = self.embed_probe(job, &probe.text);
            let Some([old, new]) = self.while_ours(tenant, job, embedding).await? else {
                return Ok(Compared::Over);
            };
            let filter =
                SearchFilter { collection_ids: Some(vec![job.collection_id]), metadata: None };
            let mut tx = self.db.tenant_search(tenant).await?;
            let old = self
                .nearest(&mut tx, &filter, (job.from_model.as_str(), &old), probe, depth)
                .await?;
            let new =
                self.nearest(&mut tx, &filter, (job.to_model.as_str(), &new), probe, depth).await?;
            drop(tx);
            comparison.overlaps.insert(probe.key.clone(), overlap(&old, &new));
            if !self.keep(tenant, job).await? {
                return Ok(Compared::Over);
            }
            if !slice.goes_on() {
                return Ok(Compared::Part);
            }
        }
        let overlaps: Vec<f64> = comparison.overlaps.values().copied().flatten().collect();
        let sample = i32::try_from(overlaps.len()).unwrap_or(i32::MAX);
        let mean = overlaps.iter().sum::<f64>() / f64::from(sample.max(1));
        Ok(Compared::Whole(ShadowRecall {
            overlap: (sample > 0).then_some(mean),
            sample,
            depth: i32::try_from(self.settings.depth).unwrap_or(i32::MAX),
            source: comparison.source.map_or("passages", ComparedTexts::as_str),
        }))
    }

    /// What is still to be compared: questions that are asked meanwhile take the place of older ones, but never make it more.
    async fn probes(
        &self,
        tenant: TenantId,
        collection_id: Uuid,
        comparison: &mut Comparison,
    ) -> db::Result<Vec<Probe>> {
        let most = i64::from(self.settings.sample);
        let mut tx = self.db.tenant(tenant).await?;
        let mut probes = Vec::new();
        if comparison.source != Some(ComparedTexts::Passages) {
            let questions = tx.list_recent_questions(collection_id, most).await?;
            probes.extend(questions.into_iter().map(|text| Probe {
                key: hex::encode(Sha256::digest(text.as_bytes())),
                text,
                of: None,
            }));
        }
        let source = *comparison.source.get_or_insert(if probes.is_empty() {
            ComparedTexts::Passages
        } else {
            ComparedTexts::Questions
        });
        if source == ComparedTexts::Passages {
            let passages = tx.sample_chunks(collection_id, most).await?;
            let probe =
                |(id, text): (Uuid, String)| Probe { key: id.to_string(), text, of: Some(id) };
            probes.extend(passages.into_iter().map(probe));
        }
        let known = &comparison.overlaps;
        probes.retain(|probe| !known.contains_key(&probe.key));
        let left = usize::try_from(self.settings.sample).unwrap_or(usize::MAX);
        probes.truncate(left.saturating_sub(known.len()));
        Ok(probes)
    }

    /// Vectors of a question by the old model and by the new one.
    async fn embed_probe(
        &self,
        job: &ClaimedReembedding,
        text: &str,
    ) -> Result<[HalfVector; 2], WorkError> {
        let old = self.embed_by(&job.from_model, text).await?;
        let new = self.embed_by(&job.to_model, text).await?;
        Ok([old, new])
    }

    async fn embed_by(&self, model: &str, text: &str) -> Result<HalfVector, EmbeddingError> {
        let vector = self.embedders.find(model)?.embed_query(text).await?;
        Ok(HalfVector::from_f32_slice(&vector))
    }

    /// The nearest passages by vectors of one model, the one whose text is searched left out.
    async fn nearest(
        &self,
        tx: &mut TenantTx,
        filter: &SearchFilter,
        question: (&str, &HalfVector),
        probe: &Probe,
        depth: i64,
    ) -> db::Result<Vec<Uuid>> {
        let (model, vector) = question;
        let most = depth + i64::from(probe.of.is_some());
        let found = if self.embedders.is_own(model) {
            tx.search_dense(filter, model, vector, most).await?
        } else {
            tx.search_dense_beside(filter, model, vector, most).await?
        };
        let ids = found.iter().map(|found| found.chunk_id).filter(|id| Some(*id) != probe.of);
        Ok(ids.take(usize::try_from(depth).unwrap_or_default()).collect())
    }
}

/// Share of the old passages, 0 to 1, that are among the new ones; absent when there are no old ones.
fn overlap(old: &[Uuid], new: &[Uuid]) -> Option<f64> {
    let new: HashSet<&Uuid> = new.iter().collect();
    let kept = old.iter().filter(|id| new.contains(id)).count();
    #[expect(clippy::cast_precision_loss, reason = "at most some hundred passages")]
    let share = kept as f64 / old.len().max(1) as f64;
    (!old.is_empty()).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u128]) -> Vec<Uuid> {
        numbers.iter().map(|number| Uuid::from_u128(*number)).collect()
    }

    #[test]
    fn the_overlap_counts_what_stayed_whatever_its_place() {
        let of = |old: &[u128], new: &[u128]| overlap(&ids(old), &ids(new));
        assert_eq!(of(&[1, 2, 3, 4], &[4, 3, 2, 1]), Some(1.0));
        assert_eq!(of(&[1, 2, 3, 4], &[1, 2, 5, 6]), Some(0.5));
        assert_eq!(of(&[1, 2], &[]), Some(0.0));
        assert_eq!(of(&[], &[1]), None);
    }
}
