//! Outside services that do what a test tells them to.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use pidima::adapters::embeddings::{Embedder, EmbeddingError, Vector};
use pidima::adapters::models::{
    ChatModel, FinishReason, ModelError, ModelEvent, ModelStream, Prompt, Turn,
};
use tokio::sync::Semaphore;

use super::minilm;

/// What the model does with one question.
#[derive(Clone, Debug)]
pub enum Script {
    /// Refuses before it begins.
    Refuse(ModelError),
    /// Says these things, then the stream ends.
    Say(Vec<Result<ModelEvent, ModelError>>),
    /// Says the first things, waits to be released, says the rest.
    Pause(Vec<ModelEvent>, Vec<ModelEvent>),
    /// Says the first things, waits to be released, says the rest and stands still.
    Hang(Vec<ModelEvent>, Vec<ModelEvent>),
    /// Falls over.
    Panic,
}

impl Script {
    /// An answer in pieces with an end.
    pub fn answer(pieces: &[&str], finish: FinishReason) -> Self {
        let deltas = pieces.iter().map(|piece| Ok(ModelEvent::Delta((*piece).to_owned())));
        Self::Say(deltas.chain([Ok(ModelEvent::Finished(finish))]).collect())
    }
}

/// A model that follows the script of each question, and keeps the prompts.
pub struct ScriptedModel {
    scripts: Mutex<HashMap<String, Script>>,
    prompts: Mutex<Vec<Prompt>>,
    release: Arc<Semaphore>,
}

impl Default for ScriptedModel {
    fn default() -> Self {
        Self {
            scripts: Mutex::default(),
            prompts: Mutex::default(),
            release: Arc::new(Semaphore::new(0)),
        }
    }
}

impl ScriptedModel {
    /// Lays down what to do with a question.
    pub fn on(&self, question: &str, script: Script) {
        self.scripts.lock().unwrap().insert(question.to_owned(), script);
    }

    /// Prompts so far.
    pub fn prompts(&self) -> Vec<Prompt> {
        self.prompts.lock().unwrap().clone()
    }

    /// Lets one paused answer go on.
    pub fn release(&self) {
        self.release.add_permits(1);
    }

    fn paused(&self, before: Vec<ModelEvent>, after: Vec<ModelEvent>) -> ModelStream {
        let release = Arc::clone(&self.release);
        let wait = stream::once(async move { release.acquire_owned().await }).filter_map(
            |permit| async move {
                permit.unwrap().forget();
                None
            },
        );
        stream::iter(before).chain(wait).chain(stream::iter(after)).map(Ok).boxed()
    }
}

#[async_trait]
impl ChatModel for ScriptedModel {
    fn provider(&self) -> &'static str {
        "scripted"
    }

    fn model(&self) -> &'static str {
        "script-1"
    }

    async fn answer(&self, prompt: Prompt) -> Result<ModelStream, ModelError> {
        let script = self.scripts.lock().unwrap().get(&prompt.question).cloned();
        self.prompts.lock().unwrap().push(prompt);
        match script.expect("a script for the question") {
            Script::Refuse(error) => Err(error),
            Script::Say(steps) => Ok(one_by_one(steps)),
            Script::Pause(before, after) => Ok(self.paused(before, after)),
            Script::Hang(before, after) => {
                Ok(self.paused(before, after).chain(stream::pending()).boxed())
            }
            Script::Panic => panic!("the script says so"),
        }
    }

    async fn standalone_question(
        &self,
        _history: &[Turn],
        question: &str,
    ) -> Result<String, ModelError> {
        Ok(question.to_owned())
    }
}

/// As from a network: the task that reads is woken for each step.
fn one_by_one(steps: Vec<Result<ModelEvent, ModelError>>) -> ModelStream {
    stream::iter(steps)
        .then(|step| async move {
            tokio::task::yield_now().await;
            step
        })
        .boxed()
}

/// An embedding model, watched: what it embedded is kept, it can be held up and made to fail.
pub struct ProbedEmbedder {
    inner: Arc<dyn Embedder>,
    queries: Mutex<Vec<String>>,
    passages: Mutex<Vec<String>>,
    /// Passages of the largest call.
    largest: AtomicUsize,
    faults: Mutex<VecDeque<EmbeddingError>>,
    /// What each question meets from now on.
    refused: Mutex<Option<String>>,
    /// Calls that go through before some that are held up.
    passing: Mutex<usize>,
    holds: Mutex<usize>,
    entered: Semaphore,
    released: Semaphore,
}

impl ProbedEmbedder {
    pub async fn new() -> Arc<Self> {
        Self::around(Arc::new(minilm().await))
    }

