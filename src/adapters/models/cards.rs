//! What is known of each model: how much it reads and writes, and what it can. The operator keeps it in a table; here is
//! the copy that adapters look into while they make requests. It is replaced while the process runs.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Regions that a cross-region inference profile of Bedrock can have in front of the model's id.
const REGIONS: [&str; 8] = ["us.", "eu.", "apac.", "global.", "jp.", "au.", "ca.", "us-gov."];

/// What is known of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCard {
    /// Adapter or name of the provider.
    pub provider: String,
    /// The model's name as the provider knows it.
    pub model: String,
    /// Tokens that it reads and writes together; absent when unknown.
    pub context_tokens: Option<u32>,
    /// Tokens that it writes at most; absent when unknown.
    pub max_output_tokens: Option<u32>,
    /// Whether a request may mark what shall be kept in the provider's cache.
    pub prompt_caching: bool,
    /// Whether it takes rules apart from the conversation.
    pub system_prompt: bool,
}

/// The cards of all models. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct ModelCards {
    cards: Arc<RwLock<HashMap<(String, String), ModelCard>>>,
}

impl ModelCards {
    /// Takes these in place of all that there were.
    pub fn replace(&self, cards: Vec<ModelCard>) {
        let cards =
            cards.into_iter().map(|card| ((card.provider.clone(), card.model.clone()), card));
        *self.cards.write().unwrap_or_else(PoisonError::into_inner) = cards.collect();
    }

    /// The card of a model; that of the model itself where a profile of Bedrock has none of its own.
    pub fn find(&self, provider: &str, model: &str) -> Option<ModelCard> {
        let cards = self.cards.read().unwrap_or_else(PoisonError::into_inner);
        let get = |model: &str| cards.get(&(provider.to_owned(), model.to_owned())).cloned();
        get(model).or_else(|| get(without_region(model)))
    }

    /// The bound on an answer's length: what was asked for, or what the model can write when that is less.
    pub(super) fn output_bound(&self, provider: &str, model: &str, asked: u32) -> u32 {
        let most = self.find(provider, model).and_then(|card| card.max_output_tokens);
        asked.min(most.unwrap_or(u32::MAX))
    }
}

/// A model's id without the region of its profile.
pub fn without_region(model: &str) -> &str {
    REGIONS.iter().find_map(|region| model.strip_prefix(region)).unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_the_card_of_its_model_unless_it_has_its_own() {
        let card = |model: &str, most| ModelCard {
            provider: "bedrock".to_owned(),
            model: model.to_owned(),
            context_tokens: None,
            max_output_tokens: Some(most),
            prompt_caching: true,
            system_prompt: true,
        };
        let cards = ModelCards::default();
        assert_eq!(cards.output_bound("bedrock", "a.model", 9_000), 9_000);
        cards.clone().replace(vec![card("a.model", 100), card("eu.a.model", 50)]);
        assert_eq!(cards.output_bound("bedrock", "a.model", 9_000), 100);
        assert_eq!(cards.output_bound("bedrock", "us.a.model", 9_000), 100);
        assert_eq!(cards.output_bound("bedrock", "eu.a.model", 9_000), 50);
        assert_eq!(cards.output_bound("bedrock", "eu.a.model", 10), 10);
        assert_eq!(cards.output_bound("openai", "a.model", 9_000), 9_000);
        assert_eq!(without_region("usual.model"), "usual.model");
    }
}
