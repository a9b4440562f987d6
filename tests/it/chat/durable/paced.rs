//! A model that writes a made-up answer at the pace of a network: piece by piece, with pauses; and a service that answers by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use pidima::adapters::models::{
    ChatModel, FinishReason, ModelError, ModelEvent, ModelRegistry, ModelStream, ModelUsage,
    Prompt, Turn,
};
use pidima::app::Outside;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::mpsc;

use crate::support::{TestApp, minilm};

/// Pieces that answers are put together from; all of them stay as they are.
const FRAGMENTS: [&str; 10] = [
    "Keys live for 90 days. [1]",
    " A key is refused after that",
    " Größe: «genau»",
    "\n- data: eins\n\n",
    " 🗂️ und",
    " `list[0]`",
    " The limit is 20 requests.",
    "\n\n",
    " id: 7",
    " e\u{301} 検索",
];

/// The seed of an answer that takes longer than any test waits.
pub const ENDLESS: u64 = 1_000_000;

/// What a made-up answer does.
#[derive(Clone, Debug)]
pub struct MadeUp {
    /// Texts, each with the pause before it.
    pub pieces: Vec<(String, Duration)>,
    /// After so many pieces everything is void.
    pub reset_after: Option<usize>,
}

impl MadeUp {
    /// The answer of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let count = if seed == ENDLESS { 2_000 } else { chance.random_range(20..60) };
        let pieces: Vec<(String, Duration)> = (0..count)
            .map(|_| {
                let piece = FRAGMENTS[chance.random_range(0..FRAGMENTS.len())];
                let pause = if chance.random_bool(0.1) {
                    chance.random_range(20..120)
                } else {
                    chance.random_range(0..12)
                };
                (piece.to_owned(), Duration::from_millis(pause))
            })
            .collect();
        let reset_after =
            (seed != ENDLESS && chance.random_bool(0.2)).then(|| chance.random_range(1..count));
        Self { pieces, reset_after }
    }

    /// The text that counts in the end.
    pub fn content(&self) -> String {
        let from = self.reset_after.unwrap_or_default();
        self.pieces[from..].iter().map(|(text, _)| text.as_str()).collect()
    }

    /// The text that counted before the reset; empty without one.
    pub fn voided(&self) -> String {
        let until = self.reset_after.unwrap_or_default();
        self.pieces[..until].iter().map(|(text, _)| text.as_str()).collect()
    }
}

/// Answers a question that is a number with the made-up answer of that seed.
#[derive(Default)]
pub struct PacedModel {
    /// Answers that were begun.
    pub begun: AtomicUsize,
    /// Streams that are open: those that the provider would be paid for.
    pub open: Arc<AtomicUsize>,
}

/// Counts down when the stream is dropped.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub const INPUT_TOKENS: u64 = 1_000;

#[async_trait]
impl ChatModel for PacedModel {
    fn provider(&self) -> &'static str {
        "paced"
    }

    fn model(&self) -> &'static str {
        "paced-1"
    }

    async fn answer(&self, prompt: Prompt) -> Result<ModelStream, ModelError> {
        let made_up = MadeUp::of(seed(&prompt.question));
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(Arc::clone(&self.open));
        let usage = ModelEvent::Usage(ModelUsage {
            input_tokens: INPUT_TOKENS,
            output_tokens: 1,
            ..ModelUsage::default()
        });
        let mut steps = vec![(usage, Duration::ZERO)];
        for (place, (text, pause)) in made_up.pieces.iter().enumerate() {
            if made_up.reset_after == Some(place) {
                let reset = ModelEvent::Reset { reason: "provider_failed".to_owned() };
                steps.push((reset, Duration::ZERO));
            }
            steps.push((ModelEvent::Delta(text.clone()), *pause));
        }
        steps.push((ModelEvent::Finished(FinishReason::Stop), Duration::ZERO));
        let paced = stream::iter(steps).then(move |(step, pause)| {
            let _open = &open;
            async move {
                tokio::time::sleep(pause).await;
                Ok(step)
            }
        });
        Ok(paced.boxed())
    }

    async fn standalone_question(
        &self,
        _history: &[Turn],
        question: &str,
    ) -> Result<String, ModelError> {
        Ok(question.to_owned())
    }
}

/// A model behind a network: what it writes comes, and waits, whether or not it is read, and is handed over one by one.
#[derive(Default)]
struct FarModel(PacedModel);

#[async_trait]
impl ChatModel for FarModel {
    fn provider(&self) -> &str {
        self.0.provider()
    }

    fn model(&self) -> &str {
        self.0.model()
    }

    async fn answer(&self, prompt: Prompt) -> Result<ModelStream, ModelError> {
        let mut written = self.0.answer(prompt).await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(event) = written.next().await {
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let handed_over = stream::unfold(receiver, async |mut receiver| {
            tokio::task::yield_now().await;
            Some((receiver.recv().await?, receiver))
        });
        Ok(handed_over.boxed())
    }

    async fn standalone_question(
        &self,
        history: &[Turn],
        question: &str,
    ) -> Result<String, ModelError> {
        self.0.standalone_question(history, question).await
    }
}

/// A service whose model answers at the pace of a network.
pub async fn paced(settings: &[(&str, &str)]) -> TestApp {
    answered_by(Arc::new(FarModel::default()), settings).await
}

/// A service with this model.
pub async fn answered_by(model: Arc<dyn ChatModel>, settings: &[(&str, &str)]) -> TestApp {
    let outside =
        Outside { embedder: Arc::new(minilm().await), models: ModelRegistry::plain(model) };
    TestApp::start_outside(settings, outside).await
}

/// The number in a question such as `key 17?`.
pub fn seed(question: &str) -> u64 {
    let digits: String = question.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}