    /// Any other model, watched in the same way.
    pub fn around(inner: Arc<dyn Embedder>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            queries: Mutex::default(),
            passages: Mutex::default(),
            largest: AtomicUsize::new(0),
            faults: Mutex::default(),
            refused: Mutex::default(),
            passing: Mutex::new(0),
            holds: Mutex::new(0),
            entered: Semaphore::new(0),
            released: Semaphore::new(0),
        })
    }

    /// Takes the questions that were embedded since the last call.
    pub fn take_queries(&self) -> Vec<String> {
        std::mem::take(&mut *self.queries.lock().unwrap())
    }

    /// How many questions were embedded since they were taken.
    pub fn seen_queries(&self) -> usize {
        self.queries.lock().unwrap().len()
    }

    /// Takes the passages that were embedded since the last call.
    pub fn take_passages(&self) -> Vec<String> {
        std::mem::take(&mut *self.passages.lock().unwrap())
    }

    /// Takes how many passages the largest call since the last look had.
    pub fn take_largest(&self) -> usize {
        self.largest.swap(0, Ordering::Relaxed)
    }

    /// Makes the next call for passages fail.
    pub fn fail_next(&self, error: EmbeddingError) {
        self.faults.lock().unwrap().push_back(error);
    }

    /// Makes each call for a question fail from now on.
    pub fn refuse_queries(&self, reason: &str) {
        *self.refused.lock().unwrap() = Some(reason.to_owned());
    }

    /// Holds up the next call for passages.
    pub fn hold_next(&self) {
        *self.holds.lock().unwrap() += 1;
    }

    /// Holds up the call of a number, counted from the next one as 1.
    pub fn hold_nth(&self, number: usize) {
        *self.passing.lock().unwrap() = number - 1;
        self.hold_next();
    }

    /// Waits until a call is held up.
    pub async fn entered(&self) {
        self.entered.acquire().await.unwrap().forget();
    }

    /// Lets a call that is held up go on.
    pub fn release(&self) {
        self.released.add_permits(1);
    }
}

#[async_trait]
impl Embedder for ProbedEmbedder {
    fn model(&self) -> &str {
        self.inner.model()
    }

    fn dimensions(&self) -> usize {
        self.inner.dimensions()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.inner.count_tokens(text)
    }

    async fn embed_query(&self, text: &str) -> Result<Vector, EmbeddingError> {
        // The text of a question must not get into the log by the words of a panic.
        assert!(text != "make the embedder panic", "as asked");
        self.queries.lock().unwrap().push(text.to_owned());
        if let Some(reason) = self.refused.lock().unwrap().clone() {
            return Err(EmbeddingError::Unavailable { model: self.model().to_owned(), reason });
        }
        self.inner.embed_query(text).await
    }

    async fn embed_passages(
        &self,
        passages: &[String],
    ) -> Result<Vec<Vec<Vector>>, EmbeddingError> {
        let held = {
            let (mut passing, mut holds) =
                (self.passing.lock().unwrap(), self.holds.lock().unwrap());
            let held = *holds > 0 && *passing == 0;
            *passing = passing.saturating_sub(1);
            *holds -= usize::from(held);
            held
        };
        if held {
            self.entered.add_permits(1);
            self.released.acquire().await.unwrap().forget();
        }
        let fault = self.faults.lock().unwrap().pop_front();
        if let Some(error) = fault {
            return Err(error);
        }
        self.largest.fetch_max(passages.len(), Ordering::Relaxed);
        self.passages.lock().unwrap().extend_from_slice(passages);
        self.inner.embed_passages(passages).await
    }
}

/// A second embedding model, in no time: each word of a text counts at one of 256 places, whatever its case.
pub struct WordsEmbedder;

impl WordsEmbedder {
    /// Its id: that of the example in the document of the API, which must work as it stands.
    pub const MODEL: &str = "amazon.titan-embed-text-v2:0@256";

    fn vector(text: &str) -> Vector {
        let mut vector = vec![0.0_f32; 256];
        let lower = text.to_lowercase();
        let words = lower.split(|letter: char| !letter.is_alphanumeric());
        for word in words.filter(|word| !word.is_empty()) {
            let place =
                word.bytes().fold(7_usize, |sum, byte| sum * 31 % 65_521 + usize::from(byte));
            vector[place % 256] += 1.0;
        }
        let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
        if length == 0.0 {
            vector[0] = 1.0;
            return vector;
        }
        vector.iter().map(|number| number / length).collect()
    }
}

#[async_trait]
impl Embedder for WordsEmbedder {
    fn model(&self) -> &str {
        Self::MODEL
    }

    fn dimensions(&self) -> usize {
        256
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    async fn embed_query(&self, text: &str) -> Result<Vector, EmbeddingError> {
        Ok(Self::vector(text))
    }

    async fn embed_passages(
        &self,
        passages: &[String],
    ) -> Result<Vec<Vec<Vector>>, EmbeddingError> {
        Ok(passages.iter().map(|passage| vec![Self::vector(passage)]).collect())
    }
}
