//! The providers of this process by name, and models made of them in any order.

use std::sync::Arc;

use super::failover::{Breaker, FailoverModel, FailoverSettings, Provider, RetryBudget};
use super::{ChatModel, EXTRACTIVE, ModelCards};

/// Every provider, in the order of the settings.
#[derive(Clone)]
pub struct ModelRegistry {
    providers: Vec<Arc<Provider>>,
    budget: Arc<RetryBudget>,
    settings: FailoverSettings,
    /// Answers as it is, without failover: for a model that is no provider.
    plain: Option<Arc<dyn ChatModel>>,
    cards: ModelCards,
}

impl ModelRegistry {
    /// Providers with their names, which are distinct, in the order in which they are asked unless another is named.
    pub fn new(
        providers: impl IntoIterator<Item = (String, Arc<dyn ChatModel>)>,
        settings: FailoverSettings,
    ) -> Self {
        let providers = providers.into_iter().map(|(name, model)| {
            Arc::new(Provider { name, model, breaker: Breaker::new(settings.breaker) })
        });
        Self {
            providers: providers.collect(),
            budget: Arc::new(RetryBudget::new(&settings.retry)),
            settings,
            plain: None,
            cards: ModelCards::default(),
        }
    }

    /// The same with what is known of models, where the adapters look too.
    #[must_use]
    pub fn with_cards(self, cards: ModelCards) -> Self {
        Self { cards, ..self }
    }

    /// The same with each model behind another that sees what passes, such as one that keeps it.
    #[must_use]
    pub fn seen_by(self, see: impl Fn(Arc<dyn ChatModel>) -> Arc<dyn ChatModel>) -> Self {
        let providers = self.providers.iter().map(|provider| {
            let breaker = Breaker::new(self.settings.breaker);
            let model = see(Arc::clone(&provider.model));
            Arc::new(Provider { name: provider.name.clone(), model, breaker })
        });
        Self { providers: providers.collect(), plain: self.plain.map(see), ..self }
    }

    /// The same providers, left alone and asked again by what these callers meet: what fails for them in the background keeps
    /// nobody else from an answer.
    #[must_use]
    pub fn apart(&self) -> Self {
        let budget = Arc::new(RetryBudget::new(&self.settings.retry));
        Self { budget, ..self.clone().seen_by(|model| model) }
    }

    /// What is known of models.
    pub fn cards(&self) -> &ModelCards {
        &self.cards
    }

    /// The smallest context among the named providers (all when none is named), in tokens: what a prompt must fit into
    /// whoever answers. One of which nothing is known counts as `unknown`; the embedded answerer reads whatever it is given.
    pub fn context_tokens(&self, names: &[String], unknown: u32) -> u32 {
        let reading = self.named(names).filter(|(adapter, _)| *adapter != EXTRACTIVE);
        let contexts = reading.map(|(adapter, model)| {
            self.cards.find(adapter, model).and_then(|card| card.context_tokens).unwrap_or(unknown)
        });
        contexts.min().unwrap_or(unknown)
    }

    /// Adapter and model of each named provider that there is; of all when none is named.
    pub fn named(&self, names: &[String]) -> impl Iterator<Item = (&str, &str)> {
        let is_named = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        let asked = self.list().filter(move |(name, ..)| is_named(name));
        asked.map(|(_, adapter, model)| (adapter, model))
    }

    /// A single model that is asked once and replaced by nobody.
    pub fn plain(model: Arc<dyn ChatModel>) -> Self {
        let name = model.provider().to_owned();
        let settings = FailoverSettings::default();
        Self { plain: Some(Arc::clone(&model)), ..Self::new([(name, model)], settings) }
    }

    /// Names of the providers, in the order of the settings.
    pub fn names(&self) -> Vec<&str> {
        self.providers.iter().map(|provider| provider.name.as_str()).collect()
    }

    /// Name, adapter and model of each provider, in the order of the settings.
    pub fn list(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.providers.iter().map(|it| (it.name.as_str(), it.model.provider(), it.model.model()))
    }

    /// A model over the providers in the order of the settings.
    pub fn in_order(&self) -> Arc<dyn ChatModel> {
        match &self.plain {
            Some(model) => Arc::clone(model),
            None => self.over(self.providers.clone()),
        }
    }

    /// A model over the named providers that there are, in this order; over all when none is named. `None` when there is
    /// none of them: whoever named some wants no others.
    pub fn ordered(&self, names: &[String]) -> Option<Arc<dyn ChatModel>> {
        if names.is_empty() {
            return Some(self.in_order());
        }
        let find = |name: &String| self.providers.iter().find(|provider| provider.name == *name);
        let named: Vec<_> = names.iter().filter_map(find).cloned().collect();
        if named.is_empty() {
            return None;
        }
        Some(if self.plain.is_some() { self.in_order() } else { self.over(named) })
    }

    fn over(&self, providers: Vec<Arc<Provider>>) -> Arc<dyn ChatModel> {
        Arc::new(FailoverModel::new(providers, Arc::clone(&self.budget), self.settings))
    }
}

impl<M: ChatModel> From<Arc<M>> for ModelRegistry {
    fn from(model: Arc<M>) -> Self {
        Self::plain(model)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use async_trait::async_trait;
    use futures_util::StreamExt;

    use super::*;
    use crate::adapters::models::{ModelError, ModelStream, Prompt, Turn};

    struct Down;

    #[async_trait]
    impl ChatModel for Down {
        fn provider(&self) -> &'static str {
            "down"
        }

        fn model(&self) -> &'static str {
            "m"
        }

        async fn answer(&self, _prompt: Prompt) -> Result<ModelStream, ModelError> {
            Err(ModelError::status(503, "down"))
        }

        async fn standalone_question(
            &self,
            _history: &[Turn],
            question: &str,
        ) -> Result<String, ModelError> {
            Ok(question.to_owned())
        }
    }

    #[tokio::test]
    async fn what_fails_apart_leaves_the_others_their_provider_and_their_retries() {
        let mut settings = FailoverSettings::default();
        settings.breaker.least_calls = 2;
        settings.retry.tries = 2;
        settings.retry.base = std::time::Duration::ZERO;
        settings.retry.burst = 1;
        settings.retry.budget_percent = 0;
        let down: Arc<dyn ChatModel> = Arc::new(Down);
        let all = ModelRegistry::new([("down".to_owned(), down)], settings);
        let apart = all.apart();
        let prompt = Prompt {
            instructions: String::new(),
            history: Vec::new(),
            message: "?".to_owned(),
            passages: Vec::new(),
            question: "?".to_owned(),
            standalone_question: "?".to_owned(),
            max_output_tokens: 10,
            temperature: 0.0,
        };
        let mut events = apart.in_order().answer(prompt).await.expect("a stream");
        while events.next().await.is_some() {}
        let is_closed = |registry: &ModelRegistry| registry.providers[0].breaker.is_closed();
        assert!(!is_closed(&apart));
        assert!(apart.providers[0].breaker.admit(Instant::now()).is_err());
        assert!(is_closed(&all));
        assert!(!apart.budget.take(), "its retry is used up");
        assert!(all.budget.take());
    }
}
