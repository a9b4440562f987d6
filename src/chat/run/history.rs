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
}

impl History {
    /// The messages, with a sentence in place of those that the reader may not read.
    pub fn within(reach: &Reach, past: Vec<PastMessage>) -> Self {
        let mut history = Self::default();
        for message in past {
            let readable = reach.holds_all(&message.read_collection_ids);
            if readable {
                history.collection_ids.extend(message.read_collection_ids);
            }
            history.turns.push(Turn {
                role: if message.role == "user" { Role::User } else { Role::Assistant },
                content: if readable { message.content } else { WITHHELD.to_owned() },
            });
        }
        history
    }

    /// The same behind a summary of what was before.
    pub fn behind(mut self, summary: Option<Summary>) -> Self {
        if let Some(summary) = summary {
            self.collection_ids.extend(summary.read_collection_ids);
            self.summary = Some(summary.content);
        }
        self
    }

    /// Collections that an answer from these turns and from passages of `others` is made of, each once.
    pub fn with(&self, others: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
        let mut ids: Vec<Uuid> = self.collection_ids.iter().copied().chain(others).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
