//! Keeps a summary of the older part of each long conversation, so that a question needs the last turns and no more. Made
//! behind an answer, not before one: nobody waits for it. An answerer that writes nothing of its own makes none; then the
//! last turns alone are told.

use std::sync::Arc;

use futures_util::StreamExt;
use uuid::Uuid;

use super::prompt::{self, Window};
use super::run::Chat;
use super::store::messages::PastMessage;
use super::store::summaries::Summary;
use super::withheld::WITHHELD;
use crate::adapters::models::{
    ChatModel, FinishReason, ModelError, ModelEvent, Prompt, Role, Turn,
};
use crate::db;
use crate::kernel::ids::TenantId;
use crate::knowledge::{Reach, Reader};

/// A summary that runs on is no summary: the rest is cut.
const MOST_CHARS: usize = 4_000;

/// Why there is no newer summary.
#[derive(Debug, thiserror::Error)]
enum SummaryError {
    #[error(transparent)]
    Database(#[from] db::Error),
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Whose conversation is to be summarised, by what.
pub(super) struct Summarising {
    pub tenant: TenantId,
    pub session_id: Uuid,
    /// Who reads the conversation: what they do not reach is not told.
    pub reader: Reader,
    pub model: Arc<dyn ChatModel>,
    /// What the prompt must fit into.
    pub window: Window,
}

/// What is to be summarised.
struct Older {
    before: Option<Summary>,
    messages: Vec<PastMessage>,
}

impl Chat {
    /// Brings the summary of a session up to date when it has grown by a step since the last one: by as many messages as a
    /// model is given. Whatever fails, the next answer tries again.
    pub(super) async fn summarise(self, work: Summarising) {
        // An instance that is to end does not wait for it.
        let made = tokio::select! {
            made = self.try_to_summarise(&work) => made,
            () = self.left() => return,
        };
        if let Err(error) = made {
            tracing::warn!(session.id = %work.session_id, %error, "the conversation has no newer summary");
        }
    }

    async fn try_to_summarise(&self, work: &Summarising) -> Result<(), SummaryError> {
        let Some(older) = self.older(work).await? else { return Ok(()) };
        let Some(last) = older.messages.last() else { return Ok(()) };
        let turns: Vec<Turn> = older.messages.iter().map(turn).collect();
        let notes = older.before.as_ref().map(|summary| summary.content.as_str());
        let prompt = prompt::for_summary(notes, &turns, work.window);
        let Some(content) = written(work.model.as_ref(), prompt).await? else { return Ok(()) };
        let before = older.before.iter().flat_map(|summary| &summary.read_collection_ids);
        let read = older.messages.iter().flat_map(|message| &message.read_collection_ids);
        let mut read_collection_ids: Vec<Uuid> = before.chain(read).copied().collect();
        read_collection_ids.sort_unstable();
        read_collection_ids.dedup();
        let summary = Summary { through_message_id: last.message_id, content, read_collection_ids };
        let mut tx = self.db().tenant(work.tenant).await?;
        tx.put_session_summary(work.session_id, &summary).await?;
        Ok(tx.commit().await?)
    }

    /// The messages that are in no summary and too old to be told as they are; absent while they are few.
    async fn older(&self, work: &Summarising) -> Result<Option<Older>, SummaryError> {
        let step = self.history_messages();
        let mut tx = self.db().tenant(work.tenant).await?;
        let reach = Reach::of(&mut tx, &work.reader).await?;
        let before = tx.find_session_summary(work.session_id).await?;
        // Whoever may not read it makes none in its place: it would lack what they can not read, for everybody.
        if before.as_ref().is_some_and(|summary| !reach.holds_all(&summary.read_collection_ids)) {
            return Ok(None);
        }
        let after = before.as_ref().map(|summary| summary.through_message_id);
        let mut messages = tx.list_turns(work.session_id, after, 4 * step).await?;
        let newer = usize::try_from(step).unwrap_or_default();
        if newer == 0 || messages.len() < 2 * newer {
            return Ok(None);
        }
        messages.truncate(messages.len() - newer);
        for message in &mut messages {
            if !reach.holds_all(&message.read_collection_ids) {
                WITHHELD.clone_into(&mut message.content);
                message.read_collection_ids.clear();
            }
        }
        Ok(Some(Older { before, messages }))
    }
}

/// What the model writes; absent when it writes nothing, or says that it can not.
async fn written(model: &dyn ChatModel, prompt: Prompt) -> Result<Option<String>, ModelError> {
    let mut events = model.answer(prompt).await?;
    let mut text = String::new();
    while let Some(event) = events.next().await {
        match event? {
            ModelEvent::Delta(delta) => text.push_str(&delta),
            ModelEvent::Reset { .. } => text.clear(),
            ModelEvent::Finished(FinishReason::NoAnswer | FinishReason::ContentFilter) => {
                return Ok(None);
            }
            _ => {}
        }
    }
    let text: String = text.trim().chars().take(MOST_CHARS).collect();
    Ok((!text.is_empty()).then_some(text))
}

fn turn(message: &PastMessage) -> Turn {
    Turn {
        role: if message.role == "user" { Role::User } else { Role::Assistant },
        content: message.content.clone(),
    }
}
