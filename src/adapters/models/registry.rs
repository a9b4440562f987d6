//! The providers of this process by name, and models made of them in any order.

use std::sync::Arc;

use super::failover::{Breaker, FailoverModel, FailoverSettings, Provider, RetryBudget};
use super::{ChatModel, ModelCards};

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

/// A name that no provider has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no model provider \"{0}\"")]
pub struct UnknownProvider(pub String);

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

    /// What is known of models.
    pub fn cards(&self) -> &ModelCards {
        &self.cards
    }

    /// The smallest context among the named providers (all when none is named), in tokens: what a prompt must fit into
    /// whoever answers. `None` when none of them is known.
    pub fn context_tokens(&self, names: &[String]) -> Option<u32> {
        let named = self
            .list()
            .filter(|(name, ..)| names.is_empty() || names.iter().any(|wanted| wanted == name));
        named.filter_map(|(_, kind, model)| self.cards.find(kind, model)?.context_tokens).min()
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

    /// A model over the named providers, in this order; over all when none is named.
    ///
    /// # Errors
    /// A name that no provider has.
    pub fn ordered(&self, names: &[String]) -> Result<Arc<dyn ChatModel>, UnknownProvider> {
        if names.is_empty() {
            return Ok(self.in_order());
        }
        let find = |name: &String| {
            let found = self.providers.iter().find(|provider| provider.name == *name);
            found.cloned().ok_or_else(|| UnknownProvider(name.clone()))
        };
        let named = names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        Ok(if self.plain.is_some() { self.in_order() } else { self.over(named) })
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
