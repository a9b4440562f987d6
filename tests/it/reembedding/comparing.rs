//! Shadow recall by models whose order of passages is known: its value, and how deep it looks.

use std::sync::Arc;

use async_trait::async_trait;
use pidima::adapters::embeddings::{Embedder, EmbeddingError, Vector};

use super::Stage;
use crate::support::{ProbedEmbedder, WordsEmbedder};

/// What the documents are about, one passage each.
const WORDS: [&str; 6] = ["anvil", "bellows", "chisel", "drill", "engine", "file"];

/// Puts passages at growing angles from any question, in the order of its words.
struct OrderedEmbedder {
    model: &'static str,
    order: Vec<&'static str>,
}

impl OrderedEmbedder {
    fn probed(model: &'static str, order: &[usize]) -> Arc<ProbedEmbedder> {
        let order = order.iter().map(|place| WORDS[*place]).collect();
        ProbedEmbedder::around(Arc::new(Self { model, order }))
    }

    fn vector(&self, text: &str) -> Vector {
        let text = text.to_lowercase();
        let rank = self.order.iter().position(|word| text.contains(word));
        let angle = rank.map_or(0.0, |rank| 0.05 * ((rank + 1) as f32).powi(2));
        vec![angle.cos(), angle.sin()]
    }
}

#[async_trait]
impl Embedder for OrderedEmbedder {
    fn model(&self) -> &str {
        self.model
    }

    fn dimensions(&self) -> usize {
        2
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    async fn embed_query(&self, text: &str) -> Result<Vector, EmbeddingError> {
        Ok(self.vector(text))
    }

    async fn embed_passages(
        &self,
        passages: &[String],
    ) -> Result<Vec<Vec<Vector>>, EmbeddingError> {
        Ok(passages.iter().map(|passage| vec![self.vector(passage)]).collect())
    }
}

impl Stage {
    /// With a document about each of so many words, and two models with these orders of them.
    async fn ordered(depth: &str, old: &[usize], new: &[usize]) -> Self {
        let first = OrderedEmbedder::probed("ordered", old);
        let second = OrderedEmbedder::probed(WordsEmbedder::MODEL, new);
        let stage = Self::between(&[("PIDIMA_REEMBEDDING_DEPTH", depth)], first, second).await;
        for word in &WORDS[..old.len()] {
            stage.learn(&format!("{word}.md"), &format!("The {word} stands here.")).await;
        }
        stage
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overlap_is_that_of_the_nearest_passages_as_deep_as_the_setting_says() {
    let (old, new) = ([0, 1, 2, 3, 4, 5], [1, 0, 5, 4, 3, 2]);
    for (depth, overlap) in [("1", 0.0), ("2", 1.0), ("4", 0.5), ("100", 1.0)] {
        let stage = Stage::ordered(depth, &old, &new).await;
        stage.tenant.ask("What stands nearby?").await;
        let id = stage.ready().await;
        let recall = &stage.show(&id).await["shadow_recall"];
        assert_eq!(recall["source"], "questions");
        assert_eq!(recall["sample_size"], 1);
        assert_eq!(recall["overlap"].as_f64(), Some(overlap), "{depth}: {recall}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passage_whose_text_is_compared_does_not_count_itself() {
    // Nearest of each by the old order: bellows, anvil, bellows; by the new one: chisel, chisel, anvil.
    let stage = Stage::ordered("1", &[0, 1, 2], &[0, 2, 1]).await;
    let id = stage.ready().await;
    let recall = &stage.show(&id).await["shadow_recall"];
    assert_eq!(recall["source"], "passages");
    assert_eq!(recall["sample_size"], 3);
    assert_eq!(recall["overlap"].as_f64(), Some(0.0), "{recall}");
}
