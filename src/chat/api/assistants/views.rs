//! Assistants and their configurations as clients see and send them.

use chrono::{DateTime, Utc};
use poem_openapi::types::{Example, MaybeUndefined};
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use crate::chat::assistants::{AssistantChange, Configuration, ConfigurationChange, Style};
use crate::chat::store::assistants::{Assistant, AssistantVersion};
use crate::knowledge::Reach;
use crate::web::problem::ApiError;
use crate::web::reading::{plain_text, readable_text};

/// Form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "AnswerStyle", rename_all = "snake_case")]
pub enum StyleName {
    /// As short as it can be.
    Concise,
    /// With reasons and conditions.
    Detailed,
    /// Numbered steps.
    Steps,
    /// A list of points.
    Bullets,
}

/// How an assistant answers; what is absent is as the server sets it.
#[derive(Clone, Debug, Object)]
#[oai(rename = "AssistantConfiguration", skip_serializing_if_is_none)]
pub struct ConfigurationView {
    /// What is asked of every answer: tone, scope, words.
    #[oai(validator(max_length = 8000))]
    instructions: Option<String>,
    /// Collections to ask, as far as you reach them; all that the asker reaches when absent.
    #[oai(validator(max_items = 50))]
    collection_ids: Option<Vec<Uuid>>,
    /// Providers of models, the first choice first.
    #[oai(validator(max_items = 10))]
    providers: Option<Vec<String>>,
    /// 0 for the most likely words, up to 2.
    temperature: Option<f64>,
    /// Form of the answer.
    style: Option<StyleName>,
    /// Language of the answer, a BCP 47 tag; that of the question when absent.
    #[oai(validator(max_length = 35))]
    language: Option<String>,
    /// Passages given to the model.
    passages: Option<u32>,
    /// Longest answer, in the model's tokens.
    max_output_tokens: Option<u32>,
    /// Most tokens of earlier messages given to the model.
    history_tokens: Option<u32>,
    /// Least evidence, 0 to 100, with which a model is asked; below it the answer is "I do not know".
    min_evidence: Option<u8>,
    /// Whether a question too vague to be searched is answered by a question.
    ask_back: Option<bool>,
}

/// What to change of a configuration: what is absent stays, what is null is as the server sets it.
#[derive(Clone, Debug, Default, Object)]
#[oai(rename = "AssistantConfigurationUpdate", deny_unknown_fields)]
pub struct ConfigurationUpdate {
    /// What is asked of every answer: tone, scope, words.
    #[oai(validator(max_length = 8000))]
    instructions: MaybeUndefined<String>,
    /// Collections to ask; all that the asker reaches when null or empty.
    #[oai(validator(max_items = 50))]
    collection_ids: MaybeUndefined<Vec<Uuid>>,
    /// Providers of models, the first choice first; the server's order when null.
    #[oai(validator(max_items = 10, max_length = 100))]
    providers: MaybeUndefined<Vec<String>>,
    /// 0 for the most likely words, up to 2; two decimals count.
    #[oai(validator(minimum(value = "0"), maximum(value = "2")))]
    temperature: MaybeUndefined<f64>,
    /// Form of the answer.
    style: MaybeUndefined<StyleName>,
    /// Language of the answer, a BCP 47 tag such as `de-CH`; `auto` or null for that of the question.
    #[oai(validator(min_length = 1, max_length = 35))]
    language: MaybeUndefined<String>,
    /// Passages given to the model.
    #[oai(validator(minimum(value = "1"), maximum(value = "50")))]
    passages: MaybeUndefined<u32>,
    /// Longest answer, in the model's tokens.
    #[oai(validator(minimum(value = "16"), maximum(value = "32768")))]
    max_output_tokens: MaybeUndefined<u32>,
    /// Most tokens of earlier messages that the answer is made from; 0 for none.
    #[oai(validator(minimum(value = "0"), maximum(value = "100000")))]
    history_tokens: MaybeUndefined<u32>,
    /// Least evidence with which a model is asked; 0 asks it always.
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    min_evidence: MaybeUndefined<u8>,
    /// Whether a question too vague to be searched is answered by a question.
    ask_back: MaybeUndefined<bool>,
}

