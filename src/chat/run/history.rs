//! What a model is told of the conversation so far: what its reader may read at this moment, and nothing else.

use uuid::Uuid;

use crate::adapters::models::{Role, Turn};
use crate::chat::store::messages::PastMessage;
use crate::chat::store::summaries::Summary;
use crate::chat::withheld::WITHHELD;
use crate::knowledge::Reach;

/// Earlier turns, and the collections that their text came from.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// What was before the turns, in short.
    pub summary: Option<String>,
    /// As the model is given them.
    pub turns: Vec<Turn>,
    /// What an answer made of them is made of too.
    pub collection_ids: Vec<Uuid>,
    /// Revision of the session with the question in it; nothing without a session.
    pub revision: i64,
    /// As the rows hold them, whoever reads.
    pub past: Vec<PastMessage>,
    /// How many of them are in no summary.
    pub unsummarised: usize,
}

impl History {
    /// The last messages, `most` of them, or behind a summary all that are not in it; with a sentence in place of those
    /// that the reader may not read.
    pub fn within(
        reach: &Reach,
        past: Vec<PastMessage>,
        summary: Option<Summary>,
        most: usize,
    ) -> Self {
        let mut history = Self { past, ..Self::default() };
        let through = summary.as_ref().map(|summary| summary.through_message_id);
        let is_told = |message: &&PastMessage| Some(message.message_id) <= through;
        let summarised = history.past.iter().take_while(is_told).count();
        history.unsummarised = history.past.len() - summarised;
        let first = match through {
            Some(_) => summarised,
            None => history.past.len().saturating_sub(most),
        };
        for message in &history.past[first..] {
            let readable = reach.holds_all(&message.read_collection_ids);
            if readable {
                history.collection_ids.extend(&message.read_collection_ids);
            }
            history.turns.push(Turn {
                role: if message.role == "user" { Role::User } else { Role::Assistant },
                content: if readable { message.content.clone() } else { WITHHELD.to_owned() },
            });
        }
        if let Some(summary) = summary {
            history.collection_ids.extend(summary.read_collection_ids);
            history.summary = Some(summary.content);
        }
        history
    }

    /// Collections that an answer from these turns and from passages of `others` is made of, each once.
    pub fn with(&self, others: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
        let mut ids: Vec<Uuid> = self.collection_ids.iter().copied().chain(others).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
