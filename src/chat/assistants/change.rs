//! Makes assistants and changes their drafts. Nobody points an assistant at a collection that they do not reach themselves.

use serde_json::{Value, json};
use uuid::Uuid;

use super::language::{NotALanguage, language};
use super::{AssistantLimits, Configuration, Style};
use crate::chat::store::assistants::Assistant;
use crate::db::{self, OnConstraint, TenantTx};
use crate::identity::Actor;
use crate::kernel::ids::new_id;
use crate::knowledge::Reach;
use crate::web::etag::IfMatch;

/// What to change; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct AssistantChange {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// What to change of the draft.
    pub configuration: ConfigurationChange,
}

/// What to change of a configuration: absent stays, `Some(None)` is as the server sets it from now on.
#[derive(Clone, Debug, Default)]
pub struct ConfigurationChange {
    /// What is asked of every answer.
    pub instructions: Option<Option<String>>,
    /// Collections to ask.
    pub collection_ids: Option<Option<Vec<Uuid>>>,
    /// Providers of models.
    pub providers: Option<Option<Vec<String>>>,
    /// Hundredths of a temperature.
    pub temperature_hundredths: Option<Option<u16>>,
    /// Form of the answer.
    pub style: Option<Option<Style>>,
    /// Language of the answer, as it was given.
    pub language: Option<Option<String>>,
    /// Passages given to the model.
    pub passages: Option<Option<u32>>,
    /// Longest answer.
    pub max_output_tokens: Option<Option<u32>>,
    /// Most tokens of earlier messages.
    pub history_tokens: Option<Option<u32>>,
    /// Least evidence with which a model is asked.
    pub min_evidence: Option<Option<u8>>,
    /// Whether vague questions are answered by a question.
    pub ask_back: Option<Option<bool>>,
}

