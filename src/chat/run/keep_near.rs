//! After the last stage: the messages are kept near for the next question. The answer does not wait for it.

use uuid::Uuid;

use super::generate::Generation;
use crate::chat::store::messages::PastMessage;

impl Generation {
    /// Keeps the last messages, question and answer among them, as they are at a revision of the session.
    pub(super) fn keep_near(
        &self,
        session_id: Uuid,
        revision: i64,
        (message_id, answer): (Uuid, &str),
        read_collection_ids: Vec<Uuid>,
    ) {
        // Another question came in between: its messages are known to the rows only.
        if revision != self.history.revision + 1 {
            return;
        }
        let message = |message_id, role: &str, content: &str, read_collection_ids| PastMessage {
            message_id,
            role: role.to_owned(),
            content: content.to_owned(),
            read_collection_ids,
        };
        let mut messages = self.history.past.clone();
        messages.push(message(self.question_id, "user", &self.question.content, Vec::new()));
        messages.push(message(message_id, "assistant", answer, read_collection_ids));
        let (hot, tenant) = (self.chat.hot.clone(), self.question.tenant);
        let most = self.chat.past_messages();
        self.chat.tasks.spawn(async move {
            hot.keep(tenant, session_id, revision, messages, most).await;
        });
    }
}
