//! How an assistant answers: what its editors set, and what that comes to on this server.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::kernel::canonical::canonical_json;

/// What editors set, as it is stored. What is absent is as the server sets it, also after the server was set otherwise.
/// There are no fractions in it, so that its JSON is written in one way only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Configuration {
    /// What is asked of every answer: tone, scope, words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Collections to ask; all that the asker reaches when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection_ids: Option<Vec<Uuid>>,
    /// Providers of models, the first choice first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub providers: Option<Vec<String>>,
    /// Hundredths of a temperature, 0 to 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_hundredths: Option<u16>,
    /// Form of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<Style>,
    /// Language of the answer, a BCP 47 tag; that of the question when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Passages given to the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passages: Option<u32>,
    /// Longest answer, in the model's tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// Most tokens of earlier messages given to the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_tokens: Option<u32>,
    /// Least evidence, 0 to 100, with which a model is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_evidence: Option<u8>,
    /// Whether a question too vague to be searched is answered by a question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask_back: Option<bool>,
}

/// Form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// As short as it can be.
    #[default]
    Concise,
    /// With reasons and conditions.
    Detailed,
    /// Numbered steps.
    Steps,
    /// A list of points.
    Bullets,
}

impl Style {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Concise => "concise",
            Self::Detailed => "detailed",
            Self::Steps => "steps",
            Self::Bullets => "bullets",
        }
    }
}

/// What holds where an assistant says nothing: the server's settings.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// Passages given to the model.
    pub passages: u32,
    /// Longest answer, in the model's tokens.
    pub max_output_tokens: u32,
    /// Most tokens of earlier messages given to the model.
    pub history_tokens: u32,
    /// Least evidence with which a model is asked.
    pub min_evidence: u8,
}

/// What a configuration comes to, with the server's defaults in the place of what it leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveConfiguration {
    /// What is asked of every answer; empty for nothing.
    pub instructions: String,
    /// Collections to ask; all that the asker reaches when empty.
    pub collection_ids: Vec<Uuid>,
    /// Providers of models, the first choice first; the server's order when empty.
    pub providers: Vec<String>,
    /// Hundredths of a temperature.
    pub temperature_hundredths: u16,
    /// Form of the answer.
    pub style: Style,
    /// Language of the answer; that of the question when absent.
    pub language: Option<String>,
    /// Passages given to the model.
    pub passages: u32,
    /// Longest answer, in the model's tokens.
    pub max_output_tokens: u32,
    /// Most tokens of earlier messages given to the model.
    pub history_tokens: u32,
    /// Least evidence with which a model is asked.
    pub min_evidence: u8,
    /// Whether a question too vague to be searched is answered by a question.
    pub ask_back: bool,
}

impl Configuration {
    /// What this comes to on a server with these defaults.
    pub fn effective(&self, defaults: &Defaults) -> EffectiveConfiguration {
        let own = self.clone();
        EffectiveConfiguration {
            instructions: own.instructions.unwrap_or_default(),
            collection_ids: own.collection_ids.unwrap_or_default(),
            providers: own.providers.unwrap_or_default(),
            temperature_hundredths: own.temperature_hundredths.unwrap_or_default(),
            style: own.style.unwrap_or_default(),
            language: own.language,
            passages: own.passages.unwrap_or(defaults.passages),
            max_output_tokens: own.max_output_tokens.unwrap_or(defaults.max_output_tokens),
            history_tokens: own.history_tokens.unwrap_or(defaults.history_tokens),
            min_evidence: own.min_evidence.unwrap_or(defaults.min_evidence),
            ask_back: own.ask_back.unwrap_or(true),
        }
    }

    /// As the audit log tells of it.
    pub fn facts(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl EffectiveConfiguration {
    /// SHA-256 over the canonical JSON of every field: equal for two answers exactly when they were asked for alike.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(canonical_json(&self.facts())).into()
    }

    /// The temperature as providers take it.
    pub fn temperature(&self) -> f32 {
        f32::from(self.temperature_hundredths) / 100.0
    }

    fn facts(&self) -> Value {
        let Self {
            instructions,
            collection_ids,
            providers,
            temperature_hundredths,
            style,
            language,
            passages,
            max_output_tokens,
            history_tokens,
            min_evidence,
            ask_back,
        } = self;
        json!({
            "instructions": instructions,
            "collection_ids": collection_ids,
            "providers": providers,
            "temperature_hundredths": temperature_hundredths,
            "style": style.as_str(),
            "language": language,
            "passages": passages,
            "max_output_tokens": max_output_tokens,
            "history_tokens": history_tokens,
            "min_evidence": min_evidence,
            "ask_back": ask_back,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: Defaults =
        Defaults { passages: 8, max_output_tokens: 1_024, history_tokens: 2_000, min_evidence: 30 };

    #[test]
    fn what_is_absent_is_as_the_server_sets_it() {
        let own = Configuration { passages: Some(3), ..Configuration::default() };
        let effective = own.effective(&DEFAULTS);
        assert_eq!((effective.passages, effective.max_output_tokens), (3, 1_024));
        assert_eq!(own.facts(), json!({ "passages": 3 }));
        assert!(effective.ask_back && effective.instructions.is_empty());
    }

    #[test]
    fn the_digest_is_that_of_what_decides_and_of_nothing_else() {
        let base = Configuration::default();
        let said = Configuration { passages: Some(8), ..Configuration::default() };
        assert_eq!(base.effective(&DEFAULTS).sha256(), said.effective(&DEFAULTS).sha256());
        let other = Configuration { style: Some(Style::Steps), ..Configuration::default() };
        assert_ne!(base.effective(&DEFAULTS).sha256(), other.effective(&DEFAULTS).sha256());
        let server = Defaults { passages: 9, ..DEFAULTS };
        assert_ne!(base.effective(&DEFAULTS).sha256(), base.effective(&server).sha256());
    }

    #[test]
    fn a_configuration_of_an_older_server_is_read_by_a_newer_one_and_the_reverse() {
        let stored = json!({ "style": "bullets", "from_the_future": 1 });
        let read: Configuration = serde_json::from_value(stored).expect("readable");
        assert_eq!(read, Configuration { style: Some(Style::Bullets), ..Configuration::default() });
    }
}
