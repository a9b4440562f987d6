//! Outside services that keep what reaches them and change nothing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pidima::adapters::embeddings::{Embedder, EmbeddingError, Vector};
use pidima::adapters::models::{ChatModel, ModelError, ModelStream, Prompt, Turn};
use pidima::adapters::queue::{DeadLetter, Delivery, Message, Queue, QueueError};

use uuid::Uuid;

use super::Watch;

pub struct WatchedModel {
    pub inner: Arc<dyn ChatModel>,
    pub watch: Watch,
}

#[async_trait]
impl ChatModel for WatchedModel {
    fn provider(&self) -> &str {
        self.inner.provider()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }

    async fn answer(&self, prompt: Prompt) -> Result<ModelStream, ModelError> {
        self.watch.prompted(prompt.question.clone(), format!("{prompt:?}"));
        self.inner.answer(prompt).await
    }

    fn can_continue(&self) -> bool {
        self.inner.can_continue()
    }

    async fn continue_answer(
        &self,
        prompt: Prompt,
        written: &str,
    ) -> Result<ModelStream, ModelError> {
        self.watch.prompted(prompt.question.clone(), format!("{prompt:?} {written}"));
        self.inner.continue_answer(prompt, written).await
    }

    async fn standalone_question(
        &self,
        history: &[Turn],
        question: &str,
    ) -> Result<String, ModelError> {
        self.watch.embedded(format!("{history:?} {question}"));
        self.inner.standalone_question(history, question).await
    }
}

pub struct WatchedEmbedder {
    pub inner: Arc<dyn Embedder>,
    pub watch: Watch,
}

#[async_trait]
impl Embedder for WatchedEmbedder {
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
        self.watch.embedded(text.to_owned());
        self.inner.embed_query(text).await
    }

    async fn embed_passages(
        &self,
        passages: &[String],
    ) -> Result<Vec<Vec<Vector>>, EmbeddingError> {
        self.watch.embedded(passages.join("\n"));
        self.inner.embed_passages(passages).await
    }
}

pub struct WatchedQueue {
    pub inner: Arc<dyn Queue>,
    pub watch: Watch,
}

#[async_trait]
impl Queue for WatchedQueue {
    async fn send(&self, messages: &[Message]) -> Result<(), QueueError> {
        self.watch.queued(messages);
        self.inner.send(messages).await
    }

    async fn receive(&self, most: u32, visibility: Duration) -> Result<Vec<Delivery>, QueueError> {
        self.inner.receive(most, visibility).await
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<bool, QueueError> {
        self.inner.extend(delivery, visibility).await
    }

    async fn delete(&self, delivery: &Delivery) -> Result<(), QueueError> {
        self.inner.delete(delivery).await
    }

    async fn release(&self, delivery: &Delivery, delay: Duration) -> Result<(), QueueError> {
        self.inner.release(delivery, delay).await
    }

    async fn bury(&self, delivery: &Delivery) -> Result<(), QueueError> {
        self.inner.bury(delivery).await
    }

    async fn backlog(&self) -> Result<u64, QueueError> {
        self.inner.backlog().await
    }

    async fn dead(&self, limit: u32) -> Result<Vec<DeadLetter>, QueueError> {
        self.inner.dead(limit).await
    }

    async fn find_dead(&self, message_id: Uuid) -> Result<Option<Message>, QueueError> {
        self.inner.find_dead(message_id).await
    }

    async fn discard(&self, message_id: Uuid) -> Result<Option<Message>, QueueError> {
        self.inner.discard(message_id).await
    }

    async fn check(&self) -> Result<(), QueueError> {
        self.inner.check().await
    }
}