/// What answers questions.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Assistant", skip_serializing_if_is_none)]
pub struct AssistantView {
    /// Id of the assistant.
    id: Uuid,
    /// Unique within the tenant.
    #[oai(validator(max_length = 100))]
    name: String,
    /// What it is for.
    #[oai(validator(max_length = 2000))]
    description: String,
    /// Whether it answers where a request names none.
    is_default: bool,
    /// Number of the version that answers; absent until one is published.
    published_version: Option<i32>,
    /// Configuration that answers; absent until one is published, and for who may not change assistants.
    published: Option<ConfigurationView>,
    /// Configuration that is being worked on; absent for who may not change assistants.
    draft: Option<ConfigurationView>,
    /// Whether the draft is another than what is published; absent for who may not change assistants.
    has_unpublished_changes: Option<bool>,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
}

/// An assistant to be made.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct AssistantCreate {
    /// Unique within the tenant.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub name: String,
    /// What it is for; empty when absent.
    #[oai(validator(max_length = 2000))]
    description: Option<String>,
    /// How it is to answer; as the server sets it when absent.
    draft: Option<ConfigurationUpdate>,
}

impl Example for AssistantCreate {
    fn example() -> Self {
        Self {
            name: "setup guide".to_owned(),
            description: Some("Leads new customers through the installation".to_owned()),
            draft: Some(ConfigurationUpdate {
                instructions: MaybeUndefined::Value(
                    "Speak to somebody who installs the product for the first time.".to_owned(),
                ),
                style: MaybeUndefined::Value(StyleName::Steps),
                language: MaybeUndefined::Value("en".to_owned()),
                ..ConfigurationUpdate::default()
            }),
        }
    }
}

/// What to change of an assistant; what is absent stays.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct AssistantUpdate {
    /// New name.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: Option<String>,
    /// New description.
    #[oai(validator(max_length = 2000))]
    description: Option<String>,
    /// What to change of the draft.
    draft: Option<ConfigurationUpdate>,
}

impl Example for AssistantUpdate {
    fn example() -> Self {
        Self {
            name: None,
            description: None,
            draft: Some(ConfigurationUpdate {
                style: MaybeUndefined::Value(StyleName::Detailed),
                passages: MaybeUndefined::Value(12),
                ..ConfigurationUpdate::default()
            }),
        }
    }
}

/// Which version is to answer again.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct AssistantRollback {
    /// Number of a version of the assistant.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
    pub version: i32,
}

impl Example for AssistantRollback {
    fn example() -> Self {
        Self { version: 1 }
    }
}

/// A page of assistants.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct AssistantList {
    /// Assistants, oldest first.
    #[oai(validator(max_items = 100))]
    pub items: Vec<AssistantView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub next_cursor: Option<String>,
}

/// A configuration as it was published.
#[derive(Debug, Object)]
#[oai(rename = "AssistantVersion", skip_serializing_if_is_none)]
pub struct AssistantVersionView {
    /// Id of the version.
    id: Uuid,
    /// Counts from 1 within the assistant.
    number: i32,
    /// Whether it is the one that answers.
    is_published: bool,
    /// What was published.
    configuration: ConfigurationView,
    /// Key or person who published it; absent for the first version of a default assistant.
    published_by: Option<Uuid>,
    /// When it was published.
    published_at: DateTime<Utc>,
}

/// A page of versions.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct AssistantVersionList {
    /// Versions, newest first.
    #[oai(validator(max_items = 100))]
    pub items: Vec<AssistantVersionView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub next_cursor: Option<String>,
}

impl AssistantCreate {
    /// What is to be set of a new assistant, without its name.
    pub fn change(self) -> AssistantChange {
        AssistantChange {
            name: None,
            description: self.description.as_deref().map(plain_text),
            configuration: self.draft.unwrap_or_default().into(),
        }
    }
}