/// Why an assistant was not made, changed or published.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such assistant.
    #[error("there is no such assistant")]
    Unknown,
    /// It has no such version.
    #[error("there is no such version")]
    UnknownVersion,
    /// Somebody else was faster.
    #[error("the assistant has changed since you read it; read it again and repeat your change")]
    Changed,
    /// The name is taken.
    #[error("there is an assistant \"{0}\" already; choose another name")]
    NameTaken(String),
    /// Enough of them.
    #[error("there are {0} assistants already, which is the most; delete one first")]
    TooMany(u32),
    /// The operator has set up no such provider.
    #[error("there is no provider \"{0}\"; there is {1}")]
    UnknownProvider(String, String),
    /// A collection that there is not, or that the editor does not reach.
    #[error("there is no such collection")]
    UnknownCollection,
    /// It asks collections that the editor does not reach.
    #[error(
        "the assistant asks a collection that you do not reach; ask an admin to change its collections"
    )]
    OutOfReach,
    /// Not a language.
    #[error(transparent)]
    Language(#[from] NotALanguage),
    /// The one that answers where none is named.
    #[error("the default assistant can not be deleted; change it instead")]
    DefaultStays,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Makes an assistant with a draft and without a version.
///
/// # Errors
/// See [`ChangeError`].
pub async fn create_assistant(
    tx: &mut TenantTx,
    actor: &Actor,
    name: String,
    change: AssistantChange,
    limits: &AssistantLimits,
) -> Result<Assistant, ChangeError> {
    // Two who create at once would both count one too few.
    tx.lock_tenant().await?;
    if tx.count_assistants().await? >= i64::from(limits.max_assistants) {
        return Err(ChangeError::TooMany(limits.max_assistants));
    }
    let nothing = Configuration::default();
    let draft = changed(tx, actor, &nothing, change.configuration, limits).await?;
    let id = new_id();
    let description = change.description.unwrap_or_default();
    tx.insert_assistant(id, &name, &description, &draft)
        .await
        .on_constraint("assistants_name_idx", || ChangeError::NameTaken(name.clone()))?;
    let made = tx.find_assistant(id).await?.ok_or(ChangeError::Unknown)?;
    let entry = actor.audit("assistant.created").on("assistant", id);
    tx.append_audit(entry.after(facts(&made))).await?;
    Ok(made)
}

/// Changes name, description or draft.
///
/// # Errors
/// See [`ChangeError`].
pub async fn change_assistant(
    tx: &mut TenantTx,
    actor: &Actor,
    assistant_id: Uuid,
    change: AssistantChange,
    if_match: &IfMatch,
    limits: &AssistantLimits,
) -> Result<Assistant, ChangeError> {
    let before = tx.lock_assistant(assistant_id).await?.ok_or(ChangeError::Unknown)?;
    if !if_match.allows(before.revision) {
        return Err(ChangeError::Changed);
    }
    let mut after = before.clone();
    after.draft = changed(tx, actor, &before.draft, change.configuration, limits).await?;
    after.name = change.name.unwrap_or(after.name);
    after.description = change.description.unwrap_or(after.description);
    if facts(&before) == facts(&after) {
        return Ok(before);
    }
    let updated = tx
        .update_assistant(&after)
        .await
        .on_constraint("assistants_name_idx", || ChangeError::NameTaken(after.name.clone()))?;
    let entry = actor.audit("assistant.updated").on("assistant", assistant_id);
    tx.append_audit(entry.before(facts(&before)).after(facts(&updated))).await?;
    Ok(updated)
}

/// A configuration with the change made, once every part of it can be used.
async fn changed(
    tx: &mut TenantTx,
    actor: &Actor,
    before: &Configuration,
    change: ConfigurationChange,
    limits: &AssistantLimits,
) -> Result<Configuration, ChangeError> {
    let mut after = before.clone();
    if let Some(ids) = change.collection_ids {
        after.collection_ids = collections(tx, actor, before, ids).await?;
    }
    if let Some(names) = change.providers {
        after.providers = names.map(|names| known(names, &limits.providers)).transpose()?.flatten();
    }
    if let Some(tag) = change.language {
        after.language = tag.map(|tag| language(&tag)).transpose()?.flatten();
    }
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    after.instructions = change.instructions.map_or(after.instructions, filled);
    after.temperature_hundredths =
        change.temperature_hundredths.unwrap_or(after.temperature_hundredths);
    after.style = change.style.unwrap_or(after.style);
    after.passages = change.passages.unwrap_or(after.passages);
    after.max_output_tokens = change.max_output_tokens.unwrap_or(after.max_output_tokens);
    after.history_tokens = change.history_tokens.unwrap_or(after.history_tokens);
    after.min_evidence = change.min_evidence.unwrap_or(after.min_evidence);
    after.ask_back = change.ask_back.unwrap_or(after.ask_back);
    Ok(after)
}

/// The collections that are to be asked; none means all.
async fn collections(
    tx: &mut TenantTx,
    actor: &Actor,
    before: &Configuration,
    ids: Option<Vec<Uuid>>,
) -> Result<Option<Vec<Uuid>>, ChangeError> {
    let reach = Reach::of(tx, &actor.into()).await?;
    // Those are not shown to the editor, who would take them out without knowing.
    if !reach.holds_all(before.collection_ids.as_deref().unwrap_or_default()) {
        return Err(ChangeError::OutOfReach);
    }
    let mut ids = ids.unwrap_or_default();
    ids.sort_unstable();
    ids.dedup();
    if !tx.has_collections(&reach, &ids).await? {
        return Err(ChangeError::UnknownCollection);
    }
    Ok((!ids.is_empty()).then_some(ids))
}

/// The providers in their order, each once; absent when none is named, which is the server's order.
fn known(names: Vec<String>, configured: &[String]) -> Result<Option<Vec<String>>, ChangeError> {
    let mut distinct: Vec<String> = Vec::new();
    for name in names {
        if !configured.contains(&name) {
            return Err(ChangeError::UnknownProvider(name, configured.join(", ")));
        }
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    Ok((!distinct.is_empty()).then_some(distinct))
}

/// What the audit log tells of an assistant.
pub(super) fn facts(assistant: &Assistant) -> Value {
    json!({
        "name": assistant.name,
        "description": assistant.description,
        "draft": assistant.draft.facts(),
        "published_version": assistant.published_version,
    })
}