impl AssistantUpdate {
    /// What is to be changed.
    ///
    /// # Errors
    /// 422 for a name in which nothing can be read.
    pub fn change(self) -> Result<AssistantChange, ApiError> {
        Ok(AssistantChange {
            name: self.name.map(|name| readable_text("/name", &name)).transpose()?,
            description: self.description.as_deref().map(plain_text),
            configuration: self.draft.unwrap_or_default().into(),
        })
    }
}

impl From<ConfigurationUpdate> for ConfigurationChange {
    fn from(update: ConfigurationUpdate) -> Self {
        let ConfigurationUpdate {
            instructions,
            collection_ids,
            providers,
            temperature,
            style,
            language,
            passages,
            max_output_tokens,
            history_tokens,
            min_evidence,
            ask_back,
        } = update;
        Self {
            instructions: Option::<Option<_>>::from(instructions)
                .map(|text| text.as_deref().map(plain_text)),
            collection_ids: collection_ids.into(),
            providers: providers.into(),
            temperature_hundredths: Option::<Option<_>>::from(temperature)
                .map(|it| it.map(hundredths)),
            style: Option::<Option<_>>::from(style).map(|style| style.map(Into::into)),
            language: language.into(),
            passages: passages.into(),
            max_output_tokens: max_output_tokens.into(),
            history_tokens: history_tokens.into(),
            min_evidence: min_evidence.into(),
            ask_back: ask_back.into(),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 2 by the validator"
)]
fn hundredths(temperature: f64) -> u16 {
    (temperature * 100.0).round() as u16
}

impl AssistantView {
    /// An assistant as somebody sees it; `editor` is the reach of who may change it.
    pub fn new(assistant: Assistant, editor: Option<&Reach>) -> Self {
        let has_unpublished_changes = assistant.published.as_ref() != Some(&assistant.draft);
        let view = |configuration| editor.map(|reach| ConfigurationView::new(configuration, reach));
        Self {
            id: assistant.assistant_id,
            name: assistant.name,
            description: assistant.description,
            is_default: assistant.is_default,
            published_version: assistant.published_version,
            published: assistant.published.and_then(view),
            draft: view(assistant.draft),
            has_unpublished_changes: editor.map(|_| has_unpublished_changes),
            created_at: assistant.created_at,
            updated_at: assistant.updated_at,
        }
    }
}

impl AssistantVersionView {
    /// A version of an assistant as an editor sees it.
    pub fn new(version: AssistantVersion, of: &Assistant, reach: &Reach) -> Self {
        Self {
            id: version.version_id,
            number: version.number,
            is_published: of.published_version == Some(version.number),
            configuration: ConfigurationView::new(version.configuration, reach),
            published_by: version.published_by,
            published_at: version.created_at,
        }
    }
}

impl ConfigurationView {
    fn new(configuration: Configuration, reach: &Reach) -> Self {
        let Configuration {
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
        } = configuration;
        let reached = |ids: Vec<Uuid>| ids.into_iter().filter(|id| reach.holds(*id)).collect();
        Self {
            instructions,
            collection_ids: collection_ids.map(reached),
            providers,
            temperature: temperature_hundredths.map(|hundredths| f64::from(hundredths) / 100.0),
            style: style.map(Into::into),
            language,
            passages,
            max_output_tokens,
            history_tokens,
            min_evidence,
            ask_back,
        }
    }
}

impl From<StyleName> for Style {
    fn from(name: StyleName) -> Self {
        match name {
            StyleName::Concise => Self::Concise,
            StyleName::Detailed => Self::Detailed,
            StyleName::Steps => Self::Steps,
            StyleName::Bullets => Self::Bullets,
        }
    }
}

impl From<Style> for StyleName {
    fn from(style: Style) -> Self {
        match style {
            Style::Concise => Self::Concise,
            Style::Detailed => Self::Detailed,
            Style::Steps => Self::Steps,
            Style::Bullets => Self::Bullets,
        }
    }
}
